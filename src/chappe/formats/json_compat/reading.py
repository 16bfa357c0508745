"""JSON Schema documents read into shapes, for drafts 4 to 2020-12."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from typing import Final, TypeVar

import msgspec

from chappe.domain.errors import Malformed
from chappe.formats.json_compat.documents import Documents, Node
from chappe.formats.json_compat.shapes import (
    About,
    Anything,
    Array,
    Combined,
    Conditional,
    Constant,
    Criterion,
    Negation,
    Nothing,
    Number,
    Object,
    Reference,
    Said,
    Shape,
    Simple,
    Text,
    Values,
)

_STRING: Final = ("minLength", "maxLength", "pattern")
_NUMBER: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_OBJECT: Final = (
    "properties", "required", "minProperties", "maxProperties", "patternProperties",
    "additionalProperties", "propertyNames",
)  # fmt: skip
_ARRAY: Final = ("items", "minItems", "maxItems", "uniqueItems", "contains")
_CRITERIA: Final[tuple[Criterion, ...]] = ("allOf", "anyOf", "oneOf")
_KIND_OF: Final = {
    "string": "string", "number": "number", "integer": "number", "object": "object",
    "array": "array",
}  # fmt: skip

_S = TypeVar("_S", bound=Shape)


class Shapes:
    """The shapes of one schema's documents; each is read when it is first asked for."""

    def __init__(self, documents: Documents, draft: int) -> None:
        """`draft` is 4, 6, 7, 2019 or 2020."""
        self._documents = documents
        self._draft = draft
        self._legacy = draft < 2019
        self._read: dict[int, Shape] = {}
        self._kept: dict[object, Shape] = {}
        self._numbers: dict[int, int] = {}
        self._keywords = _keywords(draft)

    @property
    def size(self) -> int:
        """How many subschemas there are."""
        return len(self._documents.nodes)

    def root(self) -> Shape:
        """The whole schema."""
        try:
            return self._shape(self._documents.root.node)
        except RecursionError:
            raise Malformed("dataschema: nested too deeply") from None

    def _shape(self, node: object) -> Shape:
        if not isinstance(node, dict):
            return self._keep(Nothing(raw=node) if node is False else Anything(raw=node))
        known = self._read.get(id(node))
        if known is None:
            known = self._read[id(node)] = self._keep(self._of(node))
        return known

    def _of(self, node: Node) -> Shape:
        if self._legacy and isinstance(node.get("$ref"), str):
            return next(self._references(node))
        parts = list(self._parts(node))
        about = self._about(node)
        match parts:
            case []:
                return Anything(about=about, raw=node)
            case [only]:
                return only if about == _SILENT else dataclasses.replace(only, about=about)
            case _:
                kept = tuple([self._keep(part) for part in parts])
                return Combined(about=about, raw=node, criterion="allOf", parts=kept, implied=True)

    def _parts(self, node: Node) -> Iterator[Shape]:
        """What a schema says, one after the other; in an order that does not hang on its keys'."""
        if not self._legacy:
            yield from self._references(node)
            if node.get("properties") == {} or node.get("patternProperties") == {}:
                # Confluent's reading of 2019-09 and later: no property says nothing.
                node = {key: value for key, value in node.items()
                        if value or key not in ("properties", "patternProperties")}  # fmt: skip
        kinds: set[str] = set()
        declared = node.get("type")
        if isinstance(declared, str):
            kinds.add(_KIND_OF.get(declared, declared))
            yield self._typed(node, declared)
        elif isinstance(declared, list):
            named = [each for each in declared if isinstance(each, str)]
            kinds.update(_KIND_OF.get(each, each) for each in named)
            choices = tuple([self._keep(self._typed(node, each)) for each in named])
            yield Combined(criterion="anyOf", parts=choices, implied=True)
        for kind, keywords in self._keywords.items():
            if kind not in kinds and not keywords.isdisjoint(node):
                yield self._keep(self._typed(node, kind))
        if isinstance(values := node.get("enum"), list):
            yield self._keep(Values(raw=node, values=frozenset(map(json_text, values))))
        for criterion in _CRITERIA:
            if isinstance(branches := node.get(criterion), list):
                yield self._keep(self._combined(criterion, branches, node))
        if "not" in node:
            yield self._keep(Negation(raw=node, inner=self._shape(node["not"])))
        if "const" in node and self._draft > 4:
            yield self._keep(Constant(raw=node, value=json_text(node["const"])))
        conditions = ("if", "then", "else") if self._legacy else ("if",)
        if self._draft >= 7 and any(keyword in node for keyword in conditions):
            yield self._keep(Conditional(raw=node))

    def _references(self, node: Node) -> Iterator[Shape]:
        keys = ("$ref",) if self._legacy else ("$ref", "$dynamicRef", "$recursiveRef")
        for key in keys:
            if isinstance(reference := node.get(key), str):
                place = self._documents.target(reference, self._documents.base(node))
                target: object = True if place is None else place.node
                number = -1
                if place is not None:
                    number = self._numbers.setdefault(id(place.node), len(self._numbers))
                follow = functools.partial(self._shape, target)
                text = reference if place is None else ""
                yield self._keep(Reference(raw=node, text=text, target=number, follow=follow))

    def _combined(self, criterion: Criterion, branches: list[object], node: Node) -> Shape:
        parts: list[Shape] = []
        for branch in branches:
            shape = self._shape(branch)
            if not self._legacy and isinstance(shape, Combined) and _is_implied_all(shape):
                # Confluent's reading of 2019-09 and later: what a branch says at once are branches.
                parts.extend(shape.parts)
            else:
                parts.append(shape)
        return Combined(raw=node, criterion=criterion, parts=tuple(parts))

    def _typed(self, node: Node, name: str) -> Shape:
        match name:
            case "string":
                pattern = node.get("pattern")
                return Text(
                    raw=node,
                    bounds=_bounds(node, "minLength", "maxLength"),
                    pattern=pattern if isinstance(pattern, str) else None,
                )
            case "number" | "integer":
                return self._number(node, integer=name == "integer")
            case "object":
                return self._object(node)
            case "array":
                return self._array(node)
            case _:
                return Simple(raw=node, type=name)

    def _number(self, node: Node, *, integer: bool) -> Number:
        bounds = _bounds(node, *_NUMBER[:4])
        # Draft 4: a flag that makes the other bound exclusive.
        for flag, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if self._draft == 4 and node.get(flag) is True and bound in bounds:
                bounds[flag] = bounds[bound]
        multiple = node.get("multipleOf")
        return Number(
            raw=node,
            bounds=bounds,
            multiple_of=json_text(multiple) if _is_number(multiple) else None,
            integer=integer,
        )

    def _object(self, node: Node) -> Object:
        needed: dict[str, frozenset[str]] = {}
        dependent: dict[str, Shape] = {}
        for key in ("dependencies",) if self._legacy else ("dependentRequired", "dependentSchemas"):
            for name, value in _members(node, key):
                if isinstance(value, list):
                    if value:
                        needed[name] = frozenset(map(str, value))
                else:
                    dependent[name] = self._shape(value)
        additional = node.get("additionalProperties", True)
        unevaluated = None if self._legacy else node.get("unevaluatedProperties")
        required = node.get("required")
        return Object(
            raw=node,
            bounds=_bounds(node, "minProperties", "maxProperties"),
            properties=self._map(node, "properties"),
            required=frozenset(map(str, required) if isinstance(required, list) else ()),
            patterns=self._map(node, "patternProperties"),
            additional=self._shape(additional) if isinstance(additional, dict) else None,
            closed=additional is False,
            unevaluated=None if unevaluated is None else self._shape(unevaluated),
            needed=needed,
            dependent=dependent,
        )

    def _array(self, node: Node) -> Array:
        items = node.get("items")
        before = node.get("prefixItems") if self._draft == 2020 else items
        tuple_: list[object] = before if isinstance(before, list) else []
        each: Node | bool | None = items if isinstance(items, dict) else None
        behind: object = node.get("additionalItems", True)
        if self._legacy:
            each = items if isinstance(items, bool) else each
        elif self._draft == 2020 and tuple_:
            each, behind = None, items
        elif not tuple_:
            behind = items is not False
        bounds = _bounds(node, "minItems", "maxItems")
        if self._legacy or "contains" in node:
            bounds |= _bounds(node, "minContains", "maxContains")
        if not self._legacy and "contains" in node:
            bounds.setdefault("minContains", 1)
        unevaluated = None if self._legacy else node.get("unevaluatedItems")
        return Array(
            raw=node,
            bounds=bounds,
            each=None if each is None else self._shape(each),
            items=tuple([self._shape(item) for item in tuple_]),
            additional=self._shape(behind) if isinstance(behind, dict) else None,
            closed=behind is False,
            unevaluated=None if unevaluated is None else self._shape(unevaluated),
            unique=node.get("uniqueItems") is True,
        )

    def _map(self, node: Node, key: str) -> dict[str, Shape]:
        found: dict[str, Shape] = {}
        for name, value in _members(node, key):
            found[name] = self._shape(value)
        return found

    def _about(self, node: Node) -> About:
        own = node.get("id" if self._draft == 4 else "$id") if self._legacy else None
        title, description = node.get("title"), node.get("description")
        return About(
            id=own if isinstance(own, str) else None,
            title=title if isinstance(title, str) else None,
            description=description if isinstance(description, str) else None,
            default=json_text(node["default"]) if "default" in node else None,
            connect_bytes=node.get("connect.type") == "bytes",
        )

    def _keep(self, shape: _S) -> _S:
        """The one object of all that are equal to it."""
        fields = (getattr(shape, name) for name in _FIELDS[type(shape)])
        key = (type(shape), *map(_identity, fields))
        kept = self._kept.setdefault(key, shape)
        assert isinstance(kept, type(shape))
        return kept


