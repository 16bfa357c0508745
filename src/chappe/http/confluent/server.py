"""Contexts, and what the server is: /contexts, /v1/metadata/…, and the root."""

from __future__ import annotations

from typing import Any

from chappe import __version__
from chappe.flows.confluent import Confluent
from chappe.formats.confluent.deleting import delete_context
from chappe.formats.confluent.names import DEFAULT, Name, parse_context
from chappe.http.confluent.asked import Asked
from chappe.http.confluent.paging import page


async def root(confluent: Confluent, asked: Asked) -> Any:
    """Nothing, for whoever wants to know whether the API is there."""
    return {}


async def list_contexts(confluent: Confluent, asked: Asked) -> Any:
    """The names of all contexts."""
    names = [DEFAULT, *(one.name for one in confluent.index().named_contexts())]
    prefix = asked.text("contextPrefix") or ""
    return page([name for name in names if name.startswith(prefix)], asked)


async def delete_one_context(confluent: Confluent, asked: Asked) -> Any:
    """Delete a context without subjects."""
    name = Name(parse_context(asked.params["context"]))
    await confluent.write(lambda edit: delete_context(edit, name), by=asked.by)
    return None


async def cluster_id(confluent: Confluent, asked: Asked) -> Any:
    """What the hub is called where clients look for the id of a Kafka cluster."""
    registry = str(confluent.index().tree.attributes.get("registryid", ""))
    clusters = {"kafka-cluster": registry, "schema-registry-cluster": "schema-registry"}
    return {"scope": {"path": [], "clusters": clusters}, "id": ""}


async def version(confluent: Confluent, asked: Asked) -> Any:
    """The hub's version."""
    return {"version": __version__, "commitId": "chappe"}


async def deployment(confluent: Confluent, asked: Asked) -> Any:
    """What is known of the deployment: nothing that a client could use."""
    return {"attributes": []}
