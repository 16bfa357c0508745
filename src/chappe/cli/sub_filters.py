"""Filters on the command line."""

from __future__ import annotations

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
