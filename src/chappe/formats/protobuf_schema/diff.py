"""What changed from the schema data was written with to the one that reads it.

Fields are matched by number, messages and enumerations by name. A type that a schema declares itself
is compared where it stands; one that is imported, wherever a field uses it, each pair once. So the
time is linear in the sizes of the two, and no depth of references matters.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from chappe.formats.protobuf_schema.changes import Change, Kind
from chappe.formats.protobuf_schema.tree import (
    Enum,
    EnumType,
    Field,
    Label,
    MapType,
    Message,
    MessageType,
    Scalar,
    Tree,
    Type,
)

Pair: TypeAlias = tuple[str, str]
"""The full names of two messages that are compared: the writer's, the reader's."""

Path: TypeAlias = tuple[str, ...]

_K = TypeVar("_K")

_GROUPS: Final = {
    **dict.fromkeys(("int32", "int64", "uint32", "uint64", "bool"), "varint"),
    **dict.fromkeys(("sint32", "sint64"), "zigzag"),
    **dict.fromkeys(("string", "bytes"), "text"),
    **dict.fromkeys(("fixed32", "sfixed32"), "fixed32"),
    **dict.fromkeys(("fixed64", "sfixed64"), "fixed64"),
    "float": "float",
    "double": "double",
}


def changes(writer: Tree, reader: Tree) -> Sequence[Change]:
    """All changes, compatible ones too, from the writer's schema to the reader's."""
    return _Diff(writer, reader).run()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a change is noted; `scope` is the pair of imported messages it lies in, if in any."""

    path: Path
    scope: Pair | None = None

    def below(self, *names: str | int) -> _Place:
        return _Place((*self.path, *map(str, names)), self.scope)


