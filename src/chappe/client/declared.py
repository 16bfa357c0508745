"""The registry as programs ask it: schemas by a short name, everything else by its xid.

schema = await hub.registry.schema("orders/paid")         schemagroups/orders/schemas/paid, newest
schema = await hub.registry.schema("orders/paid", "2")    its version 2
await hub.registry.put("/messagegroups/shop/messages/order.paid", {"description": "…"})
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chappe.client.hub_client import HubClient
from chappe.client.nodes import Nodes
from chappe.client.registry import NO_FLAGS, Flags, RegistryClient, joined, object_of
from chappe.client.transport import Answer
from chappe.domain.errors import Malformed


@dataclass(frozen=True, slots=True)
class Schema:
    """A version of a schema; `document` is its text, byte for byte."""

    xid: str
    version: str
    format: str | None
    document: bytes


class Catalogue:
    """The registry of a hub, at any of its nodes. What is refused is raised as in RegistryClient."""

    def __init__(self, nodes: Nodes[HubClient]) -> None:
        self._nodes = nodes

    async def schema(self, name: str, version: str | None = None) -> Schema:
        """A schema by `group/schema` or by its xid: its default version, or the one that is named.

        Raises:
            NotFound: there is no such schema or version.
            Malformed: the name is neither `group/schema` nor an xid of a schema.
        """
        path = _schema_path(name)
        if version is not None:
            path = f"{path}{joined('versions', version)}"
        answer = await self._nodes.ask(lambda hub: RegistryClient(hub).get(path))
        return Schema(
            xid=answer.headers.get("xregistry-xid", path),
            version=answer.headers.get("xregistry-versionid", ""),
            format=answer.headers.get("xregistry-format"),
            document=answer.body,
        )

    async def entity(self, path: str, flags: Flags = NO_FLAGS) -> dict[str, Any]:
        """The JSON object at a path: an entity, or a whole collection."""
        return await self._nodes.ask(lambda hub: RegistryClient(hub).entity(path, flags))

    async def put(self, path: str, body: object, flags: Flags = NO_FLAGS) -> dict[str, Any]:
        """Make an entity or replace it; the answer is the entity."""
        return object_of(
            await self._nodes.ask(lambda hub: RegistryClient(hub).put(path, body, flags))
        )

    async def patch(self, path: str, body: object, flags: Flags = NO_FLAGS) -> dict[str, Any]:
        """Change attributes: those named; None takes one away."""
        return object_of(
            await self._nodes.ask(lambda hub: RegistryClient(hub).patch(path, body, flags))
        )

    async def delete(self, path: str, flags: Flags = NO_FLAGS) -> Answer:
        """Take an entity away."""
        return await self._nodes.ask(lambda hub: RegistryClient(hub).delete(path, None, flags))


def _schema_path(name: str) -> str:
    """orders/paid, /schemagroups/orders/schemas/paid -> the latter, escaped."""
    match name.strip("/").split("/"):
        case [str(group), str(schema)] if group and schema:
            return joined("schemagroups", group, "schemas", schema)
        case ["schemagroups", str(group), "schemas", str(schema)] if group and schema:
            return joined("schemagroups", group, "schemas", schema)
        case _:
            raise Malformed(
                f"schema: {name!r} is neither GROUP/SCHEMA nor /schemagroups/GROUP/schemas/SCHEMA"
            )
