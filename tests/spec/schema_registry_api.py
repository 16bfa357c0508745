"""CloudEvents Schema Registry 0.2 of a running hub, asked over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest_asyncio

from tests.edges.http_edge import Hub, Reply, running

PREFIX = "/schemaregistry/v0.2"
BASE = f"http://hub{PREFIX}"
ORDER = "/schemagroups/shop/schemas/order"
AVRO = {"content-type": "application/json", "schema-format": "avro"}
DATE = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"


@dataclass(frozen=True)
class Api:
    """Paths are below the API's root; those of the registry's own API are asked of `hub`."""

    hub: Hub

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes | str = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request."""
        return await self.hub.ask(method, PREFIX + path, headers, body)

    async def group(self, name: str = "shop", /, **attributes: Any) -> Reply:
        """Make or update a group."""
        return await self.ask("PUT", f"/schemagroups/{name}", json.dumps(attributes))

    async def post(self, document: bytes | str, path: str = ORDER, **headers: str) -> Reply:
        """Register an Avro schema, or with headers what they say: `schema_format="thrift"`."""
        said = {name.replace("_", "-"): text for name, text in headers.items()} or AVRO
        return await self.ask("POST", path, document, said)

    async def version(self, document: bytes | str, path: str = ORDER, **headers: str) -> int:
        """Register a schema that is taken; its version."""
        reply = await self.post(document, path, **headers)
        assert reply.status == 200, reply
        return int(reply.headers["schema-version"])


def record(*fields: str, default: bool = True) -> str:
    """An Avro record of numbers."""
    shown = [{"name": one, "type": "int", **({"default": 0} if default else {})} for one in fields]
    return json.dumps({"type": "record", "name": "Order", "fields": shown})


@pytest_asyncio.fixture
async def api() -> AsyncIterator[Api]:
    """A hub with the group `shop`."""
    async with running() as hub:
        api = Api(hub)
        assert (await api.group()).status == 201
        yield api
