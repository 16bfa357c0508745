"""docs/model.md names every type of the hub's model, and every attribute that a reader may set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from chappe.registry.hub_model import RESERVED, hub_model

TEXT = (Path(__file__).parents[2] / "docs" / "model.md").read_text(encoding="utf-8")
CODE = re.findall(r"`([^`\n]+)`", TEXT)
NAMED = {word for code in CODE for word in (code, *re.split(r"[^a-z0-9_-]+", code))}


def _top(definitions: Mapping[str, Any], depth: int) -> Iterator[str]:
    for name, definition in definitions.items():
        if name == "*":
            continue
        yield name
        if depth:
            yield from _top(definition.get("attributes", {}), depth - 1)
        for block in definition.get("ifvalues", {}).values():
            yield from _top(block["siblingattributes"], depth)


def _names() -> set[str]:
    groups = hub_model()["groups"]
    names = set(groups)
    # What an endpoint's options are called is in the text; of a message's, the protocols know.
    names |= set(_top(groups["endpoints"]["attributes"], 1))
    names |= set(_top(groups["messagegroups"]["resources"]["messages"]["attributes"], 0))
    names |= set(_top(groups["channels"]["attributes"], 0))
    names |= set(_top(groups["endpoints"]["resources"]["subscriptions"]["attributes"], 0))
    names |= set(_top(groups["endpoints"]["resources"]["sources"]["attributes"], 0))
    # Parts of `deprecated` and of CloudEvents' options that are the core specification's.
    return names - {"effective", "removal", "alternative", "mode"}


@pytest.mark.parametrize("name", sorted(_names()))
def test_the_documentation_names(name: str) -> None:
    assert name in NAMED


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_the_documentation_names_what_is_reserved(name: str) -> None:
    assert name in NAMED
