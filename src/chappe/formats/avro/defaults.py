"""Default values of fields: whether they are values of their types (specification, "Complex Types").

As strict as Java's Avro, which does not ask whether an enum has the symbol, nor for the length of a
fixed: registries are full of schemas that it took.
"""

from __future__ import annotations

from typing import Final

from chappe.domain.errors import Malformed
from chappe.formats.avro.tree import ABSENT, Array, Enum, Fixed, Map, Primitive, Record, Type, Union
from chappe.formats.fields import shortened

MAX_DEPTH: Final = 64
# A value is tried against each branch of a union at each level; what was tried is remembered.
MAX_STEPS: Final = 200_000

_RANGES: Final = {"int": 1 << 31, "long": 1 << 63}


class DefaultChecks:
    """The defaults of one schema, checked when all of its types are complete."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Type, object, str]] = []
        self._known: dict[tuple[int, int], tuple[str, str] | None] = {}
        self._steps = 0

    def add(self, of_type: Type, value: object, where: str) -> None:
        """Take note of a default that stands at `where`."""
        self._waiting.append((of_type, value, where))

    def run(self) -> None:
        """Check them.

        Raises:
            Malformed: one is no value of its type.
        """
        for of_type, value, where in self._waiting:
            wrong = self._wrong(of_type, value, 1)
            if wrong:
                raise Malformed(f"{where}{wrong[0]}: {wrong[1]}")

    def _wrong(self, of_type: Type, value: object, depth: int) -> tuple[str, str] | None:
        """Where and why the value is none of the type: ("/items/0", "'x' is no int")."""
        if isinstance(of_type, Primitive):
            return _wrong_primitive(of_type, value)
        if depth > MAX_DEPTH:
            return "", f"a default is nested more than {MAX_DEPTH} deep"
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise Malformed(f"dataschema: more than {MAX_STEPS} steps to check all defaults")
        # Only what holds other values is worth remembering; those live as long as the document.
        key = (id(of_type), id(value)) if isinstance(value, dict | list) else None
        if key is None or key not in self._known:
            wrong = self._wrong_complex(of_type, value, depth)
            if key is None:
                return wrong
            self._known[key] = wrong
        return self._known[key]

    def _wrong_complex(self, of_type: Type, value: object, depth: int) -> tuple[str, str] | None:
        match of_type:
            case Union():
                for branch in of_type.branches:
                    if self._wrong(branch, value, depth + 1) is None:
                        return None
                return "", f"{_shown(value)} fits no branch of the union"
            case Array():
                if not isinstance(value, list):
                    return "", f"{_shown(value)} is no array"
                for at, item in enumerate(value):
                    if wrong := self._wrong(of_type.items, item, depth + 1):
                        return f"/{at}{wrong[0]}", wrong[1]
            case Map():
                if not isinstance(value, dict):
                    return "", f"{_shown(value)} is no map (an object)"
                for key, item in value.items():
                    if wrong := self._wrong(of_type.values, item, depth + 1):
                        return f"/{_escaped(key)}{wrong[0]}", wrong[1]
            case Record():
                return self._wrong_record(of_type, value, depth)
            case Enum():
                if not isinstance(value, str):
                    return "", f"{_shown(value)} is no symbol (a string)"
            case Fixed():
                return _wrong_bytes(value)
            case Primitive():
                return _wrong_primitive(of_type, value)
        return None

    def _wrong_record(self, record: Record, value: object, depth: int) -> tuple[str, str] | None:
        if not isinstance(value, dict):
            return "", f"{_shown(value)} is no record (an object)"
        for field in record.fields:
            if field.name not in value:
                # The field's own default is checked where it stands.
                if field.default is ABSENT:
                    return "", f"{shortened(field.name)} is missing, the field has no default"
            elif wrong := self._wrong(field.type, value[field.name], depth + 1):
                return f"/{field.name}{wrong[0]}", wrong[1]
        return None


def _wrong_primitive(primitive: Primitive, value: object) -> tuple[str, str] | None:
    if primitive.kind == "bytes":
        return _wrong_bytes(value)
    return (
        None if _is_primitive(primitive, value) else ("", f"{_shown(value)} is no {primitive.kind}")
    )


def _is_primitive(primitive: Primitive, value: object) -> bool:
    match primitive.kind:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "int" | "long":
            top = _RANGES[primitive.kind]
            return isinstance(value, int) and not isinstance(value, bool) and -top <= value < top
        case "float" | "double":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "string" | "bytes":
            return isinstance(value, str)


def _wrong_bytes(value: object) -> tuple[str, str] | None:
    """Bytes stand as characters from U+0000 to U+00FF ("Complex Types", table of defaults)."""
    if not isinstance(value, str):
        return "", f"{_shown(value)} is no string of bytes"
    if not value.isascii() and max(value) > "\xff":
        return "", f"{shortened(value)} has characters beyond \\u00FF, which are no bytes"
    return None


def _shown(value: object) -> str:
    return "null" if value is None else shortened(value)


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")
