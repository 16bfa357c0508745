"""A sink that counts: POST anything, GET /state gives the count and the seconds from first to last.

python -m bench.sink [SECONDS]      each POST is answered after so long
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import httptools
import uvloop

DELAY_S = float(sys.argv[1]) if len(sys.argv) > 1 else 0.0
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


class State:
    count = 0
    first = 0.0
    last = 0.0


class Sink(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        if self._parser.get_method() == b"GET":
            state = {"count": State.count, "seconds": max(State.last - State.first, 1e-9)}
            body = json.dumps(state).encode()
            self._transport.write(  # type: ignore[attr-defined]
                b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\n"
                b"content-length: %d\r\n\r\n%b" % (len(body), body)
            )
            return
        State.last = time.monotonic()
        State.first = State.first or State.last
        State.count += 1
        if DELAY_S:
            asyncio.get_running_loop().call_later(DELAY_S, self._transport.write, NO_CONTENT)  # type: ignore[attr-defined]
        else:
            self._transport.write(NO_CONTENT)  # type: ignore[attr-defined]


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sink, "127.0.0.1", 0)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
