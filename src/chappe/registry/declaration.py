"""A payload schema declared for one event type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import quote

Mode: TypeAlias = Literal["off", "warn", "enforce"]
"""What a payload that breaks its schema comes to: nothing, warnings in the answer, or a refusal."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """The payload schema of the event type `type`; one type is declared once over all groups.

    `schema` is the JSON document as it was sent, without white space between its tokens. `format`
    names the schema language, such as "JSONSchema/draft-07". `epoch` grows by one with each change;
    the times are RFC 3339 in UTC.
    """

    group: str
    type: str
    format: str
    schema: bytes
    mode: Mode
    epoch: int
    created_at: str
    modified_at: str

    @property
    def path(self) -> str:
        """Where it stands in the registry, such as "/messagegroups/shop/messages/order.paid"."""
        return f"/messagegroups/{quote(self.group, safe='')}/messages/{quote(self.type, safe='')}"
