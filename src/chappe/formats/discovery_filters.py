"""Looking for services: `?filter=ATTRIBUTE[=VALUE]` (discovery/spec.md "GET /services").

    ?filter=description            the attribute has a value
    ?filter=description=           it has none
    ?filter=events.type=ORDER      some event's type contains "order", in any case

Filters that stand together must all hold, each for itself: not for the same event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from chappe.domain.errors import Malformed
from chappe.formats.fields import shortened

ATTRIBUTES: Final = (
    "authority", "authscope", "deprecated", "deprecated.alternative", "deprecated.docsurl",
    "deprecated.effectivetime", "deprecated.removaltime", "description", "docsurl",
    "events.datacontenttype", "events.dataschema", "events.dataschematype", "events.description",
    "events.extensions.name", "events.extensions.specurl", "events.extensions.type",
    "events.sourcetemplate", "events.type", "id", "name", "protocols", "specversions",
    "subscriptiondialects", "subscriptionurl", "url",
)  # fmt: skip
"""What can be filtered by; GET /features tells it."""

_OBJECT: Final = "\0"
"""Stands for an object: a value that contains no text."""


@dataclass(frozen=True, slots=True)
class ServiceFilter:
    """`value` None: there is a value; "": there is none; else it contains this, in any case."""

    attribute: str
    value: str | None

    def fits(self, service: Mapping[str, object]) -> bool:
        """Whether a rendered service passes."""
        found = _values(service, self.attribute.split("."))
        if self.value is None:
            return any(found)
        if not self.value:
            return not all(found)
        sought = self.value.casefold()
        return any(sought in value.casefold() for value in found)


def parse_filters(raw_query: bytes) -> list[ServiceFilter]:
    """The filters of a query as it was sent.

    Raises:
        Malformed: an attribute is none that can be filtered by, or the text is no UTF-8.
    """
    return [_filter(text) for text in parameters(raw_query, "filter")]


def parameters(raw_query: bytes, name: str) -> Sequence[str]:
    """The values of a parameter, percent-decoded; other parameters do not matter (spec: ignored).

    Raises:
        Malformed: a value is no UTF-8.
    """
    found = []
    for part in raw_query.split(b"&"):
        before, _, after = part.partition(b"=")
        if unquote_to_bytes(before) == name.encode("ascii"):
            try:
                found.append(unquote_to_bytes(after.replace(b"+", b" ")).decode())
            except UnicodeDecodeError:
                raise Malformed(f"parameter {name}: is no UTF-8") from None
    return found


def _filter(text: str) -> ServiceFilter:
    attribute, sign, value = text.partition("=")
    if attribute not in ATTRIBUTES:
        raise Malformed(
            f"parameter filter: attribute {shortened(attribute)} is not supported;"
            f" supported: {', '.join(ATTRIBUTES)}"
        )
    return ServiceFilter(attribute, value if sign else None)


def _values(value: object, path: Sequence[str]) -> Iterator[str]:
    """Every value at the path, "" where one is missing: in an array each item has its own."""
    match value:
        case list():
            if not value:
                yield ""
            for item in value:
                yield from _values(item, path)
        case Mapping():
            if path:
                yield from _values(value.get(path[0]), path[1:])
            else:
                yield _OBJECT
        case str() if not path:
            yield value
        case _:
            yield ""
