"""Names of things as parts of a path, and back; whatever a name holds.

    "a/b" -> "a%2Fb",  ".." -> "~..",  "~x" -> "~~x"

A browser takes "." and ".." for steps in a path even where they are percent-encoded, so those names
get a "~" before them, and so do those that begin with one.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, unquote, urlencode

from chappe.domain.errors import Malformed


def segment(name: str) -> str:
    """One part of a path."""
    marked = f"~{name}" if name in (".", "..") or name.startswith("~") else name
    return quote(marked, safe="", errors="surrogateescape")


def name_of(sent: str) -> str:
    """The name that a part of a path stands for.

    Raises:
        Malformed: it is no UTF-8.
    """
    try:
        return unquote(sent, errors="strict").removeprefix("~")
    except UnicodeDecodeError as exc:
        raise Malformed(f"path: {sent[:80]!r} is no UTF-8 when it is percent-decoded") from exc


def with_query(path: str, parameters: Mapping[str, object | None]) -> str:
    """A path with the parameters that have a value."""
    given = {name: str(value) for name, value in parameters.items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path
