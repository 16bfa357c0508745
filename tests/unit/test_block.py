from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.errors import InvalidBatch, InvalidEvent, Malformed
from chappe.domain.event import Event
from chappe.formats.block import (
    decode_batch,
    decode_block,
    encode_block,
    size_in_block,
    split_block,
)
from chappe.formats.cloudevents_protobuf import encode
from tests.fuzz.strategies import events

MINIMAL = encode(Event(id="1", source="/s", type="t"))


@given(st.lists(events(), max_size=4))
def test_a_block_gives_its_events_back_in_order(given_: list[Event]) -> None:
    assert decode_block(encode_block([encode(event) for event in given_])) == given_


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_a_block_is_split_without_looking_into_the_events(parts: list[bytes]) -> None:
    block = encode_block(parts)
    assert split_block(block) == parts
    assert len(block) == sum(map(size_in_block, parts))


@pytest.mark.parametrize("size", [0, 127, 128, 16_383, 16_384, 2_097_152])
def test_the_size_in_a_block_counts_the_length_before_the_event(size: int) -> None:
    assert size_in_block(bytes(size)) == len(encode_block([bytes(size)]))


def test_blocks_put_together_are_a_block() -> None:
    block = encode_block([MINIMAL])
    assert split_block(block + block) == [MINIMAL, MINIMAL]


def test_fields_that_a_later_version_may_add_are_skipped() -> None:
    unknown = (
        b"\x10\x05" + b"\x1a\x01x" + b"\x21" + bytes(8) + b"\x2d" + bytes(4) + b"\x33\x08\x01\x34"
    )
    block = encode_block([MINIMAL])
    assert split_block(unknown + block + unknown) == [MINIMAL]


@pytest.mark.parametrize("cut", range(1, len(MINIMAL) + 2))
def test_a_block_that_is_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(Malformed):
        decode_block(encode_block([MINIMAL])[:cut])


def test_a_broken_event_in_a_block_is_an_error() -> None:
    with pytest.raises(InvalidEvent, match="id"):
        decode_block(encode_block([MINIMAL, b""[:0] + MINIMAL[3:]]))


def test_a_batch_of_a_caller_tells_the_error_of_each_event() -> None:
    with pytest.raises(InvalidBatch) as refused:
        decode_batch(encode_block([MINIMAL, MINIMAL[3:], b"\xff", MINIMAL]))
    assert list(refused.value.errors) == [1, 2]
