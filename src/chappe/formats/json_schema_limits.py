"""What a JSON Schema may cost, told before it is compiled.

`anyOf` over two references to the next of 30 definitions is a small document and a thousand million
evaluations for each payload. What counts is how many subschemas meet one and the same value: those
under the in-place applicators and behind references. Subschemas of members and items meet other,
smaller values and count for themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from chappe.domain.errors import Malformed
from chappe.formats.json_compat.documents import Documents, Node, references_of
from chappe.formats.json_compat.pattern_weight import pattern_weight

MAX_CHAIN: Final = 200
MAX_WORK: Final = 10_000
MAX_PATTERNS: Final = 400_000
"""What all patterns may weigh: a pattern of 15 characters can take 5 ms to compile."""

_LISTS: Final = ("allOf", "anyOf", "oneOf")
_SINGLES: Final = ("not", "if", "then", "else")
_MAPS: Final = ("dependentSchemas", "dependencies")


def check_limits(documents: Documents) -> int:
    """Refuse what branches too much, or has too many costly patterns; how many subschemas meet a value.

    Raises:
        Malformed: it does.
    """
    work: dict[int, int] = {}
    widest = 1
    weight = 0
    for node in documents.nodes:
        widest = max(widest, _work(node, documents, work, set()))
        if widest > MAX_WORK:
            raise Malformed(
                f"dataschema: more than {MAX_WORK} subschemas would check one value"
                " (allOf, anyOf, oneOf and references multiply)"
            )
        weight += sum(map(pattern_weight, _patterns(node)))
        if weight > MAX_PATTERNS:
            raise Malformed(
                "dataschema: the patterns are too large together; their characters, times their"
                f" repetitions, are more than {MAX_PATTERNS}"
            )
    return widest


def _patterns(node: Node) -> Iterator[str]:
    if isinstance(pattern := node.get("pattern"), str):
        yield pattern
    if isinstance(properties := node.get("patternProperties"), dict):
        yield from properties


def _work(node: object, documents: Documents, known: dict[int, int], above: set[int]) -> int:
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
    for part in _in_place(node, documents):
        total = min(total + _work(part, documents, known, above), MAX_WORK + 1)
    above.discard(key)
    known[key] = total
    return total


def _in_place(node: Node, documents: Documents) -> Iterator[object]:
    for reference in references_of(node, legacy=documents.legacy):
        place = documents.target(reference, documents.base(node))
        if place is not None:
            yield place.node
    if documents.legacy and "$ref" in node:
        return
    for key in _LISTS:
        if isinstance(parts := node.get(key), list):
            yield from parts
    for key in _SINGLES:
        if key in node:
            yield node[key]
    for key in _MAPS:
        if isinstance(parts := node.get(key), dict):
            yield from parts.values()
