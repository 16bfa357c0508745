"""A consumer made of plain functions.

    app = Consumer("billing", hub="http://127.0.0.1:4280")

    @app.on("com.example.order.*")
    async def paid(order: Order) -> None: ...

    app.run()

All instances of a consumer share one pulled subscription, by its name: it is made where it is missing, and
follows the handlers' filters. A handler that returns acknowledges its event. One that raises has it come
again, after a pause that doubles each time; one that raises `Reject`, or that is given a payload of
another type than it asks for, makes it a dead letter. An event that several handlers want goes to the one
that was named first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeVar, Unpack

from chappe.client import wanted
from chappe.client.ambient import drawn
from chappe.client.arrived import Arrived
from chappe.client.calling import Handler, Route, route
from chappe.client.client import Client
from chappe.client.deliveries import Deliveries, Delivery
from chappe.client.drafts import UNSET, Beside, EventLike, event_of
from chappe.client.paths import DEFAULT_CHANNEL
from chappe.client.standing import Standing
from chappe.domain.errors import ChappeError, Malformed, SchemaMismatch
from chappe.domain.retry import RetryPolicy, backoff_s
from chappe.kit.supervise import Supervisor

HandlerT = TypeVar("HandlerT", bound=Handler)

_log = logging.getLogger("chappe.consumer")
NO_HANDLER: Final = "no handler wants it"


class Reject(Exception):
    """The event can never be handled: it becomes a dead letter, with this reason."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an event: `acknowledged`, `released` (with its pause) or `rejected`, and why."""

    word: Literal["acknowledged", "released", "rejected"]
    handler: str | None = None
    reason: str | None = None
    delay_s: float = 0.0
    error: BaseException | None = None


