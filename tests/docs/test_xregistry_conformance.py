"""docs/xregistry-conformance.md names tests; each of them is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.spec.xregistry_replay import EXCHANGES, recorded

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "xregistry-conformance.md").read_text(encoding="utf-8")
NAMED = sorted({name for name in re.findall(r"`(test_\w+)`", PAGE) if not name.endswith("_")})


def test_every_test_that_the_page_names_is_there() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    defined = {name for text in sources for name in re.findall(r"def (test_\w+)\(", text)}
    assert len(NAMED) > 200
    assert [name for name in NAMED if name not in defined] == []


@pytest.mark.skipif(not EXCHANGES.exists(), reason=f"no recorded exchanges at {EXCHANGES}")
def test_every_recorded_test_that_the_page_names_is_there() -> None:
    names = set(re.findall(r"`(Test\w+)`", PAGE))
    assert names - {test.name for test in recorded()} == set()


def test_every_test_of_the_musts_stands_on_the_page() -> None:
    for path in (ROOT / "tests" / "spec").glob("test_xregistry_musts_*.py"):
        defined = re.findall(r"^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert [name for name in defined if name not in NAMED] == [], path.name
