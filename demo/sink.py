"""A sink for trying things out: takes every event and prints a line for it.

python -m demo.sink 9000
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

from chappe.testing.http_sink import Received, Reply, SinkServer

DEFAULT_PORT = 9000
SHOWN_BYTES = 200


def taken(request: Received) -> Reply:
    """Print the event and take it."""
    shown = [request.header(f"ce-{name}") or "-" for name in ("type", "id", "source")]
    data = request.body[:SHOWN_BYTES].decode("utf-8", "backslashreplace")
    sys.stdout.write(ascii_or_plain("  ".join([*shown, data])) + "\n")
    sys.stdout.flush()
    return Reply(204)


def ascii_or_plain(text: str) -> str:
    """The text without what could move a terminal's cursor."""
    return text if text.isprintable() else repr(text)[1:-1]


async def serve(port: int) -> None:
    """Take events until Ctrl-C."""
    async with SinkServer(taken, recording=False, port=port) as sink:
        sys.stderr.write(f"a sink that takes everything: {sink.url}/\n")
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_PORT))
