"""adapters/amqp/messages: whatever bytes come, they are an event or are refused with a reason."""

from __future__ import annotations

import struct

import pytest

pytest.importorskip("proton", reason="python-qpid-proton is not installed: pip compiles it")

from hypothesis import given
from hypothesis import strategies as st
from proton import Message

from chappe.adapters.amqp.messages import decoded, details_of, event_of
from chappe.domain.errors import CallerError, Malformed
from chappe.domain.event import Event
from chappe.formats.event_formats import JSON

PROPERTIES = {
    "cloudEvents_specversion": "1.0",
    "cloudEvents_id": "1",
    "cloudEvents_source": "/s",
    "cloudEvents_type": "t",
    "cloudEvents_count": 7,
}
ENCODED = Message(
    id="m", properties=PROPERTIES, body=b"xx", inferred=True, content_type="text/plain"
).encode()


def judged(encoded: bytes) -> Event | str:
    try:
        message = decoded(encoded)
        assert all(isinstance(value, str) for value in details_of(message).values())
        return event_of(message, JSON)
    except CallerError as error:
        return error.message


def test_a_message_is_an_event() -> None:
    assert judged(ENCODED) == Event(
        id="1",
        source="/s",
        type="t",
        datacontenttype="text/plain",
        extensions={"count": 7},
        data=b"xx",
    )


@given(
    changes=st.lists(
        st.tuples(st.integers(0, len(ENCODED) - 1), st.integers(0, 255)), min_size=1, max_size=5
    ),
    end=st.integers(0, len(ENCODED)),
)
def test_broken_bytes_are_an_event_or_refused(changes: list[tuple[int, int]], end: int) -> None:
    broken = bytearray(ENCODED)
    for at, byte in changes:
        broken[at] = byte
    assert judged(bytes(broken))
    assert judged(bytes(broken[:end]))


@pytest.mark.parametrize("depth", [2_000, 200_000])
def test_a_body_that_is_nested_too_deeply_is_refused(depth: int) -> None:
    length = 1 + 9 * depth
    nested = bytearray(b"\x00\x53\x77")
    for _ in range(depth):
        length -= 9
        nested += b"\xd0" + struct.pack(">II", length + 4, 1)
    with pytest.raises(Malformed):
        decoded(bytes(nested) + b"\x40")


def test_a_value_that_claims_a_great_length_is_refused_without_memory_for_it() -> None:
    assert isinstance(judged(b"\x00\x53\x77\xd0\x00\x00\x00\x05\x7f\xff\xff\xff\x40"), str)
