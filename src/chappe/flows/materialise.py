"""Keeping the registry in memory: a snapshot, the transactions since, and every one that comes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from chappe.domain.channel import DEFAULT_SHARDS
from chappe.domain.errors import ChappeError, Unavailable
from chappe.formats.transaction_json import decode_state, decode_transaction, encode_state
from chappe.kit.latest import Latest
from chappe.ports.clock import Clock
from chappe.ports.registry_log import Commit, RegistryLog, Snapshot
from chappe.ports.secrets import Secrets
from chappe.registry.state import State, empty
from chappe.registry.transaction import Change

SNAPSHOT_EVERY: Final = 500
LOAD_TRIES: Final = 3
RETRY_FIRST_S: Final = 0.1
RETRY_MOST_S: Final = 5.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Materialise:
    """Brings `state` up to the log, and keeps it there."""

    log: RegistryLog
    state: Latest[State]
    clock: Clock
    secrets: Secrets
    shards: int = DEFAULT_SHARDS
    snapshot_every: int = SNAPSHOT_EVERY
    trouble: str = field(default="", init=False)
    """Why the state does not follow the log at present; empty while it does."""
    _snapshot_revision: int = field(default=0, init=False)

    async def load(self) -> None:
        """Set `state` to everything that is committed now.

        Raises:
            WrongKey: a stored secret does not open with this node's key.
            Unavailable: the engine does not answer.
        """
        for tries_left in reversed(range(LOAD_TRIES)):
            snapshot = await self.log.snapshot()
            state = self._from(snapshot)
            try:
                tail = await self.log.read(state.revision)
            except Unavailable:
                # Another node may have saved a newer snapshot between the two steps.
                if not tries_left:
                    raise
                continue
            self._snapshot_revision = state.revision
            state = self._applied(state, tail)
            if state.revision >= self.state.value.revision:
                self.state.set(state)
            return

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

    def _from(self, snapshot: Snapshot | None) -> State:
        state = empty(self.shards)
        if snapshot is None:
            return state
        found = decode_state(snapshot.state, open=self.secrets.open)
        return State(
            snapshot.revision,
            found.subscriptions,
            found.declarations,
            {**state.channels, **found.channels},
        )

    async def _follow(self) -> None:
        """Apply what comes until a snapshot is due.

        A snapshot holds this node's own writes, which the iteration may not have given yet, and
        drops them from the log: the next iteration begins at the state.
        """
        async for commit in self.log.follow(self.state.value.revision):
            # A node's own write is in the state already.
            if commit.revision > self.state.value.revision:
                self.state.set(self._applied(self.state.value, [commit]))
            if commit.revision - self._snapshot_revision >= self.snapshot_every:
                await self._save()
                return

    async def _save(self) -> None:
        """Every node does this; of those that come at once, one wins and the others cost little."""
        state = self.state.value
        self._snapshot_revision = state.revision
        # A large state takes a while to encode, and nobody changes it: a thread may do it.
        data = await asyncio.to_thread(encode_state, state, seal=self.secrets.seal)
        try:
            await self.log.save_snapshot(Snapshot(state.revision, data))
        except ChappeError as problem:  # the log holds everything without it
            log.warning("registry: no snapshot of revision %d: %s", state.revision, problem)

    def _applied(self, state: State, commits: Sequence[Commit]) -> State:
        """One copy of the state for all of the commits."""
        if not commits:
            return state
        changes: list[Change] = []
        for commit in commits:
            transaction = decode_transaction(commit.transaction, open=self.secrets.open)
            changes += transaction.changes
        return state.apply(changes, commits[-1].revision)
