"""Spans, companions and dead letters: pure parts, and flows/deliver with them on a virtual clock."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain import dead_letter
from chappe.domain.channel import DEADLETTERS
from chappe.domain.delivery import Delivered, Failed, Refused
from chappe.domain.event import Event
from chappe.domain.filters import All
from chappe.domain.forwarding import forwarder
from chappe.domain.lane import END_OF_BLOCK, Place
from chappe.domain.options import DeadLetters, Options, Signing
from chappe.domain.position import Position
from chappe.domain.replay import Replay
from chappe.domain.span import Span
from chappe.domain.subscription import Credential, HttpSettings, Subscription
from chappe.formats.companions import AnotherSink, redrive_document, replay_document
from chappe.formats.replay_json import KeptReplay, decode_replay, encode_replay, span_of
from chappe.formats.subscription_json import parse_subscription
from chappe.testing.scripted_sink import ScriptedSink
from tests.unit.test_deliver import House, event, subscription

AN_EVENT = Event(id="e", source="/s", type="t", extensions={"region": "eu"}, data=b"1")
REPLAYED = Replay("replay", "a", "a")
REDRIVEN = Replay("redrive", "a", "a")


@pytest.fixture
async def house() -> House:
    made = House()
    await made.open()
    return made


places = st.builds(Place, st.integers(0, 5), st.integers(0, 5))


@given(places, places, places)
def test_a_span_holds_what_is_between_its_ends(first: Place, end: Place, place: Place) -> None:
    assert Span(first, None, end).holds(0, place, 0) == (first <= place <= end)


def test_a_span_of_chosen_positions_holds_no_others() -> None:
    span = Span(only=frozenset({Position(0, 2, 1)}))
    assert span.holds(0, Place(2, 1), 0)
    assert not span.holds(1, Place(2, 1), 0)
    assert not span.holds(0, Place(2, 0), 0)


@pytest.mark.parametrize(
    ("start", "span"),
    [
        ("latest", None),
        ("earliest", None),
        ("0-7-0", None),
        ("0-7-3", Span(first=Place(7, 3))),
        ("1970-01-01T00:00:01Z", Span(from_ms=1000)),
    ],
)
def test_a_start_within_a_block_is_a_span(start: str, span: Span | None) -> None:
    assert span_of(start, None) == span


def test_what_is_kept_of_a_companion_comes_back() -> None:
    kept = KeptReplay(
        kind="redrive", of="a", for_="a", end=(7, 1), only=("0-3-0", "0-7-1"), events=2
    )
    assert decode_replay(encode_replay(kept)) == kept
    span = span_of("0-3-0", kept)
    assert span == Span(end=Place(7, 1), only=frozenset({Position(0, 3, 0), Position(0, 7, 1)}))


async def test_a_replay_delivers_its_part_once_and_stays_at_its_end(house: House) -> None:
    house.subscribe(subscription("a"))
    sink = ScriptedSink(house.clock)
    await house.publish(*(event(number) for number in range(1, 9)))
    async with house.node(sink) as delivery:
        await house.clock.until(lambda: len(sink.delivered["a"]) == 8)
        end = Place(6, END_OF_BLOCK)
        house.subscribe(subscription("r", starts_after=2, span=Span(end=end), replay=REPLAYED))
        made = house.subscriptions["r"]
        house.index.put(made)
        delivery.put(made)
        await house.clock.until(lambda: len(sink.delivered["r"]) == 4)
        await house.publish(event(99))
        await house.clock.until(lambda: "e-99" in sink.delivered["a"])
        await house.clock.advance(5)
        record = delivery.record_of("r")
        assert record is not None
        assert (record.own, dict(record.open)) == (True, {})
        assert record.cursor >= end
    assert sink.delivered["r"] == ["e-3", "e-4", "e-5", "e-6"]
    ids = {(one.subscription.id, one.event.id): one.webhook_id for one in sink.attempts}
    assert ids["a", "e-3"] == ids["r", "e-3"]


async def test_a_replay_of_a_shard_without_events_is_through_at_once(house: House) -> None:
    house.subscribe(subscription("r", span=Span(end=Place(0, END_OF_BLOCK)), replay=REPLAYED))
    async with house.node(ScriptedSink(house.clock)) as delivery:
        await house.clock.advance(1)
        record = delivery.record_of("r")
        assert record is not None
        assert record.cursor >= Place(0, END_OF_BLOCK)
    assert "r" in (await house.cursors.claim("default.0")).lanes


async def test_a_replay_goes_on_where_it_was_after_a_restart(house: House) -> None:
    await house.publish(*(event(number) for number in range(1, 9)))
    house.subscribe(subscription("r", span=Span(end=Place(8, END_OF_BLOCK)), replay=REPLAYED))
    first = ScriptedSink(
        house.clock,
        lambda attempt: Failed("503", 503) if attempt.event.id > "e-4" else Delivered(204),
    )
    async with house.node(first):
        await house.clock.until(lambda: len(first.delivered["r"]) == 4)
        await house.clock.advance(1)
    second = ScriptedSink(house.clock)
    async with house.node(second):
        await house.clock.until(lambda: len(second.delivered["r"]) == 4)
        await house.clock.advance(5)
    assert sorted(second.delivered["r"]) == ["e-5", "e-6", "e-7", "e-8"]


async def test_what_a_replay_cannot_deliver_is_a_letter_of_its_subscription(house: House) -> None:
    await house.publish(event(1))
    house.subscribe(subscription("r", span=Span(end=Place(1, END_OF_BLOCK)), replay=REPLAYED))
    sink = ScriptedSink(house.clock, lambda attempt: Refused(400, "bad"))
    async with house.node(sink):
        await house.clock.until(lambda: bool(sink.attempts))
        await house.clock.advance(1)
    (letter,) = await house.dead_letters()
    assert letter.extensions[dead_letter.SUBSCRIPTION] == "a"
    assert letter.extensions[dead_letter.POSITION] == "0-1-0"


def buried(subscription: Subscription, event_: Event, position: Position) -> Event:
    return dead_letter.dead_letter(
        event_, subscription, position, reason="no", status=None, attempts=3, time="T"
    )


def test_a_letter_gives_the_event_back_as_it_was() -> None:
    letter = buried(Subscription("a", "http://s/"), AN_EVENT, Position(1, 2, 3))
    assert letter.extensions[dead_letter.CHANNEL] == "default"
    assert dead_letter.STATUS not in letter.extensions
    assert dead_letter.buried_event(letter) == AN_EVENT


def test_a_letter_that_failed_again_still_tells_where_the_event_stands() -> None:
    letter = buried(Subscription("a", "http://s/"), AN_EVENT, Position(1, 2, 3))
    redrive = Subscription("redrive-1", "http://s/", channel=DEADLETTERS, replay=REDRIVEN)
    again = buried(redrive, letter, Position(0, 9, 0))
    assert again.extensions[dead_letter.POSITION] == "1-2-3"
    assert again.extensions[dead_letter.SUBSCRIPTION] == "a"
    assert again.extensions[dead_letter.REDRIVES] == 1
    assert buried(redrive, again, Position(0, 9, 0)).extensions[dead_letter.REDRIVES] == 2
    assert dead_letter.sent_event(again, redrive) == AN_EVENT


def test_a_redrive_is_the_same_message_and_letters_to_a_follower_are_not() -> None:
    own = Subscription("a", "http://s/")
    redrive = Subscription("redrive-1", "http://s/", channel=DEADLETTERS, replay=REDRIVEN)
    follower = Subscription("f", "http://s/", channel=DEADLETTERS)
    one, other = Position(0, 1, 0), Position(0, 2, 0)
    assert dead_letter.message_id(AN_EVENT, own, one) == dead_letter.message_id(
        AN_EVENT, redrive, other
    )
    assert dead_letter.message_id(AN_EVENT, follower, one) != dead_letter.message_id(
        AN_EVENT, follower, other
    )
    assert dead_letter.may_bury(redrive)
    assert not dead_letter.may_bury(follower)


def test_a_forwarder_is_there_where_it_is_asked_for() -> None:
    asked = Options(deadletter=DeadLetters(sink="http://letters/"))
    made = forwarder(Subscription("a", "http://s/", options=asked))
    assert made is not None
    assert (made.sink, made.channel) == ("http://letters/", DEADLETTERS)
    assert forwarder(Subscription("a", "http://s/")) is None
    assert forwarder(Subscription("a", "http://s/", channel=DEADLETTERS, options=asked)) is None


ORIGIN = Subscription(
    "a",
    "http://s/",
    types=frozenset({"t"}),
    filter=All(()),
    settings=HttpSettings({"x-key": "k"}),
    credential=Credential("PLAIN", "me", "s3cret"),
    options=Options(
        signing=Signing(secrets=("whsec_YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh",)), paused=True
    ),
)


def test_a_companion_has_the_settings_and_secrets_and_neither_pause_nor_end() -> None:
    document = replay_document(ORIGIN, start="0-1-0", rate=5.0, sink=None)
    assert document["sinkcredential"]["secret"] == "s3cret"
    assert list(document["signing"]["secrets"]) == ["whsec_YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh"]
    assert document["rate"] == {"per_second": 5.0}
    assert not {"paused", "id", "epoch"} & document.keys()
    parse_subscription(msgspec.json.encode(document))


def test_a_companion_for_another_sink_has_none_of_the_secrets() -> None:
    other = AnotherSink("http://other/", {})
    document = replay_document(ORIGIN, start="0-1-0", rate=None, sink=other)
    assert not {"sinkcredential", "signing", "tls", "protocolsettings"} & document.keys()
    assert "s3cret" not in repr(document)


def test_a_redrive_takes_letters_whatever_their_type() -> None:
    document = redrive_document(ORIGIN, channel=DEADLETTERS, start="0-1-0", rate=None)
    assert not {"types", "source", "filters"} & document.keys()
    assert document["channel"] == DEADLETTERS
