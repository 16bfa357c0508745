"""Reading of values whose kind nobody has checked: what is of another kind is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

OWN: Final = "x-chappe"
"""The extension for what AsyncAPI has no field for: ids in the registry, and the like."""


def text(value: object) -> str | None:
    """A text that is not empty."""
    return value if isinstance(value, str) and value else None


def texts(value: object) -> list[str]:
    """The texts of an array."""
    return [one for one in items(value) if isinstance(one, str)]


def items(value: object) -> list[Any]:
    """An array."""
    return list(value) if isinstance(value, list | tuple) else []


def members(value: object) -> Mapping[str, Any]:
    """A map."""
    return value if isinstance(value, Mapping) else {}


def own(value: object) -> Mapping[str, Any]:
    """What the hub has said in an object of its own."""
    return members(members(value).get(OWN))


def given(**values: Any) -> dict[str, Any]:
    """Those that there are: neither None nor empty."""
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}


def is_absolute(uri: object) -> bool:
    """Whether it is a URI with a scheme and a host."""
    if not isinstance(uri, str):
        return False
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return bool(parts.scheme and parts.netloc) and uri.isprintable() and " " not in uri
