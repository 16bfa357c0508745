"""Events of change, from the registry's log to the channel `registry`: each once, from a kept position.

One node announces at a time: the one that holds the lease. Its position is the checkpoint of a
cursor, which the next announcer's claim fences, and which lags behind the channel by one write at
most. What the channel holds beyond it, its last event tells: the announcer begins behind that.

    append events of 41, 42 ─► checkpoint 42 ─► append …    a kill between the two repeats nothing

An announcer that slept through the end of its lease may still append what the next one has
appended, too; such events have the same source and id, and readers of the channel drop them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from chappe.domain.channel import Channel
from chappe.domain.errors import Fenced, Unavailable
from chappe.domain.event import Event
from chappe.formats.transaction_json import decode_announcements
from chappe.kit.latest import Latest
from chappe.kit.supervise import Supervisor
from chappe.ports.clock import Clock
from chappe.ports.cursors import Cursors, ShardCursors
from chappe.ports.event_log import EventLog
from chappe.ports.registry_log import Commit, RegistryLog
from chappe.ports.shard_lease import ShardLease
from chappe.registry.change_events import events, place_of

ANNOUNCER: Final = "registry.announcer"
"""The name of the lease and of the cursor."""

LEASE_TTL_S: Final = 5.0
AGAIN_S: Final = 0.5
REACHED_S: Final = 2.0
MOST_COMMITS: Final = 1_000
"""Transactions read ahead at the most; beyond, the reader waits for the channel."""
MOST_EVENTS: Final = 1_000
"""Events in one append: as many as a block takes, so that most appends are one message."""

_log = logging.getLogger("chappe.announce")


class Announce:
    """Announces what was committed, while this node holds the lease.

    `channel` must have one shard: its last event then tells how far the announcing is.
    """

    def __init__(
        self,
        registry: RegistryLog,
        log: EventLog,
        channel: Channel,
        *,
        lease: ShardLease,
        cursors: Cursors,
        clock: Clock,
    ) -> None:
        if channel.shards != 1:
            raise ValueError(f"channel {channel.name}: {channel.shards} shards; it must have 1")
        self._registry = registry
        self._log = log
        self._channel = channel
        self._lease = lease
        self._cursors = cursors
        self._clock = clock
        self._held_until_s = 0.0
        self._gathered: list[tuple[int, Sequence[Event]]] = []
        self._came = asyncio.Event()
        self._room = asyncio.Event()
        self.announced: Latest[int | None] = Latest(None)
        """The last revision whose events are on disk, and known to be after a kill, too.

        None while another node announces. A snapshot must not drop what lies beyond it.
        """

    async def reached(self, revision: int) -> bool:
        """Whether everything up to `revision` is announced, as this node knows it.

        The announcer is some milliseconds behind the log, so it is waited for; other nodes do not know.
        """
        if self._clock.monotonic_s() >= self._held_until_s:
            return False
        try:
            async with asyncio.timeout(REACHED_S):
                await self.announced.wait_until(lambda at: at is not None and at >= revision)
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Announce whenever this node holds the lease, for ever."""
        told = ""
        while True:
            try:
                await self._lease.acquire(ANNOUNCER, ttl_s=LEASE_TTL_S)
                self._held_until_s = self._clock.monotonic_s() + LEASE_TTL_S
                async with Supervisor() as tasks:
                    tasks.start_soon(self._renew(), name=f"lease {ANNOUNCER}")
                    tasks.start_soon(self._announce(), name="announce")
            except* Fenced as group:
                _log.info("announcing: %s", _first(group))
            except* Unavailable as group:
                trouble = str(_first(group))
                if trouble != told:
                    _log.warning("announcing: %s; trying again", trouble)
                told = trouble
            finally:
                self.announced.set(None)
            await self._clock.sleep(AGAIN_S)

    async def _renew(self) -> None:
        while True:
            await self._clock.sleep(LEASE_TTL_S / 3)
            asked_s = self._clock.monotonic_s()
            try:
                await self._lease.renew(ANNOUNCER)
            except Unavailable:
                self._check_held()
                continue
            self._held_until_s = asked_s + LEASE_TTL_S

    async def _announce(self) -> None:
        """Announce what lies behind the kept position, then what comes, for ever.

        Raises:
            Fenced: another node announces.
            Unavailable: the engine failed; call again. (Both in an ExceptionGroup.)
        """
        cursors = await self._cursors.claim(ANNOUNCER)
        kept = int(cursors.checkpoint or b"0")
        last = await self._last_place()
        after, skip = (kept, None) if last is None or last[0] <= kept else (last[0] - 1, last)
        self._gathered = []
        self._came.clear()
        self._room.set()
        async with Supervisor() as tasks:
            tasks.start_soon(self._gather(after, skip), name="read transactions")
            await self._write(cursors)

    async def _last_place(self) -> tuple[int, int] | None:
        """The revision and ordinal of the channel's last event."""
        extent = await self._log.extent(self._channel)
        if extent.last_block < extent.first_block:
            return None
        block = await self._log.block(self._channel, extent.last_block)
        return None if block is None or not block.events else place_of(block.events[-1])

    async def _gather(self, after: int, skip: tuple[int, int] | None) -> None:
        for commit in await self._present(after):
            await self._take(commit, skip)
            after = commit.revision
        async for commit in self._registry.follow(after):
            await self._take(commit, skip)

    async def _present(self, after: int) -> Sequence[Commit]:
        """What is committed behind `after`, as far as it is kept."""
        try:
            return await self._registry.read(after)
        except Unavailable:
            snapshot = await self._registry.snapshot()
            if snapshot is None or snapshot.revision <= after:
                raise
            # The engine answers, so it is the snapshot that dropped them.
            commits = await self._registry.read(snapshot.revision)
            _log.error(
                "announcing: the transactions from %d to %d cannot be announced any more:"
                " a snapshot has taken their place",
                after + 1,
                snapshot.revision,
            )
            return commits

    async def _take(self, commit: Commit, skip: tuple[int, int] | None) -> None:
        owed = events(decode_announcements(commit.transaction), commit.revision)
        if skip is not None and commit.revision == skip[0]:
            owed = owed[skip[1] + 1 :]
        await self._room.wait()
        self._gathered.append((commit.revision, owed))
        self._came.set()
        if len(self._gathered) >= MOST_COMMITS:
            self._room.clear()

    async def _write(self, cursors: ShardCursors) -> None:
        while True:
            await self._came.wait()
            gathered, self._gathered = self._gathered, []
            self._came.clear()
            self._room.set()
            owed = [event for _, of_one in gathered for event in of_one]
            for at in range(0, len(owed), MOST_EVENTS):
                self._check_held()
                await self._log.append_all(self._channel, owed[at : at + MOST_EVENTS])
            revision = gathered[-1][0]
            await cursors.write(str(revision).encode("ascii"), {})
            self.announced.set(revision)

    def _check_held(self) -> None:
        if self._clock.monotonic_s() >= self._held_until_s:
            raise Fenced(f"lease of {ANNOUNCER}: could not be renewed in time")


def _first(error: BaseException) -> BaseException:
    """The first error of a group of groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
