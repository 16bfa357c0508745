"""How delivery goes: the state of a subscription, told from its lanes on all shards.

A lane without a record runs on its shard's reader and has nothing open for long. Where this node owns
the shard, a lane is looked at as it is, elsewhere as its owner wrote it last (some 100 ms ago).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from chappe.domain.attempt import AttemptRow
from chappe.domain.channel import Channel
from chappe.domain.holding import held
from chappe.domain.lane import END_OF_BLOCK, LaneRecord, Place
from chappe.domain.matching import wants
from chappe.domain.outcomes import Outcomes
from chappe.domain.subscription import Subscription
from chappe.formats.times import unix_ms
from chappe.ports.clock import Clock
from chappe.ports.event_log import EventLog, Extent

StateName: TypeAlias = Literal[
    "active",
    "paused",
    "disabled",
    "awaiting grant",
    "expired",
    "retrying",
    "catching-up",
    "behind-retention",
]

COUNTED_BLOCKS: Final = 64
"""As far as events that were not read yet are counted."""


@dataclass(frozen=True, slots=True)
class ShardView:
    """A shard as its owner has it: how far it is, and the lanes that have a state of their own."""

    owner: str
    reader: Place
    lanes: Mapping[str, LaneRecord]


@dataclass(frozen=True, slots=True)
class LaneStanding:
    """One lane: how far it is, and what is open.

    `blocks` is how many blocks of the channel stand behind it, at most (other shards' are among
    them). `events` counts those that are open or not read yet; None where they were not counted,
    `exact` where there may be more. `oldest_ms` is when the oldest of them was accepted (Unix, ms).
    `lost_blocks` are removed by retention and were not read.
    """

    shard: int
    owner: str
    own: bool
    cursor: Place
    blocks: int
    open: int
    waiting: int
    events: int | None = None
    exact: bool = True
    oldest_ms: int | None = None
    lost_blocks: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a subscription, and what it follows from. `progress` is of a replay, from 0 to 1."""

    state: StateName
    reason: str | None
    lanes: Sequence[LaneStanding]
    succeeded: AttemptRow | None
    failed: AttemptRow | None
    progress: float | None = None


class TellStanding:
    """Tells the standing of subscriptions."""

    def __init__(
        self,
        log: EventLog,
        view: Callable[[Channel, int], Awaitable[ShardView]],
        channels: Callable[[], Mapping[str, Channel]],
        outcomes: Outcomes,
        clock: Clock,
    ) -> None:
        """`view` gives a shard, wherever it is owned."""
        self._log = log
        self._view = view
        self._channels = channels
        self._outcomes = outcomes
        self._clock = clock

    async def __call__(
        self, subscriptions: Iterable[Subscription], *, counted: bool = False
    ) -> Mapping[str, Standing]:
        """Each one's standing by id; `counted`: with events counted and the oldest told.

        Raises:
            Unavailable: the engine does not answer.
        """
        shards: dict[str, tuple[Extent, list[ShardView]]] = {}
        standings: dict[str, Standing] = {}
        for one in subscriptions:
            if one.channel not in shards:
                channel = self._channels()[one.channel]
                views = [await self._view(channel, shard) for shard in range(channel.shards)]
                shards[one.channel] = await self._log.extent(channel), views
            extent, views = shards[one.channel]
            lanes = [_lane(one, shard, view, extent) for shard, view in enumerate(views)]
            if counted:
                lanes = [
                    await self._counted(one, lane, views[lane.shard].lanes.get(one.id))
                    for lane in lanes
                ]
            standings[one.id] = self._standing(one, lanes)
        return standings

    def _standing(self, one: Subscription, lanes: Sequence[LaneStanding]) -> Standing:
        succeeded = self._outcomes.succeeded.get(one.id)
        failed = self._outcomes.failed.get(one.id)
        state, reason = _state(one, lanes, failed, self._clock.now_ms())
        return Standing(state, reason, lanes, succeeded, failed, _progress(one, lanes))

    async def _counted(
        self, one: Subscription, lane: LaneStanding, record: LaneRecord | None
    ) -> LaneStanding:
        channel = self._channels()[one.channel]
        events, exact, oldest_ms = lane.open, True, None
        if record is not None and record.open:
            block = await self._log.block(channel, next(iter(record.open)).block)
            oldest_ms = None if block is None else block.at_ms
        if lane.own and lane.blocks:
            after = lane.cursor.block - (lane.cursor.index != END_OF_BLOCK)
            limit = COUNTED_BLOCKS
            blocks = await self._log.read(channel, lane.shard, max(after, 0), limit_blocks=limit)
            wanted, span = wants(one), one.span
            for block in blocks:
                for number, event in enumerate(block.events):
                    place = Place(block.seq, number)
                    if (
                        place > lane.cursor
                        and wanted(event)
                        and (span is None or span.holds(lane.shard, place, block.at_ms))
                    ):
                        events += 1
                        oldest_ms = block.at_ms if oldest_ms is None else oldest_ms
            exact = len(blocks) < limit
        return LaneStanding(
            lane.shard, lane.owner, lane.own, lane.cursor, lane.blocks, lane.open, lane.waiting,
            events, exact, oldest_ms, lane.lost_blocks,
        )  # fmt: skip


def _lane(one: Subscription, shard: int, view: ShardView, extent: Extent) -> LaneStanding:
    record = view.lanes.get(one.id)
    own = record is not None and record.own
    cursor = record.cursor if record is not None and own else view.reader
    # Nothing before the beginning is for it, and nothing behind the end.
    cursor = max(cursor, Place(one.starts_after, END_OF_BLOCK))
    last = extent.last_block
    if one.span is not None and one.span.end is not None:
        last = min(last, one.span.end.block)
    blocks = max(0, last - cursor.block + (cursor.index != END_OF_BLOCK)) if own else 0
    lost = max(0, extent.first_block - 1 - cursor.block) if own else 0
    began = cursor.block > one.starts_after
    open_ = {} if record is None else record.open
    waiting = sum(event.due_ms is not None for event in open_.values())
    return LaneStanding(
        shard, view.owner, own, cursor, blocks, len(open_), waiting, lost_blocks=lost if began else 0
    )  # fmt: skip


def _state(
    one: Subscription, lanes: Sequence[LaneStanding], failed: AttemptRow | None, now_ms: int
) -> tuple[StateName, str | None]:
    expires = one.options.expires
    if expires is not None and (unix_ms(expires) or 0) <= now_ms:
        return "expired", f"since {expires}"
    hold = held(one)
    lost = sum(lane.lost_blocks for lane in lanes)
    told = f"retention has removed {lost} blocks that were not read" if lost else None
    if hold is not None:
        disabled = None if one.disabled is None else one.disabled.reason
        return hold, told or disabled
    if told is not None:
        return "behind-retention", told
    if any(lane.waiting for lane in lanes):
        return "retrying", None if failed is None else failed.reason
    if any(lane.own and lane.blocks for lane in lanes):
        return "catching-up", None
    return "active", None


def _progress(one: Subscription, lanes: Sequence[LaneStanding]) -> float | None:
    span = one.span
    if one.replay is None or span is None or span.end is None or not lanes:
        return None
    whole = max(1, span.end.block - one.starts_after)
    passed = [min(whole, max(0, lane.cursor.block - one.starts_after)) for lane in lanes]
    through = sum(passed) / (whole * len(lanes))
    unsettled = any(lane.open for lane in lanes)
    return min(round(through, 3), 0.999) if unsettled else round(through, 3)
