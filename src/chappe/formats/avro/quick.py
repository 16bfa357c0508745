"""Whether a payload in Avro's binary encoding is a value of its schema: yes, or not sure.

Most payloads are. This tells so in about half of the time that the walks (walks.py) take, because it
keeps nothing to tell where something is wrong: what it is not sure of, the walks decide. So it may
pass over what is rare (blocks with their length, numbers and texts of many bytes), and must never say
yes where the walks find something.

Whether the data ends within a value is seen at the end: every step goes forward, so the place behind
the last value is that of the data's end only if all of them are whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

from chappe.formats.avro.broken import Broken
from chappe.formats.avro.parse import Parsed
from chappe.formats.avro.tree import Array, Enum, Fixed, Map, Primitive, Record, Type, Union
from chappe.formats.avro.walks import PRIMITIVE_WALKS

_Step: TypeAlias = Callable[[bytes, int], int]
"""The place after the value; raises _NotSure, Broken, IndexError or UnicodeDecodeError where it is not sure."""

_Part: TypeAlias = tuple[int, int, _Step]
"""The kind of a step, the bytes that it skips, and the step."""

# Kinds of steps that a record does itself, without a call.
_CALL, _NUMBER, _STRING, _SKIP = range(4)

_MOST_DEPTH: Final = 50
"""Deeper schemas, and those that contain themselves, are left to the walks, which count the depth."""


class _NotSure(Exception):
    """The walks have to look."""


def compile_quick(schema: Parsed) -> Callable[[bytes], bool] | None:
    """A function that tells whether a payload is surely a value; None where there is none."""
    try:
        step = _Compiler().compiled(schema.type).step
    except (_NotSure, RecursionError):
        return None

    def fits(data: bytes) -> bool:
        try:
            return step(data, 0) == len(data)
        except (_NotSure, Broken, IndexError, UnicodeDecodeError):
            return False

    return fits


class _Compiled(NamedTuple):
    """The step of a type, how many types deep it is, and whether its values never have a byte."""

    step: _Step
    depth: int = 0
    is_empty: bool = False


class _Compiler:
    """Compiles each named type once, however often it is referred to."""

    def __init__(self) -> None:
        self._named: dict[int, _Compiled] = {}
        self._around: set[int] = set()

    def compiled(self, of_type: Type) -> _Compiled:
        """The step of a type.

        Raises:
            _NotSure: it is too deep, contains itself, or has items without a byte.
        """
        if not isinstance(of_type, Record | Enum | Fixed):
            return self._made(of_type)
        key = id(of_type)
        if key in self._named:
            return self._named[key]
        if key in self._around:
            raise _NotSure
        self._around.add(key)
        made = self._named[key] = self._made(of_type)
        self._around.remove(key)
        return made

    def _made(self, of_type: Type) -> _Compiled:
        match of_type:
            case Primitive():
                return _Compiled(_primitive(of_type), is_empty=of_type.kind == "null")
            case Enum():
                return _Compiled(_enum(len(of_type.symbols)))
            case Fixed():
                return _Compiled(_skip(of_type.size), is_empty=of_type.size == 0)
            case Record():
                fields, depth, is_empty = self._within([field.type for field in of_type.fields])
                return _Compiled(_record(fields), depth, is_empty)
            case Array():
                items, depth, is_empty = self._within([of_type.items])
                if is_empty:
                    raise _NotSure  # A byte could claim 63 of them.
                return _Compiled(_blocks(items[0], keyed=False), depth)
            case Map():
                values, depth, _ = self._within([of_type.values])
                return _Compiled(_blocks(values[0], keyed=True), depth)
            case Union():
                branches, depth, _ = self._within(of_type.branches)
                return _Compiled(_union([step for _, _, step in branches]), depth)

    def _within(self, types: Sequence[Type]) -> tuple[list[_Part], int, bool]:
        """The parts of a type, how deep it is, and whether no part ever has a byte."""
        found = [self.compiled(one) for one in types]
        depth = 1 + max((one.depth for one in found), default=0)
        if depth > _MOST_DEPTH:
            raise _NotSure
        parts = [_part(type_, one.step) for type_, one in zip(types, found, strict=True)]
        return parts, depth, all(one.is_empty for one in found)


def _part(of_type: Type, step: _Step) -> _Part:
    match of_type:
        case Primitive("string"):
            return _STRING, 0, step
        case Primitive("int" | "long"):
            return _NUMBER, 0, step
        case Primitive("null"):
            return _SKIP, 0, step
        case Primitive("float"):
            return _SKIP, 4, step
        case Primitive("double"):
            return _SKIP, 8, step
        case Fixed():
            return _SKIP, of_type.size, step
        case _:
            return _CALL, 0, step


def _primitive(of_type: Primitive) -> _Step:
    walk, _ = PRIMITIVE_WALKS[of_type.kind]

    def step(data: bytes, at: int) -> int:
        return walk(data, at, 0)

    return step


def _record(fields: Sequence[_Part]) -> _Step:
    def record(data: bytes, at: int) -> int:
        for kind, skipped, step in fields:
            if kind == _STRING:
                size = data[at]
                if size & 0x81:  # longer than 63 bytes, or negative
                    at = step(data, at)
                else:
                    at += 1
                    end = at + (size >> 1)
                    text = data[at:end]
                    if not text.isascii():
                        text.decode()
                    at = end
            elif kind == _NUMBER:
                at = at + 1 if data[at] < 0x80 else step(data, at)
            elif kind == _CALL:
                at = step(data, at)
            else:
                at += skipped
        return at

    return record


def _enum(count: int) -> _Step:
    def enum(data: bytes, at: int) -> int:
        index = data[at]
        if index & 0x81 or index >> 1 >= count:
            raise _NotSure
        return at + 1

    return enum


def _skip(size: int) -> _Step:
    def skip(data: bytes, at: int) -> int:
        return at + size

    return skip


def _union(branches: Sequence[_Step]) -> _Step:
    count = len(branches)

    def union(data: bytes, at: int) -> int:
        index = data[at]
        if index & 0x81 or index >> 1 >= count:
            raise _NotSure
        return branches[index >> 1](data, at + 1)

    return union


def _blocks(item: _Part, *, keyed: bool) -> _Step:
    # As a record of its own, the item's step is done without a call where it is a simple one.
    one = item[2] if item[0] == _CALL and not keyed else _record([_KEY, item] if keyed else [item])

    def blocks(data: bytes, at: int) -> int:
        while True:
            count = data[at]
            if count & 0x81:
                raise _NotSure
            at += 1
            if not count:
                return at
            for _ in range(count >> 1):
                at = one(data, at)

    return blocks


_KEY: Final = (_STRING, 0, _primitive(Primitive("string", {})))
