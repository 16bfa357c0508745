"""Reading a stream in order, for ever: a consumer that renews itself.

The consumer is ephemeral, in memory and without acks, so it costs the engine no disk writes; what
it forgets (a restart, a failover, a lost frame) the follower knows: the last sequence it has seen.
The engine hands out messages for pulls only, and a pull is sent when there is room: what a slow
reader holds is bounded.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from chappe.adapters.nats.messages import ApiError, Message, consumed_message, status_of
from chappe.domain.errors import Unavailable

if TYPE_CHECKING:
    from chappe.adapters.nats.connection import Connection

MOST_MESSAGES: Final = 256
"""In one pull; two pulls overlap, so that the next is there before the first is used up."""
HEARTBEAT_S: Final = 15.0
CLUSTER_HEARTBEAT_S: Final = 1.0
"""In a cluster the consumer may live on another server than the link's, and die with it in silence."""
_CREATED_WITHIN_S: Final = 2.5
"""Of a cluster that has just lost a leader, nobody answers what was asked before it has another."""
EXPIRES_S: Final = 60.0
FORGET_AFTER_S: Final = 120.0  # the engine drops a consumer whose reader is gone
_GUESS_BYTES: Final = 32 * 1024  # a message's size before the first was seen
_RETRY_FIRST_S: Final = 0.05
_RETRY_MOST_S: Final = 2.0
_SECOND: Final = 1_000_000_000
ANSWER_WITHIN_S: Final = 10.0
_log = logging.getLogger("chappe.nats")


