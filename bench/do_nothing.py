"""The hub's own HTTP server with a handler that reads the body and answers: the edge's ceiling.

`--uvicorn`: the same on uvicorn, for comparison.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import uvloop

from chappe.http.call import Call, WholeCall
from chappe.http.exchange import JSON, Response
from chappe.http.listener import Listener, bind

ANSWER = b'{"position": "2-1041-7", "duplicate": false}'
RESPONSE = Response(202, ANSWER, (JSON, (b"location", b"/events/2-1041-7")))


class DoNothing:
    """Answers on the same short way on which the hub takes single events."""

    def begin(self, call: WholeCall, answer: Callable[[Response], None]) -> bool:
        answer(RESPONSE)
        return True

    async def handle(self, call: Call) -> None:
        await call.body(1_000_000)
        await call.answer(RESPONSE)


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"location", b"/events/2-1041-7")]
    headers.append((b"content-length", str(len(ANSWER)).encode()))
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": ANSWER})


async def main() -> None:
    listener = bind("127.0.0.1", 0)
    sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    if "--uvicorn" in sys.argv:
        import uvicorn

        config = uvicorn.Config(
            asgi,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            interface="asgi3",
        )
        await uvicorn.Server(config).serve(sockets=[listener])
    else:
        await Listener(DoNothing(), listener).run()  # type: ignore[arg-type]


if __name__ == "__main__":
    uvloop.run(main())
