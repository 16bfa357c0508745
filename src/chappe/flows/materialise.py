"""Keeping the registry in memory: a snapshot, the transactions since, and every one that comes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from chappe.domain.channel import DEFAULT_SHARDS
from chappe.domain.errors import ChappeError, Conflict, Unavailable
from chappe.formats.hub_state import advanced, state_of_snapshot
from chappe.formats.transaction_json import encode_transaction, encode_tree
from chappe.kit.latest import Latest
from chappe.ports.clock import Clock
from chappe.ports.registry_log import Commit, RegistryLog, Snapshot
from chappe.ports.secrets import Secrets
from chappe.registry.entity import Tree
from chappe.registry.journal import images
from chappe.registry.state import State, empty
from chappe.registry.transaction import Transaction

SNAPSHOT_EVERY: Final = 500
SNAPSHOT_SHARE: Final = 4
"""A large snapshot is replaced once the log has grown by this part of it …"""
SNAPSHOT_LATEST: Final = 10
"""… or by so many times `snapshot_every` transactions, some 0.1 ms each when a node starts."""
SMALL_BYTES: Final = 4 * 1024 * 1024
"""What a snapshot may cost whenever `snapshot_every` transactions have come."""
MUCH_BYTES: Final = 256 * 1024
"""What a larger transaction takes to apply (over some 5 ms) would hold up the node's other work."""
LOAD_TRIES: Final = 3
RETRY_FIRST_S: Final = 0.1
RETRY_MOST_S: Final = 5.0

log = logging.getLogger(__name__)


async def _everything(revision: int) -> bool:
    """Where nobody announces, nothing is owed."""
    return True


@dataclass(slots=True)
class Materialise:
    """Brings `state` up to the log, and keeps it there.

    `announced` tells of a revision, perhaps after a moment, whether all events of change up to it are
    in their channel: what the log still owes must not be dropped for a snapshot.
    """

    log: RegistryLog
    state: Latest[State]
    clock: Clock
    secrets: Secrets
    shards: int = DEFAULT_SHARDS
    snapshot_every: int = SNAPSHOT_EVERY
    announced: Callable[[int], Awaitable[bool]] = _everything
    trouble: str = field(default="", init=False)
    """Why the state does not follow the log at present; empty while it does."""
    _snapshot_revision: int = field(default=0, init=False)
    _snapshot_bytes: int = field(default=0, init=False)
    _bytes_since: int = field(default=0, init=False)
    _due: State | None = field(default=None, init=False, repr=False)
    """What is to be saved as soon as it is announced."""

    async def load(self) -> None:
        """Set `state` to everything that is committed now.

        Raises:
            WrongKey: a stored secret does not open with this node's key.
            Unavailable: the engine does not answer.
        """
        for tries_left in reversed(range(LOAD_TRIES)):
            snapshot = await self.log.snapshot()
            # Large ones take a second and more, and nobody sees the state before it is set.
            if snapshot is None:
                state = empty(self.shards)
            else:
                state = await asyncio.to_thread(self._from, snapshot)
            try:
                tail = await self.log.read(state.revision)
            except Unavailable:
                # Another node may have saved a newer snapshot between the two steps.
                if not tries_left:
                    raise
                continue
            self._snapshot_revision = state.revision
            self._snapshot_bytes = 0 if snapshot is None else len(snapshot.state)
            self._bytes_since = sum(len(commit.transaction) for commit in tail)
            self._due = None
            state = await asyncio.to_thread(self._applied, state, tail)
            if state.revision >= self.state.value.revision:
                self.state.set(state)
            return

    async def found(self, tree: Tree, *, by: str) -> None:
        """Begin the registry with `tree` where nothing is committed yet; call `load` before.

        Of nodes that do this at once, one wins, and the others load what it began with.
        """
        if self.state.value.revision:
            return
        first = Transaction(
            list(images(tree)), str(tree.attributes["createdat"]), by, next_uid=tree.next_uid
        )
        with contextlib.suppress(Conflict):
            await self.log.commit(encode_transaction(first), expected_revision=0)
        await self.load()

    async def run(self) -> None:
        """Follow the log for ever; call `load` before.

        What a node missed while others dropped it for a snapshot, it loads.
        """
        wait_s = RETRY_FIRST_S
        while True:
            began = self.state.value.revision
            try:
                await self._follow()
                continue
            except Unavailable as problem:
                log.warning("registry: following the log begins again: %s", problem)
            if self.state.value.revision > began:
                wait_s = RETRY_FIRST_S
            loaded = False
            while not loaded:
                await self.clock.sleep(wait_s)
                wait_s = min(wait_s * 2, RETRY_MOST_S)
                loaded = await self._loaded()

    async def _loaded(self) -> bool:
        """Load; what keeps it from that is `trouble`, and logged once."""
        try:
            await self.load()
        except ChappeError as problem:
            if problem.message != self.trouble:
                log.warning("registry: loading will be tried again: %s", problem)
            self.trouble = problem.message
            return False
        self.trouble = ""
        return True

    def _from(self, snapshot: Snapshot) -> State:
        return state_of_snapshot(snapshot.state, shards=self.shards, open=self.secrets.open)

    async def _follow(self) -> None:
        """Apply what comes until a snapshot is due.

        A snapshot holds this node's own writes, which the iteration may not have given yet, and
        drops them from the log: the next iteration begins at the state.
        """
        async for commit in self.log.follow(self.state.value.revision):
            # A node's own write is in the state already.
            if commit.revision > self.state.value.revision:
                await self._advance(commit)
            self._bytes_since += len(commit.transaction)
            if await self._saved():
                return

    async def _saved(self) -> bool:
        """Whether a snapshot was due, and has been saved."""
        state = self.state.value
        if self._due is None or state.revision - self._due.revision >= self.snapshot_every:
            self._due = state if self._is_due(state.revision) else None
        return self._due is not None and await self._save(self._due)

    def _is_due(self, revision: int) -> bool:
        commits = revision - self._snapshot_revision
        if commits < self.snapshot_every:
            return False
        return (
            self._snapshot_bytes <= SMALL_BYTES
            or self._bytes_since * SNAPSHOT_SHARE >= self._snapshot_bytes
            or commits >= self.snapshot_every * SNAPSHOT_LATEST
        )

    async def _save(self, state: State | None = None) -> bool:
        """Save the state, or the present one, once its events of change are in their channel.

        The log owes them until then; where another node announces, it is that one which saves. Of
        nodes that do this at once, one wins and the others cost little.
        """
        state = state or self.state.value
        if not await self.announced(state.revision):
            return False
        self._due = None
        self._snapshot_revision = state.revision
        # A large registry takes a while to encode, and nobody changes it: a thread may do it.
        data = await asyncio.to_thread(lambda: b"".join(encode_tree(state.tree, state.revision)))
        self._snapshot_bytes = len(data)
        self._bytes_since = 0
        try:
            await self.log.save_snapshot(Snapshot(state.revision, data))
        except ChappeError as problem:  # the log holds everything without it
            log.warning("registry: no snapshot of revision %d: %s", state.revision, problem)
        return True

    async def _advance(self, commit: Commit) -> None:
        state = self.state.value
        if len(commit.transaction) > MUCH_BYTES:
            after = await asyncio.to_thread(self._applied, state, [commit])
        else:
            after = self._applied(state, [commit])
        # A write of this node may have read the commit by itself meanwhile, and more.
        if after.revision > self.state.value.revision:
            self.state.set(after)

    def _applied(self, state: State, commits: Sequence[Commit]) -> State:
        for commit in commits:
            state = advanced(state, commit.transaction, commit.revision, open=self.secrets.open)
        return state