class Follower:
    """The messages of a subject from a sequence on: in order, none missing, none twice.

    One reader at a time. `next_batch` waits for ever; also iterable with `async for`. A reader that
    stops reading holds some three times `max_bytes` at most. Close it to free the consumer. With
    `headers_only` the payloads stay where they are, and come as b"".
    """

    def __init__(
        self,
        connection: Connection,
        stream: str,
        subject: str,
        from_seq: int,
        *,
        max_bytes: int,
        last_per_subject: bool = False,
        headers_only: bool = False,
    ) -> None:
        self._connection = connection
        self._stream = stream
        self._subject = subject
        self._next_seq = max(from_seq, 1)
        self._max_bytes = max_bytes
        self._last_per_subject = last_per_subject
        self._headers_only = headers_only
        self._loop = asyncio.get_running_loop()
        self._arrived: list[Message] = []
        self._wake: asyncio.Future[None] | None = None
        self._sid: bytes | None = None  # of the inbox
        self._attached = False  # there is a consumer, as far as is known
        self._consumer = ""
        self._asked_for = False  # the engine may have the consumer, also if nobody waited for it
        self._inbox = ""
        self._delivered = 0
        self._pulls: dict[bytes, int] = {}  # reply subject -> messages still to come, oldest first
        self._pull_number = 0
        self._mean_bytes = float(_GUESS_BYTES)
        self._heard_at = 0.0
        self._heartbeat_s = HEARTBEAT_S
        self._watcher: asyncio.TimerHandle | None = None
        self._unhook = connection.on_change(self._on_change)
        self._closed = False

    def __aiter__(self) -> AsyncIterator[list[Message]]:
        """Iterate over batches, for ever."""
        return self

    async def __anext__(self) -> list[Message]:
        """The next batch."""
        return await self.next_batch()

    async def next_batch(self) -> list[Message]:
        """All that has arrived; waits until there is something.

        Outlives restarts of the engine. Cancelling loses nothing.

        Raises:
            ApiError: the engine refuses the consumer for good, such as for a deleted stream.
            Unavailable: the connection was closed.
        """
        while not self._arrived:
            if self._closed:
                raise Unavailable(f"the follower of {self._subject!r} is closed")
            if not self._attached:
                await self._attach()
            if not self._arrived:
                self._wake = self._loop.create_future()
                await self._wake
        batch, self._arrived = self._arrived, []
        if self._attached:
            self._pull()
        return batch

    async def close(self) -> None:
        """Stop, and let the engine forget the consumer; a waiting reader gets Unavailable."""
        if self._closed:
            return
        self._closed = True
        self._unhook()
        consumer = self._consumer
        self._detach()
        if self._asked_for and self._connection.connected:
            try:
                await self._connection.api(f"CONSUMER.DELETE.{self._stream}.{consumer}")
            except (ApiError, Unavailable) as problem:
                _log.debug("consumer %s is left to expire: %s", consumer, problem)

    async def _attach(self) -> None:
        """Make a consumer that begins after the last message seen; retry until there is one."""
        limit_s = _RETRY_FIRST_S
        while True:
            await self._connection.wait_connected()
            try:
                await self._create()
                if self._attached:  # else the server went while it answered
                    return
            except Unavailable as problem:
                if self._connection.closed or self._closed:
                    raise
                _log.debug("following %s waits: %s", self._subject, problem)
            finally:
                if not self._attached:
                    self._detach()
            await asyncio.sleep(random.uniform(limit_s / 2, limit_s))  # noqa: S311
            limit_s = min(limit_s * 2, _RETRY_MOST_S)

    async def _create(self) -> None:
        self._consumer = f"chappe-{secrets.token_hex(8)}"
        self._inbox = f"_INBOX.{self._consumer}."
        self._delivered = 0
        start: dict[str, object] = {
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": self._next_seq,
        }
        if self._last_per_subject:
            start = {"deliver_policy": "last_per_subject"}
        sid = self._connection.subscribe(f"{self._inbox}*", self._on_message)
        self._sid = sid
        self._asked_for = True
        clustered = self._connection.clustered
        self._heartbeat_s = CLUSTER_HEARTBEAT_S if clustered else HEARTBEAT_S
        await self._connection.api(
            f"CONSUMER.CREATE.{self._stream}.{self._consumer}",
            {
                "stream_name": self._stream,
                "config": {
                    "name": self._consumer,
                    "filter_subject": self._subject,
                    "ack_policy": "none",
                    "replay_policy": "instant",
                    "mem_storage": True,
                    "num_replicas": 1,
                    "max_waiting": 16,
                    "headers_only": self._headers_only,
                    "inactive_threshold": int(FORGET_AFTER_S * _SECOND),
                    **start,
                },
            },
            timeout_s=_CREATED_WITHIN_S if clustered else ANSWER_WITHIN_S,
        )
        if self._sid == sid:
            self._attached = True
            self._watcher = self._loop.call_later(self._heartbeat_s, self._watch)
            self._pull()

    def _pull(self) -> None:
        """Ask for more when there is room: less than one pull's worth is under way or unread."""
        if not self._pulls:
            self._heard_at = self._loop.time()  # without a pull there were no heartbeats to hear
        most = max(1, min(MOST_MESSAGES, int(self._max_bytes / max(self._mean_bytes, 1.0))))
        while sum(self._pulls.values()) + len(self._arrived) <= most and len(self._pulls) < 4:
            self._pull_number += 1
            reply = f"{self._inbox}{self._pull_number}"
            self._pulls[reply.encode()] = most
            body = (
                f'{{"batch":{most},"expires":{int(EXPIRES_S * _SECOND)},'
                f'"idle_heartbeat":{int(self._heartbeat_s * _SECOND)}}}'
            )
            self._connection.send(
                f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._consumer}",
                body.encode(),
                reply=reply,
            )

    def _on_message(self, subject: bytes, reply: bytes, block: bytes, payload: bytes) -> None:
        self._heard_at = self._loop.time()
        if block and (status := status_of(block)):
            self._on_status(status, subject, block)
            return
        delivered, message = consumed_message(subject, reply, block, payload)
        if delivered != self._delivered + 1:
            self._renew(f"delivery {delivered} came after {self._delivered}")
            return
        self._delivered = delivered
        self._count(len(payload))
        if message.stream_seq >= self._next_seq:
            self._next_seq = message.stream_seq + 1
            self._arrived.append(message)
            if self._wake is not None and not self._wake.done():
                self._wake.set_result(None)

    def _count(self, size: int) -> None:
        """Book a message on the oldest pull: the engine serves them in order."""
        self._mean_bytes += (size - self._mean_bytes) / 16
        for oldest, left in self._pulls.items():
            if left > 1:
                self._pulls[oldest] = left - 1
            else:
                del self._pulls[oldest]
                self._pull()
            return

    def _on_status(self, status: int, subject: bytes, block: bytes) -> None:
        """100 is a heartbeat; 408 ends a pull that has waited; the others end the consumer."""
        if status == 100:
            return
        self._pulls.pop(subject, None)
        if status == 408:
            self._pull()
        else:
            self._renew(block[9:].partition(b"\r\n")[0].decode("utf-8", "replace"))

    def _on_change(self, connected: bool) -> None:
        if not connected:
            self._detach()

    def _renew(self, why: str) -> None:
        _log.debug("following %s begins again: %s", self._subject, why)
        self._detach()

    def _detach(self) -> None:
        """Forget the consumer; the reader makes another."""
        self._attached = False
        if self._sid is not None:
            self._connection.unsubscribe(self._sid)
            self._sid = None
        self._pulls.clear()
        if self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _watch(self) -> None:
        """Two heartbeats late: the pull or the consumer is lost."""
        self._watcher = None
        if self._loop.time() - self._heard_at > 2.5 * self._heartbeat_s and self._pulls:
            self._renew("no heartbeat")
        else:
            self._watcher = self._loop.call_later(self._heartbeat_s, self._watch)
