"""Calls over NATS requests: whoever serves a shard has subscribed to its subject.

    CALL.default.2   the question -> b"+" and the answer, or b"-" and why there is none

What this node serves itself never leaves it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from chappe.adapters.nats.connection import Connection
from chappe.domain.errors import Unavailable
from chappe.ports.shard_calls import Answer, ShardCalls

MOST_AT_ONCE: Final = 5_000
"""Questions of other nodes under way; more are refused, so that their askers slow down."""

_log = logging.getLogger("chappe.nats")


class NatsShardCalls:
    """Asks and answers on the hub's connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._served: dict[str, Answer] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @contextmanager
    def serving(self, shard: str, answer: Answer) -> Iterator[None]:
        """Answer what is asked of the shard while the context lasts."""
        self._served[shard] = answer
        sid = self._connection.subscribe(_subject(shard), partial(self._on_question, answer))
        try:
            yield
        finally:
            self._connection.unsubscribe(sid)
            if self._served.get(shard) is answer:
                del self._served[shard]

    async def ask(self, shard: str, question: bytes, *, timeout_s: float) -> bytes:
        """The answer of the node that serves the shard."""
        here = self._served.get(shard)
        if here is not None:
            try:
                async with asyncio.timeout(timeout_s):
                    return await here(question)
            except TimeoutError:
                raise Unavailable(f"shard {shard}: no answer within {timeout_s:g} s") from None
        ((_, reply),) = await self._connection.request(
            _subject(shard), question, timeout_s=timeout_s
        )
        if reply[:1] != b"+":
            raise Unavailable(reply[1:].decode("utf-8", "replace") or f"shard {shard}: no answer")
        return reply[1:]

    def _on_question(
        self, answer: Answer, subject: bytes, reply: bytes, block: bytes, payload: bytes
    ) -> None:
        if not reply:
            return
        if len(self._tasks) >= MOST_AT_ONCE:
            self._connection.send(reply.decode(), b"-too many questions at once")
            return
        task = asyncio.get_running_loop().create_task(
            self._answer(answer, subject.decode(), reply.decode(), payload),
            name=f"answer {subject.decode()}",
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, answer: Answer, subject: str, reply: str, question: bytes) -> None:
        try:
            said = b"+" + await answer(question)
        except Unavailable as error:
            said = b"-" + error.message.encode()
        except Exception:  # noqa: BLE001  # one question must not end the node
            _log.exception("a question to %s failed", subject)
            said = b"-the owner made a mistake; its log has the details"
        self._connection.send(reply, said)

    async def close(self) -> None:
        """Answer no more."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _subject(shard: str) -> str:
    return f"CALL.{shard}"


_: type[ShardCalls] = NatsShardCalls
