"""flows/accept on the memory log, with and without a task."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from chappe.adapters.memory.event_log import MemoryEventLog
from chappe.domain.channel import DEADLETTERS, DEFAULT, Channel
from chappe.domain.errors import InvalidBatch, Malformed, NotFound, OutOfSpace, SchemaMismatch
from chappe.domain.event import Event
from chappe.domain.seen import SeenEvents
from chappe.flows.accept import Accept
from chappe.formats.receipt import Receipt
from chappe.formats.schema_language import Verdict, Violation
from chappe.registry.declaration import Declaration, Mode
from chappe.testing.fake_clock import FakeClock

WINDOW_MS = 120_000
CHANNELS = {DEFAULT: Channel(DEFAULT, 4), DEADLETTERS: Channel(DEADLETTERS, 1)}


def event(id_: str, type_: str = "t") -> Event:
    return Event(id=id_, source="/s", type=type_)


def verdict(mode: Mode) -> Verdict:
    declared = Declaration("/messagegroups/g/messages/bad", "bad", "JSONSchema", b"{}", mode)
    return Verdict(mode, declared, (Violation("/a", "type", '"x"', "no number"),))


@dataclass
class House:
    clock: FakeClock = field(default_factory=FakeClock)
    mode: Mode = "enforce"
    full: bool = False
    channels: Mapping[str, Channel] = field(default_factory=lambda: CHANNELS)

    def __post_init__(self) -> None:
        self.log = MemoryEventLog(self.clock)
        seen: defaultdict[str, SeenEvents] = defaultdict(
            lambda: SeenEvents(window_ms=WINDOW_MS, limit=1_000)
        )
        self.accept = Accept(
            self.log,
            lambda: self.channels,
            lambda one: verdict(self.mode) if one.type == "bad" else None,
            seen.__getitem__,
            self.clock,
            self.may_store,
            lambda type_: type_ != "odd",
        )

    def may_store(self) -> None:
        if self.full:
            raise OutOfSpace("disk: full")

    async def begun(self, channel: str, one: Event) -> Receipt:
        ended: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()

        def done(found: Receipt | Exception) -> None:
            if isinstance(found, Exception):
                ended.set_exception(found)
            else:
                ended.set_result(found)

        self.accept.begin(channel, one, done)
        return await ended

    async def stored(self) -> int:
        return (await self.log.extent(CHANNELS[DEFAULT])).last_block


Way = Callable[[House, str, Event], Awaitable[Receipt]]


@pytest.fixture
async def house() -> House:
    made = House()
    for channel in CHANNELS.values():
        await made.log.open_channel(channel)
    return made


@pytest.fixture(params=["with a task", "without a task"])
def way(request: pytest.FixtureRequest) -> Way:
    if request.param == "with a task":
        return lambda house, channel, one: house.accept(channel, one)
    return lambda house, channel, one: house.begun(channel, one)


async def test_an_event_is_stored_at_the_position_that_is_answered(house: House, way: Way) -> None:
    receipt = await way(house, DEFAULT, event("1"))
    assert await house.log.get(CHANNELS[DEFAULT], receipt.position) == event("1")
    assert not receipt.duplicate


async def test_a_repeat_within_the_window_gets_the_first_position(house: House, way: Way) -> None:
    first = await way(house, DEFAULT, event("1"))
    await house.clock.advance(WINDOW_MS / 2000 - 1)
    again = await way(house, DEFAULT, event("1"))
    assert (again.position, again.duplicate) == (first.position, True)
    assert await house.stored() == 1


async def test_a_repeat_after_the_window_is_an_event_of_its_own(house: House, way: Way) -> None:
    first = await way(house, DEFAULT, event("1"))
    await house.clock.advance(WINDOW_MS / 1000 + 1)
    again = await way(house, DEFAULT, event("1"))
    assert not again.duplicate
    assert again.position != first.position


async def test_a_payload_that_breaks_its_schema_is_refused(house: House, way: Way) -> None:
    with pytest.raises(SchemaMismatch, match="/a: no number"):
        await way(house, DEFAULT, event("1", "bad"))
    assert await house.stored() == 0


async def test_in_mode_warn_it_is_stored_with_warnings(house: House, way: Way) -> None:
    house.mode = "warn"
    receipt = await way(house, DEFAULT, event("1", "bad"))
    assert [found.pointer for found in receipt.warnings] == ["/a"]
    assert await house.stored() == 1


async def test_nothing_is_stored_while_there_is_no_room(house: House, way: Way) -> None:
    house.full = True
    with pytest.raises(OutOfSpace):
        await way(house, DEFAULT, event("1"))
    with pytest.raises(OutOfSpace):
        await house.accept.all(DEFAULT, [event("2"), event("3")])
    assert await house.stored() == 0


async def test_only_channels_that_are_there_and_free_take_events(house: House, way: Way) -> None:
    with pytest.raises(NotFound, match="'nowhere'"):
        await way(house, "nowhere", event("1"))
    with pytest.raises(Malformed, match="the hub alone"):
        await way(house, DEADLETTERS, event("1"))


async def test_a_batch_names_its_repeats_and_stores_each_event_once(house: House) -> None:
    known = (await house.accept(DEFAULT, event("1"))).position
    receipts = await house.accept.all(DEFAULT, [event(id_) for id_ in ("2", "1", "3", "2")])
    assert [receipt.duplicate for receipt in receipts] == [False, True, False, True]
    assert receipts[1].position == known
    assert receipts[3].position == receipts[0].position
    for id_, receipt in zip("213", receipts, strict=False):
        assert await house.log.get(CHANNELS[DEFAULT], receipt.position) == event(id_)


async def test_a_batch_with_one_bad_payload_stores_nothing(house: House) -> None:
    batch = [event("1"), event("2", "bad"), event("3"), event("4", "bad")]
    with pytest.raises(InvalidBatch) as refused:
        await house.accept.all(DEFAULT, batch)
    assert list(refused.value.errors) == [1, 3]
    assert await house.stored() == 0


# Undeclared types, and quarantine


def channels(**fields: Any) -> dict[str, Channel]:
    return {DEFAULT: Channel(DEFAULT, 4, **fields), "held": Channel("held", 1)}


async def strict(**fields: Any) -> House:
    made = House()
    made.channels = channels(**fields)
    for channel in made.channels.values():
        await made.log.open_channel(channel)
    return made


async def held(house: House) -> list[Event]:
    channel = house.channels["held"]
    blocks = await house.log.read(channel, None, 0, limit_blocks=100)
    return [one for block in blocks for one in block.events]


async def test_an_undeclared_type_is_refused_where_the_channel_says_so(way: Way) -> None:
    house = await strict(undeclared="refuse")
    with pytest.raises(SchemaMismatch, match="no message declares the type 'odd'"):
        await way(house, DEFAULT, event("1", "odd"))
    assert await house.stored() == 0
    assert (await way(house, DEFAULT, event("2", "t"))).warnings == ()


async def test_an_undeclared_type_is_warned_of_where_the_channel_says_so(way: Way) -> None:
    house = await strict(undeclared="warn")
    receipt = await way(house, DEFAULT, event("1", "odd"))
    assert [one.rule for one in receipt.warnings] == ["type"]
    assert await house.stored() == 1


async def test_what_a_channel_refuses_goes_to_its_quarantine_with_the_reason(way: Way) -> None:
    house = await strict(quarantine="held")
    receipt = await way(house, DEFAULT, event("1", "bad"))
    assert (receipt.quarantine, receipt.duplicate) == ("held", False)
    assert receipt.warnings == verdict("enforce").violations
    (kept,) = await held(house)
    assert kept.extensions["quarantinereason"] == "data of bad: /a: no number"
    assert await house.stored() == 0


async def test_a_repeat_of_what_is_in_quarantine_is_known_there(way: Way) -> None:
    house = await strict(quarantine="held")
    first = await way(house, DEFAULT, event("1", "bad"))
    again = await way(house, DEFAULT, event("1", "bad"))
    assert again == first._replace(duplicate=True)
    assert len(await held(house)) == 1


async def test_an_event_whose_schema_was_mended_leaves_quarantine_behind(way: Way) -> None:
    house = await strict(quarantine="held")
    await way(house, DEFAULT, event("1", "bad"))
    house.mode = "warn"
    receipt = await way(house, DEFAULT, event("1", "bad"))
    assert (receipt.quarantine, receipt.duplicate) == (None, False)
    assert await house.stored() == 1


async def test_the_bad_events_of_a_batch_go_to_quarantine_and_the_others_where_they_should() -> (
    None
):
    house = await strict(quarantine="held", undeclared="refuse")
    batch = [event("1"), event("2", "bad"), event("3", "odd"), event("4")]
    receipts = await house.accept.all(DEFAULT, batch)
    assert [one.quarantine for one in receipts] == [None, "held", "held", None]
    assert [one.id for one in await held(house)] == ["2", "3"]
    assert [bool(one.warnings) for one in receipts] == [False, True, True, False]
