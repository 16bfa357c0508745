"""Filters on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import click

_DIALECTS: Final = ("exact", "prefix", "suffix")


def expression(text: str) -> dict[str, Any]:
    """One filter: prefix:subject=eu- -> {"prefix": {"subject": "eu-"}}.

    Raises:
        click.UsageError: the text has another form.
    """
    dialect, colon, rest = text.partition(":")
    attribute, equals, value = rest.partition("=")
    if dialect not in _DIALECTS or not colon or not equals or not attribute:
        raise click.UsageError(
            f"--filter {text!r} is not DIALECT:ATTRIBUTE=VALUE with one of {', '.join(_DIALECTS)}; "
            "for the other dialects there is --filter-json"
        )
    return {dialect: {attribute: value}}


def of_types(types: Sequence[str]) -> tuple[list[str], list[dict[str, Any]]]:
    """Types, some with a star at the end, as `types` and `filters` of a subscription.

    ("order.paid",) -> (["order.paid"], []); ("order.*",) -> ([], [{"prefix": {"type": "order."}}])

    Raises:
        click.UsageError: a star stands elsewhere.
    """
    for one in types:
        if "*" in one[:-1] or one == "":
            raise click.UsageError(f"--type {one!r}: a star may stand at the end only")
    if not any(one.endswith("*") for one in types):
        return list(types), []
    if "*" in types:
        return [], []
    tests: list[dict[str, Any]] = [
        {"prefix": {"type": one[:-1]}} if one.endswith("*") else {"exact": {"type": one}}
        for one in types
    ]
    return [], tests if len(tests) == 1 else [{"any": tests}]