class _Diff:
    def __init__(self, writer: Tree, reader: Tree) -> None:
        self._writer = writer
        self._reader = reader
        self._found: list[Change] = []
        self._waiting: deque[Pair] = deque()
        self._users: dict[Pair, list[tuple[_Place, Field, Field]]] = {}
        self._broken: dict[Pair, None] = {}

    def run(self) -> Sequence[Change]:
        root = _Place(())
        if self._writer.package != self._reader.package:
            self._note(
                Kind.PACKAGE_CHANGED,
                root,
                f"the package was {_told(self._writer.package)}, is {_told(self._reader.package)}",
                f"keep the package {_told(self._writer.package)}",
            )
        self._types(self._writer.messages, self._reader.messages, root)
        self._enums(self._writer.enums, self._reader.enums, root)
        while self._waiting:
            pair = self._waiting.popleft()
            old, new = self._writer.types[pair[0]], self._reader.types[pair[1]]
            path = _local(pair[1], self._reader).split(".")
            self._message(old, new, _Place(tuple(path), pair))
        self._blame()
        return self._found

    def _note(self, kind: Kind, place: _Place, message: str = "", fix: str = "") -> None:
        change = Change(kind, f"#/{'/'.join(place.path)}", message, fix)
        self._found.append(change)
        if place.scope is not None and not change.compatible:
            self._broken[place.scope] = None

    def _types(self, old: Sequence[Message], new: Sequence[Message], place: _Place) -> None:
        before = {each.name: (index, each) for index, each in enumerate(old)}
        after = {each.name: (index, each) for index, each in enumerate(new)}
        for name in _union(before, after):
            here = place.below(name)
            if name not in after:
                self._note(
                    Kind.MESSAGE_REMOVED,
                    here,
                    f"message {name} was removed",
                    f"keep message {name}, also if nothing uses it any more",
                )
            elif name not in before:
                self._note(Kind.MESSAGE_ADDED, here, f"message {name} was added")
            else:
                (was_at, was), (is_at, now) = before[name], after[name]
                self._message(was, now, here)
                if was_at != is_at:
                    self._note(Kind.MESSAGE_MOVED, here, f"message {name} was moved")

    def _enums(self, old: Sequence[Enum], new: Sequence[Enum], place: _Place) -> None:
        before = {each.name: each for each in old}
        after = {each.name: each for each in new}
        for name in _union(before, after):
            here = place.below(name)
            if name not in after:
                self._note(Kind.ENUM_REMOVED, here, f"enum {name} was removed")
            elif name not in before:
                self._note(Kind.ENUM_ADDED, here, f"enum {name} was added")
            else:
                self._values(before[name].values, after[name].values, here)

    def _values(
        self, old: Mapping[int, Sequence[str]], new: Mapping[int, Sequence[str]], place: _Place
    ) -> None:
        for number in _union(old, new):
            here = place.below(number)
            if number not in new:
                self._note(
                    Kind.ENUM_CONST_REMOVED, here, f"{old[number][-1]} = {number} was removed"
                )
            elif number not in old:
                self._note(Kind.ENUM_CONST_ADDED, here, f"{new[number][-1]} = {number} was added")
            elif old[number][-1] != new[number][-1]:
                self._note(
                    Kind.ENUM_CONST_CHANGED,
                    here,
                    f"{number} was {old[number][-1]}, is {new[number][-1]}",
                )

    def _message(self, old: Message, new: Message, place: _Place) -> None:
        self._exclusions(old, new, place)
        for name in sorted(old.oneofs.keys() | new.oneofs.keys()):
            if name not in new.oneofs:
                self._note(Kind.ONEOF_REMOVED, place.below(name), f"oneof {name} was removed")
            elif name not in old.oneofs:
                self._note(Kind.ONEOF_ADDED, place.below(name), f"oneof {name} was added")
        for number in sorted(old.fields.keys() | new.fields.keys()):
            was, now = old.fields.get(number), new.fields.get(number)
            if was is not None and now is not None:
                self._kept(was, now, place)
            elif was is not None:
                self._removed(was, old, new, place)
            elif now is not None:
                self._added(now, place)
        self._types(old.messages, new.messages, place)
        self._enums(old.enums, new.enums, place)

    def _exclusions(self, old: Message, new: Message, place: _Place) -> None:
        """Fields that could be set together, and now cannot: only one survives the reading."""
        for name, members in new.oneofs.items():
            known = [old.fields[number] for number in members if number in old.fields]
            alone = [each for each in known if not each.oneof]
            origins = len(alone) + len({each.oneof for each in known if each.oneof})
            if origins < 2:
                continue
            told = ", ".join(f"{each.name} = {each.number}" for each in known)
            self._note(
                Kind.MULTIPLE_FIELDS_MOVED_TO_ONEOF
                if len(alone) > 1
                else Kind.FIELD_MOVED_TO_EXISTING_ONEOF,
                place.below(name),
                f"oneof {name} holds fields that could be set together: {told}",
                "leave them outside, or move one field only, into a oneof without older members",
            )

    def _removed(self, was: Field, old: Message, new: Message, place: _Place) -> None:
        told = f"{was.name} = {was.number}"
        if was.oneof:
            survivors = (number in new.fields for number in old.oneofs[was.oneof])
            # With all of its fields, a oneof may go.
            if was.oneof in new.oneofs or any(survivors):
                self._note(
                    Kind.ONEOF_FIELD_REMOVED,
                    place.below(was.oneof, was.number),
                    f"{told} was removed from oneof {was.oneof}",
                    f"keep {told} in the oneof",
                )
        elif was.label is Label.REQUIRED:
            self._note(
                Kind.REQUIRED_FIELD_REMOVED,
                place.below(was.number),
                f"the required field {told} was removed",
                f"keep {told}",
            )
        else:
            self._note(Kind.FIELD_REMOVED, place.below(was.number), f"{told} was removed")

    def _added(self, now: Field, place: _Place) -> None:
        told = f"{now.name} = {now.number}"
        if now.oneof:
            self._note(
                Kind.ONEOF_FIELD_ADDED,
                place.below(now.oneof, now.number),
                f"{told} was added to oneof {now.oneof}",
            )
        elif now.label is Label.REQUIRED:
            self._note(
                Kind.REQUIRED_FIELD_ADDED,
                place.below(now.number),
                f"the required field {told} was added",
                f"add {told} as optional",
            )
        else:
            self._note(Kind.FIELD_ADDED, place.below(now.number), f"{told} was added")

    def _kept(self, was: Field, now: Field, place: _Place) -> None:
        if was.oneof and not now.oneof:
            self._note(
                Kind.ONEOF_FIELD_MOVED_TO_TOP_LEVEL,
                place.below(now.number),
                f"{was.name} = {was.number} was moved out of oneof {was.oneof}",
            )
        here = place.below(now.oneof, now.number) if now.oneof else place.below(now.number)
        if was.name != now.name:
            self._note(
                Kind.FIELD_NAME_CHANGED, here, f"field {now.number} was {was.name}, is {now.name}"
            )
        self._field_types(was, now, was.type, now.type, here)

    def _field_types(self, was: Field, now: Field, old: Type, new: Type, place: _Place) -> None:
        match old, new:
            case Scalar() | EnumType(), Scalar() | EnumType():
                self._scalars(was, now, old, new, place)
            case MessageType(), MessageType() if old.grouped == new.grouped:
                self._messages(was, now, old, new, place)
            case MapType(), MapType():
                bare = Field(was.name, was.number, None, was.type)
                self._field_types(bare, now, old.key, new.key, place)
                self._field_types(bare, now, old.value, new.value, place)
            case _:
                self._note(
                    Kind.FIELD_KIND_CHANGED,
                    place,
                    f"{now.name} = {now.number} was {_kind(old)}, is {_kind(new)}",
                    _another_number(now),
                )

    def _scalars(
        self,
        was: Field,
        now: Field,
        old: Scalar | EnumType,
        new: Scalar | EnumType,
        place: _Place,
    ) -> None:
        group = _group(old)
        if group != _group(new):
            self._note(
                Kind.FIELD_SCALAR_KIND_CHANGED,
                place,
                f"{now.name} = {now.number} was {_shown(old)}, is {_shown(new)}: they are encoded"
                " in different ways",
                _another_number(now),
            )
        elif was.label is not None and now.label is not None and was.label is not now.label:
            numeric = group != "text"
            self._note(
                Kind.FIELD_NUMERIC_LABEL_CHANGED
                if numeric
                else Kind.FIELD_STRING_OR_BYTES_LABEL_CHANGED,
                place,
                f"{now.name} = {now.number} was {was.label.value}, is {now.label.value}",
                f"keep {was.label.value}" if numeric else "",
            )

    def _messages(
        self, was: Field, now: Field, old: MessageType, new: MessageType, place: _Place
    ) -> None:
        if _local(old.name, self._writer) != _local(new.name, self._reader):
            self._named_type(was, now, place, f"was {old.name}, is {new.name}")
            return
        if old.name in self._writer.local and new.name in self._reader.local:
            return  # both are compared where they are declared
        pair = (old.name, new.name)
        users = self._users.setdefault(pair, [])
        if not users:
            self._waiting.append(pair)
        users.append((place, was, now))

    def _blame(self) -> None:
        """Note each field whose imported type became unreadable, up through all that use it."""
        waiting = deque(self._broken)
        while waiting:
            pair = waiting.popleft()
            for place, was, now in self._users.get(pair, ()):
                known = place.scope is None or place.scope in self._broken
                self._named_type(was, now, place, f"{pair[1]} is not what {pair[0]} was")
                if not known and place.scope is not None:
                    waiting.append(place.scope)

    def _named_type(self, was: Field, now: Field, place: _Place, what: str) -> None:
        self._note(
            Kind.FIELD_NAMED_TYPE_CHANGED,
            place,
            f"the message of {now.name} = {now.number} changed: {what}",
            _another_number(now),
        )


def _union(old: Mapping[_K, object], new: Mapping[_K, object]) -> Sequence[_K]:
    """The keys of both: the older ones first, each in its order."""
    return list(dict.fromkeys((*old, *new)))


def _local(name: str, tree: Tree) -> str:
    """A message's name without its package: ".shop.Order.Line" -> "Order.Line"."""
    package = tree.packages[name]
    return name[len(package) + 2 :] if package else name[1:]


def _group(type: Scalar | EnumType) -> str:
    return _GROUPS[type.name] if isinstance(type, Scalar) else "varint"


def _shown(type: Scalar | EnumType) -> str:
    return type.name if isinstance(type, Scalar) else f"enum {type.name}"


def _kind(type: Type) -> str:
    match type:
        case Scalar() | EnumType():
            return _shown(type)
        case MessageType(name, grouped):
            return f"{'group' if grouped else 'message'} {name}"
        case MapType():
            return "a map"


def _told(package: str) -> str:
    return f"{package!r}" if package else "none"


def _another_number(field: Field) -> str:
    return f"add a field with another number beside {field.name} = {field.number}"
