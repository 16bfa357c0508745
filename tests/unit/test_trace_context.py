"""W3C Trace Context: what is taken, and where an event's spans belong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.channel import DEADLETTERS, REGISTRY
from chappe.domain.event import Event
from chappe.domain.trace_context import TraceContext, carried, home, joined, parse

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"
EVENT = Event(id="1", source="/s", type="t")


def hexes(length: int) -> st.SearchStrategy[str]:
    return st.text("0123456789abcdef", min_size=length, max_size=length).filter(
        lambda one: set(one) != {"0"}
    )


@given(hexes(32), hexes(16), st.sampled_from([0, 1]))
def test_what_is_written_is_read_again(trace_id: str, span_id: str, flags: int) -> None:
    context = TraceContext(trace_id, span_id, flags)
    assert parse(context.header) == context


@given(st.text())
def test_nothing_that_somebody_sends_breaks_anything(text: str) -> None:
    found = parse(text, text)
    assert found is None or parse(found.header) is not None


@pytest.mark.parametrize(
    "header",
    [
        PARENT.upper(),
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}",
        f"{PARENT}\r\nx: y",
        "",
        None,
        7,
    ],
)
def test_what_is_no_context_is_none(header: object) -> None:
    assert parse(header) is None


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    assert parse(f"01-{TRACE}-{SPAN}-03-more") == TraceContext(TRACE, SPAN, 3)


@pytest.mark.parametrize("state", ["a=b\r\nx: y", "ä=b", "a" * 513, ""])
def test_a_state_that_would_break_a_header_is_left_out(state: str) -> None:
    assert parse(PARENT, state) == TraceContext(TRACE, SPAN, 1)


def test_a_header_becomes_the_events_only_where_it_has_none() -> None:
    hop = TraceContext(TRACE, SPAN, 1, "a=b")
    taken = joined(EVENT, hop)
    assert taken.extensions == {"traceparent": PARENT, "tracestate": "a=b"}
    assert carried(taken) == hop
    assert joined(taken, TraceContext("f" * 32, "e" * 16, 1)) is taken
    assert joined(EVENT, None) is EVENT
    mangled = Event(id="1", source="/s", type="t", extensions={"traceparent": "?"})
    assert joined(mangled, hop) is mangled


def test_any_node_finds_the_same_home_and_other_events_have_others() -> None:
    again = Event(id="1", source="/s", type="other")
    assert home("default", EVENT) == home("default", again)
    others = [Event(id="2", source="/s", type="t"), Event(id="1", source="/t", type="t")]
    homes = [home("default", one) for one in (EVENT, *others)] + [home("orders", EVENT)]
    assert len({one.trace_id for one in homes}) == len({one.accepted for one in homes}) == 4


def test_a_context_names_the_trace_and_another_span_stays_the_acceptance() -> None:
    event = joined(EVENT, TraceContext(TRACE, SPAN, 1))
    found = home("default", event)
    assert found.trace_id == TRACE
    assert found.accepted not in (None, SPAN)


def test_a_dead_letter_belongs_to_the_event_that_it_is_about() -> None:
    letter = Event(id="1", source="/s", type="t", extensions={"deadletterchannel": "default"})
    assert home(DEADLETTERS, letter) == home("default", EVENT)


def test_what_the_hub_writes_itself_nobody_sent() -> None:
    assert home(REGISTRY, EVENT).accepted is None
