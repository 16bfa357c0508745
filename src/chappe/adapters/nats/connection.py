"""The hub's connection to NATS: publish, read and follow JetStream, and stay connected.

One connection serves the whole process. It reconnects for ever; while there is no server every call
fails at once with Unavailable, and so does what was under way when the server went: such a message
may or may not be stored. Staying connected is the business of `link`, following that of `follower`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from chappe.adapters.nats.follower import Follower
from chappe.adapters.nats.link import Link, checked, failed
from chappe.adapters.nats.messages import (
    ApiError,
    Message,
    NatsAddress,
    PubAck,
    WrongSequence,
    direct_message,
    encode_headers,
    refusal,
    status_of,
)
from chappe.domain.errors import ChappeError, TooLarge, Unavailable

__all__ = [
    "ApiError",
    "Connection",
    "Follower",
    "Message",
    "NatsAddress",
    "PubAck",
    "WrongSequence",
]

ACK_WITHIN_S: Final = 10.0
_SWEEP_EVERY_S: Final = 1.0
_KNOWN_SUBJECTS: Final = 4096
_decode_ack = msgspec.json.Decoder(PubAck).decode


class Connection(Link):
    """JetStream on a link that heals itself; open it with `open`."""

    def __init__(self, address: NatsAddress, *, name: str) -> None:
        super().__init__(address, name=name)
        self._acks: dict[bytes, asyncio.Future[PubAck]] = {}  # in the order of their numbers
        self._published = 0
        self._ages: deque[tuple[float, int]] = deque()  # (loop time, last number given by then)
        self._sweeping = False
        self._prefixes: dict[str, tuple[bytes, bytes]] = {}
        ack_inbox = f"_INBOX.{secrets.token_hex(8)}."
        self._ack_inbox = ack_inbox.encode()
        self._ack_inbox_size = len(ack_inbox)
        self.subscribe(f"{ack_inbox}*", self._on_ack)
        self.on_change(self._on_link)

    async def drain(self) -> None:
        """Wait until every publish under way is answered or has failed, then close."""
        waiting = [future for future in self._acks.values() if not future.done()]
        if waiting:
            await asyncio.wait(waiting)
        await self.close()

    # Writing

    def publish(
        self, subject: str, payload: bytes, headers: Mapping[str, str] | None = None
    ) -> asyncio.Future[PubAck]:
        """Hand the message to JetStream; the future says how it ended. Never raises.

        The caller bounds what is in flight: nothing here waits. The future fails with

        - WrongSequence: a `Nats-Expected-…` header did not hold; nothing was stored.
        - Unavailable: no server, no answer within 10 s, or no stream takes the subject; the message
          may or may not be stored, unless the text says that it is not.
        - TooLarge: over the server's limit; not stored.
        - ApiError: the stream refused it; not stored.
        """
        future: asyncio.Future[PubAck] = self._loop.create_future()
        wire = self._wire
        if wire is None:
            return failed(future, self._gone())
        try:
            prefixes = self._prefixes.get(subject) or self._prefix(subject)
            block = encode_headers(headers) if headers else b""
        except ValueError as problem:
            return failed(future, ChappeError(f"NATS publish: {problem}"))
        size = len(block) + len(payload)
        if size > self.max_payload:
            return failed(future, self._too_large(size))
        self._published = number = self._published + 1
        key = b"%d" % number
        self._acks[key] = future
        if not self._sweeping:
            self._sweep()
        if block:
            head = b"%b%b %d %d\r\n" % (prefixes[1], key, len(block), size)
            wire.send(head, block, payload, b"\r\n")
        else:
            wire.send(b"%b%b %d\r\n" % (prefixes[0], key, size), payload, b"\r\n")
        return future

    async def publish_atomic(
        self, messages: Sequence[tuple[str, bytes, Mapping[str, str] | None]]
    ) -> PubAck:
        """Store all of the messages, next to each other and in order, or none (ADR-50).

        At most 1,000 messages of one stream that has `allow_atomic`. The ack is the last one's.

        Raises:
            WrongSequence, Unavailable, TooLarge, ApiError: as for publish(); nothing was stored,
                except that after Unavailable all or nothing may be.
            ValueError: no messages.
        """
        if not messages:
            raise ValueError("an atomic batch holds at least one message")
        wire = self._wire
        if wire is None:
            raise self._gone()
        batch = secrets.token_hex(12)
        frames: list[bytes] = []
        for number, (subject, payload, headers) in enumerate(messages[:-1], start=1):
            own = {"Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(number)}
            block = encode_headers({**(headers or {}), **own})
            size = len(block) + len(payload)
            if size > self.max_payload:
                raise self._too_large(size)
            head = b"HPUB %b %d %d\r\n" % (checked(subject), len(block), size)
            frames += (head, block, payload, b"\r\n")
        wire.send(*frames)
        subject, payload, headers = messages[-1]
        last = {
            "Nats-Batch-Id": batch,
            "Nats-Batch-Sequence": str(len(messages)),
            "Nats-Batch-Commit": "1",
        }
        return await self.publish(subject, payload, {**(headers or {}), **last})

    # Reading

    async def api(
        self, subject: str, body: Mapping[str, object] | None = None, *, timeout_s: float = 10.0
    ) -> dict[str, object]:
        """Ask `$JS.API.<subject>`.

        Raises:
            ApiError: the server refused.
            Unavailable: no answer; it may or may not have been done.
        """
        ((_, payload),) = await self.request(
            f"$JS.API.{subject}", json.dumps(body).encode() if body else b"", timeout_s=timeout_s
        )
        reply: dict[str, object] = json.loads(payload or b"{}")
        error = reply.get("error")
        if isinstance(error, dict):
            raise refusal(error)
        return reply

    async def get(self, stream: str, seq: int) -> Message | None:
        """One stored message, or None. A replica may answer, and lag behind its leader."""
        return await self._get_one(stream, {"seq": seq})

    async def get_last(self, stream: str, subject: str) -> Message | None:
        """The last message of a subject (wildcards allowed), or None; may lag as for get()."""
        return await self._get_one(stream, {"last_by_subj": subject})

    async def get_many(
        self, stream: str, subject: str, from_seq: int, *, limit: int, max_bytes: int
    ) -> list[Message]:
        """The messages of a subject (wildcards allowed) from a sequence on, in order, bounded.

        Stateless. Empty when nothing is there. At least one message comes back where there is one,
        even if it is larger than `max_bytes`.
        """
        replies = await self.request(
            f"$JS.API.DIRECT.GET.{stream}",
            json.dumps(
                {
                    "seq": max(from_seq, 1),
                    "next_by_subj": subject,
                    "batch": limit,
                    "max_bytes": max_bytes,
                }
            ).encode(),
            is_last=_has_status,
        )
        return _stored(replies)

    async def get_last_of_each(self, stream: str, subject_filter: str) -> list[Message]:
        """The last message of every subject that matches, ordered by sequence, however many."""
        try:
            replies = await self.request(
                f"$JS.API.DIRECT.GET.{stream}",
                json.dumps({"multi_last": [subject_filter], "batch": 1024}).encode(),
                is_last=_has_status,
            )
            return _stored(replies)
        except ApiError as error:
            if error.status != 413:  # the server lists at most 1,024 subjects
                raise
        last: dict[str, Message] = {}
        follower = Follower(
            self, stream, subject_filter, 1, max_bytes=8 << 20, last_per_subject=True
        )
        try:
            pending = 1
            while pending:
                batch = await follower.next_batch()
                last.update({message.subject: message for message in batch})
                pending = batch[-1].pending
        finally:
            await follower.close()
        return sorted(last.values(), key=lambda message: message.stream_seq)

    def follow(
        self,
        stream: str,
        subject: str,
        from_seq: int,
        *,
        max_bytes: int = 4 << 20,
        headers_only: bool = False,
    ) -> Follower:
        """Read a subject (wildcards allowed) from a sequence on, in order, for ever; see Follower.

        Nothing happens before the first `next_batch`.
        """
        return Follower(
            self, stream, subject, from_seq, max_bytes=max_bytes, headers_only=headers_only
        )

    async def _get_one(self, stream: str, body: Mapping[str, object]) -> Message | None:
        replies = await self.request(f"$JS.API.DIRECT.GET.{stream}", json.dumps(body).encode())
        messages = _stored(replies)
        return messages[0] if messages else None

    # The hot path's other half

    def _on_ack(self, subject: bytes, reply: bytes, block: bytes, payload: bytes) -> None:
        future = self._acks.pop(subject[self._ack_inbox_size :], None)
        if future is None or future.done():
            return  # it came too late, or nobody waits any more
        if block and status_of(block) == 503:
            failed(future, Unavailable("no JetStream stream takes the subject; not stored"))
        elif b'"error"' in payload:
            failed(future, refusal(json.loads(payload)["error"]))
        else:
            try:
                future.set_result(_decode_ack(payload))
            except msgspec.MsgspecError:
                failed(future, ApiError(0, 0, f"the reply {payload[:80]!r} is no acknowledgement"))

    def _on_link(self, connected: bool) -> None:
        if not connected:
            acks, self._acks = self._acks, {}
            for future in acks.values():
                failed(future, self._gone("the message may or may not be stored"))

    def _sweep(self) -> None:
        """Fail what has waited too long; runs once a second while anything waits."""
        now = self._loop.time()
        limit = 0
        while self._ages and self._ages[0][0] <= now - ACK_WITHIN_S:
            limit = self._ages.popleft()[1]
        for key in list(itertools.takewhile(lambda key: int(key) <= limit, self._acks)):
            failed(self._acks.pop(key), self._silent("a publish", ACK_WITHIN_S))
        self._sweeping = bool(self._acks)
        if self._sweeping:
            self._ages.append((now, self._published))
            self._loop.call_later(_SWEEP_EVERY_S, self._sweep)

    def _too_large(self, size: int) -> TooLarge:
        return TooLarge(
            f"a message of {size} bytes: the NATS server takes at most {self.max_payload}"
        )

    def _prefix(self, subject: str) -> tuple[bytes, bytes]:
        if len(self._prefixes) >= _KNOWN_SUBJECTS:
            self._prefixes.clear()
        to = b"%b %b" % (checked(subject), self._ack_inbox)
        self._prefixes[subject] = prefixes = (b"PUB " + to, b"HPUB " + to)
        return prefixes


def _stored(replies: Sequence[tuple[bytes, bytes]]) -> list[Message]:
    """The messages among the replies of the direct API; an empty list when there are none."""
    messages = []
    for block, payload in replies:
        match status_of(block):
            case 0:
                messages.append(direct_message(block, payload))
            case 204 | 404:
                break
            case status:
                description = block[13:].partition(b"\r\n")[0].decode()
                raise refusal({"code": status, "description": description})
    return messages


def _has_status(block: bytes) -> bool:
    return status_of(block) != 0
