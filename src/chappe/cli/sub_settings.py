"""Fields of a subscription on the command line: rate.per_second=50 -> {"rate": {"per_second": 50}}."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click
import msgspec


def put_settings(wanted: dict[str, Any], settings: Iterable[str]) -> None:
    """Put each PATH=VALUE into the object; a value that is no JSON is a string.

    Raises:
        click.UsageError: one has another form, or goes through a value that is no object.
    """
    for text in settings:
        path, equals, value = text.partition("=")
        names = path.split(".")
        if not equals or not all(names):
            raise click.UsageError(f"--set {text!r} is not PATH=VALUE, such as rate.per_second=50")
        inside = wanted
        for name in names[:-1]:
            inside = inside.setdefault(name, {})
            if not isinstance(inside, dict):
                raise click.UsageError(f"--set {text!r}: {name!r} is no object")
        inside[names[-1]] = _value(value)


def _value(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
