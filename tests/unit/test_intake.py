"""flows/intake: what becomes of a message that a source read."""

from __future__ import annotations

import asyncio
import json

import pytest
from msgspec.structs import replace

from chappe.adapters.memory.event_log import MemoryEventLog
from chappe.domain.channel import DEADLETTERS, Channel
from chappe.domain.errors import Overloaded, SchemaMismatch, TooLarge, Unavailable
from chappe.domain.event import Event
from chappe.domain.position import Position
from chappe.domain.source import KafkaSource, Source, SourceOptions
from chappe.flows.intake import MOST_KEPT, SET_ASIDE, SourceIntake
from chappe.testing.fake_clock import FakeClock

LETTERS = Channel(DEADLETTERS, 1)
EVENT = Event(id="A-1", source="/shop", type="order.paid", data=b'{"total": 1}', text=True)
SOURCE = Source(
    "shop",
    "kafka://k1",
    "KAFKA",
    KafkaSource(topics=("orders",)),
    options=SourceOptions(channel="orders"),
)


class SmallLog(MemoryEventLog):
    """A log whose blocks are small."""

    def append(self, channel: Channel, event: Event) -> asyncio.Future[Position]:
        if len(event.data or b"") > 2 * MOST_KEPT:
            raise TooLarge(f"event of {len(event.data or b'')} bytes")
        return super().append(channel, event)


class World:
    """An intake over a memory log; `refusal` is what accepting raises."""

    def __init__(self, *, event_bytes: int = 1_000_000) -> None:
        self.clock = FakeClock()
        self.log = MemoryEventLog(self.clock)
        self.accepted: list[tuple[str, Event]] = []
        self.refusal: Exception | None = None
        self.counts = [0, 0]
        self.intake = SourceIntake(
            SOURCE,
            self._accept,
            self.log,
            self.clock,
            lambda: "id-1",
            event_bytes=event_bytes,
            counted=self._count,
        )

    async def _accept(self, channel: str, event: Event) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.accepted.append((channel, event))

    def _count(self, taken: int, set_aside: int) -> None:
        self.counts = [self.counts[0] + taken, self.counts[1] + set_aside]

    async def letters(self) -> list[Event]:
        return [event for block in await self.log.read(LETTERS, None, 0) for event in block.events]


@pytest.fixture
async def world() -> World:
    world = World()
    await world.log.open_channel(LETTERS)
    return world


async def test_an_event_goes_to_the_sources_channel_as_it_is(world: World) -> None:
    await world.intake.take(EVENT)
    assert world.accepted == [("orders", EVENT)]
    assert world.counts == [1, 0]


async def test_an_event_that_is_refused_is_a_dead_letter_with_the_reason(world: World) -> None:
    world.refusal = SchemaMismatch("data of order.paid: /total: no\nnumber", [])
    await world.intake.take(EVENT)
    (letter,) = await world.letters()
    assert replace(letter, extensions={}) == EVENT
    assert letter.extensions["deadletterreason"] == (
        "schema_mismatch: data of order.paid: /total: no number"
    )
    assert letter.extensions["deadlettersource"] == "shop"
    assert world.counts == [0, 1]


async def test_a_message_that_is_no_event_is_kept_byte_for_byte(world: World) -> None:
    await world.intake.set_aside("no CloudEvent", b"\xff\x00", {"topic": "orders", "offset": "7"})
    (letter,) = await world.letters()
    assert (letter.id, letter.type, letter.source) == ("id-1", SET_ASIDE, "/sources/shop")
    assert (letter.data, letter.text) == (b"\xff\x00", False)
    assert json.loads(str(letter.extensions["deadletterdetails"])) == {
        "topic": "orders",
        "offset": "7",
    }


async def test_an_event_over_the_hubs_limit_is_set_aside() -> None:
    world = World(event_bytes=10)
    await world.log.open_channel(LETTERS)
    await world.intake.take(EVENT)
    (letter,) = await world.letters()
    assert letter.data == EVENT.data
    assert str(letter.extensions["deadletterreason"]).startswith("too_large: data of 12 bytes")
    assert world.accepted == []


async def test_of_a_message_that_no_block_can_hold_the_beginning_is_kept(world: World) -> None:
    log = SmallLog(world.clock)
    await log.open_channel(LETTERS)
    intake = SourceIntake(
        SOURCE, world._accept, log, world.clock, lambda: "id-1", event_bytes=1_000_000
    )
    await intake.set_aside("no CloudEvent", bytes(3 * MOST_KEPT), {})
    (block,) = await log.read(LETTERS, None, 0)
    (letter,) = block.events
    assert letter.data == bytes(MOST_KEPT)
    assert f"of {3 * MOST_KEPT} bytes of data the first {MOST_KEPT} are kept" in str(
        letter.extensions["deadletterreason"]
    )


async def test_after_an_event_that_could_not_be_stored_none_is_taken(world: World) -> None:
    world.refusal = Overloaded("too much is waiting")
    with pytest.raises(Overloaded):
        await world.intake.take(EVENT)
    world.refusal = None
    with pytest.raises(Unavailable, match="an event before this one could not be stored"):
        await world.intake.take(EVENT)
    with pytest.raises(Unavailable, match="an event before this one could not be stored"):
        await world.intake.set_aside("no CloudEvent", b"", {})
    assert (world.accepted, world.counts, await world.letters()) == ([], [0, 0], [])
