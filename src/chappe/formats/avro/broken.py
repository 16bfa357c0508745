"""What is wrong with a payload, found somewhere inside of it; the way there is told as it unwinds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from chappe.formats.schema_language import Violation

MAX_DATA_DEPTH: Final = 200
"""So deep may values nest in a payload; recursive schemas set no end."""


class Broken(Exception):
    """The payload is none of the schema.

    Args:
        rule: the rule that it breaks, such as "enum" or "length".
        value: what stands there, shortened.
        message: what is wrong, in words.
    """

    def __init__(self, rule: str, value: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.value = value
        self.message = message
        self.path: list[str | int] = []

    def within(self, part: str | int) -> Broken:
        """The same, seen from the value that holds it as `part`."""
        self.path.append(part)
        return self

    def violation(self) -> Violation:
        """As it is reported."""
        return Violation(pointer(reversed(self.path)), self.rule, self.value, self.message)


def pointer(path: Iterable[str | int]) -> str:
    """["a/b", 0] -> "/a~1b/0" (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
