"""docs/errors.md lists every code that a caller can meet, with its status."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from chappe.domain.errors import ChappeError
from chappe.http.problems import status_of

TEXT = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()
ROWS = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", TEXT, re.MULTILINE))


def tree(root: type[ChappeError]) -> Iterator[type[ChappeError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__ == "chappe.domain.errors":
            yield from tree(child)


CLASSES = sorted(tree(ChappeError), key=lambda one: one.code)


@pytest.mark.parametrize("error", CLASSES, ids=lambda one: str(one.code))
def test_each_code_is_documented_with_its_status(error: type[ChappeError]) -> None:
    assert f"`{error.code}`" in TEXT
    if error.code in ROWS:
        made = error.__new__(error)
        assert int(ROWS[error.code]) == status_of(made)
    else:
        assert error.code in {"fenced", "error"}


def test_no_code_is_documented_that_the_hub_does_not_have() -> None:
    known = {error.code for error in CLASSES} | {"internal", "too_slow", "headers_too_large"}
    assert set(ROWS) <= known


@pytest.mark.parametrize("row", re.findall(r"^\| `.*$", TEXT, re.MULTILINE))
def test_each_row_has_meaning_and_cure(row: str) -> None:
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert len(cells) == 5
    assert cells[2]
    assert cells[4]
