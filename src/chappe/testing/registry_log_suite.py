"""What every registry log must do. Subclass it and give the fixture `world`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from chappe.domain.errors import Conflict, Unavailable
from chappe.ports.registry_log import Commit, RegistryLog, Snapshot

DEADLINE_S = 20.0


@dataclass(frozen=True, slots=True)
class World:
    """A log under test.

    `restart` restarts what holds the log (nothing, for a log in memory); `half_snapshot` leaves
    behind what a node leaves that dies while it saves a snapshot.
    """

    log: RegistryLog
    restart: Callable[[], Awaitable[None]]
    half_snapshot: Callable[[Snapshot], Awaitable[None]]


async def first(commits: AsyncIterator[Commit], count: int) -> list[Commit]:
    """The next `count` transactions of a log that is followed."""
    found: list[Commit] = []
    async with asyncio.timeout(DEADLINE_S):
        async for commit in commits:
            found.append(commit)
            if len(found) == count:
                break
    return found


async def fill(log: RegistryLog, count: int, *, after: int = 0) -> list[Commit]:
    """Commit `count` transactions of a few bytes."""
    commits = []
    for number in range(count):
        data = b'{"number": %d}' % number
        after = await log.commit(data, expected_revision=after)
        commits.append(Commit(after, data))
    return commits


class RegistryLogSuite:
    """The conformance suite of ports/registry_log."""

    async def test_a_fresh_log_is_empty_and_has_no_snapshot(self, world: World) -> None:
        """The first revision to expect is 0."""
        assert await world.log.read(0) == []
        assert await world.log.snapshot() is None

    async def test_what_was_committed_is_read_in_order(self, world: World) -> None:
        """Revisions grow."""
        commits = await fill(world.log, 5)
        assert await world.log.read(0) == commits
        assert await world.log.read(commits[2].revision) == commits[3:]
        assert sorted({commit.revision for commit in commits}) == [c.revision for c in commits]

    async def test_an_empty_transaction_is_one(self, world: World) -> None:
        """Its bytes are the writer's affair."""
        revision = await world.log.commit(b"", expected_revision=0)
        assert await world.log.read(0) == [Commit(revision, b"")]

    async def test_a_stale_writer_gets_a_conflict_and_nothing_is_stored(self, world: World) -> None:
        """Also one who expects too much."""
        commits = await fill(world.log, 2)
        for expected in (0, commits[0].revision, commits[1].revision + 5):
            with pytest.raises(Conflict):
                await world.log.commit(b"stale", expected_revision=expected)
        assert await world.log.read(0) == commits

    async def test_of_concurrent_writers_one_wins_each_revision(self, world: World) -> None:
        """Every write gets in at last, and all stand in one order."""
        writers, each = 8, 6
        won: list[tuple[int, bytes]] = []

        async def write(name: int) -> None:
            for number in range(each):
                data = b"%d:%d" % (name, number)
                while True:
                    known = await world.log.read(0)
                    after = known[-1].revision if known else 0
                    try:
                        won.append((await world.log.commit(data, expected_revision=after), data))
                        break
                    except Conflict:
                        continue

        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
            for name in range(writers):
                group.create_task(write(name))
        assert len({revision for revision, _ in won}) == writers * each
        assert await world.log.read(0) == [Commit(*pair) for pair in sorted(won)]

    async def test_large_transactions_of_concurrent_writers_never_mix(self, world: World) -> None:
        """All or nothing, for those that the engine can't take in one piece too."""
        before = await fill(world.log, 1)
        after = before[0].revision
        results = await asyncio.gather(
            *(
                world.log.commit(letter * 5_000_000, expected_revision=after)
                for letter in (b"a", b"b", b"c")
            ),
            return_exceptions=True,
        )
        assert sorted(isinstance(result, Conflict) for result in results) == [False, True, True]
        (read,) = await world.log.read(after)
        assert read.revision in results
        assert len(read.transaction) == 5_000_000
        assert len(set(read.transaction)) == 1

    async def test_a_transaction_of_20_mb_comes_back_whole(self, world: World) -> None:
        """By reading and by following, between small ones."""
        large = bytes(range(256)) * 80_000
        one = await world.log.commit(b"one", expected_revision=0)
        two = await world.log.commit(large, expected_revision=one)
        three = await world.log.commit(b"three", expected_revision=two)
        wanted = [Commit(one, b"one"), Commit(two, large), Commit(three, b"three")]
        assert await world.log.read(0) == wanted
        assert await first(world.log.follow(0), 3) == wanted
        assert await first(world.log.follow(two), 1) == wanted[2:]

    async def test_a_follower_sees_what_was_and_what_comes(self, world: World) -> None:
        """Without an end."""
        commits = await fill(world.log, 3)
        async with asyncio.TaskGroup() as group:
            followed = group.create_task(first(world.log.follow(commits[0].revision), 4))
            later = await fill(world.log, 2, after=commits[-1].revision)
        assert followed.result() == commits[1:] + later

    async def test_a_restart_loses_nothing_and_followers_go_on(self, world: World) -> None:
        """Neither a gap nor a repetition."""
        commits = await fill(world.log, 3)
        async with asyncio.TaskGroup() as group:
            followed = group.create_task(first(world.log.follow(0), 5))
            await world.restart()
            assert await world.log.read(0) == commits
            later = await fill(world.log, 2, after=commits[-1].revision)
        assert followed.result() == commits + later

    async def test_a_snapshot_comes_back_whole_and_drops_what_it_contains(
        self, world: World
    ) -> None:
        """The tail stays."""
        commits = await fill(world.log, 6)
        snapshot = Snapshot(commits[3].revision, bytes(range(256)) * 40_000)
        await world.log.save_snapshot(snapshot)
        await world.restart()
        assert await world.log.snapshot() == snapshot
        assert await world.log.read(snapshot.revision) == commits[4:]
        assert await first(world.log.follow(snapshot.revision), 2) == commits[4:]

    async def test_the_revision_goes_on_after_everything_was_dropped(self, world: World) -> None:
        """An empty log knows where it was."""
        commits = await fill(world.log, 4)
        last = commits[-1].revision
        await world.log.save_snapshot(Snapshot(last, b"state"))
        await world.restart()
        assert await world.log.read(last) == []
        with pytest.raises(Conflict):
            await world.log.commit(b"stale", expected_revision=0)
        revision = await world.log.commit(b"next", expected_revision=last)
        assert revision > last
        assert await world.log.read(last) == [Commit(revision, b"next")]

    async def test_who_comes_too_late_is_told(self, world: World) -> None:
        """A reader must never pass over transactions in silence."""
        commits = await fill(world.log, 4)
        await world.log.save_snapshot(Snapshot(commits[2].revision, b"state"))
        with pytest.raises(Unavailable, match="snapshot"):
            await world.log.read(commits[0].revision)
        with pytest.raises(Unavailable, match="snapshot"):
            await first(world.log.follow(commits[0].revision), 1)

    async def test_a_reader_ahead_of_the_log_is_told(self, world: World) -> None:
        """It has another log, or this one was lost."""
        commits = await fill(world.log, 1)
        with pytest.raises(Unavailable, match="ends at"):
            await world.log.read(commits[0].revision + 7)

    async def test_the_newer_snapshot_stays(self, world: World) -> None:
        """Whoever comes later with an older one changes nothing."""
        commits = await fill(world.log, 3)
        newer = Snapshot(commits[2].revision, b"newer")
        await world.log.save_snapshot(Snapshot(commits[0].revision, b"old"))
        await world.log.save_snapshot(newer)
        await world.log.save_snapshot(Snapshot(commits[1].revision, b"older"))
        assert await world.log.snapshot() == newer

    async def test_snapshots_saved_at_the_same_time_leave_one_whole(self, world: World) -> None:
        """No mixture of two."""
        commits = await fill(world.log, 3)
        last = commits[-1].revision
        states = [letter * 3_000_000 for letter in (b"a", b"b", b"c", b"d")]
        await asyncio.gather(*(world.log.save_snapshot(Snapshot(last, state)) for state in states))
        found = await world.log.snapshot()
        assert found is not None
        assert found.revision == last
        assert found.state in states

    async def test_a_snapshot_that_was_cut_short_does_not_count(self, world: World) -> None:
        """The node died between its parts: what was before holds, and the next one gets in."""
        commits = await fill(world.log, 4)
        whole = Snapshot(commits[1].revision, b"whole" * 500_000)
        await world.log.save_snapshot(whole)
        await world.half_snapshot(Snapshot(commits[2].revision, b"half" * 1_000_000))
        assert await world.log.snapshot() == whole
        assert await world.log.read(whole.revision) == commits[2:]
        following = Snapshot(commits[3].revision, b"next")
        await world.log.save_snapshot(following)
        assert await world.log.snapshot() == following
