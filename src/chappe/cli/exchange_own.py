"""The hub's own two formats of `chappe export`: a directory for Git, and xRegistry's document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from chappe.client.hub_client import HubClient
from chappe.client.registry import RegistryClient
from chappe.domain.replay import REDRIVES, REPLAYS

_OF_THE_HUB: Final = frozenset({"self", "epoch", "createdat", "modifiedat", "registryid", "xid"})
_SUBSCRIPTIONS: Final = "subscriptions"
_RESERVED: Final = re.compile(r"[^A-Za-z0-9._@:~-]")


async def document(hub: HubClient, settings: Mapping[str, str]) -> Mapping[str, bytes]:
    """What /export answers, byte for byte."""
    return {"-": (await RegistryClient(hub).get("/export")).body}


async def directory(hub: HubClient, settings: Mapping[str, str]) -> Mapping[str, bytes]:
    """A file a group (messagegroups/shop.yaml) and a file a subscription (subscriptions/billing.yaml)."""
    from chappe.cli.registry_yaml import write_yaml

    body = (await RegistryClient(hub).get("/export")).body
    registry = json.loads(body, parse_float=Decimal)
    return {name: write_yaml(value).encode() for name, value in parts(registry)}


def as_it_is(name: str, body: bytes) -> bytes:
    """Both formats are what `chappe apply` takes."""
    return body


def parts(registry: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The files of a registry's export: (name, document).

    The hub's own groups are left out, the subscriptions below them not; nor is what tells of one hub (epochs
    and times).
    """
    for plural, groups in registry.items():
        if not isinstance(groups, dict) or plural in ("capabilities", "model", "modelsource"):
            continue
        for gid, group in groups.items():
            if not isinstance(group, dict) or "xid" not in group:
                continue
            if _is_own(group):
                for id_, one in (group.get(_SUBSCRIPTIONS) or {}).items():
                    if id_.startswith((REPLAYS, REDRIVES)):
                        continue  # a replay or redrive that is under way: it is the hub's, and ends
                    xid = f"{group['xid']}/{_SUBSCRIPTIONS}/{id_}"
                    yield f"{_SUBSCRIPTIONS}/{_name(id_)}.yaml", {"xid": xid, **_state(one)}
            else:
                yield f"{plural}/{_name(gid)}.yaml", {plural: {gid: _plain(group)}}


def _is_own(group: Mapping[str, Any]) -> bool:
    return (group.get("labels") or {}).get("chappe") == "self"


def _state(resource: Mapping[str, Any]) -> dict[str, Any]:
    """A resource as it is now, without its past."""
    default = (resource.get("meta") or {}).get("defaultversionid")
    state = (resource.get("versions") or {}).get(default) or resource
    kept: dict[str, Any] = _plain(state)
    for name in ("versionid", "isdefault", "ancestorid", "subscriptionid", "versions", "meta"):
        kept.pop(name, None)
    return kept


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    is_entity = "xid" in value and "epoch" in value
    return {
        name: one if name in ("schema", "dataschema") else _plain(one)
        for name, one in value.items()
        if not (is_entity and (name in _OF_THE_HUB or _is_link(name, value)))
    }


def _is_link(name: str, entity: Mapping[str, Any]) -> bool:
    """Whether it leads to a collection, or counts it: versionsurl, versionscount, metaurl."""
    for ending in ("url", "count"):
        if name.endswith(ending) and (name.removesuffix(ending) in entity or name == "metaurl"):
            return True
    return False


def _name(id_: str) -> str:
    """An id as the name of a file; ids of xRegistry are such names already."""
    return _RESERVED.sub("_", id_)
