"""One request to the Schema Registry API, read: its path's parts, its context, its parameters.

    /contexts/.shop/subjects/orders/versions   -> ("subjects", ":.shop:orders", "versions")
    /contexts/shop/config                      -> ("config", ":.shop:")
    /contexts/.shop/subjects?subjectPrefix=a   -> ("subjects",), subjectPrefix ":.shop:a"

Parameters may be spelt as the API has them or in small letters with underscores (deleted_only).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_plus, unquote_to_bytes

from chappe.formats.confluent.errors import Refused
from chappe.formats.confluent.names import DEFAULT, Name, parse_context
from chappe.http.exchange import Header

_SNAKE: Final = re.compile(r"_([a-z])")
_WHOLE: Final = re.compile(r"[+-]?\d{1,10}")
_MOST: Final = 2**31 - 1


def not_found() -> Refused:
    """There is nothing at the path."""
    return Refused(404, 404, "HTTP 404 Not Found")


@dataclass(slots=True)
class Asked:
    """What was asked; `context` is that of the path, "." where it has none.

    `params` are the parts of the path by their names in the route, set by the router. `by` is the
    caller's name.
    """

    method: str
    segments: Sequence[str]
    query: Mapping[str, Sequence[str]]
    headers: Sequence[Header]
    body: bytes
    by: str
    context: str = DEFAULT
    params: Mapping[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """The first value of a parameter."""
        values = self.query.get(name)
        return values[0] if values else None

    def texts(self, name: str) -> Sequence[str]:
        """All values of a parameter."""
        return self.query.get(name, ())

    def flag(self, name: str) -> bool:
        """Whether a parameter says true, in any case."""
        return (self.text(name) or "").strip().lower() == "true"

    def whole(self, name: str, otherwise: int) -> int:
        """A whole number.

        Raises:
            Refused: it is none; Confluent's registry does not find the page then.
        """
        text = self.text(name)
        if text is None or not text.strip():
            return otherwise
        if not _WHOLE.fullmatch(text.strip()) or abs(int(text)) > _MOST:
            raise not_found()
        return int(text)


def read_asked(
    method: str, path: bytes, query: bytes, headers: Sequence[Header], body: bytes, by: str
) -> Asked:
    """The request at a path below the API's root.

    Raises:
        Refused: its context has a colon in it.
    """
    sent = [unquote_to_bytes(part).decode("utf-8", "replace") for part in path.split(b"/") if part]
    parameters = parse_parameters(query)
    context = DEFAULT
    below = len(sent) > 2 and sent[0] == "contexts"
    if below:
        context, sent = parse_context(sent[1]), sent[2:]
    asked = Asked(method, sent, parameters, headers, body, by, context)
    if below:
        _qualify(asked)
    return asked


def parse_parameters(query: bytes) -> dict[str, list[str]]:
    """The parameters by name, percent-decoded."""
    found: dict[str, list[str]] = {}
    for part in query.decode("latin-1").split("&") if query else ():
        name, _, value = part.partition("=")
        name = _SNAKE.sub(lambda one: one.group(1).upper(), unquote_plus(name))
        found.setdefault(name, []).append(unquote_plus(value, errors="replace"))
    return found


def _qualify(asked: Asked) -> None:
    """Put the path's context to the names in the request that have none."""
    prefix = Name(asked.context).prefix
    segments = list(asked.segments)
    query = dict(asked.query)
    match segments:
        case ["config" | "mode"]:
            if prefix:
                segments.append(prefix)
        case ["config" | "mode", subject, *_]:
            segments[1] = _with_context(subject, prefix)
        case ["subjects" | "schemas"]:
            prefixes = query.get("subjectPrefix") or [""]
            query["subjectPrefix"] = [_with_context(one, prefix) for one in prefixes]
        case ["schemas", "ids", *_]:
            subject = (query.get("subject") or [""])[0]
            query["subject"] = [_with_context(subject, prefix)]
        case [_, "subjects", subject, *_]:
            segments[2] = _with_context(subject, prefix)
        case ["subjects", subject, *_]:
            segments[1] = _with_context(subject, prefix)
        case ["associations" | "associations:batchMutate" | "associations:batch", *_]:
            query["context"] = [prefix]
        case _:
            pass
    asked.segments, asked.query = segments, query


def _with_context(text: str, prefix: str) -> str:
    return text if text.startswith((":.", ":*:")) else prefix + text
