"""Reading events back: pages of them, and one by its reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from chappe.domain.channel import Channel
from chappe.domain.errors import Ambiguous, NotFound, Unavailable
from chappe.domain.event import Event
from chappe.domain.position import Position, is_position
from chappe.kit.latest import Latest
from chappe.ports.clock import Clock
from chappe.ports.event_index import EventIndex, Found, Query
from chappe.ports.event_log import EventLog

BEHIND_S = 10.0
"""How long a read waits for the index to take in what was stored before the read."""


@dataclass(frozen=True, slots=True)
class Item:
    """An event and where it stands; `at_ms` is when it was accepted (Unix, ms)."""

    position: Position
    at_ms: int
    event: Event


@dataclass(frozen=True, slots=True)
class Page:
    """Some events; `next` is the (block, index) to go on after, None at the end."""

    items: Sequence[Item]
    next: tuple[int, int] | None


class Find:
    """Reads that see everything that was acknowledged before they were asked for."""

    def __init__(
        self,
        log: EventLog,
        index: EventIndex,
        reached: Callable[[str], Latest[int]],
        channels: Callable[[], Mapping[str, Channel]],
        clock: Clock,
    ) -> None:
        self._log = log
        self._index = index
        self._reached = reached
        self._channels = channels
        self._clock = clock

    async def page(self, query: Query, *, wait_s: float = 0.0) -> Page:
        """The events that fit; with `wait_s` an empty page waits that long for one to come.

        Raises:
            NotFound: there is no such channel.
            Unavailable: the index is too far behind the log.
        """
        channel = self._channel(query.channel)
        await self.caught_up(query.channel)
        found = await self._index.find(query)
        deadline_s = self._clock.monotonic_s() + wait_s
        while not found and wait_s > 0:
            left_s = deadline_s - self._clock.monotonic_s()
            if left_s <= 0 or not await self._index_moves(channel, left_s):
                break
            found = await self._index.find(query)
        items = [item for item in await self._items(channel, found) if item is not None]
        if found and (len(found) == query.limit or not query.newest_first):
            last = found[-1].position
            return Page(items, (last.block, last.index))
        return Page(items, None if query.newest_first else query.after)

    async def one(self, channel: str, reference: str) -> Item:
        """The event of a position, an id, or source#id.

        Raises:
            NotFound: there is no such event or channel.
            Ambiguous: the id is not unique.
        """
        target = self._channel(channel)
        if is_position(reference):
            item = await self._at(target, Position.parse(reference))
            if item is not None:
                return item
        await self.caught_up(channel)
        found = await self._by_name(channel, reference)
        if len(found) > 1:
            positions = [str(one.position) for one in found]
            raise Ambiguous(
                f"event {reference!r}: {len(found)} events have that id; "
                f"name one by its position or as source#id: {', '.join(positions)}",
                positions=positions,
            )
        if found:
            (item,) = await self._items(target, found)
            if item is not None:
                return item
        raise NotFound(f"event {reference!r}: there is none in channel {channel}")

    async def first(self, channel: str, event: Event) -> Item | None:
        """The first event of the same source and id that is kept.

        Raises:
            NotFound, Unavailable: as `caught_up`.
        """
        target = self._channel(channel)
        await self.caught_up(channel)
        query = Query(
            channel=channel, source=event.source, id=event.id, newest_first=False, limit=1
        )
        items = await self._items(target, await self._index.find(query))
        return items[0] if items else None

    async def _by_name(self, channel: str, reference: str) -> Sequence[Found]:
        query = Query(channel=channel, id=reference, limit=10)
        found = await self._index.find(query)
        # A source may hold a '#', and so may an id: try each way to part them.
        at = reference.find("#")
        while at >= 0 and not found:
            parted = replace(query, source=reference[:at], id=reference[at + 1 :])
            found = await self._index.find(parted)
            at = reference.find("#", at + 1)
        return found

    async def _at(self, channel: Channel, position: Position) -> Item | None:
        block = await self._log.block(channel, position.block)
        if block is None or block.shard != position.shard or position.index >= len(block.events):
            return None
        return Item(position, block.at_ms, block.events[position.index])

    async def _items(self, channel: Channel, found: Sequence[Found]) -> list[Item | None]:
        items: list[Item | None] = []
        for one in found:
            event = await self._log.get(channel, one.position)
            items.append(None if event is None else Item(one.position, one.at_ms, event))
        return items

    async def caught_up(self, name: str) -> None:
        """Wait until the index knows everything that the channel holds now.

        Raises:
            NotFound: there is no such channel.
            Unavailable: the index is too far behind.
        """
        channel = self._channel(name)
        last = (await self._log.extent(channel)).last_block
        reached = self._reached(channel.name)
        if reached.value >= last:
            return
        deadline_s = self._clock.monotonic_s() + BEHIND_S
        while reached.value < last:
            left_s = deadline_s - self._clock.monotonic_s()
            if left_s <= 0:
                raise Unavailable(
                    f"the index of channel {channel.name} is at block {reached.value}, the log at "
                    f"{last}; it is catching up, try again"
                )
            await self._index_moves(channel, left_s)

    async def _index_moves(self, channel: Channel, timeout_s: float) -> bool:
        return await self._clock.wait(self._reached(channel.name).changed, timeout_s)

    def _channel(self, name: str) -> Channel:
        channel = self._channels().get(name)
        if channel is None:
            raise NotFound(f"channel {name!r}: there is none of that name")
        return channel
