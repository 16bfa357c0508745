"""The index of events in lists and dicts: small, plain, and what the others are compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from chappe.domain.attempt import AttemptRow
from chappe.domain.channel import RECORDS, Block
from chappe.domain.event import Event
from chappe.domain.position import Position
from chappe.domain.sighting import Sighting, joined
from chappe.ports.event_index import LIMIT, EventIndex, Found, Query


@dataclass(slots=True)
class _Channel:
    reached: int = 0
    floor: int = 0  # the last block that was dropped
    listed: list[tuple[Found, Event]] = field(default_factory=list)
    known: set[tuple[str, str]] = field(default_factory=set)
    attempts: dict[tuple[int, int], list[AttemptRow]] = field(default_factory=dict)


class MemoryEventIndex:
    """The EventIndex port; drops whole blocks as soon as they are over the greatest age."""

    def __init__(self, *, max_age_ms: int | None = None) -> None:
        self._max_age_ms = max_age_ms
        self._newest_ms = 0
        self._channels: dict[str, _Channel] = {}

    async def add(
        self, channel: str, blocks: Sequence[Block], attempts: Sequence[AttemptRow] = ()
    ) -> None:
        """As the port says."""
        known = self._channel(channel)
        for block in blocks:
            if block.seq > known.reached:
                self._list(known, block, distinct=channel not in RECORDS)
        for row in attempts:
            owner = self._channel(row.channel)
            if row.block > owner.floor:
                owner.attempts.setdefault((row.block, row.index), []).append(row)
        self._drop_old()

    async def reached(self, channel: str) -> int:
        """As the port says."""
        return self._channels[channel].reached if channel in self._channels else 0

    async def find(self, query: Query) -> Sequence[Found]:
        """As the port says."""
        channel = self._channels.get(query.channel, _Channel())
        fitting = list(_fitting(channel, query))
        return fitting[:: -1 if query.newest_first else 1][: max(0, min(query.limit, LIMIT))]

    async def attempts(self, channel: str, position: Position) -> Sequence[AttemptRow]:
        """As the port says."""
        known = self._channels.get(channel, _Channel())
        rows = known.attempts.get((position.block, position.index), [])
        fitting = dict.fromkeys(row for row in rows if row.position == position)
        return sorted(fitting, key=lambda row: (row.at_ms, row.attempt))

    async def counts(self, channel: str) -> Mapping[str, int]:
        """As the port says."""
        known = self._channels.get(channel, _Channel())
        return Counter(event.type for _, event in known.listed)

    async def sightings(self, channel: str, *, since_ms: int | None = None) -> Sequence[Sighting]:
        """As the port says."""
        known = self._channels.get(channel, _Channel())
        return joined(
            [Sighting(event.type, event.source, 1, found.at_ms, found.at_ms)]
            for found, event in known.listed
            if since_ms is None or found.at_ms >= since_ms
        )

    async def close(self) -> None:
        """Nothing is left to write."""

    def _channel(self, name: str) -> _Channel:
        return self._channels.setdefault(name, _Channel())

    def _list(self, channel: _Channel, block: Block, *, distinct: bool) -> None:
        for index, event in enumerate(block.events):
            if not distinct or (event.source, event.id) not in channel.known:
                channel.known.add((event.source, event.id))
                found = Found(Position(block.shard, block.seq, index), block.at_ms)
                channel.listed.append((found, event))
        channel.reached = block.seq
        self._newest_ms = max(self._newest_ms, block.at_ms)

    def _drop_old(self) -> None:
        if self._max_age_ms is None:
            return
        horizon_ms = self._newest_ms - self._max_age_ms
        for channel in self._channels.values():
            gone = 0
            for found, event in channel.listed:
                if found.at_ms >= horizon_ms:
                    break
                channel.known.discard((event.source, event.id))
                channel.floor = found.position.block
                gone += 1
            del channel.listed[:gone]
            for place, rows in list(channel.attempts.items()):
                if place[0] <= channel.floor or rows[-1].at_ms < horizon_ms:
                    del channel.attempts[place]


def _fitting(channel: _Channel, query: Query) -> Iterator[Found]:
    for found, event in channel.listed:
        place = found.position[1:]
        if (
            query.type in (None, event.type)
            and query.source in (None, event.source)
            and query.id in (None, event.id)
            and query.subject in (None, event.subject)
            and (query.from_ms is None or found.at_ms >= query.from_ms)
            and (query.until_ms is None or found.at_ms < query.until_ms)
            and (query.after is None or _beyond(place, query.after, query.newest_first))
        ):
            yield found


def _beyond(place: tuple[int, ...], after: tuple[int, int], newest_first: bool) -> bool:
    return place < after if newest_first else place > after


_: type[EventIndex] = MemoryEventIndex
