"""What a JSON Schema may cost, told before it is compiled.

`anyOf` over two references to the next of 30 definitions is a small document and a thousand million
evaluations for each payload. What counts is how many subschemas meet one and the same value: those
under the in-place applicators and behind references. Subschemas of members and items meet other,
smaller values and count for themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from chappe.domain.errors import Malformed

MAX_DEPTH: Final = 128
MAX_CHAIN: Final = 200
MAX_WORK: Final = 10_000

Node: TypeAlias = dict[str, object]

_LISTS: Final = ("allOf", "anyOf", "oneOf")
_SINGLES: Final = ("not", "if", "then", "else")
_MAPS: Final = ("dependentSchemas", "dependencies")
_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
_ANCHORS: Final = ("$anchor", "$dynamicAnchor")


def check_limits(schema: Node | bool) -> None:
    """Refuse what is nested too deeply or branches too much.

    Raises:
        Malformed: it is.
    """
    nodes = list(_walk(schema))
    named = _names(nodes)
    work: dict[int, int] = {}
    for node in nodes:
        if _work(node, schema, named, work, set()) > MAX_WORK:
            raise Malformed(
                f"dataschema: more than {MAX_WORK} subschemas would check one value"
                " (allOf, anyOf, oneOf and references multiply)"
            )


def _walk(document: object) -> Iterator[Node]:
    waiting: list[tuple[object, int]] = [(document, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise Malformed(f"dataschema: nested more than {MAX_DEPTH} deep")
        if isinstance(value, dict):
            yield value
            waiting.extend((part, depth + 1) for part in value.values())
        elif isinstance(value, list):
            waiting.extend((part, depth + 1) for part in value)


def _names(nodes: list[Node]) -> dict[str, Node]:
    """Subschemas by what a reference may call them: "#anchor", or the `$id` as it is written."""
    named: dict[str, Node] = {}
    for node in nodes:
        for key in _ANCHORS:
            if isinstance(anchor := node.get(key), str):
                named.setdefault(f"#{anchor}", node)
        for key in ("$id", "id"):
            if isinstance(identifier := node.get(key), str):
                named.setdefault(identifier, node)
    return named


def _work(
    node: object,
    root: Node | bool,
    named: dict[str, Node],
    known: dict[int, int],
    above: set[int],
) -> int:
    """How many subschemas meet the value that meets `node`; a cycle adds nothing the second time."""
    if not isinstance(node, dict):
        return 1
    key = id(node)
    if key in known:
        return known[key]
    if key in above:
        return 0
    if len(above) >= MAX_CHAIN:
        raise Malformed(
            f"dataschema: allOf, anyOf, oneOf and references are chained more than {MAX_CHAIN} deep"
        )
    above.add(key)
    total = 1
    for part in _in_place(node, root, named):
        total = min(total + _work(part, root, named, known, above), MAX_WORK + 1)
    above.discard(key)
    known[key] = total
    return total


def _in_place(node: Node, root: Node | bool, named: dict[str, Node]) -> Iterator[object]:
    for key in _LISTS:
        if isinstance(parts := node.get(key), list):
            yield from parts
    for key in _SINGLES:
        if key in node:
            yield node[key]
    for key in _MAPS:
        if isinstance(parts := node.get(key), dict):
            yield from parts.values()
    for key in _REFERENCES:
        if isinstance(reference := node.get(key), str):
            yield _target(reference, root, named)


def _target(reference: str, root: Node | bool, named: dict[str, Node]) -> object:
    """What a reference leads to; None when it cannot be told (the compiler will)."""
    if reference in named:
        return named[reference]
    base, _, fragment = reference.partition("#")
    start: object = root if not base else named.get(base)
    if not fragment.startswith("/"):
        return start if not fragment else named.get(f"#{fragment}")
    for part in fragment[1:].split("/"):
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(start, dict):
            start = start.get(part)
        elif isinstance(start, list) and part.isdigit() and int(part) < len(start):
            start = start[int(part)]
        else:
            return None
    return start
