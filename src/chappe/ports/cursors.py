"""How far delivery is: one checkpoint a shard, and one record for each lane that needs its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class KeptCursors:
    """What the owner of a shard wrote last: the checkpoint (None for a fresh shard), records by lane."""

    checkpoint: bytes | None
    lanes: Mapping[str, bytes]


class ShardCursors(Protocol):
    """The cursors of one shard in the hands of one owner."""

    @property
    def checkpoint(self) -> bytes | None:
        """The shard's checkpoint as the last owner left it; None for a fresh shard."""
        ...

    @property
    def lanes(self) -> Mapping[str, bytes]:
        """The lanes' records as the last owner left them, by subscription id."""
        ...

    async def write(self, checkpoint: bytes, lanes: Mapping[str, bytes | None]) -> None:
        """Write the lanes' records (None: forget it), then the checkpoint; done once on disk.

        The checkpoint is written only after every lane's record is on disk, so a checkpoint never
        tells of a lane that a crash could lose. After an error any part of the lanes may have been
        written: records must be right by themselves.

        Raises:
            Fenced: another owner has claimed the shard since; nothing more was written.
            Unavailable: the engine did not acknowledge; write again.
        """
        ...


class Cursors(Protocol):
    """The cursors of all shards."""

    async def claim(self, shard: str) -> ShardCursors:
        """Become the owner of the shard's cursors: from now on, the last owner's writes fail.

        Raises:
            Unavailable: the engine did not answer.
        """
        ...

    async def read(self, shard: str) -> KeptCursors:
        """What the shard's owner wrote last, without becoming the owner.

        Not promised: that checkpoint and records are of one write; each is right by itself.

        Raises:
            Unavailable: the engine did not answer.
        """
        ...
