"""docs/subscriptions-conformance.md names tests; each of them is there, and none is left out."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "subscriptions-conformance.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`(test_\w+)`", PAGE))


def test_every_test_that_the_page_names_is_there() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    defined = {name for text in sources for name in re.findall(r"def (test_\w+)\(", text)}
    assert len(NAMED) > 30
    assert NAMED - defined == set()


def test_every_test_of_the_operations_stands_on_the_page() -> None:
    text = (ROOT / "tests" / "spec" / "test_subscriptions_api.py").read_text(encoding="utf-8")
    assert set(re.findall(r"def (test_3_\w+)\(", text)) - NAMED == set()
