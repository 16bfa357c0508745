"""Texts that are the same for all spellings of one schema.

The schema as Java's Avro writes it (all that it says, references by name), which Confluent's registry
takes for a schema's identity; and the same with properties, aliases and defaults in one order, which
is Confluent's "normalize". It strays from that in two things: a type outside of any namespace stays
there (Confluent's moves into the namespace around it), and a default of a union is never lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from chappe.formats.avro.json_text import json_text, quoted, utf16_order
from chappe.formats.avro.normal import as_typed, logical_properties
from chappe.formats.avro.parse import Parsed
from chappe.formats.avro.tree import (
    ABSENT,
    Array,
    Enum,
    Field,
    Fixed,
    Map,
    Name,
    Named,
    Primitive,
    Properties,
    Record,
    Type,
    Union,
)

_Part: TypeAlias = "str | tuple[Type, str]"
"""A piece of text, or a type that is yet to be written within a namespace."""


def canonical_text(schema: Parsed) -> str:
    """All that a schema says, as Java's Avro 1.12 writes it; the types of references by name."""
    return _Writer(schema, normal=False).text()


def normalized(schema: Parsed) -> str:
    """The same with properties and aliases in order and each default as its type has it."""
    return _Writer(schema, normal=True).text()


class _Writer:
    """Writes the types that are met first, others by name."""

    def __init__(self, schema: Parsed, *, normal: bool) -> None:
        self._schema = schema
        self._seen = set(schema.known)
        self._normal = normal

    def text(self) -> str:
        out: list[str] = []
        # Types of references may be made of each other to any depth: a list, not Python's stack.
        waiting: list[_Part] = [(self._schema.type, "")]
        while waiting:
            part = waiting.pop()
            if isinstance(part, str):
                out.append(part)
            else:
                waiting.extend(reversed(self._type(*part)))
        return "".join(out)

    def _type(self, of_type: Type, space: str) -> list[_Part]:
        match of_type:
            case Primitive():
                if not of_type.properties:
                    return [f'"{of_type.kind}"']
                return [f'{{"type":"{of_type.kind}"{self._properties(of_type)}}}']
            case Array():
                end = f"{self._properties(of_type)}}}"
                return ['{"type":"array","items":', (of_type.items, space), end]
            case Map():
                end = f"{self._properties(of_type)}}}"
                return ['{"type":"map","values":', (of_type.values, space), end]
            case Union():
                parts: list[_Part] = []
                for branch in of_type.branches:
                    parts += [",", (branch, space)]
                return ["[", *parts[1:], "]"]
            case Record() | Enum() | Fixed():
                return self._named(of_type, space)

    def _named(self, named: Named, space: str) -> list[_Part]:
        name = named.name
        if name.full in self._seen:
            return [quoted(name.seen_from(space))]
        self._seen.add(name.full)
        is_error = isinstance(named, Record) and named.is_error and not self._normal
        start = f'{{"type":"{"error" if is_error else named.kind}","name":{quoted(name.simple)}'
        if name.space != space:
            start += f',"namespace":{quoted(name.space)}'
        if named.doc or (named.doc is not None and not self._normal):
            start += f',"doc":{quoted(named.doc)}'
        end = f"{self._properties(named)}{_aliases(self._type_aliases(named))}}}"
        match named:
            case Enum():
                default = "" if named.default is None else f',"default":{quoted(named.default)}'
                return [f'{start},"symbols":[{_joined(named.symbols)}]{default}{end}']
            case Fixed():
                return [f'{start},"size":{named.size}{end}']
            case Record():
                parts: list[_Part] = []
                for field in named.fields:
                    parts += [",", *self._field(field, name.space)]
                return [f'{start},"fields":[', *parts[1:], f"]{end}"]

    def _field(self, field: Field, space: str) -> list[_Part]:
        end = "" if field.doc is None else f',"doc":{quoted(field.doc)}'
        if field.default is not ABSENT:
            default = as_typed(field.default, field.type) if self._normal else field.default
            end += f',"default":{json_text(default, ordered=self._normal)}'
        if field.order != "ascending":
            end += f',"order":"{field.order}"'
        aliases = sorted(field.aliases, key=utf16_order) if self._normal else field.aliases
        end += f"{_aliases(aliases)}{self._written(field.properties)}}}"
        return [f'{{"name":{quoted(field.name)},"type":', (field.type, space), end]

    def _type_aliases(self, named: Named) -> Sequence[str]:
        aliases: Iterable[Name] = named.aliases
        if self._normal:
            aliases = sorted(aliases, key=lambda alias: utf16_order(alias.full))
        return [alias.seen_from(named.name.space) for alias in aliases]

    def _properties(self, of_type: Primitive | Array | Map | Named) -> str:
        if not of_type.properties:
            return ""
        if not self._normal:
            return self._written(of_type.properties)
        first = logical_properties(of_type)
        rest = sorted(of_type.properties.keys() - first.keys(), key=utf16_order)
        return self._written({**first, **{key: of_type.properties[key] for key in rest}})

    def _written(self, properties: Properties) -> str:
        if not properties:
            return ""
        return "".join(
            f",{quoted(name)}:{json_text(properties[name], ordered=self._normal)}"
            for name in properties
        )


def _aliases(aliases: Sequence[str]) -> str:
    return f',"aliases":[{_joined(aliases)}]' if aliases else ""


def _joined(texts: Iterable[str]) -> str:
    return ",".join(map(quoted, texts))
