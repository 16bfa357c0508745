"""The log of everything declared: one message per committed transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Commit:
    """One committed transaction; `revision` grows with each, not always by one."""

    revision: int
    transaction: bytes


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole state as of `revision`."""

    revision: int
    state: bytes


class RegistryLog(Protocol):
    """Optimistic concurrency over any number of writers, no leader."""

    async def commit(self, transaction: bytes, *, expected_revision: int) -> int:
        """Append the transaction if nobody else has since `expected_revision`; its new revision.

        Any size: what exceeds the engine's limit is cut into chunks that are stored all or none.

        Raises:
            Conflict: another transaction was committed meanwhile; read it and decide again.
            Unavailable: the engine did not acknowledge; it may or may not have been committed.
        """
        ...

    async def snapshot(self) -> Snapshot | None:
        """The newest snapshot, or None."""
        ...

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep the snapshot, then drop the transactions that it contains. Any size."""
        ...

    async def read(self, after_revision: int) -> list[Commit]:
        """Every transaction after `after_revision` that is committed now, in order.

        Raises:
            Unavailable: a snapshot has dropped some of them (load it), or the engine does not answer.
        """
        ...

    def follow(self, after_revision: int) -> AsyncIterator[Commit]:
        """Every transaction after `after_revision` in order, then new ones as they come, for ever.

        Raises:
            Unavailable: as for `read`; never a silent gap.
        """
        ...
