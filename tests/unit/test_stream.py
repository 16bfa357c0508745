"""flows/stream on the memory log: whatever the place, what follows comes exactly once, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.adapters.memory.event_log import MemoryEventLog
from chappe.client.streaming import Parser
from chappe.domain.channel import Channel
from chappe.domain.errors import Overloaded, Unavailable
from chappe.domain.event import Event
from chappe.domain.position import Position
from chappe.flows import stream
from chappe.flows.stream import Reading, Streams
from chappe.http.stream import frame
from chappe.testing.fake_clock import FakeClock

CHANNEL = Channel("default", 3)


def event(number: int, size: int = 10) -> Event:
    return Event(
        id=f"e-{number}", source="/s", type="t", subject=f"k{number % 5}", data=b"x" * size
    )


class Hub:
    """A log, and the streams over it."""

    def __init__(self, limit: int = 10) -> None:
        self.clock = FakeClock()
        self.log = MemoryEventLog(self.clock)
        self.streams = Streams(self.log, lambda: {"default": CHANNEL}, self.clock, limit=limit)

    async def stored(self) -> list[tuple[Position, str]]:
        """All that the log holds, in its order."""
        blocks = await self.log.read(CHANNEL, None, 0, limit_blocks=1_000_000)
        return [
            (Position(block.shard, block.seq, index), one.id)
            for block in blocks
            for index, one in enumerate(block.events)
        ]


@asynccontextmanager
async def running(limit: int = 10) -> AsyncIterator[Hub]:
    hub = Hub(limit)
    await hub.log.open_channel(CHANNEL)
    serving = asyncio.ensure_future(hub.streams.run())
    await asyncio.sleep(0)
    try:
        yield hub
    finally:
        hub.streams.end()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def taken(hub: Hub, reading: Reading, count: int) -> list[str]:
    """The next events, at least so many."""
    found: list[str] = []

    async def take() -> None:
        while len(found) < count:
            for piece in await reading.next(60):
                found.extend(piece.tailed.block.events[index].id for index in piece.indexes)

    taking = asyncio.ensure_future(take())
    await hub.clock.until(taking.done)
    await taking
    return found


@given(
    st.lists(st.lists(st.integers(0, 40_000), min_size=1, max_size=6), min_size=1, max_size=12),
    st.data(),
)
def test_from_any_position_every_later_event_comes_once_and_in_order(
    batches: Sequence[Sequence[int]], data: st.DataObject
) -> None:
    async def scenario() -> None:
        async with running() as hub:
            number = 0
            late = data.draw(st.integers(0, len(batches)))
            for sizes in batches[:late]:
                await hub.log.append_all(
                    CHANNEL, [event(number + n, s) for n, s in enumerate(sizes)]
                )
                number += len(sizes)
            before = await hub.stored()
            start = data.draw(st.integers(-1, len(before) - 1))
            at = "earliest" if start < 0 else str(before[start][0])
            reading = await hub.streams.open("default", at, None)
            for sizes in batches[late:]:
                await hub.log.append_all(
                    CHANNEL, [event(number + n, s) for n, s in enumerate(sizes)]
                )
                number += len(sizes)
            wanted = [id_ for _, id_ in (await hub.stored())[start + 1 :]]
            found = await taken(hub, reading, len(wanted))
            assert found == wanted
            reading.close()

    asyncio.run(scenario())


async def test_who_falls_behind_the_tail_reads_the_log_and_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream, "TAIL_BYTES", 20_000)
    async with running() as hub:
        slow = await hub.streams.open("default", "latest", None)
        keen = await hub.streams.open("default", "latest", None)
        for number in range(200):
            await hub.log.append(CHANNEL, event(number, 1_000))
            assert await taken(hub, keen, 1) == [f"e-{number}"]
        assert await taken(hub, slow, 200) == [f"e-{number}" for number in range(200)]
        await hub.log.append(CHANNEL, event(200))
        assert await taken(hub, slow, 1) == ["e-200"]


async def test_what_nobody_wants_moves_the_place_on() -> None:
    async with running() as hub:
        reading = await hub.streams.open("default", "latest", lambda one: False)
        await hub.log.append(CHANNEL, event(1))
        waiting = asyncio.ensure_future(reading.next(15))
        await hub.clock.until(waiting.done)
        assert (await waiting, reading.at.block) == ((), 1)


async def test_the_last_reader_ends_the_tail_and_the_next_begins_another() -> None:
    async with running() as hub:
        for number in range(3):
            reading = await hub.streams.open("default", "latest", None)
            await hub.log.append(CHANNEL, event(number))
            assert await taken(hub, reading, 1) == [f"e-{number}"]
            reading.close()
            reading.close()
            assert hub.streams.open_readers == 0


async def test_no_more_are_opened_than_may_be_nor_after_the_end() -> None:
    left: list[Callable[[], None]] = []
    ended: list[bool] = []
    async with running(limit=2) as hub:
        one = await hub.streams.open("default", "latest", None)
        left.append(hub.streams.enter(lambda: ended.append(True)))
        with pytest.raises(Overloaded):
            await hub.streams.open("default", "latest", None)
        with pytest.raises(Overloaded):
            hub.streams.enter(lambda: None)
        one.close()
        two = await hub.streams.open("default", "latest", None)
        hub.streams.end()
        assert (two.ended, ended) == (True, [True])
        assert await two.next(60) == ()
        with pytest.raises(Unavailable):
            await hub.streams.open("default", "latest", None)
        left[0]()
        left[0]()
        two.close()
        assert hub.streams.open_readers == 0


@given(st.lists(st.binary(max_size=30), max_size=5), st.integers(1, 20))
def test_frames_are_read_back_however_they_are_cut(payloads: list[bytes], step: int) -> None:
    events = [
        Event(id=f"e-{number}", source="/s", type="t", data=data)
        for number, data in enumerate(payloads)
    ]
    events.append(Event(id="last", source="/s", type="t", data=b'{"a":\r\n\r\n 1}', text=True))
    sent = b"".join(frame(one, Position(1, number, 0), 1_000) for number, one in enumerate(events))
    parser = Parser()
    found = [one for at in range(0, len(sent), step) for one in parser.feed(sent[at : at + step])]
    from chappe.formats import cloudevents_json

    assert [one.position for one in found] == [f"1-{number}-0" for number in range(len(events))]
    assert [cloudevents_json.decode(one.event).id for one in found] == [one.id for one in events]
    assert {one.acceptedat for one in found} == {"1970-01-01T00:00:01.000Z"}


def test_an_event_that_was_cut_off_does_not_count_as_come() -> None:
    parser = Parser()
    first = frame(event(1), Position(0, 1, 0), 0)
    assert len(parser.feed(first + b"id: 0-2-0\ndata: {")) == 1
    assert parser.last_id == "0-1-0"
