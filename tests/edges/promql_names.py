"""Which metrics and labels a PromQL query names; for the queries of our own files, not for all of PromQL."""

from __future__ import annotations

import re
from collections.abc import Iterator

WORDS = frozenset(
    "and or unless on ignoring by without bool sum min max avg count topk bottomk rate increase "
    "histogram_quantile predict_linear label_values vector".split()
)
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*(\{[^}]*\})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_GROUPING = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")


def selectors(query: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each metric with the labels that are asked of it, and their values where they are exact."""
    bare = _GROUPING.sub(" ", query)
    bare = re.sub(r"\[[^\]]*\]", " ", bare)
    at = 0
    while (found := _SELECTOR.search(bare, at)) is not None:
        at = found.end()
        name, braces = found.groups()
        if name in WORDS or re.match(r"\d", bare[max(0, found.start() - 1) :]):
            continue
        matchers = _MATCHER.findall(braces or "")
        yield name, {label: value if op == "=" else "" for label, op, value in matchers}


def grouped(query: str) -> set[str]:
    """The labels that a query groups by or joins on."""
    return {
        label.strip() for labels in _GROUPING.findall(query) for label in labels.split(",") if label
    }
