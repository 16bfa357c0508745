"""What Confluent's "normalize" makes alike: logical types and the defaults of fields."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Final, TypeGuard

from chappe.formats.avro.tree import (
    Array,
    Fixed,
    Map,
    Named,
    Primitive,
    Properties,
    Record,
    Type,
    Union,
)

_LOGICAL_ON: Final[Mapping[str, frozenset[str]]] = {
    "decimal": frozenset(("bytes", "fixed")),
    "big-decimal": frozenset(("bytes",)),
    "uuid": frozenset(("string", "fixed")),
    "date": frozenset(("int",)),
    "time-millis": frozenset(("int",)),
    "time-micros": frozenset(("long",)),
    "timestamp-millis": frozenset(("long",)),
    "timestamp-micros": frozenset(("long",)),
    "timestamp-nanos": frozenset(("long",)),
    "local-timestamp-millis": frozenset(("long",)),
    "local-timestamp-micros": frozenset(("long",)),
    "local-timestamp-nanos": frozenset(("long",)),
    "duration": frozenset(("fixed",)),
}


def logical_properties(of_type: Primitive | Array | Map | Named) -> Properties:
    """The properties of a valid logical type, as they come first in the normal form."""
    properties = of_type.properties
    name = properties.get("logicalType")
    if not isinstance(name, str) or of_type.kind not in _LOGICAL_ON.get(name, ()):
        return {}
    size = of_type.size if isinstance(of_type, Fixed) else None
    if (name == "uuid" and size not in (None, 16)) or (name == "duration" and size != 12):
        return {}
    if name != "decimal":
        return {"logicalType": name}
    precision, scale = properties.get("precision"), properties.get("scale", 0)
    if not _is_int(precision) or not _is_int(scale):
        return {}
    most = (1 << 31) - 1 if size is None else math.floor(math.log10(2) * (8 * size - 1))
    if not 0 < precision <= most or not 0 <= scale <= precision:
        return {}
    return {"logicalType": name, "precision": precision, **({"scale": scale} if scale else {})}


def _is_int(value: object) -> TypeGuard[int]:
    """Whether it is a whole number that Java holds in an int."""
    return isinstance(value, int) and not isinstance(value, bool) and -(1 << 31) <= value < 1 << 31


def as_typed(value: object, of_type: Type) -> object:
    """A default as its type has it: 1 -> 1.0 where the type is a double."""
    match of_type:
        case Union():
            for branch in of_type.branches:
                if branch.kind != "null" and value is not None and _may_be(value, branch):
                    return as_typed(value, branch)
        case Primitive(kind="double") if isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        case Primitive(kind="float") if isinstance(value, int | float):
            return value if isinstance(value, bool) else _as_single(float(value))
        case Array() if isinstance(value, list):
            return [as_typed(item, of_type.items) for item in value]
        case Map() if isinstance(value, dict):
            return {key: as_typed(item, of_type.values) for key, item in value.items()}
        case Record() if isinstance(value, dict):
            return {
                key: as_typed(item, of_type.by_name[key].type) if key in of_type.by_name else item
                for key, item in value.items()
            }
        case _:
            pass
    return value


def _may_be(value: object, branch: Type) -> bool:
    """Whether Java takes the value for one of the branch; it looks at the JSON type alone."""
    match value:
        case bool():
            return True
        case int():
            return branch.kind in ("int", "long", "float", "double")
        case float():
            return branch.kind in ("float", "double")
        case str():
            return branch.kind in ("string", "enum", "bytes", "fixed")
        case list():
            return branch.kind == "array"
        case _:
            return branch.kind in ("map", "record")


def _as_single(value: float) -> float:
    """The shortest number that is the same one of single precision: 0.123456789 -> 0.12345679."""
    try:
        single = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)
    for digits in range(1, 10):
        short = float(f"{single:.{digits}g}")
        if struct.pack("<f", short) == struct.pack("<f", single):
            return short
    return value
