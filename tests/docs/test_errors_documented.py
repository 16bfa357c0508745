"""The pages that list error codes say what the package says, of every code that a caller can meet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from chappe.domain.error_guide import HUB, Explained
from chappe.domain.error_guide_confluent import CONFLUENT
from chappe.domain.error_guide_registry import REGISTRY
from chappe.domain.errors import ChappeError
from chappe.domain.lint_guide import LINTERS, Rule
from chappe.http.problems import status_of
from chappe.registry.errors import CATALOGUE

DOCS = Path(__file__).parents[2] / "docs"
PAGE, _, REST = (DOCS / "errors.md").read_text().partition("## Of the registry")
OF_REGISTRY, _, OF_LINTERS = REST.partition("## Of linters")
OF_CONFLUENT = (DOCS / "confluent.md").read_text().split("## Errors")[1].split("\n## ")[0]
NEVER_SHOWN = {"fenced", "error"}
OF_THE_SERVER = {"internal", "too_slow", "headers_too_large"}


def tree(root: type[ChappeError]) -> Iterator[type[ChappeError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__ == "chappe.domain.errors":
            yield from tree(child)


CLASSES = sorted(tree(ChappeError), key=lambda one: one.code)


def rows(page: str) -> list[str]:
    return re.findall(r"^\| `\w+` \| \d+ \|.*$", page, re.MULTILINE)


def row(code: str, one: Explained) -> str:
    cells = [one.meaning, *([one.cause] if one.cause else []), one.cure]
    return f"| `{code}` | {one.status} | {' | '.join(cells)} |"


@pytest.mark.parametrize(
    ("page", "texts"),
    [(PAGE, HUB), (OF_REGISTRY, REGISTRY), (OF_CONFLUENT, CONFLUENT)],
    ids=["hub", "registry", "confluent"],
)
def test_a_page_says_what_the_package_says(page: str, texts: Mapping[str, Explained]) -> None:
    assert rows(page) == [row(code, one) for code, one in texts.items()]


@pytest.mark.parametrize("error", CLASSES, ids=lambda one: str(one.code))
def test_each_code_is_explained_with_its_status(error: type[ChappeError]) -> None:
    assert f"`{error.code}`" in PAGE
    if error.code not in NEVER_SHOWN:
        assert HUB[error.code].status == status_of(error.__new__(error))


def test_no_code_is_explained_that_the_hub_does_not_have() -> None:
    assert set(HUB) == {error.code for error in CLASSES} - NEVER_SHOWN | OF_THE_SERVER


def test_each_error_of_the_registry_is_explained_with_its_status() -> None:
    assert {code: one.status for code, one in REGISTRY.items()} == {
        code: kind.status for code, kind in CATALOGUE.items()
    }


@pytest.mark.parametrize("texts", [HUB, REGISTRY], ids=["hub", "registry"])
def test_each_code_has_meaning_cause_and_cure(texts: Mapping[str, Explained]) -> None:
    assert [
        code for code, one in texts.items() if not all((one.meaning, one.cause, one.cure))
    ] == []
    assert [code for code, one in texts.items() if "|" in one.meaning + one.cause + one.cure] == []


@pytest.mark.parametrize(("linter", "rules"), LINTERS.items(), ids=LINTERS)
def test_the_page_says_of_each_rule_of_a_linter_what_the_package_says(
    linter: str, rules: Mapping[str, Rule]
) -> None:
    section = OF_LINTERS.split(f"### `chappe {linter}`")[1].split("\n### ")[0]

    assert re.findall(r"^\| `[\w-]+` \|.*$", section, re.MULTILINE) == [
        f"| `{code}` | {one.level} | {one.meaning} | {one.why} | {one.cure} |"
        for code, one in rules.items()
    ]
    assert [c for c, one in rules.items() if "|" in one.meaning + one.why + one.cure] == []
