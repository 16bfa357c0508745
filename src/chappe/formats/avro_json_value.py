r"""A JSON value in the `data` of an Avro event (avro-format.md 2.4, 3), both ways.

The schema has two levels: `data` itself, and below it the record CloudEventData, whose only field
`value` is a map. What that map means for anything but an object is not told; here it is

    an object               the map of its members:          {"a": 1}  -> CloudEventData {"a": 1.0}
    any other value         a map of the one key "value":    [1]       -> CloudEventData {"value": [...]}
    {"value": x}            the same, so that it differs:              -> CloudEventData {"value": {"value": x}}

All numbers are doubles; integral ones up to 2**53 are read as integers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeAlias

from chappe.formats import avro_datum as avro

Json: TypeAlias = "bool | float | int | str | Sequence[Json] | Mapping[str, Json] | None"

MAX_DEPTH: Final = 100
"""How deep maps, arrays and records may nest; most arrays and objects take two of them."""

_EXACT: Final = 2**53
_KEY: Final = "value"

# Where each type stands in the three unions: that of `data`, of its map, of CloudEventData's map.
_DATA: Final = {bool: 2, dict: 3, list: 4, float: 5, str: 6}
_MEMBER: Final = {type(None): 0, bool: 1, dict: 2, list: 2, float: 3, str: 4}
_INNER: Final = {type(None): 0, bool: 1, dict: 2, list: 3, float: 4, str: 5}


class _Inexact(ValueError):
    """The text holds what would come back as another value."""


# --- writing


def string_of(data: bytes) -> bytes:
    """The text as the branch `string` of `data`."""
    return avro.long(_DATA[str]) + avro.bytes_(data)


def write(data: bytes) -> bytes | None:
    """The JSON text as a value of `data`; None where it would not come back as the same value.

    That is: null itself, numbers that are no doubles, a member that stands twice, text that is no
    JSON, and what nests too deeply.
    """
    try:
        value = json.loads(
            data.decode("utf-8"),
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_number,
            object_pairs_hook=_members,
        )
        if value is None:
            return None
        return _written(value, _DATA, 0)
    except (ValueError, RecursionError):
        return None


def _integer(text: str) -> float:
    if len(text) > 17 or abs(int(text)) > _EXACT:
        raise _Inexact
    return float(text)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number) or len(text) > 40 or Decimal(repr(number)) != Decimal(text):
        raise _Inexact
    return number


def _members(pairs: Sequence[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Inexact
    return members


def _written(value: Json, union: Mapping[type, int], depth: int) -> bytes:
    if depth > MAX_DEPTH:
        raise _Inexact
    branch = avro.long(union[type(value)])
    match value:
        case None:
            return branch
        case bool():
            return branch + (b"\x01" if value else b"\x00")
        case float():
            return branch + avro.double(value)
        case str():
            return branch + avro.string(value)
        case _:
            pass
    if union is _MEMBER:
        return branch + _record(value, depth)
    if isinstance(value, dict):
        below = _member if union is _DATA else _record
        items = [avro.string(name) + below(one, depth + 1) for name, one in value.items()]
    else:
        assert isinstance(value, list)
        items = [_record(one, depth + 1) for one in value]
    return branch + _block(items)


def _member(value: Json, depth: int) -> bytes:
    return _written(value, _MEMBER, depth)


def _record(value: Json, depth: int) -> bytes:
    """A CloudEventData."""
    members = value if isinstance(value, dict) and value.keys() != {_KEY} else {_KEY: value}
    return _block(
        [avro.string(name) + _written(one, _INNER, depth + 1) for name, one in members.items()]
    )


def _block(items: Sequence[bytes]) -> bytes:
    if not items:
        return avro.END_OF_BLOCKS
    return b"".join((avro.long(len(items)), *items, avro.END_OF_BLOCKS))


# --- reading

_Read: TypeAlias = Callable[[bytes, int, int], "tuple[Json, int]"]


def read(wire: bytes, at: int) -> tuple[Json, int]:
    """The value of `data` at `at`, which is neither `bytes` nor `null`; and the position after it.

    Raises:
        Malformed: it is none, nests too deeply, or holds a number that no JSON has.
    """
    return _read(wire, at, 0, _READ_DATA)


def _read(wire: bytes, at: int, depth: int, union: Sequence[_Read]) -> tuple[Json, int]:
    branch, end = avro.read_long(wire, at)
    if not 0 <= branch < len(union):
        raise avro.broken(at, f"data is of type {branch} of {len(union)}")
    return union[branch](wire, end, depth)


def _read_null(_wire: bytes, at: int, _depth: int) -> tuple[Json, int]:
    return None, at


def _read_boolean(wire: bytes, at: int, _depth: int) -> tuple[Json, int]:
    return avro.read_boolean(wire, at)


def _read_string(wire: bytes, at: int, _depth: int) -> tuple[Json, int]:
    return avro.read_string(wire, at)


def _read_double(wire: bytes, at: int, _depth: int) -> tuple[Json, int]:
    number, end = avro.read_double(wire, at)
    if not math.isfinite(number):
        raise avro.broken(at, f"{number} is no number of JSON")
    is_negative_zero = number == 0 and math.copysign(1, number) < 0
    if number.is_integer() and abs(number) <= _EXACT and not is_negative_zero:
        return int(number), end
    return number, end


def _map_of(value: _Read) -> _Read:
    def read_map(wire: bytes, at: int, depth: int) -> tuple[Json, int]:
        members: dict[str, Json] = {}
        blocks = avro.Blocks(wire, _deeper(at, depth))
        for at in blocks:
            name, end = avro.read_string(wire, at)
            if name in members:
                raise avro.broken(at, f"the member {name!r} stands twice")
            members[name], blocks.at = value(wire, end, depth + 1)
        return members, blocks.at

    return read_map


def _read_array(wire: bytes, at: int, depth: int) -> tuple[Json, int]:
    items: list[Json] = []
    blocks = avro.Blocks(wire, _deeper(at, depth))
    for at in blocks:
        item, blocks.at = _read_record(wire, at, depth + 1)
        items.append(item)
    return items, blocks.at


def _read_record(wire: bytes, at: int, depth: int) -> tuple[Json, int]:
    members, end = _read_inner_map(wire, at, depth)
    assert isinstance(members, dict)
    return members[_KEY] if members.keys() == {_KEY} else members, end


def _deeper(at: int, depth: int) -> int:
    if depth > MAX_DEPTH:
        raise avro.broken(at, f"data is nested more than {MAX_DEPTH} deep")
    return at


_READ_INNER: Sequence[_Read] = (
    _read_null,
    _read_boolean,
    _map_of(_read_record),
    _read_array,
    _read_double,
    _read_string,
)
_read_inner_map = _map_of(lambda wire, at, depth: _read(wire, at, depth, _READ_INNER))
_READ_MEMBER: Sequence[_Read] = (
    _read_null,
    _read_boolean,
    _read_record,
    _read_double,
    _read_string,
)
_READ_DATA: Sequence[_Read] = (
    lambda wire, at, _depth: avro.read_bytes(wire, at),  # never asked: bytes and null are no JSON
    _read_null,
    _read_boolean,
    _map_of(lambda wire, at, depth: _read(wire, at, depth, _READ_MEMBER)),
    _read_array,
    _read_double,
    _read_string,
)
