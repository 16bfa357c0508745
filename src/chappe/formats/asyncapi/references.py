"""JSON Schemas as parts of a larger document: their references follow them, there and back.

    {"properties": {"next": {"$ref": "#"}}}                              a schema
    {"properties": {"next": {"$ref": "#/components/schemas/order/schema"}}}    the same in a document

References to what is outside of the schema are left alone where a schema is put in, and where one is
taken out again they must lead to other places of the document: those come along as definitions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, unquote

from chappe.domain.errors import Malformed
from chappe.formats.asyncapi.document import Document, escaped, local, normal, tokens, values_in

MAX_BUNDLED: Final = 500_000
"""Values that all schemas of a document may have once each of them stands for itself."""

_BY_NAME: Final = frozenset(
    "properties patternProperties definitions $defs dependentSchemas dependencies".split()
)
"""Keywords whose members are schemas by names that are nobody's keywords."""
_NO_SCHEMA: Final = frozenset("const default enum example examples required".split())
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_.-]")


def put_in(schema: Any, place: str) -> Any:
    """The schema as it stands at a place of a document: "/components/schemas/order/schema"."""
    return _walked(schema, place, place, _outward)


def _outward(reference: object, base: str) -> object:
    if isinstance(reference, str) and (reference == "#" or reference.startswith("#/")):
        return f"#{quote(base + normal(unquote(reference[1:])), safe=_SAFE)}"
    return reference


_SAFE: Final = "/~:@!$&'()*+,;=-._"
"""What a URI's fragment may hold as it is (RFC 3986 3.5)."""


@dataclass(slots=True)
class Bundler:
    """Takes schemas out of one document."""

    document: Document
    _left: int = field(default=MAX_BUNDLED, init=False)

    def taken_out(self, place: str, at: str) -> Any:
        """The schema at a place, standing for itself; `at` names it in errors.

        Raises:
            Malformed: a reference leads out of the document or to nothing, or it all is too much.
        """
        found: dict[str, str] = {}  # names of definitions by place
        made: dict[str, Any] = {}
        root = self.document.at(place, at)
        home = "$defs" if isinstance(root, dict) and "$defs" in root else "definitions"
        taken = (
            set(root[home])
            if isinstance(root, dict) and isinstance(root.get(home), dict)
            else set()
        )

        def inward(reference: object, base: str) -> object:
            if (
                isinstance(reference, str)
                and reference[:1] == "#"
                and reference[1:2] not in ("", "/")
            ):
                return reference  # an anchor
            target = self._schema_at(local(reference, at), at)
            for inside in (base, place):
                if target == inside or target.startswith(f"{inside}/"):
                    return f"#{quote(target[len(inside) :], safe=_SAFE)}"
            if target not in found:
                found[target] = _name(target, taken)
                taken.add(found[target])
                waiting.append(target)
            return f"#/{home}/{found[target]}"

        waiting: list[str] = []
        result = self._copied(root, place, inward)
        while waiting:
            target = waiting.pop()
            made[found[target]] = self._copied(
                self.document.at(target, at), target, inward, own=False
            )
        if not made:
            return result
        if not isinstance(result, dict):
            raise Malformed(f"{at}: is no schema that can hold definitions")
        ordered = {name: made[name] for name in sorted(made)}
        if result.keys() & {"$ref"} and home == "definitions":
            # Up to draft 7, what stands beside a reference does not count.
            return {"allOf": [{"$ref": result.pop("$ref")}], **result, home: ordered}
        return {**result, home: {**result.get(home, {}), **ordered}}

    def _schema_at(self, place: str, at: str) -> str:
        """The place of the schema itself, where a reference leads to it with its format."""
        node = self.document.at(place, at)
        if isinstance(node, dict) and "schemaFormat" in node and "schema" in node:
            return f"{place}/schema"
        return place

    def _copied(
        self, node: Any, place: str, to: Callable[[object, str], object], *, own: bool = True
    ) -> Any:
        self._left -= values_in(node)
        if self._left < 0:
            raise Malformed(
                f"document: its schemas, each standing for itself, have over {MAX_BUNDLED:,} values"
            )
        # A definition is part of the schema that it comes along with: references are from there.
        return _walked(node, place, place if own else "\0", to)


def _walked(
    node: Any, place: str, base: str, to: Callable[[object, str], object], *, names: bool = False
) -> Any:
    """A copy with other references; `base` is where the resource that they are relative to stands.

    With `names`, the members are schemas by name.
    """
    if isinstance(node, list):
        return [_walked(one, f"{place}/{index}", base, to) for index, one in enumerate(node)]
    if not isinstance(node, Mapping):
        return node
    if names:
        return {key: _walked(one, f"{place}/{escaped(key)}", base, to) for key, one in node.items()}
    if isinstance(node.get("$id"), str) and not str(node["$id"]).startswith("#"):
        base = place if base != "\0" else base
    made: dict[str, Any] = {}
    for key, one in node.items():
        if key == "$ref":
            made[key] = to(one, base)
        elif key in _NO_SCHEMA:
            made[key] = one
        else:
            below = f"{place}/{escaped(key)}"
            made[key] = _walked(one, below, base, to, names=key in _BY_NAME)
    return made


def _name(place: str, taken: set[str]) -> str:
    """A definition's name: "/components/schemas/Address" -> "Address"."""
    parts = [one for one in tokens(place) if one != "schema"]
    plain = _NO_NAME.sub("_", parts[-1] if parts else "root") or "_"
    name, number = plain, 2
    while name in taken:
        name, number = f"{plain}-{number}", number + 1
    return name
