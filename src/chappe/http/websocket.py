"""CloudEvents over WebSockets (websockets-protocol-binding.md): /events and /events/stream.

    GET /events          the client publishes, one event a message
    GET /events/stream   the client is sent events, as by http/stream, and may publish as well

The binding has no answers. A message that is refused ends the connection with a close code that says
why; with `receipts=true` the hub tells of each event that is on disk, by an event of its own. A client
that closes is answered when all that it sent is on disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

from msgspec import structs
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Request,
    TextMessage,
)
from wsproto.frame_protocol import FrameProtocol
from wsproto.utilities import RemoteProtocolError

from chappe.domain.access import (
    PUBLISH,
    READ,
    Principal,
    channel_group,
    lacking,
    may_publish,
    require,
)
from chappe.domain.channel import DEFAULT, OWN
from chappe.domain.errors import (
    CallerError,
    ChappeError,
    Forbidden,
    Malformed,
    SchemaMismatch,
    TooLarge,
    Unavailable,
    UnsupportedFormat,
)
from chappe.domain.event import Event
from chappe.domain.position import Position
from chappe.flows.stream import Piece, Reading
from chappe.formats.receipt import Receipt
from chappe.formats.websocket_events import SUBPROTOCOLS, Subprotocol, chosen
from chappe.http.call import Call
from chappe.http.exchange import find_header
from chappe.http.parts import Parts
from chappe.http.problems import code_of
from chappe.http.raw import Raw
from chappe.http.stream import wanted_of
from chappe.kit.any_json import encode_json
from chappe.kit.supervise import Supervisor

PARAMETERS: Final = (
    "type", "source", "subject", "filter", "from", "positions", "receipts", "access_token",
)  # fmt: skip
PUBLISHING_PARAMETERS: Final = ("receipts", "access_token")

PING_S: Final = 15.0
STALLED_S: Final = 60.0
CLOSE_WITHIN_S: Final = 5.0
MOST_UNDER_WAY: Final = 256
"""Events of one connection that are being stored; more wait in its socket."""

MOST_REASON: Final = 123
"""RFC 6455 5.5: what a close frame holds beside its code."""

RECEIPT_TYPE: Final = "chappe.receipt"

_CLOSE: Final[Sequence[tuple[type[ChappeError], int]]] = (
    (TooLarge, 1009),
    (UnsupportedFormat, 1003),
    (SchemaMismatch, 1008),
    (Forbidden, 1008),
    (Malformed, 1007),
    (CallerError, 1008),
    (Unavailable, 1013),
)
"""RFC 6455 7.4.1, and its registry: what a class of errors closes with; any other: 1011."""


def parameters_at(path: bytes) -> Sequence[str]:
    """What a handshake may ask for there."""
    return PARAMETERS if path.endswith(b"/stream") else PUBLISHING_PARAMETERS


def is_asked(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether a request wants to leave HTTP for WebSocket."""
    upgrade = find_header(headers, b"upgrade")
    return upgrade is not None and upgrade.strip().lower() == b"websocket"


@dataclass(frozen=True, slots=True)
class Opening:
    """A handshake that may succeed."""

    ws: WSConnection
    subprotocol: Subprotocol
    channel: str
    publishes: bool
    receipts: bool
    positions: bool
    reading: Reading | None


async def opening(
    parts: Parts, call: Call, by: Principal, params: Mapping[str, str], query: Mapping[str, str]
) -> Opening:
    """Check what a handshake asks for; who may read at /events/stream gets a reader.

    Raises:
        Malformed, UnsupportedFormat: it is no handshake, or for no subprotocol that the hub knows.
        Forbidden: the caller lacks the right, or is a page of another origin.
        NotFound, Overloaded, Unavailable: as Streams.open.
    """
    ws = WSConnection(ConnectionType.SERVER)
    try:
        ws.initiate_upgrade_connection(list(call.headers), call.path)
    except RemoteProtocolError as error:
        raise Malformed(f"WebSocket handshake: {error} (RFC 6455 4.2.1)") from error
    (asked,) = ws.events()
    assert isinstance(asked, Request)
    _check_origin(parts, call)
    subprotocol = chosen(asked.subprotocols)
    if subprotocol is None:
        # websockets-protocol-binding.md 1.4: then no Sec-WebSocket-Protocol is answered.
        offered = ", ".join(asked.subprotocols) or "none"
        raise UnsupportedFormat(
            f"Sec-WebSocket-Protocol: {offered} was offered; one of {', '.join(SUBPROTOCOLS)} is"
            " needed"
        )
    channel = params.get("channel", DEFAULT)
    flags = {name: _flag(name, query) for name in ("receipts", "positions")}
    reading = None
    if call.path.endswith(b"/stream"):
        require(by, READ, channel_group(channel))
        reading = await parts.streams.open(channel, query.get("from", "latest"), wanted_of(query))
    elif not may_publish(by, channel):
        if channel not in OWN:
            raise lacking(by, PUBLISH, channel_group(channel))
        raise Forbidden(f"channel {channel}: {by.name!r} may not publish to it", right="publish")
    return Opening(ws, subprotocol, channel, may_publish(by, channel), reading=reading, **flags)


