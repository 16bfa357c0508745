"""Schema documents read into trees (Avro 1.12, "Schema Declaration" and "Names").

A document may use named types of other documents that were given with it; those are read when a name
leads there. Attributes that Avro does not know are kept as properties, so are logical types: a reader
must ignore those that it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chappe.domain.errors import Malformed
from chappe.formats.avro.defaults import DefaultChecks
from chappe.formats.avro.document import (
    NO_PROPERTIES,
    aliases_of,
    array_of,
    as_float,
    definitions,
    doc_of,
    properties_of,
    read_document,
    sent,
    some,
)
from chappe.formats.avro.names import check_name, qualified, type_name
from chappe.formats.avro.tree import (
    ABSENT,
    PRIMITIVES,
    Array,
    Enum,
    Field,
    Fixed,
    Map,
    Name,
    Named,
    Order,
    Primitive,
    Record,
    Type,
    Union,
    branch_name,
)
from chappe.formats.fields import kind_of, shortened

MAX_REFERENCED_BYTES: Final = 4 << 20
MAX_DEPTH: Final = 100
MAX_NAMED_TYPES: Final = 5_000
MAX_FIXED_BYTES: Final = (1 << 31) - 9  # the longest array that Java has, which is Avro's limit

_RESERVED: Final = frozenset(
    "doc fields items name namespace size symbols values type aliases".split()
)
_RESERVED_OF_ENUM: Final = _RESERVED | {"default"}
_RESERVED_OF_FIELD: Final = frozenset("default doc name order type aliases".split())
_ORDERS: Final[Mapping[str, Order]] = {
    "ascending": "ascending",
    "descending": "descending",
    "ignore": "ignore",
}


@dataclass(frozen=True, slots=True)
class Parsed:
    """A schema with all that it needs.

    `named` are all its named types, each after those it is made of (but for those that contain it);
    `outside` the full names of types of other documents that it refers to; `known` the full names
    that the documents of the references are known by, which is how they are written in texts of it.
    """

    type: Type
    named: Sequence[Named]
    outside: Sequence[str]
    known: frozenset[str]


def parse(
    document: bytes, references: Mapping[str, bytes] | None = None, *, strict: bool = True
) -> Parsed:
    """Read a schema.

    Args:
        document: JSON text; a primitive is '"string"'.
        references: documents of types that it refers to, by name: by the full name of the type, or
            any name if the document defines the type.
        strict: names are the specification's and defaults must be values of their types; otherwise
            as older registries took them: letters of any script, namespaces and defaults unchecked.

    Raises:
        Malformed: it is no schema, refers to a type that is nowhere, or is too large or too deep.
    """
    try:
        return _Parser(references or {}, strict=strict).parse(document)
    except RecursionError:
        raise Malformed("dataschema: the references are chained too deeply") from None


class _Parser:
    def __init__(self, references: Mapping[str, bytes], *, strict: bool) -> None:
        self._strict = strict
        self._waiting = dict(references)
        self._defined_in: dict[str, str] | None = None
        self._types: dict[str, Named] = {}
        self._finished: list[Named] = []
        self._known: set[str] = set()
        self._document = ""
        self._origin: dict[str, str] = {}
        self._outside: dict[str, None] = {}
        self._defaults = DefaultChecks()
        size = sum(map(len, references.values()))
        if size > MAX_REFERENCED_BYTES:
            raise Malformed(
                f"dataschema: the references have {size} bytes;"
                f" at most {MAX_REFERENCED_BYTES} are possible"
            )

    def parse(self, document: bytes) -> Parsed:
        self._main = read_document(document, "dataschema")
        found = self._type(self._main, "dataschema", "", 1)
        if self._strict:
            self._defaults.run()
        return Parsed(found, self._finished, tuple(self._outside), frozenset(self._known))

    # --- types

    def _type(self, node: object, where: str, space: str, depth: int) -> Type:
        if isinstance(node, str):
            kind = PRIMITIVES.get(node)
            return Primitive(kind, NO_PROPERTIES) if kind else self._referred(node, where, space)
        if depth > MAX_DEPTH:
            raise Malformed(f"dataschema: types are nested more than {MAX_DEPTH} deep")
        if isinstance(node, list):
            return self._union(node, where, space, depth)
        if not isinstance(node, dict):
            raise Malformed(
                f"{where}: {kind_of(node)} was sent; a schema is a name, an object or an array"
            )
        kind_name = node.get("type")
        if not isinstance(kind_name, str):
            raise Malformed(f"{where}/type: {sent(node, 'type')}, the name of a type is needed")
        kind = PRIMITIVES.get(kind_name)
        if kind:
            return Primitive(kind, properties_of(node, _RESERVED))
        match kind_name:
            case "record" | "error":
                return self._record(node, where, space, depth, is_error=kind_name == "error")
            case "enum":
                return self._enum(node, where, space)
            case "fixed":
                return self._fixed(node, where, space)
            case "array":
                items = self._part(node, "items", where, space, depth)
                return Array(items, properties_of(node, _RESERVED))
            case "map":
                values = self._part(node, "values", where, space, depth)
                return Map(values, properties_of(node, _RESERVED))
            case _:
                return self._referred(kind_name, f"{where}/type", space)

    def _part(self, node: dict[str, object], key: str, where: str, space: str, depth: int) -> Type:
        if key not in node:
            raise Malformed(f"{where}/{key}: is missing and is required")
        return self._type(node[key], f"{where}/{key}", space, depth + 1)

    def _union(self, node: list[object], where: str, space: str, depth: int) -> Union:
        branches: list[Type] = []
        names: set[str] = set()
        for at, each in enumerate(node):
            branch = self._type(each, f"{where}/{at}", space, depth + 1)
            if isinstance(branch, Union):
                raise Malformed(f"{where}/{at}: a union cannot directly contain a union")
            name = branch_name(branch)
            if name in names:
                raise Malformed(
                    f"{where}/{at}: {shortened(name)} is in the union already;"
                    " of each type and each name there can be one"
                )
            names.add(name)
            branches.append(branch)
        return Union(tuple(branches))

    def _record(
        self, node: dict[str, object], where: str, space: str, depth: int, *, is_error: bool
    ) -> Record:
        name = self._name(node, where, space)
        record = Record(
            name,
            doc_of(node),
            self._aliases(node, where, name),
            is_error,
            properties_of(node, _RESERVED),
        )
        self._define(record, where)
        fields: list[Field] = []
        by_name: dict[str, Field] = {}
        for at, each in enumerate(array_of(node, "fields", where)):
            field = self._field(each, f"{where}/fields/{at}", name.space, depth)
            if field.name in by_name:
                raise Malformed(
                    f"{where}/fields/{at}/name: {shortened(field.name)} is a field of"
                    f" {shortened(name.full)} already"
                )
            by_name[field.name] = field
            fields.append(field)
        record.fields = tuple(fields)
        record.by_name = by_name
        self._finished.append(record)
        return record

    def _field(self, node: object, where: str, space: str, depth: int) -> Field:
        if not isinstance(node, dict):
            raise Malformed(f"{where}: {kind_of(node)} was sent, an object is needed")
        name = node.get("name")
        if not isinstance(name, str):
            raise Malformed(f"{where}/name: {sent(node, 'name')}, a string is needed")
        check_name(name, f"{where}/name", strict=self._strict)
        of_type = self._part(node, "type", where, space, depth)
        order = node.get("order", "ascending")
        if not isinstance(order, str) or order.lower() not in _ORDERS:
            raise Malformed(
                f"{where}/order: {shortened(order)} is no order; known: {', '.join(_ORDERS)}"
            )
        default: object = ABSENT
        if "default" in node:
            default = node["default"]
            if of_type.kind in ("float", "double") and isinstance(default, str):
                default = as_float(default, f"{where}/default")
            self._defaults.add(of_type, default, f"{where}/default")
        return Field(
            name,
            of_type,
            default,
            doc_of(node),
            _ORDERS[order.lower()],
            aliases_of(node, where),
            properties_of(node, _RESERVED_OF_FIELD),
        )

    def _enum(self, node: dict[str, object], where: str, space: str) -> Enum:
        name = self._name(node, where, space)
        symbols: dict[str, None] = {}
        for at, symbol in enumerate(array_of(node, "symbols", where)):
            if not isinstance(symbol, str):
                raise Malformed(
                    f"{where}/symbols/{at}: {kind_of(symbol)} was sent, a string is needed"
                )
            check_name(symbol, f"{where}/symbols/{at}", strict=self._strict)
            if symbol in symbols:
                raise Malformed(
                    f"{where}/symbols/{at}: {shortened(symbol)} is a symbol of"
                    f" {shortened(name.full)} already"
                )
            symbols[symbol] = None
        default = node.get("default")
        if default is not None and (not isinstance(default, str) or default not in symbols):
            raise Malformed(
                f"{where}/default: {shortened(default)} is no symbol of {shortened(name.full)};"
                f" known: {some(symbols)}"
            )
        enum = Enum(
            name,
            tuple(symbols),
            default,
            doc_of(node),
            self._aliases(node, where, name),
            properties_of(node, _RESERVED_OF_ENUM),
        )
        self._define(enum, where)
        self._finished.append(enum)
        return enum

    def _fixed(self, node: dict[str, object], where: str, space: str) -> Fixed:
        name = self._name(node, where, space)
        size = node.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= MAX_FIXED_BYTES:
            raise Malformed(
                f"{where}/size: {sent(node, 'size')}, a whole number from 0 to {MAX_FIXED_BYTES}"
                " is needed"
            )
        fixed = Fixed(
            name,
            size,
            doc_of(node),
            self._aliases(node, where, name),
            properties_of(node, _RESERVED),
        )
        self._define(fixed, where)
        self._finished.append(fixed)
        return fixed

    # --- names

    def _name(self, node: dict[str, object], where: str, space: str) -> Name:
        text = node.get("name")
        if not isinstance(text, str):
            raise Malformed(f"{where}/name: {sent(node, 'name')}, a string is needed")
        own = node.get("namespace")
        if own is not None and not isinstance(own, str):
            raise Malformed(f"{where}/namespace: {kind_of(own)} was sent, a string is needed")
        return type_name(text, space if own is None else own, f"{where}/name", strict=self._strict)

    def _aliases(self, node: dict[str, object], where: str, name: Name) -> Sequence[Name]:
        """Full names: one without a namespace is in that of the type. Any text is one ("Aliases")."""
        if "aliases" not in node:
            return ()
        texts = aliases_of(node, where)
        return tuple(dict.fromkeys(qualified(text, name.space) for text in texts))

    def _define(self, named: Named, where: str) -> None:
        full = named.name.full
        if full in self._types:
            other = self._origin[full]
            raise Malformed(
                f"{where}/name: {shortened(full)} is defined already"
                + (f" (in {other})" if other != self._document and other else "")
            )
        if len(self._types) == MAX_NAMED_TYPES:
            raise Malformed(f"{where}: at most {MAX_NAMED_TYPES} named types are possible")
        self._types[full] = named
        self._origin[full] = self._document

    def _referred(self, text: str, where: str, space: str) -> Named:
        """The type of a name; outside of any namespace if the one around does not have it."""
        wanted = qualified(text, space).full
        for full in (wanted, text.removeprefix(".")):
            found = self._types.get(full)
            if found is None and self._waiting and self._bring(full):
                found = self._types.get(full)
            if found is not None:
                if not self._document and self._origin[full]:
                    self._outside[full] = None
                return found
        node = self._main if not self._document else None
        if any(full == wanted for full in definitions(node)):
            raise Malformed(
                f"{where}: {shortened(wanted)} is used before it is defined; a name must be defined"
                " before it is used, from top to bottom and from left to right"
            )
        raise Malformed(
            f"{where}: {shortened(wanted)} is no type that is known: neither a primitive nor"
            " defined here, nor in the references"
        )

    def _bring(self, full: str) -> bool:
        """Read the document that defines the type, if there is one that was not read yet."""
        name = full if full in self._waiting else self._definers().get(full)
        if name is None or name not in self._waiting:
            return False
        document = self._waiting.pop(name)
        where = f"reference {shortened(name)}"
        before, self._document = self._document, where
        found = self._type(read_document(document, where), where, "", 1)
        if isinstance(found, Record | Enum | Fixed):
            self._known.add(found.name.full)
        self._document = before
        return True

    def _definers(self) -> dict[str, str]:
        """The documents of the references by the full names of the types that they define."""
        if self._defined_in is None:
            self._defined_in = {}
            for name, document in self._waiting.items():
                for full in definitions(read_document(document, f"reference {shortened(name)}")):
                    self._defined_in.setdefault(full, name)
        return self._defined_in
