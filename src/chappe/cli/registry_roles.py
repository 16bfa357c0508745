"""Who produces and who consumes, as declared by endpoints (endpoint/spec.md `usage`).

`usage` says what a client can do there: of an endpoint with `consumer` or `subscriber` others take
events, so whoever declares it produces them; to one with `producer` others send.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Entity = Mapping[str, Any]


def usage(endpoint: Entity) -> list[str]:
    """The roles of a client: ["consumer"]."""
    found = endpoint.get("usage")
    if isinstance(found, str):
        return [found]
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def roles(endpoint: Entity) -> set[str]:
    """What whoever declares the endpoint is: "producers", "consumers", both or neither."""
    found = set()
    if {"consumer", "subscriber"} & set(usage(endpoint)):
        found.add("producers")
    if "producer" in usage(endpoint):
        found.add("consumers")
    return found


def groups(endpoint: Entity) -> list[str]:
    """The ids of the message groups that it carries: "#/messagegroups/shop" -> "shop"."""
    found = endpoint.get("messagegroups")
    if not isinstance(found, list):
        return []
    return [one.rpartition("/")[2] for one in found if isinstance(one, str)]


def carries(endpoint: Entity, message: Entity) -> bool:
    """Whether a message goes over an endpoint: its group does, or it is declared in the endpoint."""
    match str(message.get("xid", "")).split("/"):
        case ["", "endpoints", endpoint_id, *_]:
            return str(endpoint.get("xid", "")) == f"/endpoints/{endpoint_id}"
        case ["", "messagegroups", group, *_]:
            return group in groups(endpoint)
        case _:
            return False


def address(endpoint: Entity) -> str:
    """Where it is reached: the first of its addresses."""
    options = endpoint.get("protocoloptions")
    found = options.get("endpoints") if isinstance(options, dict) else None
    if not isinstance(found, list) or not found or not isinstance(found[0], dict):
        return ""
    first = found[0]
    servers = first.get("bootstrap.servers")
    if isinstance(servers, list):
        return ", ".join(map(str, servers))
    return str(first.get("uri") or "")