_SILENT: Final = About()


def has_default(shape: Shape) -> bool:
    """Whether data that lacks it has a value all the same."""
    return shape.about.default is not None


def json_text(value: object) -> str:
    """JSON that is equal for equal values: keys sorted, 1.0 as 1."""
    return msgspec.json.encode(_plain(value), order="sorted").decode()


def _plain(value: object) -> object:
    match value:
        case dict():
            return {name: _plain(part) for name, part in value.items()}
        case list():
            return [_plain(part) for part in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def _is_implied_all(shape: Combined) -> bool:
    return shape.implied and shape.criterion == "allOf"


def _keywords(draft: int) -> dict[str, frozenset[str]]:
    """The keywords of each kind of value."""
    objects: tuple[str, ...]
    arrays: tuple[str, ...]
    strings: tuple[str, ...]
    if draft < 2019:
        objects, arrays = (*_OBJECT, "dependencies"), (*_ARRAY, "additionalItems")
        strings = (*_STRING, "format")
    else:
        objects = (*_OBJECT, "dependentRequired", "dependentSchemas", "unevaluatedProperties")
        own = "prefixItems" if draft == 2020 else "additionalItems"
        arrays = (*_ARRAY, own, "unevaluatedItems")
        strings = _STRING
    if draft == 4:
        objects = tuple(each for each in objects if each != "propertyNames")
        arrays = tuple(each for each in arrays if each != "contains")
    return {
        "array": frozenset(arrays),
        "object": frozenset(objects),
        "number": frozenset(_NUMBER),
        "string": frozenset(strings),
    }


def _members(node: Node, key: str) -> Iterator[tuple[str, object]]:
    value = node.get(key)
    return iter(value.items()) if isinstance(value, dict) else iter(())


def _bounds(node: Node, *keywords: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for keyword in keywords:
        value = node.get(keyword)
        if isinstance(value, int | float) and not isinstance(value, bool):
            found[keyword] = value
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_KINDS: Final[tuple[type[Shape], ...]] = (
    Anything, Nothing, Simple, Text, Number, Object, Array, Values, Constant, Negation,
    Conditional, Combined, Reference,
)  # fmt: skip
_FIELDS: Final[Mapping[type[Said], tuple[str, ...]]] = {
    kind: tuple(one.name for one in dataclasses.fields(kind) if one.name not in ("raw", "follow"))
    for kind in _KINDS
}


def _identity(value: object) -> object:
    """What a field is equal by: shapes are kept, so they are equal by identity."""
    kind = type(value)
    if kind in _FIELDS:
        return id(value)
    if kind is tuple:
        assert isinstance(value, tuple)
        return tuple([id(part) for part in value])
    if kind is dict:
        assert isinstance(value, dict)
        return frozenset([(name, _identity(part)) for name, part in value.items()])
    return value
