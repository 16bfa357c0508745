"""The reference registry log: transactions in a list. Nothing outlives the process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from operator import lt

from chappe.domain.errors import Conflict, Unavailable
from chappe.kit.latest import Latest
from chappe.ports.registry_log import Commit, RegistryLog, Snapshot


class MemoryRegistryLog:
    """Revisions count from 1."""

    def __init__(self) -> None:
        self._commits: list[Commit] = []
        self._dropped = 0  # transactions up to this revision are gone
        self._last = Latest(0)
        self._snapshot: Snapshot | None = None

    async def commit(self, transaction: bytes, *, expected_revision: int) -> int:
        """Append the transaction if the log still ends at `expected_revision`."""
        if expected_revision != self._last.value:
            raise Conflict(
                f"registry: the revision is {self._last.value}, not {expected_revision} any more"
            )
        revision = expected_revision + 1
        self._commits.append(Commit(revision, transaction))
        self._last.set(revision)
        return revision

    async def snapshot(self) -> Snapshot | None:
        """The newest snapshot, or None."""
        return self._snapshot

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep the snapshot, then drop the transactions that it contains."""
        if self._snapshot is not None and self._snapshot.revision >= snapshot.revision:
            return
        self._snapshot = snapshot
        self._commits = [each for each in self._commits if each.revision > snapshot.revision]
        self._dropped = snapshot.revision

    async def read(self, after_revision: int) -> list[Commit]:
        """Every transaction after `after_revision`."""
        self._check(after_revision)
        return [each for each in self._commits if each.revision > after_revision]

    async def follow(self, after_revision: int) -> AsyncIterator[Commit]:
        """Every transaction after `after_revision`, then new ones as they come."""
        while True:
            for commit in await self.read(after_revision):
                yield commit
                after_revision = commit.revision
            await self._last.wait_until(partial(lt, after_revision))

    def _check(self, after_revision: int) -> None:
        if after_revision < self._dropped:
            raise Unavailable(
                f"registry: transactions after {after_revision} were dropped,"
                f" a snapshot of {self._dropped} holds them; load it"
            )
        if after_revision > self._last.value:
            raise Unavailable(
                f"registry: the log ends at {self._last.value}, before {after_revision}:"
                " it is another log, or was lost"
            )


_: type[RegistryLog] = MemoryRegistryLog
