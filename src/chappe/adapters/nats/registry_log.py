"""The registry log on JetStream: one message a transaction, its sequence is the revision.

    REGISTRY            REG.tx                      Chappe-Chunk: 2/3 when it was cut
    REGISTRY_SNAPSHOTS  REGSNAP.part.<name>.<n>     one snapshot's bytes, cut
                        REGSNAP.manifest            {"revision", "name", "parts", "bytes", "crc32"}

Nobody else writes to REGISTRY and nothing but a snapshot deletes from it, so its sequences have no
gaps: a reader that meets one knows that it came too late, and must load the snapshot.
"""

from __future__ import annotations

import asyncio
import secrets
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Final

import msgspec

from chappe.adapters.nats.connection import ApiError, Connection, Message, WrongSequence
from chappe.adapters.nats.jetstream import ensure_stream, purge, stream_info
from chappe.domain.errors import Conflict, TooLarge, Unavailable
from chappe.ports.registry_log import Commit, RegistryLog, Snapshot

STREAM: Final = "REGISTRY"
SUBJECT: Final = "REG.tx"
SNAPSHOTS: Final = "REGISTRY_SNAPSHOTS"
MANIFEST: Final = "REGSNAP.manifest"
CHUNK: Final = "Chappe-Chunk"

MAX_CHUNKS: Final = 1_000  # of one atomic batch (ADR-50)
_HEADERS_BYTES: Final = 1_024  # room that a chunk leaves to its headers
_MAX_CHUNK_BYTES: Final = 1 << 20  # larger messages hold up the others of the connection
_READ_BYTES: Final = 8 << 20
_TRIES: Final = 40
_WAIT_S: Final = 0.05  # a replica that lags, or another node's snapshot: there in a moment


class _Manifest(msgspec.Struct):
    revision: int
    name: str
    parts: int
    bytes: int
    crc32: int


