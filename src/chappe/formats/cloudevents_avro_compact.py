"""The Avro compact event format, both ways (avro-compact-format.md, a working draft).

A body is one datum of cloudevents-compact.avsc and nothing else; specversion is always 1.0.

    id source type                       string
    datacontenttype dataschema subject   null | string
    time                                 null | long, microseconds since 1970-01-01T00:00:00Z
    extensions                           map of boolean | int | long (an instant) | string | bytes
    data                                 bytes | null

So a time loses its spelling and what is finer than a microsecond, and a text becomes bytes.
"""

from __future__ import annotations

from chappe.domain import attributes
from chappe.domain.attributes import Memo
from chappe.domain.event import SPECVERSION, AttributeValue, Event
from chappe.formats import avro_datum as avro
from chappe.formats.event_draft import Draft

_NULL, _SOME = avro.long(0), avro.long(1)
_EXTENSION = {bool: avro.long(0), int: avro.long(1), str: avro.long(3), bytes: avro.long(4)}
_DATA_BYTES, _DATA_NULL = avro.long(0), avro.long(1)

_YEAR_0, _YEAR_1, _YEAR_10000 = -62_167_219_200, -62_135_596_800, 253_402_300_800
_OFFSET_S = 23 * 3600 + 59 * 60
_400_YEARS_S = 146_097 * 86_400


# --- writing


def encode(event: Event) -> bytes:
    """The event as a datum of the schema."""
    parts = [avro.string(event.id), _STRINGS[event.source], _STRINGS[event.type]]
    parts += (
        _NULL if text is None else _SOME + avro.string(text)
        for text in (event.datacontenttype, event.dataschema, event.subject)
    )
    parts.append(_NULL if event.time is None else _SOME + avro.long(_micros(event.time)))
    if event.extensions:
        parts.append(avro.long(len(event.extensions)))
        for name, value in event.extensions.items():
            parts += (_STRINGS[name], avro.attribute(value, _EXTENSION))
    parts.append(avro.END_OF_BLOCKS)
    parts.append(_DATA_NULL if event.data is None else _DATA_BYTES + avro.bytes_(event.data))
    return b"".join(parts)


def _micros(text: str) -> int:
    instant = attributes.timestamp(text)
    assert instant is not None  # the time of an Event is one
    seconds, nanos = instant
    return seconds * 1_000_000 + nanos // 1_000


_STRINGS: Memo[str, bytes] = Memo(avro.string)


# --- reading


def decode(wire: bytes) -> Event:
    """The event in a datum of the schema.

    Raises:
        InvalidEvent: it breaks a rule of the specification.
        Malformed: the bytes are no datum of the schema.
    """
    draft = Draft()
    draft.put("specversion", SPECVERSION)
    at = 0
    for name in ("id", "source", "type"):
        text, at = avro.read_string(wire, at)
        draft.put(name, text)
    for name in ("datacontenttype", "dataschema", "subject"):
        is_set, at = _read_branch(name, wire, at, 2)
        if is_set:
            text, at = avro.read_string(wire, at)
            draft.put(name, text)
    is_set, at = _read_branch("time", wire, at, 2)
    if is_set:
        time, at = _read_instant("time", wire, at)
        draft.put("time", time)
    blocks = avro.Blocks(wire, at)
    for at in blocks:
        name, end = avro.read_string(wire, at)
        value, blocks.at = _read_extension(name, wire, end)
        if name in attributes.CHECKS:
            raise avro.broken(at, f"the core attribute {name} stands among the extensions")
        draft.put(name, value)
    is_null, at = _read_branch("data", wire, blocks.at, 2)
    data: bytes | None = None
    if not is_null:
        data, at = avro.read_bytes(wire, at)
    if at != len(wire):
        raise avro.broken(at, "there is more after the event")
    return draft.event(data, text=False)


def _read_branch(name: str, wire: bytes, at: int, branches: int) -> tuple[int, int]:
    """Which type of a union follows, and the position after that."""
    branch, end = avro.read_long(wire, at)
    if not 0 <= branch < branches:
        raise avro.broken(at, f"{name} is of type {branch} of {branches}")
    return branch, end


def _read_extension(name: str, wire: bytes, at: int) -> tuple[AttributeValue, int]:
    branch, at = _read_branch(name, wire, at, 5)
    match branch:
        case 0:
            return avro.read_boolean(wire, at)
        case 1:
            return avro.read_long(wire, at)
        case 2:
            return _read_instant(name, wire, at)
        case 3:
            return avro.read_string(wire, at)
        case _:
            return avro.read_bytes(wire, at)


def _read_instant(name: str, wire: bytes, at: int) -> tuple[str, int]:
    micros, end = avro.read_long(wire, at)
    seconds, rest = divmod(micros, 1_000_000)
    if not _YEAR_0 - _OFFSET_S <= seconds < _YEAR_10000 + _OFFSET_S:
        raise avro.broken(at, f"{name} is {micros} us, which RFC 3339 cannot name")
    return _spelled(seconds, rest * 1_000), end


def _spelled(seconds: int, nanos: int) -> str:
    """The instant in UTC; in the last offset that has years 0 to 9999 where UTC has none for it."""
    if seconds < _YEAR_0:
        return f"{_spelled(seconds + _OFFSET_S, nanos)[:-1]}+23:59"
    if seconds >= _YEAR_10000:
        return f"{_spelled(seconds - _OFFSET_S, nanos)[:-1]}-23:59"
    if seconds < _YEAR_1:  # the calendar repeats after 400 years
        return f"0000{attributes.render((seconds + _400_YEARS_S, nanos))[4:]}"
    return attributes.render((seconds, nanos))