class Session:
    """One connection, from its handshake to its end."""

    def __init__(
        self,
        parts: Parts,
        raw: Raw,
        opening: Opening,
        accepted: Callable[[str, int, int, int, float], None],
    ) -> None:
        """`accepted` is told of each event that is on disk (App)."""
        self._parts = parts
        self._raw = raw
        self._ws = opening.ws
        self._opening = opening
        self._accepted = accepted
        self._loop = asyncio.get_running_loop()
        self._message: list[bytes] = []
        self._size = 0
        self._under_way = 0
        self._fewer = asyncio.Event()
        self._over = asyncio.Event()
        self._heard = True
        self._closing = False
        self._limit = asyncio.timeout(None)

    async def run(self) -> None:
        """Serve until either side closes."""
        opening = self._opening
        leave = self._parts.streams.enter(self._over.set) if opening.reading is None else None
        self._raw.write(self._ws.send(AcceptConnection(subprotocol=opening.subprotocol.name)))
        try:
            async with Supervisor() as tasks:
                tasks.start_soon(self._send(), name="websocket send")
                try:
                    async with self._limit:
                        await self._receive()
                except TimeoutError:
                    self._raw.abort()  # It does not answer our close.
                self._closing = True
                tasks.cancel()
        finally:
            if opening.reading is not None:
                opening.reading.close()
            if leave is not None:
                leave()

    # What comes

    async def _receive(self) -> None:
        while True:
            data = await self._raw.read()
            if not data:
                return
            self._heard = True
            self._ws.receive_data(data)
            for event in self._ws.events():
                match event:
                    case TextMessage() | BytesMessage():
                        await self._take(event)
                    case Ping():
                        self._write(event.response())
                    case CloseConnection():
                        await self._stored()
                        if not self._closing:
                            self._closing = True
                            self._raw.write(self._ws.send(event.response()))
                        return
                    case _:
                        pass

    async def _take(self, message: TextMessage | BytesMessage) -> None:
        if self._closing:
            return
        opening, limit_bytes = self._opening, self._parts.limits.event_bytes
        if not opening.publishes:
            self._refuse(Forbidden(f"the token lacks the right to publish to {opening.channel}"))
            return
        if isinstance(message, TextMessage) is not opening.subprotocol.is_text:
            needed = "text" if opening.subprotocol.is_text else "binary"
            self._refuse(
                UnsupportedFormat(f"{opening.subprotocol.name}: {needed} messages are needed")
            )
            return
        data = message.data.encode() if isinstance(message.data, str) else bytes(message.data)
        self._message.append(data)
        self._size += len(data)
        if self._size > limit_bytes:
            self._refuse(TooLarge(f"message: longer than {limit_bytes} bytes"))
        elif message.message_finished:
            body = b"".join(self._message)
            self._message.clear()
            self._size = 0
            await self._publish(body)

    async def _publish(self, body: bytes) -> None:
        while self._under_way >= MOST_UNDER_WAY:
            self._fewer.clear()
            await self._fewer.wait()
        started_s = perf_counter()
        self._under_way += 1
        event: Event | None = None
        try:
            event = self._opening.subprotocol.decode(body)
            self._parts.accept.begin(
                self._opening.channel, event, partial(self._done, event, len(body), started_s)
            )
        except ChappeError as error:
            self._under_way -= 1
            if isinstance(error, SchemaMismatch) and event is not None:
                self._parts.counters.violated(event.type, "refuse")
            self._refuse(error)

    def _done(self, event: Event, size: int, started_s: float, ended: Receipt | Exception) -> None:
        self._under_way -= 1
        self._fewer.set()
        if isinstance(ended, Exception):
            self._refuse(ended)
            return
        self._accepted(self._opening.channel, 1, int(ended.duplicate), size, started_s)
        if self._opening.receipts and not self._closing:
            self._raw.write(_frame(self._opening.subprotocol, _receipt(event, ended)))

    async def _stored(self) -> None:
        """Wait until all that came is on disk."""
        while self._under_way:
            self._fewer.clear()
            await self._fewer.wait()

    # What goes

    async def _send(self) -> None:
        reading, form = self._opening.reading, self._form()
        silent = 0
        pieces: Sequence[Piece]
        while not self._over.is_set():
            if reading is None:
                try:
                    await asyncio.wait_for(self._over.wait(), PING_S)
                except TimeoutError:
                    pieces = ()
                else:
                    break
            else:
                pieces = await reading.next(PING_S)
                if reading.ended:
                    break
            for piece in pieces:
                frames = piece.tailed.encoded(form, piece.indexes, self._encoded)
                if self._closing:
                    return
                self._raw.write(b"".join(frames))
                await self._drained()
            if not pieces:
                silent = 0 if self._heard else silent + 1
                if silent >= 2:
                    self._raw.abort()
                    return
                self._heard = False
                self._write(Ping())
        self._end(1012, "this node is shutting down; come back")

    async def _drained(self) -> None:
        try:
            await self._raw.drained(STALLED_S)
        except TimeoutError:
            self._raw.abort()

    def _form(self) -> str:
        return f"{self._opening.subprotocol.name} {self._opening.positions}"

    def _encoded(self, event: Event, position: Position, at_ms: int) -> bytes:
        if self._opening.positions:
            extensions = {**event.extensions, "position": str(position)}
            event = structs.replace(event, extensions=extensions)
        return _frame(self._opening.subprotocol, event)

    def _refuse(self, error: Exception) -> None:
        self._parts.counters.rejected[code_of(error)] += 1
        code = next((code for kind, code in _CLOSE if isinstance(error, kind)), 1011)
        text = error.message if isinstance(error, ChappeError) else "the hub made a mistake"
        self._end(code, f"{code_of(error)}: {text}")

    def _end(self, code: int, reason: str) -> None:
        if self._closing:
            return
        self._closing = True
        shown = reason.encode()[:MOST_REASON].decode("utf-8", "ignore")
        self._raw.write(self._ws.send(CloseConnection(code, shown)))
        self._limit.reschedule(self._loop.time() + CLOSE_WITHIN_S)

    def _write(self, event: Ping | object) -> None:
        if not self._closing:
            self._raw.write(self._ws.send(event))  # type: ignore[arg-type]


