"""The event: context attributes as checked values, and the payload as bytes that nobody touches.

Made by `formats` (which check every rule of the CloudEvents spec), read by everybody.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import TypeAlias

import msgspec

AttributeValue: TypeAlias = str | int | bool | bytes
"""What an extension attribute may hold; timestamps and URIs are kept as the string that was sent."""

NO_EXTENSIONS: Mapping[str, AttributeValue] = {}
SPECVERSION = "1.0"


class Event(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One CloudEvent 1.0, valid by construction of `formats`; equal when every part is equal.

    `data` is the payload, byte for byte: None when there is none, b"null" for an explicit JSON null.
    `text` tells how the payload was given: True for a JSON value or a string (UTF-8), False for
    bytes. `time` keeps the sender's own spelling (RFC 3339, any precision or offset).

    (A msgspec Struct and no dataclass: an Event is made for every request, and a frozen dataclass
    costs eight times as much to make.)
    """

    id: str
    source: str
    type: str
    subject: str | None = None
    time: str | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    extensions: Mapping[str, AttributeValue] = NO_EXTENSIONS
    data: bytes | None = None
    text: bool = False

    def get(self, name: str) -> str | None:
        """The canonical string of the attribute `name`, or None when it is not set (spec.md 2.4)."""
        if name in CORE_ATTRIBUTES:
            value = SPECVERSION if name == "specversion" else getattr(self, name)
        else:
            value = self.extensions.get(name)
        return value if value is None or isinstance(value, str) else canonical(value)

    def attributes(self) -> Iterator[tuple[str, AttributeValue]]:
        """Every attribute that is set, core attributes first, `specversion` among them."""
        yield "specversion", SPECVERSION
        for name in ("id", "source", "type", "subject", "time", "datacontenttype", "dataschema"):
            value = getattr(self, name)
            if value is not None:
                yield name, value
        yield from self.extensions.items()

    @property
    def key(self) -> str:
        """What keeps together: events of one key stand in one shard, in order."""
        partitionkey = self.extensions.get("partitionkey")
        if partitionkey is not None:
            return partitionkey if isinstance(partitionkey, str) else canonical(partitionkey)
        return self.subject if self.subject is not None else f"{self.source}\n{self.id}"


CORE_ATTRIBUTES = frozenset(
    {
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "datacontenttype",
        "dataschema",
    }
)


def canonical(value: AttributeValue) -> str:
    """The canonical string encoding of a value (spec.md 2.4): true, -12, Base64."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int():
            return str(value)
        case bytes():
            return base64.b64encode(value).decode("ascii")
