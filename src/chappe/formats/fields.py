"""A JSON object read field by field: each with its type, its range, and its path in every message.

A field that nobody asked for is refused, with the name that was likely meant.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from chappe.domain.errors import Malformed
from chappe.kit.near import suggested


def decode_json(body: bytes, what: str) -> object:
    """A JSON text as Python values.

    Raises:
        Malformed: it is no JSON text (RFC 8259), or nested too deeply.
    """
    try:
        return msgspec.json.decode(body)
    except RecursionError:
        raise Malformed(f"{what}: nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise Malformed(f"{what}: not JSON: {exc}") from None


_decode_exactly = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode


def exact_json(body: bytes) -> dict[str, Any]:
    """A JSON object that is known to be one, with its fractions as Decimal: 1.10 stays 1.10."""
    return _decode_exactly(body)


class Fields:
    """The fields of one JSON object; `path` is where it stands, such as "retry" or ""."""

    def __init__(self, document: object, path: str = "", *, known: frozenset[str]) -> None:
        if not isinstance(document, dict):
            raise Malformed(f"{path or 'body'}: {kind_of(document)} was sent, an object is needed")
        self._document: Mapping[str, object] = document
        self._path = path
        for name in document:
            if name not in known:
                raise Malformed(f"{self.path(name)}: unknown field{_meant(name, known)}")

    def path(self, name: str) -> str:
        """Where the field stands: "retry/base_s"."""
        return f"{self._path}/{name}" if self._path else name

    def __contains__(self, name: str) -> bool:
        return name in self._document

    def raw(self, name: str) -> object:
        """The value as it is; None when absent."""
        return self._document.get(name)

    def text(self, name: str, *, secret: bool = False) -> str | None:
        """A non-empty string, or None when absent. The value of a secret is never shown."""
        if name not in self._document:
            return None
        value = self._document[name]
        if not isinstance(value, str):
            shown = "" if secret else f" ({shortened(value)})"
            raise Malformed(
                f"{self.path(name)}: {kind_of(value)}{shown} was sent, a string is needed"
            )
        if not value:
            raise Malformed(f"{self.path(name)}: the string is empty")
        return value

    def need_text(self, name: str, *, secret: bool = False) -> str:
        """A non-empty string that must be there."""
        value = self.text(name, secret=secret)
        if value is None:
            raise Malformed(f"{self.path(name)}: is missing and is required")
        return value

    def whole(self, name: str, default: int, *, least: int, most: int) -> int:
        """A whole number in a range."""
        if name not in self._document:
            return default
        value = self._document[name]
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise Malformed(
                f"{self.path(name)}: {shortened(value)} is no whole number from {least} to {most}"
            )
        return value

    def number(self, name: str, default: float, *, least: float, most: float) -> float:
        """A number in a range."""
        if name not in self._document:
            return default
        value = self._document[name]
        if (
            not isinstance(value, int | float)
            or isinstance(value, bool)
            or not math.isfinite(value)
            or not least <= value <= most
        ):
            raise Malformed(
                f"{self.path(name)}: {shortened(value)} is no number from {least:g} to {most:g}"
            )
        return float(value)

    def one_of(self, name: str, known: tuple[str, ...], default: str) -> str:
        """One of some words."""
        value = self.text(name)
        if value is None:
            return default
        if value not in known:
            raise Malformed(f"{self.path(name)}: {shortened(value)} is none of {', '.join(known)}")
        return value

    def object_of_any(self, name: str) -> dict[str, object]:
        """An object with non-empty names and any values; empty when absent."""
        value = self._document.get(name, {})
        if not isinstance(value, dict):
            raise Malformed(f"{self.path(name)}: {kind_of(value)} was sent, an object is needed")
        if "" in value:
            raise Malformed(f"{self.path(name)}: a name is empty")
        return value


def kind_of(value: object) -> str:
    """What a JSON value is, in words: "an array"."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def shortened(value: object) -> str:
    """A JSON value for a message, at most some 80 characters."""
    if isinstance(value, str):
        return repr(value if len(value) <= 80 else f"{value[:77]}…")
    if isinstance(value, dict | list):
        return kind_of(value)
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 80 else f"{text[:77]}…"


def _meant(name: str, known: frozenset[str]) -> str:
    return suggested(name.lower(), known, most=1) or f"; known: {', '.join(sorted(known))}"
