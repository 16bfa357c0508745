"""kit/mqtt: packets as bytes, cut from any stream, and what may not be in them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.kit.mqtt import packets
from chappe.kit.mqtt.packets import Acknowledged, Framer, Level, Publish, Subscribed, parse, publish
from chappe.kit.mqtt.properties import (
    CONTENT_TYPE,
    MESSAGE_EXPIRY,
    NONE,
    BrokenPacket,
    Properties,
    Unsendable,
    encoded,
    varint,
)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50)
properties = st.builds(
    lambda type_, expiry, user: Properties(
        {CONTENT_TYPE: type_, MESSAGE_EXPIRY: expiry}, tuple(user)
    ),
    texts,
    st.integers(0, 2**32 - 1),
    st.lists(st.tuples(texts, texts), max_size=5),
)
messages = st.builds(
    Publish,
    topic=texts,
    payload=st.binary(max_size=300),
    qos=st.sampled_from([1, 2]),
    retain=st.booleans(),
    properties=properties,
    packet_id=st.integers(1, 65_535),
    duplicate=st.booleans(),
)


def framed(stream: bytes, *, pieces: int = 7, limit: int = 1 << 20) -> list[tuple[int, bytes, int]]:
    framer = Framer(limit)
    return [
        packet
        for at in range(0, len(stream), pieces)
        for packet in framer.feed(stream[at : at + pieces])
    ]


@given(sent=st.lists(messages, max_size=4), pieces=st.integers(1, 40))
def test_messages_are_cut_from_a_stream_however_it_comes(sent: list[Publish], pieces: int) -> None:
    stream = b"".join(publish(5, one) for one in sent)
    assert [parse(5, first, body) for first, body, _ in framed(stream, pieces=pieces)] == sent


def test_3_1_1_messages_have_no_properties() -> None:
    message = Publish("t", b"x", qos=1, packet_id=9)
    packet = publish(4, message)
    assert packet == b"\x32\x06\x00\x01t\x00\x09x"
    ((first, body, _),) = framed(packet)
    assert parse(4, first, body) == message


@given(payload=st.binary(max_size=2000), pieces=st.integers(1, 500), limit=st.integers(20, 100))
def test_a_packet_over_the_limit_is_cut_and_the_next_one_is_whole(
    payload: bytes, pieces: int, limit: int
) -> None:
    small = publish(5, Publish("s", b"!", qos=1, packet_id=2))
    big = publish(5, Publish("b", payload, qos=1, packet_id=1))
    first, second = framed(big + small, pieces=pieces, limit=limit)
    message = parse(5, first[0], first[1], lost_bytes=first[2])
    assert isinstance(message, Publish)
    assert payload.startswith(message.payload)
    assert len(message.payload) + message.lost_bytes == len(payload)
    assert parse(5, second[0], second[1]) == Publish("s", b"!", qos=1, packet_id=2)


@pytest.mark.parametrize(
    ("packet", "value"),
    [
        (b"\x20\x03\x01\x00\x00", Acknowledged(packets.CONNACK, 0, 0, NONE, session_present=True)),
        (b"\x40\x02\x00\x07", Acknowledged(packets.PUBACK, 7, 0)),
        (b"\x40\x03\x00\x07\x10", Acknowledged(packets.PUBACK, 7, 0x10)),
        (
            b"\x50\x0a\x00\x07\x97\x06\x1f\x00\x03why",
            Acknowledged(packets.PUBREC, 7, 0x97, Properties({0x1F: "why"})),
        ),
        (b"\x90\x05\x00\x07\x00\x01\x87", Subscribed(7, (1, 0x87))),
        (b"\xe0\x00", Acknowledged(packets.DISCONNECT, 0, 0)),
        (b"\xe0\x01\x8b", Acknowledged(packets.DISCONNECT, 0, 0x8B)),
    ],
)
def test_what_a_broker_says_is_read(packet: bytes, value: object) -> None:
    ((first, body, _),) = framed(packet)
    assert parse(5, first, body) == value


@pytest.mark.parametrize(
    "packet",
    [
        b"\x36\x03\x00\x01t",  # QoS 3
        b"\x32\x06\x00\x01t\x00\x00\x00",  # packet identifier 0
        b"\x32\x04\x00\x05t\x00",  # a string longer than the packet
        b"\x32\x05\x00\x01\xff\x00\x01",  # no UTF-8
        b"\x10\x00",  # CONNECT is not for a client
        b"\x41\x02\x00\x07",  # flags
        b"\x40\x06\x00\x07\x00\x02\x04\x00",  # a property that nobody knows
        b"\x40\x08\x00\x07\x00\x04\x24\x00\x24\x00",  # one that stands there twice
        b"\x40\x05\x00\x07\x00\x05\x1f",  # properties longer than the packet
        b"\x20\x01\x00",
    ],
)
def test_what_breaks_the_protocol_is_told(packet: bytes) -> None:
    ((first, body, _),) = framed(packet)
    with pytest.raises(BrokenPacket):
        parse(5, first, body)


def test_a_length_without_end_is_told() -> None:
    with pytest.raises(BrokenPacket):
        Framer(100).feed(b"\x30\xff\xff\xff\xff\x01")


@given(first=st.integers(0, 255), body=st.binary(max_size=60), level=st.sampled_from([4, 5]))
def test_no_bytes_do_anything_else_than_be_read_or_told(
    first: int, body: bytes, level: Level
) -> None:
    with contextlib.suppress(BrokenPacket):
        assert parse(level, first, body) is not None


@pytest.mark.parametrize("text", ["x" * 65_536, "\ud800"])
def test_a_string_that_does_not_fit_is_told(text: str) -> None:
    with pytest.raises(Unsendable):
        encoded(Properties(user=(("a", text),)))


def test_3_1_2_9_mqtt_3_1_1_has_no_password_without_a_user() -> None:
    with pytest.raises(Unsendable, match="user name"):
        packets.connect(4, client_id="c", keep_alive_s=1, clean_start=True, password="p")
    assert packets.connect(5, client_id="c", keep_alive_s=1, clean_start=True, password="p")


@pytest.mark.parametrize(("number", "wire"), [(0, "00"), (127, "7f"), (128, "8001"), (321, "c102")])
def test_lengths_are_variable_byte_integers(number: int, wire: str) -> None:
    assert varint(number).hex() == wire
