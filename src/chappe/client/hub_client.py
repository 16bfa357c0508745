"""The client of a hub: publish, list, trace, subscribe, declare; over the same HTTP API as everybody.

    async with HubClient("http://127.0.0.1:4280") as hub:
        receipt = await hub.publish(event)
        trace = await hub.trace(receipt.position)

Whatever the hub refuses is raised as a class of `chappe.domain.errors`; `details` hold the members of
its problem object. No answer is `Unavailable`.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TypeVar

import msgspec

from chappe.client import paths
from chappe.client.http1 import Http1, Origin
from chappe.client.paths import DEFAULT_CHANNEL, EventQuery
from chappe.client.problems import error_of
from chappe.client.transport import Answer, Arriving, Transport
from chappe.client.views import (
    BatchReceipt,
    Declared,
    Listed,
    Page,
    Readiness,
    Receipt,
    Subscribed,
    Trace,
)
from chappe.domain.errors import ChappeError, Unavailable
from chappe.domain.event import Event
from chappe.formats import cloudevents_json

DEFAULT_URL = "http://127.0.0.1:4280"
DEFAULT_TIMEOUT_S = 30.0

JSON = "application/json"
EVENT = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"

_encode = msgspec.json.Encoder(decimal_format="number").encode

View = TypeVar("View")


class Streamed:
    """An answer that is read as it comes."""

    def __init__(self, streaming: Arriving) -> None:
        self.status = streaming.status
        self._streaming = streaming

    def chunks(self) -> AsyncIterator[bytes]:
        """The body, as it comes."""
        return self._streaming.chunks()

    async def whole(self) -> Answer:
        """All of it; for one that is no stream."""
        body = b"".join([chunk async for chunk in self._streaming.chunks()])
        return Answer(self.status, self._streaming.headers, body)


class HubClient:
    """One hub; safe to be used by many tasks at a time."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        token: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        tls: ssl.SSLContext | None = None,
        transport: Transport | None = None,
        always: Mapping[str, str] | None = None,
    ) -> None:
        """`transport` is for a hub that is not asked over HTTP; `url` and `tls` mean nothing then.

        `always` are headers of every request, besides the token.
        """
        self._http: Transport = transport or Http1(Origin.parse(url), tls=tls)
        self._timeout_s = timeout_s
        self._always = dict(always or {})
        if token:
            self._always["authorization"] = f"Bearer {token}"

    async def __aenter__(self) -> HubClient:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the kept connections."""
        await self._http.close()

    async def publish(self, event: Event, *, channel: str = DEFAULT_CHANNEL) -> Receipt:
        """Hand in one event; once this returns, it is on disk.

        Raises:
            InvalidEvent, SchemaMismatch, TooLarge: the hub refused it.
            Unavailable: it may or may not have been stored; publish it again.
        """
        answer = await self.publish_json(cloudevents_json.encode(event), channel=channel)
        return _decoded(answer, Receipt)

    async def publish_batch(
        self, events: Sequence[Event], *, channel: str = DEFAULT_CHANNEL
    ) -> BatchReceipt:
        """Hand in several events: all of them are stored, or none.

        Raises:
            InvalidBatch: with one error for each event that is refused.
            Unavailable: they may or may not have been stored; publish them again.
        """
        encoded = [cloudevents_json.encode(event) for event in events]
        return _decoded(await self.publish_json_batch(encoded, channel=channel), BatchReceipt)

    async def publish_json(self, event: bytes, *, channel: str = DEFAULT_CHANNEL) -> Answer:
        """Hand in one event in the JSON format, as it is: nothing is read or changed here."""
        return await self._ask("POST", paths.channel_events(channel), event, EVENT, repeatable=True)

    async def publish_json_batch(
        self, events: Sequence[bytes], *, channel: str = DEFAULT_CHANNEL
    ) -> Answer:
        """Hand in several events in the JSON format, as they are."""
        body = b"[" + b",".join(events) + b"]"
        return await self._ask("POST", paths.channel_events(channel), body, BATCH, repeatable=True)

    async def event(self, reference: str, *, channel: str = DEFAULT_CHANNEL) -> bytes:
        """One event in the JSON format, by position, id, or source and id joined with `#`."""
        return (await self._ask("GET", paths.event(reference, channel), accept=EVENT)).body

    async def events(self, query: EventQuery | None = None) -> AsyncIterator[Listed]:
        """All events that fit, page by page; ends at the first empty page or where no more follow."""
        path: str | None = (query or EventQuery()).path
        while path is not None:
            page = await self.page(path)
            for listed in page.events:
                yield listed
            path = page.next if page.events else None

    async def page(self, path: str, *, wait_s: float = 0.0) -> Page:
        """One page of a list: of `EventQuery.path`, or of `Page.next`."""
        answer = await self.read(path, wait_s=wait_s)
        return Page(
            events=_decoded(answer, list[Listed]),
            next=paths.next_page(answer.headers.get("link")),
        )

    async def follow(self, query: EventQuery | None = None) -> AsyncIterator[Listed]:
        """Events in order of acceptance, those to come included; never ends by itself.

        It starts after `position` of the query, else with the first event that fits.
        """
        wanted = replace(query or EventQuery(), order="asc")
        wanted = replace(wanted, wait_s=wanted.wait_s or 20.0)
        path: str | None = wanted.path
        while path is not None:
            page = await self.page(path, wait_s=wanted.wait_s)
            for listed in page.events:
                yield listed
            path = page.next

    async def trace(self, reference: str, *, channel: str = DEFAULT_CHANNEL) -> Trace:
        """Did it arrive? Each subscription with its attempts, or with what kept the event from it."""
        return _decoded(await self.read(paths.trace(reference, channel)), Trace)

    async def subscriptions(self) -> list[Subscribed]:
        """All subscriptions."""
        return _decoded(await self.read(paths.SUBSCRIPTIONS), list[Subscribed])

    async def subscription(self, subscription_id: str) -> Subscribed:
        """One subscription."""
        return _decoded(await self.read(paths.subscription(subscription_id)), Subscribed)

    async def subscribe(self, wanted: Mapping[str, object], *, id: str | None = None) -> Subscribed:
        """Make a subscription of a Subscriptions API object (docs/api.md), of this id if one is given.

        Raises:
            Conflict: there is one of that id.
        """
        return _decoded(await self.write("POST", paths.new_subscription(id), wanted), Subscribed)

    async def replace_subscription(
        self, subscription_id: str, wanted: Mapping[str, object]
    ) -> Subscribed:
        """Replace a subscription; with an `epoch`, only if it is the present one (`Conflict`)."""
        path = paths.subscription(subscription_id)
        return _decoded(await self.write("PUT", path, wanted), Subscribed)

    async def unsubscribe(self, subscription_id: str) -> None:
        """End a subscription."""
        await self._ask("DELETE", paths.subscription(subscription_id))

    async def declarations(self, group: str) -> dict[str, Declared]:
        """The payload schemas of a group, by type."""
        return _decoded(await self.read(paths.declarations(group)), dict[str, Declared])

    async def declaration(self, group: str, type_: str) -> Declared:
        """The payload schema of a type."""
        return _decoded(await self.read(paths.declaration(group, type_)), Declared)

    async def declare(self, group: str, type_: str, wanted: Mapping[str, object]) -> Declared:
        """Declare the payload schema of a type, or replace it."""
        return _decoded(await self.write("PUT", paths.declaration(group, type_), wanted), Declared)

    async def undeclare(self, group: str, type_: str) -> None:
        """Take the payload schema of a type away."""
        await self._ask("DELETE", paths.declaration(group, type_))

    async def channels(self) -> object:
        """The channels, as the API gives them."""
        return _decoded(await self.read(paths.CHANNELS), object)

    async def ready(self) -> Readiness:
        """How the hub is; a hub that is not ready is an answer too, and no error."""
        return _decoded(await self.readiness(), Readiness)

    async def readiness(self) -> Answer:
        """The answer to /readyz, 200 or 503, with its headers."""
        answer = await self._send("GET", paths.READY, b"", {"accept": JSON}, repeatable=True)
        if answer.status not in (200, 503) or b'"checks"' not in answer.body:
            raise error_of(answer)
        return answer

    async def read(self, path: str, *, wait_s: float = 0.0) -> Answer:
        """GET a path of `chappe.client.paths`; the body is the API's, byte for byte."""
        return await self._ask("GET", path, wait_s=wait_s)

    async def write(
        self,
        method: str,
        path: str,
        wanted: Mapping[str, object] | None,
        *,
        wait_s: float = 0.0,
        repeatable: bool = False,
    ) -> Answer:
        """POST or PUT an object, or nothing, to a path of `chappe.client.paths`; `repeatable`: twice is once."""
        if wanted is None:
            return await self._ask(method, path, wait_s=wait_s, repeatable=repeatable)
        body = _encode(wanted)
        return await self._ask(method, path, body, JSON, wait_s=wait_s, repeatable=repeatable)

    async def delete(self, path: str) -> Answer:
        """DELETE a path of `chappe.client.paths`."""
        return await self._ask("DELETE", path)

    @contextlib.asynccontextmanager
    async def stream(
        self, path: str, headers: Mapping[str, str], *, silence_s: float
    ) -> AsyncIterator[Streamed]:
        """GET what is read as it comes; the answer whatever its status."""
        async with self._http.stream(
            path,
            headers={**headers, **self._always},
            timeout_s=self._timeout_s,
            silence_s=silence_s,
        ) as streaming:
            yield Streamed(streaming)

    async def exchange(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer:
        """One request as it is; the answer whatever its status."""
        return await self._send(method, path, body, headers, repeatable=False)

    async def _ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        content_type: str | None = None,
        *,
        accept: str = JSON,
        wait_s: float = 0.0,
        repeatable: bool = False,
    ) -> Answer:
        headers = {"accept": accept}
        if content_type is not None:
            headers["content-type"] = content_type
        answer = await self._send(method, path, body, headers, wait_s=wait_s, repeatable=repeatable)
        if answer.status >= 300:
            raise error_of(answer)
        return answer

    async def _send(
        self,
        method: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        repeatable: bool,
        wait_s: float = 0.0,
    ) -> Answer:
        try:
            return await self._http.ask(
                method,
                path,
                headers={**headers, **self._always},
                body=body,
                timeout_s=self._timeout_s + wait_s,
                repeatable=repeatable,
            )
        except Unavailable as exc:
            message = f"the hub does not answer: {exc.message}"
            raise Unavailable(
                message, **{**exc.details, "code": exc.code, "url": self._http.url}
            ) from exc


def _decoded(answer: Answer, type_: type[View]) -> View:
    try:
        return msgspec.json.decode(answer.body, type=type_)
    except msgspec.MsgspecError as exc:
        raise ChappeError(
            f"the answer is not what docs/api.md says ({exc}); is this hub another version?"
        ) from exc
