"""Schema groups as JSON (spec.md 2.1.1).

    {"id": "shop", "format": "Avro", "description": "…", "createdtimeutc": "…Z", "updatedtimeutc": "…Z",
     "groupProperties": {"team": "billing"}}

`groupProperties` stand in the OpenAPI alone; they are the registry's labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from chappe.domain.errors import Malformed
from chappe.formats.fields import Fields, decode_json, shortened
from chappe.formats.schemaregistry02.names import shown
from chappe.registry.entity import Attributes

PROPERTIES: Final = "groupProperties"
_KNOWN: Final = frozenset(
    {"id", "format", "description", PROPERTIES, "createdtimeutc", "updatedtimeutc"}
)


@dataclass(frozen=True, slots=True)
class GroupSent:
    """What a client says of a group; `properties` None: it says nothing of them."""

    format: str | None = None
    description: str | None = None
    properties: Mapping[str, str] | None = None


def parse_group(body: bytes, name: str) -> GroupSent:
    """The body of a PUT of the group `name`; null stands for absent, and times do not matter.

    Raises:
        Malformed: it is no such object, or its id is not the path's.
    """
    sent = decode_json(body, "body")
    if isinstance(sent, dict):
        sent = {key: value for key, value in sent.items() if value is not None}
        if sent.get("description") == "":
            del sent["description"]
    fields = Fields(sent, known=_KNOWN)
    id_ = fields.text("id")
    if id_ is not None and id_ not in (name, shown(name)):
        raise Malformed(f"id: {shortened(id_)} was sent, the path says {shortened(shown(name))}")
    properties: dict[str, str] | None = None
    if PROPERTIES in fields:
        properties = {}
        for key, value in fields.object_of_any(PROPERTIES).items():
            if not isinstance(value, str):
                raise Malformed(f"{PROPERTIES}/{key[:80]}: {shortened(value)} is no string")
            properties[key] = value
    return GroupSent(fields.text("format"), fields.text("description"), properties)


def render_group(name: str, attributes: Attributes) -> dict[str, Any]:
    """A group as it is shown."""
    found: dict[str, Any] = {"id": shown(name)}
    for one in ("format", "description"):
        if one in attributes:
            found[one] = attributes[one]
    found["createdtimeutc"] = attributes["createdat"]
    found["updatedtimeutc"] = attributes["modifiedat"]
    if attributes.get("labels"):
        found[PROPERTIES] = dict(attributes["labels"])
    return found