class Consumer:
    """Handlers for the events of one pulled subscription.

    `hub` is a URL or an open `Client`; absent: as for Client. `concurrency` events are handled at a time;
    with `ordering` "key" those of a key one after another. `settings` are more members of the
    subscription, such as `retry`: after its `max_attempts` an event becomes a dead letter.
    """

    def __init__(
        self,
        name: str,
        *,
        hub: Client | str | Sequence[str] | None = None,
        channel: str = DEFAULT_CHANNEL,
        ordering: str | None = None,
        start: str = "latest",
        concurrency: int = 16,
        lock_s: float = 60.0,
        backoff: RetryPolicy = RetryPolicy(),  # noqa: B008 - it is frozen
        grace_s: float = 30.0,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        if concurrency < 1:
            raise Malformed(f"concurrency: {concurrency} is less than 1")
        self.name = name
        self._hub = hub
        self._members = {
            "protocol": "PULL",
            "protocolsettings": {"lock_s": lock_s},
            "channel": channel,
            "start": start,
            **({"ordering": ordering} if ordering else {}),
            **(settings or {}),
        }
        self._concurrency = concurrency
        self._backoff = backoff
        self._grace_s = grace_s
        self._routes: list[Route] = []
        self._stopping = asyncio.Event()

    def on(
        self,
        *types: str,
        source: str | None = None,
        subject: str | None = None,
        sql: str | None = None,
        filter: wanted.Expression | None = None,
    ) -> Callable[[HandlerT], HandlerT]:
        """Have a function handle the events of these types (a star stands for any text).

        Raises:
            Malformed: a filter breaks a rule, or the function asks for what cannot be given.
        """
        parts = wanted.expressions(types, source=source, subject=subject, sql=sql, filter=filter)

        def named(handler: HandlerT) -> HandlerT:
            self._routes.append(route(handler, wanted.all_of(parts)))
            return handler

        return named

    async def deliver(
        self, event: str | EventLike | Arrived, data: object = UNSET, **beside: Unpack[Beside]
    ) -> Outcome:
        """Handle one event here and now, without a hub: for tests."""
        if isinstance(event, Arrived):
            return await self._handle(event, 1)
        made = event_of(event, data, beside, source=f"/consumers/{self.name}/test")
        return await self._handle(Arrived(made, ""), 1)

    def run(self) -> None:
        """Handle events until SIGINT or SIGTERM; what is being handled then is finished."""

        async def until_signalled() -> None:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                # Windows has no such handlers; there Ctrl-C cancels.
                with contextlib.suppress(NotImplementedError):
                    loop.add_signal_handler(number, self.stop)
            await self.serve()

        asyncio.run(until_signalled())

    def stop(self) -> None:
        """Take no further events; `serve` returns when those that are being handled are done."""
        self._stopping.set()

    async def serve(self) -> None:
        """Handle events until `stop`.

        Raises:
            CallerError: the hub refuses the subscription.
            Unavailable: the hub could not be reached at first; later it is waited for.
        """
        if not self._routes:
            raise Malformed(f"consumer {self.name!r}: has no handler; name one with @app.on(…)")
        if isinstance(self._hub, Client):
            await self._serve(self._hub)
        else:
            async with Client(self._hub) as hub:
                await self._serve(hub)

    async def _serve(self, hub: Client) -> None:
        standing = Standing(self.name, {**self._members, **self._filters()}, follow_filters=True)
        # One more waits in the buffer for each that is being handled.
        deliveries = hub.deliveries(standing, prefetch=min(2 * self._concurrency, 1_000))
        async with deliveries, Supervisor() as tasks:
            working = [
                tasks.start_soon(self._work(deliveries), name=f"{self.name} {number}")
                for number in range(self._concurrency)
            ]
            stopping = tasks.start_soon(self._until_stopped(deliveries), name=f"{self.name} stop")
            try:
                await asyncio.wait([*working, stopping], return_when=asyncio.FIRST_COMPLETED)
                await deliveries.stop()
                await asyncio.wait(working, timeout=self._grace_s)
            finally:
                tasks.cancel()
        if deliveries.ended is not None:
            raise deliveries.ended

    async def _until_stopped(self, deliveries: Deliveries) -> None:
        await self._stopping.wait()
        await deliveries.stop()

    async def _work(self, deliveries: Deliveries) -> None:
        while (delivery := await deliveries.next()) is not None:
            outcome = await self._handle(delivery, delivery.count)
            try:
                await _settle(delivery, outcome)
            except ChappeError as exc:
                _log.warning("%r: was %s, but the hub: %s", delivery, outcome.word, exc.message)

    async def _handle(self, arrived: Arrived, count: int) -> Outcome:
        found = next((one for one in self._routes if one.takes(arrived.event)), None)
        if found is None:
            # A newer instance may know it: the filters are those of whoever came last.
            return Outcome("released", None, NO_HANDLER, self._pause_s(count))
        try:
            await found.call(arrived)
        except Reject as exc:
            return Outcome("rejected", found.name, str(exc) or "rejected", error=exc)
        except SchemaMismatch as exc:
            return Outcome("rejected", found.name, exc.message, error=exc)
        except Exception as exc:  # noqa: BLE001 - whatever a handler raises is its word
            _log.exception("%r: %s failed", arrived, found.name)
            reason = f"{type(exc).__name__}: {exc}"
            return Outcome("released", found.name, reason, self._pause_s(count), exc)
        return Outcome("acknowledged", found.name)

    def _pause_s(self, count: int) -> float:
        return backoff_s(count, self._backoff, drawn())

    def _filters(self) -> dict[str, object]:
        any_of = wanted.any_of(one.filter for one in self._routes)
        return {"types": [], "filters": [] if any_of is None else [any_of]}


async def _settle(delivery: Delivery, outcome: Outcome) -> bool:
    match outcome.word:
        case "acknowledged":
            return await delivery.ack()
        case "released":
            return await delivery.release(outcome.delay_s)
        case "rejected":
            return await delivery.reject(outcome.reason)