class NatsRegistryLog:
    """One stream of transactions and one of snapshots."""

    def __init__(self, connection: Connection, *, replicas: int = 1) -> None:
        self._connection = connection
        self._replicas = replicas

    async def open(self) -> None:
        """Make the streams, or take those that exist."""
        common: Mapping[str, object] = {
            "storage": "file",
            "retention": "limits",
            "discard": "new",
            "num_replicas": self._replicas,
            "allow_direct": True,
            "duplicate_window": 100_000_000,  # ns; the engine's least: no message carries an id
        }
        await ensure_stream(
            self._connection, STREAM, {**common, "subjects": [SUBJECT], "allow_atomic": True}
        )
        await ensure_stream(self._connection, SNAPSHOTS, {**common, "subjects": ["REGSNAP.>"]})

    async def commit(self, transaction: bytes, *, expected_revision: int) -> int:
        """Append the transaction if the stream still ends at `expected_revision`."""
        expected = {"Nats-Expected-Last-Sequence": str(expected_revision)}
        chunks = list(_cut(transaction, self._chunk_bytes()))
        if len(chunks) > MAX_CHUNKS:
            raise TooLarge(
                f"registry: a transaction of {len(transaction)} bytes is too large;"
                f" at most {MAX_CHUNKS * self._chunk_bytes()} are possible"
            )
        try:
            if len(chunks) == 1:
                return (await self._connection.publish(SUBJECT, transaction, expected)).seq
            messages: list[tuple[str, bytes, Mapping[str, str] | None]] = []
            for number, chunk in enumerate(chunks, start=1):
                headers = {CHUNK: f"{number}/{len(chunks)}"}
                messages.append((SUBJECT, chunk, headers | expected if number == 1 else headers))
            return (await self._connection.publish_atomic(messages)).seq
        except WrongSequence as exc:
            raise Conflict(f"registry: the revision is not {expected_revision} any more") from exc
        except ApiError as exc:
            raise Unavailable(f"registry: the engine refused the transaction: {exc}") from exc

    async def snapshot(self) -> Snapshot | None:
        """The newest snapshot whose manifest is there, or None."""
        for _ in range(_TRIES):
            found = await self._manifest()
            if found is None:
                return None
            data = await self._parts(found[0])
            if data is not None:
                return Snapshot(found[0].revision, data)
            # Another node has replaced it since, or this replica is behind.
            await asyncio.sleep(_WAIT_S)
        raise Unavailable("registry: the snapshot is incomplete or damaged")

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """Write the parts, then the manifest; then drop what the snapshot replaces."""
        found = await self._manifest()
        if found is not None and found[0].revision >= snapshot.revision:
            return
        name = f"{snapshot.revision}-{secrets.token_hex(6)}"
        chunks = list(_cut(snapshot.state, self._chunk_bytes()))
        first_seq = 0
        for number, chunk in enumerate(chunks, start=1):
            ack = await self._connection.publish(f"REGSNAP.part.{name}.{number}", chunk)
            first_seq = first_seq or ack.seq
        manifest = _Manifest(
            snapshot.revision,
            name,
            len(chunks),
            len(snapshot.state),
            zlib.crc32(snapshot.state),
        )
        # Of nodes that do this at the same time one wins: the manifest must still be the one that
        # was seen above.
        seen = {"Nats-Expected-Last-Subject-Sequence": str(0 if found is None else found[1])}
        try:
            await self._connection.publish(MANIFEST, msgspec.json.encode(manifest), seen)
        except WrongSequence:
            await purge(self._connection, SNAPSHOTS, subject=f"REGSNAP.part.{name}.*")
            return
        await purge(self._connection, SNAPSHOTS, before_seq=first_seq)
        await purge(self._connection, STREAM, before_seq=snapshot.revision + 1)

    async def read(self, after_revision: int) -> list[Commit]:
        """Every transaction after `after_revision` that is committed now."""
        info = await stream_info(self._connection, STREAM)  # its leader's word
        if after_revision > info.last_seq:
            raise Unavailable(
                f"registry: the log ends at {info.last_seq}, before {after_revision}:"
                " it is another log, or was lost"
            )
        if after_revision + 1 < info.first_seq:
            raise _too_late(after_revision)
        joiner = _Joiner(after_revision)
        commits: list[Commit] = []
        tries = 0
        while joiner.seen < info.last_seq:
            messages = await self._connection.get_many(
                STREAM, SUBJECT, joiner.seen + 1, limit=10_000, max_bytes=_READ_BYTES
            )
            if not messages:
                tries += 1
                if tries > _TRIES:
                    raise Unavailable(
                        f"registry: a replica is behind: {joiner.seen} of {info.last_seq}"
                    )
                await asyncio.sleep(_WAIT_S)
            commits += joiner.join(messages)
        return commits

    async def follow(self, after_revision: int) -> AsyncIterator[Commit]:
        """Every transaction after `after_revision`, then new ones as they come."""
        await self._check_held(after_revision)
        joiner = _Joiner(after_revision)
        follower = self._connection.follow(STREAM, SUBJECT, after_revision + 1)
        try:
            while True:
                for commit in joiner.join(await follower.next_batch()):
                    yield commit
        except ApiError as exc:
            raise Unavailable(f"registry: the engine refuses to follow: {exc}") from exc
        finally:
            await follower.close()

    async def _check_held(self, after_revision: int) -> None:
        """See that nothing after `after_revision` was dropped: a follower of an empty stream waits."""
        while True:
            await self._connection.wait_connected()
            try:
                info = await stream_info(self._connection, STREAM)
            except ApiError as exc:
                raise Unavailable(f"registry: the engine refuses to follow: {exc}") from exc
            except Unavailable:
                await asyncio.sleep(_WAIT_S)
                continue
            if after_revision + 1 < info.first_seq:
                raise _too_late(after_revision)
            return

    def _chunk_bytes(self) -> int:
        return min(self._connection.max_payload - _HEADERS_BYTES, _MAX_CHUNK_BYTES)

    async def _manifest(self) -> tuple[_Manifest, int] | None:
        """The newest manifest and its sequence."""
        message = await self._connection.get_last(SNAPSHOTS, MANIFEST)
        if message is None:
            return None
        return msgspec.json.decode(message.payload, type=_Manifest), message.stream_seq

    async def _parts(self, manifest: _Manifest) -> bytes | None:
        """The snapshot's bytes; None when they are not all there."""
        parts: list[bytes] = []
        next_seq = 1
        while len(parts) < manifest.parts:
            messages = await self._connection.get_many(
                SNAPSHOTS,
                f"REGSNAP.part.{manifest.name}.*",
                next_seq,
                limit=manifest.parts,
                max_bytes=_READ_BYTES,
            )
            if not messages:
                return None
            parts += (message.payload for message in messages)
            next_seq = messages[-1].stream_seq + 1
        data = b"".join(parts)
        fits = len(data) == manifest.bytes and zlib.crc32(data) == manifest.crc32
        return data if fits else None


class _Joiner:
    """Puts the chunks of a transaction together; `seen` is the last sequence that was taken in."""

    def __init__(self, after_revision: int) -> None:
        self.seen = after_revision
        self._chunks: list[bytes] = []

    def join(self, messages: list[Message]) -> list[Commit]:
        """The transactions that these messages complete."""
        commits: list[Commit] = []
        for message in messages:
            if message.stream_seq != self.seen + 1:
                raise _too_late(self.seen)
            self.seen = message.stream_seq
            number, _, total = message.headers.get(CHUNK, "1/1").partition("/")
            if number == total == "1":
                commits.append(Commit(self.seen, message.payload))
                continue
            self._chunks.append(message.payload)
            if int(number) != len(self._chunks):
                raise Unavailable(
                    f"registry: revision {self.seen} is chunk {number} of {total},"
                    f" {len(self._chunks)} was due: the reader began within a transaction"
                )
            if number == total:
                commits.append(Commit(self.seen, b"".join(self._chunks)))
                self._chunks = []
        return commits


def _cut(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, max(len(data), 1), size):
        yield data[start : start + size]


def _too_late(after_revision: int) -> Unavailable:
    return Unavailable(
        f"registry: transactions after {after_revision} were dropped, a snapshot holds them; load it"
    )


_: type[RegistryLog] = NatsRegistryLog
