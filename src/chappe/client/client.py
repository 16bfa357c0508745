"""The client of a hub for programs: publish, subscribe, follow, validate, look up.

    async with Client("http://127.0.0.1:4280", source="/shop") as hub:
        receipt = await hub.publish("order.paid", {"total": 12}, subject="A-1")
        async with hub.subscribe("order.*", name="billing") as deliveries:
            async for delivery in deliveries:
                await delivery.ack()

What the hub refuses is raised as a class of `chappe.domain.errors` (all are names of `chappe`, too).
What it cannot do now is tried again, at each of its nodes, until a deadline (`Retry`).
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Final, TypeVar, Unpack

import msgspec

from chappe.client import ambient, wanted
from chappe.client.declared import Catalogue
from chappe.client.deliveries import Deliveries
from chappe.client.drafts import UNSET, Beside, EventLike, event_of
from chappe.client.hub_client import EVENT, JSON, HubClient
from chappe.client.intake import HubIntake, Intake, SinkIntake
from chappe.client.nodes import Nodes
from chappe.client.paths import DEFAULT_CHANNEL
from chappe.client.problems import error_of
from chappe.client.publisher import Publisher
from chappe.client.sink_client import OVERRIDES, SINK, SinkClient, read_overrides
from chappe.client.standing import Standing
from chappe.client.streaming import StreamQuery
from chappe.client.tail import Streamed, Tail
from chappe.client.trying import Retry
from chappe.client.views import BatchReceipt, Judged, Receipt, Trace
from chappe.domain.errors import ChappeError, Malformed
from chappe.domain.event import Event
from chappe.formats import cloudevents_json
from chappe.kit.supervise import Supervisor

DEFAULT_RETRY: Final = Retry()
Background = TypeVar("Background", Deliveries, Publisher)
_encode = msgspec.json.encode


class Client:
    """One hub, by one or several of its nodes; safe to be used by many tasks of one loop.

    Without `url` it is CHAPPE_URL, else the sink that K_SINK names (which can only be published to),
    else the hub of this machine; without `token` CHAPPE_TOKEN. `source` is that of events that say none.
    """

    def __init__(
        self,
        url: str | Sequence[str] | None = None,
        *,
        token: str | None = None,
        source: str | None = None,
        retry: Retry = DEFAULT_RETRY,
        max_in_flight: int = 64,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        environ = ambient.environment()
        token = ambient.token_of(token)
        self._source = source
        self._overrides = read_overrides(environ.get(OVERRIDES, ""))
        self._sink = SINK if url is None and ambient.names_a_sink() else None
        self._nodes = Nodes(
            [
                HubClient(one, token=token, timeout_s=retry.try_s, tls=tls)
                for one in ambient.urls_of(url)
            ],
            retry,
            max_in_flight=max_in_flight,
        )
        self._intake: Intake = HubIntake(self._nodes)
        if self._sink is not None:
            sink = SinkClient.from_environment(environ, token=token, timeout_s=retry.try_s)
            self._intake = SinkIntake(Nodes([sink], retry, max_in_flight=max_in_flight))
        self._supervisor: Supervisor | None = None
        self._open: list[Deliveries | Publisher] = []

    async def __aenter__(self) -> Client:
        if self._supervisor is not None:
            raise Malformed("Client: is in use already; make another one")
        self._supervisor = await Supervisor().__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End what works in the background, in order, and close the connections."""
        supervisor, self._supervisor = self._supervisor, None
        try:
            while self._open:
                await self._open.pop().close()
        finally:
            if supervisor is not None:
                supervisor.cancel()
                await supervisor.__aexit__(None, None, None)
            await self._intake.close()
            await self._nodes.close()

    # --- publishing

    async def publish(
        self,
        event: str | EventLike,
        data: object = UNSET,
        *,
        channel: str = DEFAULT_CHANNEL,
        **beside: Unpack[Beside],
    ) -> Receipt:
        """Hand in one event, of a type with data, or as it is; once this returns, it is on disk.

        A new event gets an id and a time before the first try, so however often it is tried it is one
        event: `receipt.duplicate` tells that the hub had it already.

        Raises:
            InvalidEvent, SchemaMismatch, TooLarge, Forbidden: the hub refuses it.
            Unavailable: no node answered in time. It may or may not have been stored; publish the
                same event (the same `id`) again.
        """
        made = self.event(event, data, **beside)
        return await self._intake.one(cloudevents_json.encode(made), channel)

    async def publish_batch(
        self, events: Iterable[EventLike], *, channel: str = DEFAULT_CHANNEL
    ) -> BatchReceipt:
        """Hand in several events in one request: all of them are stored, or none.

        Raises:
            InvalidBatch: `errors` has the error of each event that is refused, by its index.
            TooLarge: take smaller batches, or publish_each.
            Unavailable: as for publish.
        """
        return await self._intake.batch(self._encoded(events), channel)

    async def publish_each(
        self, events: Iterable[EventLike], *, channel: str = DEFAULT_CHANNEL
    ) -> list[Receipt | ChappeError]:
        """Hand in any number of events, in batches, in their order; what is refused stops no other.

        The answer has for each event its receipt, or the error that kept it out.
        """
        return await self._intake.each(self._encoded(events), channel)

    def publisher(
        self,
        *,
        channel: str = DEFAULT_CHANNEL,
        linger_ms: float = 5.0,
        max_batch: int = 100,
        max_waiting: int = 10_000,
    ) -> Publisher:
        """Publish in the background, in batches: a block (`async with`); see Publisher.

        A batch leaves `linger_ms` after its first event, or with `max_batch` of them. With `max_waiting`
        on their way, who wants to put another one waits.
        """
        publisher = Publisher(
            self._intake,
            self._made,
            self._running(),
            channel=channel,
            linger_s=linger_ms / 1000,
            max_batch=max_batch,
            max_waiting=max_waiting,
        )
        return self._kept(publisher)

    def event(
        self, event: str | EventLike, data: object = UNSET, **beside: Unpack[Beside]
    ) -> Event:
        """The event that `publish` would hand in.

        Raises:
            InvalidEvent: an attribute breaks a rule of the specification.
            Malformed: it is no event, or its payload cannot be JSON.
        """
        return self._made(event, data, beside)

    # --- reading

    def subscribe(
        self,
        *types: str,
        name: str,
        channel: str = DEFAULT_CHANNEL,
        source: str | None = None,
        subject: str | None = None,
        sql: str | None = None,
        filter: wanted.Expression | None = None,
        start: str = "latest",
        ordering: str | None = None,
        lock_s: float = 60.0,
        prefetch: int = 100,
        renew_for_s: float = 3_600.0,
        settings: Mapping[str, object] | None = None,
    ) -> Deliveries:
        """The events of the pulled subscription `name`, shared with all who read it; see Deliveries.

        The subscription is made where there is none: for events whose type is one of `types` (a star
        stands for any text) and for which all else holds, from `start` on. One that is there is read
        as it is. `ordering` "key" gives the events of a key one after another. `settings` are more
        members of the subscription, such as `retry` (docs/subscriptions.md).

        A lock is renewed for `renew_for_s` at most, so that what was forgotten comes again.
        """
        filters = wanted.expressions(types, source=source, subject=subject, sql=sql, filter=filter)
        made: dict[str, object] = {
            "protocol": "PULL",
            "protocolsettings": {"lock_s": lock_s},
            "channel": channel,
            "start": start,
            "filters": filters,
            **({"ordering": ordering} if ordering else {}),
            **(settings or {}),
        }
        return self.deliveries(Standing(name, made), prefetch=prefetch, renew_for_s=renew_for_s)

    def deliveries(
        self, standing: Standing, *, prefetch: int = 100, renew_for_s: float = 3_600.0
    ) -> Deliveries:
        """The same for a subscription that is described in full, or that must be there already."""
        deliveries = Deliveries(
            self._hub(),
            self._running(),
            standing,
            prefetch=prefetch,
            renew_for_s=renew_for_s,
        )
        return self._kept(deliveries)

    def stream(
        self,
        *types: str,
        channel: str = DEFAULT_CHANNEL,
        source: str | None = None,
        subject: str | None = None,
        sql: str | None = None,
        filter: wanted.Expression | None = None,
        start: str = "latest",
        after: str | None = None,
    ) -> AsyncIterator[Streamed]:
        """Events as they come, for ever; the hub keeps nothing about who reads.

        `start` is "latest", "earliest" or a time; `after` is the position of the last event that one
        has. A lost connection is made again, at any node, and goes on where it was.

        Raises:
            CallerError: the hub refuses what is asked for.
            Unavailable: the hub could not be reached at first.
        """
        filters = wanted.expressions(types, source=source, subject=subject, sql=sql, filter=filter)
        query = StreamQuery(
            channel=channel,
            filter=_encode(filters).decode() if filters else None,
            start=after or start,
        )
        return Tail(self._hub(), query).events()

    async def trace(self, reference: str, *, channel: str = DEFAULT_CHANNEL) -> Trace:
        """Did it arrive? By position, id, or source and id joined with `#`."""
        return await self._hub().ask(lambda hub: hub.trace(reference, channel=channel))

    async def validate(
        self, event: str | EventLike, data: object = UNSET, **beside: Unpack[Beside]
    ) -> Judged:
        """Would the hub let this event in? Nothing is stored. A mapping is sent as it is."""
        whole = _encode(event) if isinstance(event, Mapping) else None
        body = whole or cloudevents_json.encode(self.event(event, data, **beside))

        async def judged(hub: HubClient) -> Judged:
            headers = {"accept": JSON, "content-type": EVENT}
            answer = await hub.exchange("POST", "/validate", body, headers)
            if answer.status >= 300:
                raise error_of(answer)
            return msgspec.json.decode(answer.body, type=Judged)

        return await self._hub().ask(judged)

    @property
    def registry(self) -> Catalogue:
        """The registry: what events there are, and what they look like."""
        return Catalogue(self._hub())

    def _made(self, event: str | EventLike, data: object, beside: Beside) -> Event:
        return event_of(event, data, beside, source=self._source, overrides=self._overrides)

    def _encoded(self, events: Iterable[EventLike]) -> list[bytes]:
        return [cloudevents_json.encode(self._made(event, UNSET, {})) for event in events]

    def _hub(self) -> Nodes[HubClient]:
        if self._sink is not None:
            raise Malformed(f"{self._sink}: names a sink, not a hub; give the hub's url")
        return self._nodes

    def _kept(self, one: Background) -> Background:
        """To be closed with the client; those that were closed before are forgotten."""
        self._open = [*(other for other in self._open if not other.is_closed), one]
        return one

    def _running(self) -> Supervisor:
        if self._supervisor is None:
            raise Malformed("Client: is not open; use it as: async with Client(…) as hub")
        return self._supervisor
