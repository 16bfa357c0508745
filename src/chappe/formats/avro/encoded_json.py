"""Payloads in Avro's JSON encoding (specification, "JSON Encoding").

As Java's decoder reads them: a union's value that is not null stands under the name of its branch,
{"string": "a"}; bytes are characters up to U+00FF; every field of a record is there, under its name
or an alias, and no other; 1.0 is a whole number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from chappe.formats.avro.broken import MAX_DATA_DEPTH, Broken
from chappe.formats.avro.parse import Parsed
from chappe.formats.avro.tree import (
    Array,
    Enum,
    Field,
    Fixed,
    Map,
    Primitive,
    Record,
    Type,
    Union,
    branch_name,
)
from chappe.formats.fields import kind_of, shortened

MAX_FOUND: Final = 100

_decode = msgspec.json.Decoder().decode
_RANGES: Final = {"int": 1 << 31, "long": 1 << 63}
_NO_NUMBERS: Final = frozenset(("NaN", "Infinity", "-Infinity", "INF", "-INF"))

_Found: TypeAlias = list[Broken]


def compile_json(schema: Parsed) -> Callable[[bytes], Sequence[Broken]]:
    """A function that tells all that is wrong with a payload; it never raises."""

    def check(data: bytes) -> Sequence[Broken]:
        try:
            value: object = _decode(data)
        except RecursionError:
            return [Broken("json", "", "nested too deeply")]
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            return [Broken("json", "", f"the data is not JSON: {exc}")]
        found: _Found = []
        try:
            _check(schema.type, value, 0, found)
        except RecursionError:
            return [Broken("depth", "", "nested too deeply")]
        return found

    return check


def _check(of_type: Type, value: object, depth: int, found: _Found) -> None:
    """Add to `found` what is wrong with a value."""
    if depth >= MAX_DATA_DEPTH:
        found.append(Broken("depth", "", f"values are nested more than {MAX_DATA_DEPTH} deep"))
        return
    match of_type:
        case Primitive():
            if not _is_primitive(of_type, value):
                found.append(_wrong(of_type.kind, value, f"is no {of_type.kind}"))
        case Record():
            _check_record(of_type, value, depth, found)
        case Union():
            _check_union(of_type, value, depth, found)
        case Array():
            if not isinstance(value, list):
                found.append(_wrong("array", value, "is no array"))
                return
            for at, item in enumerate(value):
                _within(at, of_type.items, item, depth, found)
                if len(found) >= MAX_FOUND:
                    return
        case Map():
            if not isinstance(value, dict):
                found.append(_wrong("map", value, "is no map (an object)"))
                return
            for key, item in value.items():
                _within(key, of_type.values, item, depth, found)
                if len(found) >= MAX_FOUND:
                    return
        case Enum():
            if not isinstance(value, str) or value not in of_type.symbols:
                found.append(_wrong("enum", value, f"is no symbol of {of_type.name.full}"))
        case Fixed():
            if not _is_bytes(value):
                found.append(_wrong("fixed", value, "is no string of bytes (up to \\u00FF)"))
            elif len(str(value)) != of_type.size:
                rule = f"has {len(str(value))} bytes, {of_type.size} are needed"
                found.append(_wrong("fixed", value, rule))


def _check_record(record: Record, value: object, depth: int, found: _Found) -> None:
    if not isinstance(value, dict):
        found.append(_wrong("record", value, "is no record (an object)"))
        return
    met = 0
    for field in record.fields:
        name = field.name if field.name in value else _alias(field, value)
        if name is None:
            found.append(Broken("required", "", "the field is missing").within(field.name))
        else:
            met += 1
            _within(name, field.type, value[name], depth, found)
        if len(found) >= MAX_FOUND:
            return
    if met != len(value):
        known = {name for field in record.fields for name in (field.name, *field.aliases)}
        for name, item in value.items():
            if name not in known and len(found) < MAX_FOUND:
                rule = f"no field of {record.name.full} has the name {shortened(name)}"
                found.append(Broken("unknown", _shown(item), rule).within(name))


def _check_union(union: Union, value: object, depth: int, found: _Found) -> None:
    if value is None:
        wanted = "null"
    elif isinstance(value, dict) and len(value) == 1:
        wanted = next(iter(value))
    else:
        wanted = None
    for branch in union.branches:
        if wanted is not None and branch_name(branch) == wanted:
            if value is not None:
                assert isinstance(value, dict)
                _within(wanted, branch, value[wanted], depth, found)
            return
    names = [branch_name(branch) for branch in union.branches]
    shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    rule = f"is of no branch of the union; it is null or {{branch: value}}, of {shown}"
    found.append(_wrong("union", value, rule))


def _within(part: str | int, of_type: Type, value: object, depth: int, found: _Found) -> None:
    before = len(found)
    _check(of_type, value, depth + 1, found)
    for at in range(before, len(found)):
        found[at].within(part)


def _is_primitive(primitive: Primitive, value: object) -> bool:
    match primitive.kind:
        case "string":
            return isinstance(value, str)
        case "int" | "long":
            top = _RANGES[primitive.kind]
            if isinstance(value, float):
                return value.is_integer() and -top <= value < top
            return isinstance(value, int) and not isinstance(value, bool) and -top <= value < top
        case "float" | "double":
            if isinstance(value, str):
                return value in _NO_NUMBERS
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "bytes":
            return _is_bytes(value)
        case "null":
            return value is None


def _is_bytes(value: object) -> bool:
    return isinstance(value, str) and (value.isascii() or max(value) <= "\xff")


def _alias(field: Field, value: Mapping[str, object]) -> str | None:
    return next((alias for alias in field.aliases if alias in value), None)


def _wrong(rule: str, value: object, message: str) -> Broken:
    return Broken(rule, _shown(value), f"{_shown(value) or kind_of(value)} {message}")


def _shown(value: object) -> str:
    return "null" if value is None else shortened(value)
