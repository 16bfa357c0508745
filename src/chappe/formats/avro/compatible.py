"""Which schema reads what another wrote (specification, "Schema Resolution").

The rules, their order, what is told and where are those of Apache Avro's SchemaCompatibility for Java,
1.11.5, since that is what Confluent's registry asks; where they stray from the specification (the
namespace of a type does not matter; a place within a union is told from the union on) they stray
alike. A pair of types that is met within itself counts as compatible, and what was found of a pair is
told again, with its first place, wherever the pair is met again.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from chappe.formats.avro.json_text import utf16_order
from chappe.formats.avro.tree import (
    ABSENT,
    COMPLEX,
    PRIMITIVES,
    Array,
    Enum,
    Field,
    Fixed,
    Map,
    Named,
    Primitive,
    Record,
    Type,
    Union,
    branch_name,
)

MAX_FOUND: Final = 100
"""So many incompatibilities are told. A place that is reached in two ways is told twice, as Java does,
which doubles with each level."""
MAX_STEPS: Final = 60_000
"""So many pairs of types, fields and branches are looked at: some 150 ms."""
# In a larger union, branches of other names are passed by, without a look at their fields.
_LARGE_UNION: Final = 16

_READS: Final[Mapping[str, frozenset[str]]] = {
    "null": frozenset(("null",)),
    "boolean": frozenset(("boolean",)),
    "int": frozenset(("int",)),
    "long": frozenset(("long", "int")),
    "float": frozenset(("float", "long", "int")),
    "double": frozenset(("double", "float", "long", "int")),
    "bytes": frozenset(("bytes", "string")),
    "string": frozenset(("string", "bytes")),
}


@dataclass(frozen=True, slots=True)
class Incompatibility:
    """What Java tells, and the two types that it is about.

    `location` is a pointer into the reader's schema, "/" for the whole; `info` Java's message;
    `subject` the field or branch that is meant, "" where it is the types themselves.
    """

    code: str
    location: str
    info: str
    reader: Type
    writer: Type
    subject: str = ""


_At: TypeAlias = "tuple[_At, str] | None"
"""A place, from the inside to the outside: (((None, "fields/0/type"), "items")."""
_Raw: TypeAlias = "tuple[str, _At, str, Type, Type, Type | str]"
"""An incompatibility before it is told: most are of branches that were tried in vain."""
_Found: TypeAlias = tuple[_Raw, ...]
_Steps: TypeAlias = Generator[tuple[Type, Type, _At], _Found, _Found]

_FINE: Final[_Found] = ()
_LACKING: Final = {
    kind: f"reader union lacking writer type: {kind.upper()}" for kind in (*PRIMITIVES, *COMPLEX)
}


def incompatibilities(reader: Type, writer: Type) -> Sequence[Incompatibility]:
    """Why data of `writer` cannot be read with `reader`, in Java's order; empty when it can."""
    try:
        found = _Comparison().run(reader, writer)
    except _Gave as gave:
        found = (gave.reason,)
    return [
        Incompatibility(
            code,
            _location(at),
            info,
            within,
            wrote,
            about if isinstance(about, str) else branch_name(about),
        )
        for code, at, info, within, wrote, about in found
    ]


class _Gave(Exception):
    """The comparison cannot be finished."""

    def __init__(self, reason: _Raw) -> None:
        super().__init__(reason[0])
        self.reason = reason


class _Comparison:
    def __init__(self) -> None:
        self._known: dict[tuple[int, int], _Found] = {}
        self._branches: dict[int, dict[str, list[Type]]] = {}
        self._steps = 0

    def run(self, reader: Type, writer: Type) -> _Found:
        """Types may nest by name to any depth: a list of generators, not Python's stack."""
        found = self._at_once(reader, writer, None)
        if found is not None:
            return found
        key = id(reader), id(writer)
        self._known[key] = _FINE
        running: list[tuple[_Steps, tuple[int, int]]] = [(self._pair(reader, writer, None), key)]
        answer: _Found | None = None
        while running:
            steps, key = running[-1]
            try:
                reader, writer, at = next(steps) if answer is None else steps.send(answer)
            except StopIteration as end:
                answer = end.value
                assert answer is not None
                self._known[key] = answer
                running.pop()
            else:
                answer = None
                key = id(reader), id(writer)
                self._known[key] = _FINE
                self._spend(1, reader, writer)
                running.append((self._pair(reader, writer, at), key))
        assert answer is not None
        return answer

    def _at_once(self, reader: Type, writer: Type, at: _At) -> _Found | None:
        """The answer where no other pair must be asked for it, or where it is known."""
        if isinstance(writer, Primitive):
            if isinstance(reader, Primitive):
                if reader.kind == writer.kind or writer.kind in _READS[reader.kind]:
                    return _FINE
                return _mismatch(reader, writer, at)
            if not isinstance(reader, Union):
                return self._kept_mismatch(reader, writer, at)
        elif not isinstance(reader, Union) and not isinstance(writer, Union):
            if reader.kind != writer.kind:
                return self._kept_mismatch(reader, writer, at)
        return self._known.get((id(reader), id(writer)))

    def _pair(self, reader: Type, writer: Type, at: _At) -> _Steps:
        match reader, writer:
            case (Record(), Record()):
                return (yield from self._records(reader, writer, at))
            case (Array(), Array()):
                return (yield from self._ask(reader.items, writer.items, (at, "items")))
            case (Map(), Map()):
                return (yield from self._ask(reader.values, writer.values, (at, "values")))
            case (Union(), Union()):
                return (yield from self._unions(reader, writer, at))
            case (_, Union()):
                found: _Found = _FINE
                for branch in writer.branches:
                    found = self._merged(found, (yield from self._ask(reader, branch, None)))
                return found
            case (Union(), _):
                return (yield from self._union(reader, writer, at))
            case (Enum(), Enum()):
                return self._enums(reader, writer, at)
            case (Fixed(), Fixed()):
                return self._fixed(reader, writer, at)
            case _:
                return _mismatch(reader, writer, at)

    def _ask(self, reader: Type, writer: Type, at: _At) -> _Steps:
        found = self._at_once(reader, writer, at)
        if found is None:
            found = yield reader, writer, at
        return found

    def _records(self, reader: Record, writer: Record, at: _At) -> _Steps:
        found = self._names(reader, writer, at)
        self._spend(len(reader.fields), reader, writer)
        written = writer.by_name
        for position, field in enumerate(reader.fields):
            other = written.get(field.name)
            if field.aliases:
                other = self._by_alias(reader, writer, field, (at, f"fields/{position}"))
            if other is None:
                found = self._merged(found, self._not_written(reader, writer, field, position, at))
                continue
            below = (at, f"fields/{position}/type")
            each = self._at_once(field.type, other.type, below)
            if each is None:
                each = yield field.type, other.type, below
            if each:
                found = self._merged(found, each)
        return found

    def _not_written(
        self, reader: Record, writer: Record, field: Field, position: int, at: _At
    ) -> _Found:
        if field.default is not ABSENT:
            return _FINE
        if isinstance(field.type, Enum) and field.type.default is not None:
            # Java means to take the enum's default, and compares the enum with the writer's record.
            return self._kept_mismatch(field.type, writer, (at, f"fields/{position}/type"))
        return _one(
            "READER_FIELD_MISSING_DEFAULT_VALUE",
            (at, f"fields/{position}"),
            field.name,
            reader,
            writer,
            field.name,
        )

    def _by_alias(self, reader: Record, writer: Record, field: Field, at: _At) -> Field | None:
        names = [name for name in (field.name, *field.aliases) if name in writer.by_name]
        if len(names) > 1:
            shown = f"Reader record field {field.name} matches multiple fields in writer record"
            told = f"{shown}: {', '.join(names)}"
            raise _Gave(("READER_FIELD_AMBIGUOUS", at, told, reader, writer, field.name))
        return writer.by_name[names[0]] if names else None

    def _unions(self, reader: Union, writer: Union, at: _At) -> _Steps:
        found: _Found = _FINE
        for position, branch in enumerate(writer.branches):
            if (yield from self._ask(reader, branch, None)):
                missing = self._missing(reader, writer, branch, (at, str(position)))
                found = self._merged(found, missing)
        return found

    def _union(self, reader: Union, writer: Type, at: _At) -> _Steps:
        branches = reader.branches
        if len(branches) > _LARGE_UNION:
            branches = self._candidates(reader, writer)
        self._spend(len(branches), reader, writer)
        for branch in branches:
            each = self._at_once(branch, writer, None)
            if each is None:
                each = yield branch, writer, None
            if not each:
                return _FINE
        return self._missing(reader, writer, writer, at)

    def _candidates(self, reader: Union, writer: Type) -> Sequence[Type]:
        """The branches that could read the writer's type, by its name: others cannot."""
        key = id(reader)
        if key not in self._branches:
            by_name: dict[str, list[Type]] = {}
            self._branches[key] = by_name
            for branch in reader.branches:
                for name in _names_of(branch):
                    by_name.setdefault(name, []).append(branch)
        found = self._branches[key]
        if not isinstance(writer, Record | Enum | Fixed):
            return found.get("", ())
        named = found.get(writer.name.simple, ())
        if not writer.name.space:
            return named
        aliased = found.get(writer.name.full, ())
        return [*named, *aliased] if aliased else named

    def _enums(self, reader: Enum, writer: Enum, at: _At) -> _Found:
        found = self._names(reader, writer, at)
        missing = set(writer.symbols).difference(reader.symbols)
        if missing and reader.default is None:
            info = f"[{', '.join(sorted(missing, key=utf16_order))}]"
            each = _one("MISSING_ENUM_SYMBOLS", (at, "symbols"), info, reader, writer)
            found = self._merged(found, each)
        return found

    def _fixed(self, reader: Fixed, writer: Fixed, at: _At) -> _Found:
        found = self._names(reader, writer, at)
        if reader.size != writer.size:
            info = f"expected: {writer.size}, found: {reader.size}"
            each = _one("FIXED_SIZE_MISMATCH", (at, "size"), info, reader, writer)
            found = self._merged(found, each)
        return found

    def _names(self, reader: Named, writer: Named, at: _At) -> _Found:
        if _same_name(reader, writer):
            return _FINE
        info = f"expected: {writer.name.full}"
        return _one("NAME_MISMATCH", (at, "name"), info, reader, writer)

    def _missing(self, reader: Union, writer: Type, branch: Type, at: _At) -> _Found:
        return _one(
            "MISSING_UNION_BRANCH",
            at,
            _LACKING[branch.kind],
            reader,
            writer,
            branch,
        )

    def _kept_mismatch(self, reader: Type, writer: Type, at: _At) -> _Found:
        """A named type may meet the same field twice, by an alias; its first place is told again."""
        key = id(reader), id(writer)
        if key not in self._known:
            self._known[key] = _mismatch(reader, writer, at)
        return self._known[key]

    def _merged(self, found: _Found, more: _Found) -> _Found:
        if not more or len(found) >= MAX_FOUND:
            return found
        return (found + more)[:MAX_FOUND] if found else more

    def _spend(self, steps: int, reader: Type, writer: Type) -> None:
        self._steps += steps
        if self._steps > MAX_STEPS:
            info = f"more than {MAX_STEPS} pairs of types are to be compared"
            raise _Gave(("TOO_COMPLEX", None, info, reader, writer, ""))


def _same_name(reader: Named, writer: Named) -> bool:
    """Without namespaces, or an alias that is the writer's full name."""
    return reader.name.simple == writer.name.simple or (
        bool(reader.aliases) and writer.name in reader.aliases
    )


def _names_of(branch: Type) -> Iterable[str]:
    """What a writer's type may be called that a branch reads; "" for one without a name."""
    if isinstance(branch, Record | Enum | Fixed):
        return {branch.name.simple, *(alias.full for alias in branch.aliases)}
    return ("",)


def _mismatch(reader: Type, writer: Type, at: _At) -> _Found:
    info = (
        f"reader type: {reader.kind.upper()} not compatible with writer type: {writer.kind.upper()}"
    )
    return _one("TYPE_MISMATCH", at, info, reader, writer)


def _one(
    code: str, at: _At, info: str, reader: Type, writer: Type, about: Type | str = ""
) -> _Found:
    return ((code, at, info, reader, writer, about),)


def _location(at: _At) -> str:
    """((None, "fields/0/type"), "items") -> "/fields/0/type/items"."""
    parts = []
    while at is not None:
        at, part = at
        parts.append(part)
    return "/" + "/".join(reversed(parts))
