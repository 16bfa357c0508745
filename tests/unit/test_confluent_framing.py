"""Frames as bytes: what they hold, and what is none."""

from __future__ import annotations

import base64
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.errors import Malformed
from chappe.formats.confluent.framing import (
    MEDIA_TYPES,
    Frame,
    frame_of,
    framed_type,
    key_of,
    split,
)

PAYLOADS = st.binary(max_size=64)
GUIDS = st.uuids()


@given(st.integers(0, 2**32 - 1), PAYLOADS)
def test_an_id_comes_out_as_it_went_in(id_: int, payload: bytes) -> None:
    head = b"\x00" + id_.to_bytes(4, "big")
    assert split(head + payload) == Frame(head, payload)
    assert key_of(head) == id_


@given(GUIDS, PAYLOADS)
def test_a_guid_comes_out_as_it_went_in(guid: UUID, payload: bytes) -> None:
    head = b"\x01" + guid.bytes
    assert split(head + payload) == Frame(head, payload)
    assert key_of(head) == str(guid)


@given(GUIDS, PAYLOADS, PAYLOADS)
def test_a_frame_beside_the_payload_leaves_it_alone(
    guid: UUID, indexes: bytes, payload: bytes
) -> None:
    head = b"\x01" + guid.bytes
    beside = base64.b64encode(head + indexes).decode()
    assert frame_of(payload, beside) == frame_of(payload, head + indexes)
    assert frame_of(payload, beside) == Frame(head, indexes + payload)
    assert frame_of(payload, str(guid)) == frame_of(payload, str(guid).upper())
    assert frame_of(None, str(guid)) == Frame(head, b"")


@given(st.binary(max_size=24), st.none() | st.text(max_size=40) | st.integers() | st.booleans())
def test_whatever_comes_is_a_frame_or_refused(data: bytes, beside: str | int | bool | None) -> None:
    try:
        frame = frame_of(data, beside)
    except Malformed:
        return
    assert len(frame.head) in (5, 17)
    assert isinstance(key_of(frame.head), int) == (len(frame.head) == 5)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(repr))
def test_no_text_is_a_frame(text: str) -> None:
    with pytest.raises(Malformed):
        split(text.encode())


@pytest.mark.parametrize(
    ("content_type", "type_"),
    [
        *MEDIA_TYPES.items(),
        ("Application/VND.confluent.Avro ; charset=x", "AVRO"),
        ("application/json", None),
        ("application/vnd.confluent.xml", None),
        ("text/application/vnd.confluent.avro", None),
        (None, None),
    ],
)
def test_the_media_types_of_frames(content_type: str | None, type_: str | None) -> None:
    assert framed_type(content_type) == type_
