"""Cursors on JetStream: the last message of a subject is the record.

    CU.<channel>.<shard>.checkpoint        the shard's checkpoint, and the fence
    CU.<channel>.<shard>.lane.<id>         a lane's record; an empty message: forgotten

An id is one token of the subject: "billing.eu" -> "billing%2Eeu". A dot would make it two, which no
`lane.*` finds, and a dot at its end would make a subject that the engine refuses.

Claiming a shard writes its checkpoint again, so its sequence moves. Every write of an owner expects the
checkpoint to stand at the sequence of the owner's own last write: the writes of the owner before fail.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from urllib.parse import unquote

from chappe.adapters.nats.connection import Connection, PubAck, WrongSequence
from chappe.adapters.nats.jetstream import ensure_stream
from chappe.domain.errors import Fenced, Unavailable
from chappe.ports.cursors import Cursors, KeptCursors, ShardCursors

STREAM = "CURSORS"
BEHIND_S = 0.05
"""How long a copy that is behind its leader is given before it is asked again."""
BEHIND_TRIES = 200
EXPECT = "Nats-Expected-Last-Subject-Sequence"
EXPECT_ON = "Nats-Expected-Last-Subject-Sequence-Subject"
CLAIM = "Chappe-Claim"


class NatsCursors:
    """The cursors of all shards."""

    def __init__(self, connection: Connection, *, replicas: int) -> None:
        self._connection = connection
        self._replicas = replicas

    async def open(self) -> None:
        """Make the stream, or take the one that exists."""
        await ensure_stream(
            self._connection,
            STREAM,
            {
                "subjects": ["CU.>"],
                "storage": "file",
                "max_msgs_per_subject": 1,
                "num_replicas": self._replicas,
                "allow_direct": True,
                "duplicate_window": 100_000_000,
            },
        )

    async def claim(self, shard: str) -> ShardCursors:
        """Become the owner of the shard's cursors."""
        claim = secrets.token_hex(8)
        subject = f"CU.{shard}.checkpoint"
        while True:
            last = await self._connection.get_last(STREAM, subject)
            seq, payload = (0, b"") if last is None else (last.stream_seq, last.payload)
            try:
                ack = await self._connection.publish(
                    subject, payload, {EXPECT: str(seq), CLAIM: claim}
                )
            except WrongSequence:
                continue
            break
        lanes = await self._lanes(shard, claimed=ack.seq)
        return NatsShardCursors(self._connection, shard, claim, ack.seq, payload, lanes)

    async def read(self, shard: str) -> KeptCursors:
        """What the owner wrote last."""
        last = await self._connection.get_last(STREAM, f"CU.{shard}.checkpoint")
        payload = b"" if last is None else last.payload
        return KeptCursors(payload or None, await self._lanes(shard))

    async def _lanes(self, shard: str, *, claimed: int = 0) -> Mapping[str, bytes]:
        """The lanes' records as a copy of the stream has them that holds the message `claimed`.

        Any copy may answer, and be behind: a record of before the last write lacks what was open, and
        its new owner would never deliver that. The checkpoint of the claim comes with the records, and
        proves that all that was written before it is there.
        """
        checkpoint, prefix = f"CU.{shard}.checkpoint", f"CU.{shard}.lane."
        for _ in range(BEHIND_TRIES):
            found = await self._connection.get_last_of_each(STREAM, f"CU.{shard}.>")
            stands = max((one.stream_seq for one in found if one.subject == checkpoint), default=0)
            if stands >= claimed:
                return {
                    unquote(message.subject.removeprefix(prefix)): message.payload
                    for message in found
                    if message.payload and message.subject.startswith(prefix)
                }
            await asyncio.sleep(BEHIND_S)
        raise Unavailable(
            f"cursors of shard {shard}: no copy of {STREAM} has caught up to {claimed}"
        )


class NatsShardCursors:
    """One owner's hold on one shard's cursors."""

    def __init__(
        self,
        connection: Connection,
        shard: str,
        claim: str,
        seq: int,
        checkpoint: bytes,
        lanes: Mapping[str, bytes],
    ) -> None:
        self._connection = connection
        self._shard = shard
        self._subject = f"CU.{shard}.checkpoint"
        self._claim = claim
        self._seq = seq
        self._checkpoint = checkpoint or None
        self._lanes = lanes

    @property
    def checkpoint(self) -> bytes | None:
        """The checkpoint as the last owner left it."""
        return self._checkpoint

    @property
    def lanes(self) -> Mapping[str, bytes]:
        """The lanes' records as the last owner left them."""
        return self._lanes

    async def write(self, checkpoint: bytes, lanes: Mapping[str, bytes | None]) -> None:
        """Write the lanes' records, then the checkpoint."""
        try:
            await self._write(checkpoint, lanes)
        except WrongSequence:
            # A checkpoint whose acknowledgement was lost moves the sequence too: look whose it is.
            last = await self._connection.get_last(STREAM, self._subject)
            if last is None or last.headers.get(CLAIM) != self._claim:
                raise Fenced(f"shard {self._shard} has another owner since") from None
            self._seq = last.stream_seq
            try:
                await self._write(checkpoint, lanes)
            except WrongSequence:
                raise Fenced(f"shard {self._shard} has another owner since") from None

    async def _write(self, checkpoint: bytes, lanes: Mapping[str, bytes | None]) -> None:
        fence = {EXPECT: str(self._seq), EXPECT_ON: self._subject}
        pending: list[asyncio.Future[PubAck]] = [
            self._connection.publish(_lane(self._shard, lane), record or b"", fence)
            for lane, record in lanes.items()
        ]
        for result in await asyncio.gather(*pending, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result
        ack = await self._connection.publish(
            self._subject, checkpoint, {EXPECT: str(self._seq), CLAIM: self._claim}
        )
        self._seq = ack.seq


def _lane(shard: str, id_: str) -> str:
    return f"CU.{shard}.lane.{id_.replace('%', '%25').replace('.', '%2E')}"


_: type[Cursors] = NatsCursors
__: type[ShardCursors] = NatsShardCursors
