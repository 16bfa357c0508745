"""Whether one schema accepts all that another one does: decided by what they mean, not by their words.

What cannot be decided counts as no. The work grows with the ways in which a value can meet a schema
(the branches of anyOf and oneOf multiply under allOf), so that schemas with too many are not decided.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias

import jsonschema_rs
import msgspec

from chappe.formats.json_compat.documents import (
    BASE,
    Documents,
    Node,
    references_of,
)

Answer: TypeAlias = Literal["yes", "no", "unknown", "too large", "too long", "other drafts"]


class Contains(Protocol):
    """Decides; `contains` does, and so does who has a process with a deadline for it."""

    def __call__(self, new: Documents, old: Documents, drafts: tuple[int, int]) -> Answer:
        """Whether `new` accepts all that `old` does; `drafts` are theirs, in that order."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """What is decided at all, for each of the two schemas.

    `values` are all JSON values in it; `ways` are those of each subschema, squared and summed; `most`
    those of one; `patterns` the patterns, and `pattern_length` how long they are together. The
    defaults keep most decisions below 100 ms, and all that were found below a second: a hub that
    others wait for has a process of its own for them (adapters.containment).
    """

    values: int = 5_000
    ways: int = 300
    most: int = 12
    patterns: int = 16
    pattern_length: int = 500


DEFAULT_LIMITS: Final = Limits()

_DRAFTS: Final = {
    4: jsonschema_rs.Draft4,
    6: jsonschema_rs.Draft6,
    7: jsonschema_rs.Draft7,
    2019: jsonschema_rs.Draft201909,
    2020: jsonschema_rs.Draft202012,
}
_MANY: Final = 1_000_000


def contains(
    new: Documents, old: Documents, drafts: tuple[int, int], limits: Limits = DEFAULT_LIMITS
) -> Answer:
    """Whether `new` accepts all that `old` does; `drafts` are theirs, in that order."""
    if drafts[0] != drafts[1]:
        return "other drafts"
    if _text(new) == _text(old):
        return "yes"
    if not all(_is_small(each, limits) for each in (new, old)):
        return "too large"
    try:
        reader, writer = _canonical(new, drafts[0]), _canonical(old, drafts[1])
        answer = reader.covers(writer)
    except (
        jsonschema_rs.canonical.CanonicalizationError,
        jsonschema_rs.ValidationError,
        jsonschema_rs.ReferencingError,
        ValueError,
    ):
        return "unknown"
    if answer is jsonschema_rs.canonical.Containment.YES:
        return "yes"
    return "no" if answer is jsonschema_rs.canonical.Containment.NO else "unknown"


def _text(documents: Documents) -> bytes:
    whole = [documents.root.node, dict(documents.resources)]
    return msgspec.json.encode(whole, order="sorted")


def _canonical(documents: Documents, draft: int) -> jsonschema_rs.CanonicalSchema:
    registry = jsonschema_rs.Registry(list(documents.resources.items()), draft=_DRAFTS[draft])
    return jsonschema_rs.canonicalize(
        documents.root.node,
        draft=_DRAFTS[draft],
        registry=registry,
        base_uri=BASE,
        offline=True,
        validate_formats=False,
        pattern_options=jsonschema_rs.RegexOptions(size_limit=1 << 20, dfa_size_limit=1 << 20),
    )


def _is_small(documents: Documents, limits: Limits) -> bool:
    if not _is_short(documents, limits):
        return False
    known: dict[int, int] = {}
    total = 0
    for node in documents.nodes:
        ways = _ways(node, documents, known)
        total += ways * ways if ways > 1 else 0
        if ways > limits.most or total > limits.ways:
            return False
    return True


def _is_short(documents: Documents, limits: Limits) -> bool:
    values, patterns = 0, []
    waiting: list[object] = [documents.root.node, *documents.resources.values()]
    while waiting:
        value = waiting.pop()
        values += 1
        if values > limits.values:
            return False
        if isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
            named = value.get("patternProperties")
            patterns += list(named) if isinstance(named, dict) else []
            patterns += [value["pattern"]] if isinstance(value.get("pattern"), str) else []
    return len(patterns) <= limits.patterns and sum(map(len, patterns)) <= limits.pattern_length


def _ways(node: object, documents: Documents, known: dict[int, int]) -> int:
    """In how many ways a value can meet a schema; a circle adds none the second time."""
    if not isinstance(node, dict):
        return 1
    if id(node) not in known:
        known[id(node)] = 1
        known[id(node)] = _counted(node, documents, known)
    return known[id(node)]


def _counted(node: Node, documents: Documents, known: dict[int, int]) -> int:
    ways = 1
    for reference in references_of(node, legacy=documents.legacy):
        place = documents.target(reference, documents.base(node))
        if place is not None:
            ways *= _ways(place.node, documents, known)
    for part in _parts(node, "allOf"):
        ways = min(ways * _ways(part, documents, known), _MANY)
    for key in ("anyOf", "oneOf"):
        if parts := list(_parts(node, key)):
            ways = min(ways * sum(_ways(part, documents, known) for part in parts), _MANY)
    for key in ("not", "if"):
        inner = node.get(key)
        if isinstance(inner, dict):
            # Not all of these: not the first, or not the second, …
            said = sum(len(value) if isinstance(value, dict) else 1 for value in inner.values())
            ways = min(ways * max(said, 1) * _ways(inner, documents, known), _MANY)
    if "if" in node:
        for key in ("then", "else"):
            ways = min(ways * _ways(node.get(key), documents, known), _MANY)
    return ways


def _parts(node: Node, key: str) -> Iterator[object]:
    value = node.get(key)
    return iter(value) if isinstance(value, list) else iter(())
