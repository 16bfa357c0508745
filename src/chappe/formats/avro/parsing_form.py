"""The specification's "Parsing Canonical Form for Schemas", and the fingerprint of it.

It keeps only what matters to a reader of data: names, types, symbols and sizes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from chappe.formats.avro.parse import Parsed
from chappe.formats.avro.tree import Array, Enum, Fixed, Map, Named, Primitive, Record, Type, Union

_EMPTY: Final = 0xC15D213AA4D7A795  # the fingerprint of nothing, and the polynomial


def parsing_canonical_form(schema: Parsed) -> str:
    """The specification's "Parsing Canonical Form for Schemas", with the types of references."""
    out: list[str] = []
    seen: set[str] = set()
    # Types of references may refer to each other in a chain of any length: a list, not the stack.
    waiting: list[Type | str] = [schema.type]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            out.append(each)
        else:
            waiting.extend(reversed(_parts_for_parsing(each, seen)))
    return "".join(out)


def fingerprint64(schema: Parsed) -> int:
    """The CRC-64-AVRO of the Parsing Canonical Form ("Schema Fingerprints"), unsigned."""
    fingerprint = _EMPTY
    for byte in parsing_canonical_form(schema).encode():
        fingerprint = (fingerprint >> 8) ^ _TABLE[(fingerprint ^ byte) & 0xFF]
    return fingerprint


def _parts_for_parsing(of_type: Type, seen: set[str]) -> list[Type | str]:
    """What a type is written as: texts, and types that are yet to be written."""
    match of_type:
        case Primitive():
            return [f'"{of_type.kind}"']
        case Array():
            return ['{"type":"array","items":', of_type.items, "}"]
        case Map():
            return ['{"type":"map","values":', of_type.values, "}"]
        case Union():
            parts: list[Type | str] = []
            for branch in of_type.branches:
                parts += [",", branch]
            return ["[", *parts[1:], "]"]
        case _:
            full = of_type.name.full
            if full in seen:
                return [f'"{full}"']
            seen.add(full)
            return _named_for_parsing(of_type)


def _named_for_parsing(named: Named) -> list[Type | str]:
    start = f'{{"name":"{named.name.full}","type":"{named.kind}"'
    match named:
        case Enum():
            return [f'{start},"symbols":[{_joined(named.symbols)}]}}']
        case Fixed():
            return [f'{start},"size":{named.size}}}']
        case Record():
            parts: list[Type | str] = [f'{start},"fields":[']
            before = ""
            for field in named.fields:
                parts += [f'{before}{{"name":"{field.name}","type":', field.type, "}"]
                before = ","
            return [*parts, "]}"]


def _joined(texts: Iterable[str]) -> str:
    return ",".join(f'"{text}"' for text in texts)


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        fingerprint = byte
        for _ in range(8):
            fingerprint = (fingerprint >> 1) ^ (_EMPTY if fingerprint & 1 else 0)
        table.append(fingerprint)
    return tuple(table)


_TABLE: Final = _table()
