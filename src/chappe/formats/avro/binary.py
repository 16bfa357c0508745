"""Payloads in Avro's binary encoding, walked without being decoded (specification, "Binary Encoding").

A schema becomes walks, one for each type. What a payload may cost is bounded by its length: each
value of a record is at least a byte long (those that are always empty are passed over), and a block
that claims more items than there are bytes left for them is refused.
"""

from __future__ import annotations

from collections.abc import Callable

from chappe.formats.avro.broken import Broken
from chappe.formats.avro.parse import Parsed
from chappe.formats.avro.quick import compile_quick
from chappe.formats.avro.tree import (
    Array,
    Enum,
    Fixed,
    Map,
    Named,
    Primitive,
    Record,
    Type,
    Union,
)
from chappe.formats.avro.walks import (
    EMPTY_WALK,
    PRIMITIVE_WALKS,
    Walk,
    blocks_walk,
    enum_walk,
    fixed_walk,
    in_hex,
    record_walk,
    truncated,
    union_walk,
)


def compile_binary(schema: Parsed) -> Callable[[bytes], Broken | None]:
    """A function that tells what is wrong with a payload, None if nothing; it never raises."""
    compiler = _Compiler()
    for named in schema.named:
        compiler.define(named)
    walk = compiler.walk(schema.type)
    fits = compile_quick(schema) or _never_sure

    def check(data: bytes) -> Broken | None:
        if fits(data):
            return None
        try:
            end = walk(data, 0, 0)
        except Broken as broken:
            return broken
        except IndexError:
            return truncated()
        except RecursionError:
            return Broken("depth", "", "values are nested too deeply")
        if end != len(data):
            return Broken(
                "trailing", in_hex(data, end), f"{len(data) - end} bytes follow after the value"
            )
        return None

    return check


def _never_sure(data: bytes) -> bool:
    return False


class _Compiler:
    """Compiles named types in the order of their definitions, those within before those around."""

    def __init__(self) -> None:
        self._walks: dict[int, Walk] = {}
        # The fewest bytes of a value; 0 for a type that is still being defined, which is too few at
        # worst. None: there never are any bytes.
        self._sizes: dict[int, int | None] = {}

    def define(self, named: Named) -> None:
        """Compile a named type; those that it is made of, but for those around it, are there."""
        self._walks[id(named)], self._sizes[id(named)] = self._compiled(named)

    def walk(self, of_type: Type) -> Walk:
        return self._parts(of_type)[0]

    def _parts(self, of_type: Type) -> tuple[Walk, int | None]:
        if isinstance(of_type, Primitive):
            return PRIMITIVE_WALKS[of_type.kind]
        if isinstance(of_type, Record | Enum | Fixed):
            key = id(of_type)
            if key in self._walks:
                return self._walks[key], self._sizes[key]
            return self._later(key), 0
        return self._compiled(of_type)

    def _later(self, key: int) -> Walk:
        """A type around this one, which is compiled when data is walked."""
        walks = self._walks

        def later(data: bytes, at: int, depth: int) -> int:
            return walks[key](data, at, depth)

        return later

    def _compiled(self, of_type: Type) -> tuple[Walk, int | None]:
        match of_type:
            case Primitive():
                return PRIMITIVE_WALKS[of_type.kind]
            case Record():
                return self._record(of_type)
            case Enum():
                return enum_walk(of_type), 1
            case Fixed():
                return (fixed_walk(of_type.size), of_type.size) if of_type.size else EMPTY_WALK
            case Array():
                walk, size = self._parts(of_type.items)
                return blocks_walk(walk, size, keyed=False), 1
            case Map():
                walk, size = self._parts(of_type.values)
                return blocks_walk(walk, 1 + (size or 0), keyed=True), 1
            case Union():
                return self._union(of_type)

    def _record(self, record: Record) -> tuple[Walk, int | None]:
        fields: list[tuple[str, Walk]] = []
        fewest = 0
        for field in record.fields:
            walk, size = self._parts(field.type)
            if size is not None:
                fields.append((field.name, walk))
                fewest += size
        return (record_walk(fields), fewest) if fields else EMPTY_WALK

    def _union(self, union: Union) -> tuple[Walk, int | None]:
        walks, sizes = [], []
        for branch in union.branches:
            walk, size = self._parts(branch)
            walks.append(walk)
            sizes.append(size or 0)
        return union_walk(walks), 1 + min(sizes, default=0)