def _frame(subprotocol: Subprotocol, event: Event) -> bytes:
    """A whole message: frames of a server are the same for every client, so one does for all."""
    encoded = subprotocol.encode(event)
    payload = encoded.decode() if subprotocol.is_text else encoded
    return bytes(FrameProtocol(client=False, extensions=[]).send_data(payload, fin=True))


def _receipt(event: Event, receipt: Receipt) -> Event:
    position = str(receipt.position)
    said: dict[str, object] = {"position": position, "duplicate": receipt.duplicate}
    if receipt.quarantine is not None:
        said["quarantine"] = receipt.quarantine
    return Event(
        id=f"{event.id} {position}",
        source=event.source,
        type=RECEIPT_TYPE,
        subject=event.id,
        datacontenttype="application/json",
        data=encode_json(said),
        text=True,
    )


def _check_origin(parts: Parts, call: Call) -> None:
    """A hub without tokens is open to whoever reaches it, but not to any page in a browser there.

    Other requests are kept from such pages by the browser (CORS); this one is not (RFC 6455 10.2).
    """
    origin = find_header(call.headers, b"origin")
    if origin is None or not parts.authorizer.is_open:
        return
    host = find_header(call.headers, b"host") or b""
    if urlsplit(origin.decode("latin-1")).netloc.lower() != host.decode("latin-1").lower():
        raise Forbidden(
            f"Origin: {origin.decode('latin-1')[:200]!r} is another one than the hub's; without"
            " tokens, pages of other origins are refused"
        )


def _flag(name: str, query: Mapping[str, str]) -> bool:
    text = query.get(name, "false")
    if text not in ("true", "false"):
        raise Malformed(f"parameter {name}: {text[:20]!r} is neither true nor false")
    return text == "true"
