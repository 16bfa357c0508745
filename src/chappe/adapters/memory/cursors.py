"""The reference cursors: records in dicts, with the fence of the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chappe.domain.errors import Fenced
from chappe.ports.cursors import Cursors, KeptCursors, ShardCursors


@dataclass(slots=True)
class _Shard:
    owner: int = 0
    checkpoint: bytes | None = None
    lanes: dict[str, bytes] = field(default_factory=dict)


class MemoryCursors:
    """Cursors of any number of owners within one process."""

    def __init__(self) -> None:
        self._shards: dict[str, _Shard] = {}

    async def claim(self, shard: str) -> ShardCursors:
        """Become the owner; the last owner's writes fail from now on."""
        stored = self._shards.setdefault(shard, _Shard())
        stored.owner += 1
        return MemoryShardCursors(shard, stored)

    async def read(self, shard: str) -> KeptCursors:
        """What the owner wrote last."""
        stored = self._shards.get(shard, _Shard())
        return KeptCursors(stored.checkpoint, dict(stored.lanes))


class MemoryShardCursors:
    """One owner's hold on one shard's cursors."""

    def __init__(self, name: str, stored: _Shard) -> None:
        self._name = name
        self._stored = stored
        self._owner = stored.owner
        self._checkpoint = stored.checkpoint
        self._lanes = dict(stored.lanes)

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
        if self._stored.owner != self._owner:
            raise Fenced(f"shard {self._name} has another owner since")
        for subscription, record in lanes.items():
            if record is None:
                self._stored.lanes.pop(subscription, None)
            else:
                self._stored.lanes[subscription] = record
        self._stored.checkpoint = checkpoint


_: type[Cursors] = MemoryCursors
__: type[ShardCursors] = MemoryShardCursors
