"""The web console in a node: HTTP to its values and back, and its way to the API without a socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from typing_extensions import override

from chappe.client.transport import Answer, Arriving
from chappe.console.exchange import MAX_FORM_BYTES, Answered, Asked
from chappe.domain.errors import ChappeError, Unavailable
from chappe.http.call import Call, too_large
from chappe.http.console import PREFIX
from chappe.http.exchange import Header, Response, Stream, find_header
from chappe.http.problems import problem
from chappe.http.raw import Raw
from chappe.kit.supervise import Supervisor

if TYPE_CHECKING:
    from chappe.console.app import Console

Handle: TypeAlias = Callable[[Call], Coroutine[Any, Any, None]]


class ServedConsole:
    """The console as the HTTP edge knows it (http.console.Consoling)."""

    def __init__(
        self, handle: Handle, *, public_url: str, version: str, now_ms: Callable[[], int]
    ) -> None:
        self._handle = handle
        self._public_url = public_url
        self._now_ms = now_ms
        self._version = version
        self._console: Console | None = None

    async def __call__(self, call: Call, *, draining: bool) -> Response | Stream:
        """Answer a request below /console."""
        try:
            body = b"" if call.method in ("GET", "HEAD") else await call.body(MAX_FORM_BYTES)
        except ChappeError as error:
            return problem(error)
        host = find_header(call.headers, b"host") or b"localhost"
        transport = InProcess(self._handle, host=host, peer=call.peer, gone=lambda: call.gone)
        path = call.path.decode("latin-1")[len(PREFIX) :]
        asked = Asked(
            call.method,
            path[1:] if path else None,
            call.query.decode("latin-1"),
            _by_name(call.headers),
            body,
            self._public_url or f"http://{host.decode('latin-1')}",
        )
        console = self._console or await self._made()
        reply = await console.answer(asked, transport, draining=draining)
        headers = tuple(
            (name.encode("ascii"), value.encode("latin-1", "replace"))
            for name, value in reply.headers.items()
        )
        if isinstance(reply, Answered):
            return Response(reply.status, reply.body, headers)
        return Stream(reply.status, headers, reply.chunks, transport.lost)

    async def _made(self) -> Console:
        # A tenth of what a hub imports; on many of them nobody ever opens a page.
        make = await asyncio.to_thread(_loaded)
        if self._console is None:
            self._console = make(
                lambda: datetime.fromtimestamp(self._now_ms() / 1000, UTC), version=self._version
            )
        return self._console


def _loaded() -> type[Console]:
    from chappe.console import app

    return app.Console


class InProcess:
    """The client's way to the API of the node it runs in (client.transport.Transport)."""

    url = "this hub"

    def __init__(
        self,
        handle: Handle,
        *,
        host: bytes = b"localhost",
        peer: str = "",
        gone: Callable[[], bool] = lambda: False,
    ) -> None:
        """`peer` is where the page's own reader is; `gone` tells whether nobody waits for an answer."""
        self._handle = handle
        self._host = host
        self._peer = peer
        self._gone = gone
        self._streams: set[Stream] = set()

    async def ask(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        timeout_s: float,
        repeatable: bool = False,
    ) -> Answer:
        """One request, answered whole."""
        call = self._call(method, target, headers, body)
        try:
            async with asyncio.timeout(timeout_s):
                await self._handle(call)
        except TimeoutError as exc:
            raise Unavailable(f"{target}: no answer within {timeout_s:g} s") from exc
        return call.whole()

    @contextlib.asynccontextmanager
    async def stream(
        self, target: str, *, headers: Mapping[str, str], timeout_s: float, silence_s: float
    ) -> AsyncIterator[Arriving]:
        """GET what is read as it comes; the node itself is never silent, so no `silence_s`."""
        call = _StreamedCall(self._call("GET", target, headers, b""))
        failed: BaseException | None = None
        async with Supervisor() as tasks:
            tasks.start_soon(self._handle(call), name=f"console asks {target[:80]}")
            try:
                stream = await _begun(call, target, timeout_s)
                self._streams.add(stream)
                try:
                    yield _Arriving(stream)
                finally:
                    self._streams.discard(stream)
                    stream.lost()
                    await stream.chunks.aclose()
            except (Exception, GeneratorExit) as exc:  # noqa: BLE001  # raised below: a group would wrap it
                failed = exc
            finally:
                call.ended.set()
        if failed is not None:
            raise failed

    async def close(self) -> None:
        """Nothing is kept open."""

    def lost(self) -> None:
        """Whoever reads what is streamed is gone: what waits for more of it waits no longer."""
        for stream in tuple(self._streams):
            stream.lost()

    def _call(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> _Call:
        sent = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
        ]
        given = [(b"host", self._host), *sent]
        return _Call(method, target, given, body, self._gone, self._peer)


class _Call:
    """A request that came from this process (http.call.Call)."""

    def __init__(
        self,
        method: str,
        target: str,
        headers: list[Header],
        body: bytes,
        gone: Callable[[], bool],
        peer: str,
    ) -> None:
        path, _, query = target.partition("?")
        self.method = method
        self.path = path.encode("ascii", "replace")
        self.query = query.encode("ascii", "replace")
        self.headers = headers
        self.peer = peer
        self._body = body
        self._gone = gone
        self._answer: Response | None = None

    @property
    def gone(self) -> bool:
        return self._gone()

    async def body(self, limit_bytes: int) -> bytes:
        if len(self._body) > limit_bytes:
            raise too_large(limit_bytes)
        return self._body

    async def answer(self, response: Response) -> None:
        self._answer = response

    async def stream(self, stream: Stream) -> None:
        async with aclosing(stream.chunks):
            body = b"".join([chunk async for chunk in stream.chunks])
        stream.lost()
        self._answer = Response(stream.status, body, stream.headers)

    def upgrade(self) -> Raw | None:
        return None

    def whole(self) -> Answer:
        """What was answered.

        Raises:
            Unavailable: nothing, because whoever asked is gone.
        """
        if self._answer is None:
            raise Unavailable("nobody waits for this answer any more")
        return Answer(self._answer.status, _named(self._answer.headers), self._answer.body)


class _StreamedCall(_Call):
    """A request whose answer is read as it comes."""

    def __init__(self, call: _Call) -> None:
        super().__init__(call.method, "", call.headers, b"", lambda: call.gone, call.peer)
        self.path, self.query = call.path, call.query
        self.begun: asyncio.Future[Stream] = asyncio.get_running_loop().create_future()
        self.ended = asyncio.Event()

    @override
    async def answer(self, response: Response) -> None:
        await self.stream(Stream(response.status, response.headers, _once(response.body), _nothing))

    @override
    async def stream(self, stream: Stream) -> None:
        if not self.begun.cancelled():
            self.begun.set_result(stream)
            await self.ended.wait()


async def _begun(call: _StreamedCall, target: str, timeout_s: float) -> Stream:
    try:
        async with asyncio.timeout(timeout_s):
            return await call.begun
    except TimeoutError as exc:
        raise Unavailable(f"{target}: no answer within {timeout_s:g} s") from exc


class _Arriving:
    """A streamed answer (client.transport.Arriving)."""

    def __init__(self, stream: Stream) -> None:
        self.status = stream.status
        self.headers = _named(stream.headers)
        self._chunks = stream.chunks

    def chunks(self) -> AsyncIterator[bytes]:
        return self._chunks


async def _once(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body


def _nothing() -> None:
    pass


def _by_name(headers: list[Header]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        found.setdefault(name.decode("latin-1"), value.decode("latin-1"))
    return found


def _named(headers: tuple[Header, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found
