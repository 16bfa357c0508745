"""A JSON Schema with the documents it refers to: which reference leads where.

References lead into the schema itself or into documents that were given by name; nothing is fetched.
Names are found as they are written in `$ref`, and as URIs against the base that `$id` sets.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import unquote, urldefrag, urljoin

from chappe.domain.errors import Malformed
from chappe.formats.fields import shortened

Node: TypeAlias = dict[str, object]

MAX_DEPTH: Final = 128
MAX_REFERENCES: Final = 200
MAX_OBJECTS: Final = 30_000
"""Reading, compiling and comparing takes some 30 µs each, and 2 KB."""

BASE: Final = "http://chappe.invalid/"
"""What names without a scheme are relative to, where no `$id` says otherwise; no host has this name."""

REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
IN_PLACE: Final = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else"})
MAPS: Final = frozenset(
    {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"}
)
_ONE_OR_MORE: Final = frozenset(
    {"prefixItems", "items", "additionalItems", "unevaluatedItems", "contains", "contentSchema",
     "additionalProperties", "unevaluatedProperties", "propertyNames"}
)  # fmt: skip
_OF_THE_STANDARD: Final = ("http://json-schema.org/", "https://json-schema.org/")


@dataclass(frozen=True, slots=True)
class Place:
    """A subschema, its base URI, and the name of the given document that it stands in, if any."""

    node: Node | bool
    base: str
    given: str | None = None


class Documents:
    """A schema (`root`) and the documents given with it, by name; `legacy` are drafts 4 to 7.

    `given` are the documents as they came, `names` those of them that the root itself refers to.

    Raises:
        Malformed: one is nested more than 128 deep, or a reference leads nowhere.
    """

    def __init__(
        self,
        root: Node | bool,
        given: Mapping[str, Node | bool] | None = None,
        *,
        draft: int,
    ) -> None:
        """`draft` is 4, 6, 7, 2019 or 2020."""
        self.given = given or {}
        self.legacy = draft < 2019
        self._id = "id" if draft == 4 else "$id"
        if len(self.given) > MAX_REFERENCES:
            raise Malformed(
                f"references: {len(self.given)} documents; at most {MAX_REFERENCES} are possible"
            )
        self._bases: dict[int, str] = {}
        self._by_uri: dict[str, Node | bool] = {}
        self._ambiguous: set[str] = set()
        self._asked: set[str] = set()
        self._nodes: list[Node] = []
        self._names: dict[str, str] = {}
        self._called: dict[str, str] = {}
        self._known: dict[tuple[str, str], Place | None] = {}
        self._index(root, BASE)
        self.root = Place(root, self.base(root))
        for uri in (BASE, self.root.base):
            self._by_uri.setdefault(uri, root)
        for name, document in self.given.items():
            uri = _joined(self.root.base, name) or name
            own = document.get(self._id) if isinstance(document, dict) else None
            for one in (uri, _joined(uri, own) if isinstance(own, str) else None):
                if one is not None:
                    self._called.setdefault(urldefrag(one)[0], name)
        self.names = self._resolve_all(root)
        for uri in sorted(self._asked & self._ambiguous):
            raise Malformed(f"dataschema: $ref: {shortened(uri)} is the name of two schemas")

    @property
    def nodes(self) -> list[Node]:
        """Every subschema that is an object, of all documents that can be reached."""
        return self._nodes

    @property
    def resources(self) -> Mapping[str, Node | bool]:
        """The given documents that something refers to, by the URI it is referred to with."""
        return {uri: self._by_uri[uri] for uri in self._names}

    def base(self, node: object) -> str:
        """The base URI of a subschema."""
        return self._bases.get(id(node), BASE)

    def target(self, reference: str, base: str) -> Place | None:
        """What a reference leads to; None for a meta-schema of JSON Schema itself.

        Raises:
            Malformed: it leads nowhere.
        """
        key = (base, reference)
        if key not in self._known:
            self._known[key] = self._sought(reference, base)
        return self._known[key]

    def _sought(self, reference: str, base: str) -> Place | None:
        uri = _joined(base, reference)
        if uri is None:
            raise Malformed(f"dataschema: $ref: {shortened(reference)} is no URI reference")
        address, fragment = urldefrag(uri)
        self._asked.add(address)
        if address not in self._by_uri and not self._brought(address, reference):
            if address.startswith(_OF_THE_STANDARD):
                return None
            known = ", ".join(sorted(self.given)[:20]) or "none are given"
            raise Malformed(
                f"dataschema: $ref: {shortened(reference)} is not in the schema, and not among its"
                f" references ({known}); a schema must hold all that it refers to, or come with it"
            )
        found = self._within(self._by_uri[address], address, unquote(fragment))
        if not isinstance(found, dict | bool):
            raise Malformed(
                f"dataschema: $ref: {shortened(reference)} leads to nothing that is a schema"
            )
        return Place(found, self._bases.get(id(found), address), self._names.get(address))

    def _brought(self, address: str, reference: str) -> bool:
        """Bring in the given document that an address means, if any.

        Each address has a copy of its own, because what stands in the document is relative to it; and
        so the `$id` of the whole document has no say.
        """
        name = self._called.get(address)
        if name is None:
            # As it is written: a document with an own $id still means its neighbour of that name.
            name = reference.partition("#")[0]
        if name not in self.given:
            return False
        if len(self._names) >= 2 * MAX_REFERENCES:
            raise Malformed(
                f"dataschema: $ref: {shortened(reference)} is one of more than"
                f" {2 * MAX_REFERENCES} addresses of its references"
            )
        document = copy.deepcopy(self.given[name])
        if isinstance(document, dict) and "#" not in str(document.get(self._id, "")):
            document.pop(self._id, None)
        self._names[address] = name
        self._by_uri[address] = document
        self._index(document, address)
        return True

    def _within(self, document: Node | bool, address: str, fragment: str) -> object:
        if not fragment:
            return document
        if not fragment.startswith("/"):
            for uri in (f"{address}#{fragment}", f"{self.base(document)}#{fragment}"):
                if uri in self._by_uri:
                    self._asked.add(uri)
                    return self._by_uri[uri]
            return None
        at: object = document
        for part in fragment[1:].split("/"):
            part = part.replace("~1", "/").replace("~0", "~")
            if isinstance(at, dict) and part in at:
                at = at[part]
            elif isinstance(at, list) and part.isdecimal() and int(part[:9]) < len(at):
                at = at[int(part[:9])]
            else:
                return None
        return at

    def _index(self, document: Node | bool, base: str) -> None:
        """Note the base of every object, and what `$id` and anchors call it."""
        waiting: list[tuple[object, str, int]] = [(document, base, 1)]
        while waiting:
            value, base, depth = waiting.pop()
            if depth > MAX_DEPTH:
                raise Malformed(f"dataschema: nested more than {MAX_DEPTH} deep")
            if isinstance(value, list):
                waiting.extend((part, base, depth + 1) for part in value)
            if not isinstance(value, dict):
                continue
            if len(self._bases) >= MAX_OBJECTS:
                raise Malformed(f"dataschema: more than {MAX_OBJECTS} objects with all references")
            base = self._named(value, base)
            self._bases[id(value)] = base
            for key, part in value.items():
                # Inside of a constant: data, no schema.
                inner = base if key not in ("enum", "const") else ""
                waiting.append((part, inner, depth + 1))

    def _named(self, node: Node, base: str) -> str:
        if not base:
            return base
        name = node.get(self._id)
        # Drafts 4 to 7 ignore what stands beside $ref.
        if isinstance(name, str) and not (self.legacy and "$ref" in node):
            uri = _joined(base, name)
            if uri is not None:
                address, fragment = urldefrag(uri)
                if not fragment:
                    base = address
                self._call(node, uri if fragment else base)
        for key in ("$anchor", "$dynamicAnchor"):
            if isinstance(anchor := node.get(key), str):
                self._call(node, f"{base}#{anchor}")
        return base

    def _call(self, node: Node, uri: str) -> None:
        known = self._by_uri.setdefault(uri, node)
        if known is not node and known != node:
            self._ambiguous.add(uri)

    def _resolve_all(self, root: Node | bool) -> tuple[str, ...]:
        """Follow every reference once; the names of documents that the root itself refers to."""
        names: dict[str, None] = {}
        seen: set[int] = set()
        waiting: list[tuple[object, bool]] = [(root, True)]
        while waiting:
            node, own = waiting.pop()
            if not isinstance(node, dict) or id(node) in seen:
                continue
            seen.add(id(node))
            self._nodes.append(node)
            for reference in references_of(node, legacy=self.legacy):
                place = self.target(reference, self.base(node))
                if place is None:
                    continue
                if own and place.given is not None:
                    names[place.given] = None
                waiting.append((place.node, own and place.given is None))
            waiting.extend((part, own) for part in subschemas(node, legacy=self.legacy))
        return tuple(sorted(names))


def references_of(node: Node, *, legacy: bool) -> Iterator[str]:
    """The references of a subschema, as written."""
    for key in REFERENCES[:1] if legacy else REFERENCES:
        if isinstance(reference := node.get(key), str):
            yield reference


def subschemas(node: Node, *, legacy: bool) -> Iterator[object]:
    """The subschemas that stand in a subschema; what is no schema may be among them."""
    keys = ("definitions", "$defs") if legacy and isinstance(node.get("$ref"), str) else node
    for key in keys:
        value = node.get(key)
        if key in IN_PLACE or key in _ONE_OR_MORE:
            if isinstance(value, list):
                yield from value
            else:
                yield value
        elif key in MAPS and isinstance(value, dict):
            yield from value.values()


def _joined(base: str, reference: str) -> str | None:
    """RFC 3986 resolution; None where it is no reference at all."""
    if not reference or reference.startswith("#"):
        return urldefrag(base)[0] + reference
    try:
        return urljoin(base, reference)
    except ValueError:
        return None
