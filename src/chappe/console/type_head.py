"""What stands above all tabs of a type: what it is, whose, and how far its life has gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chappe.client.catalogue import TypeFound, find
from chappe.client.registry import Flags, joined, object_of
from chappe.console.page import Visit
from chappe.domain.errors import NotFound

_CHECKED = {"enforce": "checked, or refused", "warn": "checked, with a warning"}


@dataclass(frozen=True, slots=True)
class Deprecated:
    """The declaration says that the type goes: since when, until when, and what to use then."""

    effective: str
    removal: str
    alternative: str
    documentation: str


@dataclass(frozen=True, slots=True)
class Head:
    """The head of the page; `tab` is the one that is shown."""

    found: TypeFound
    tab: str
    deprecated: Deprecated | None
    created: str
    modified: str
    checked: str


async def type_head(visit: Visit, tab: str) -> tuple[Head, Mapping[str, Any]]:
    """The head, and the declaration as the registry has it (empty: nobody declared the type).

    Raises:
        NotFound: the type is neither declared nor seen.
    """
    type_ = visit.params["type"]
    page = await find(visit.hub, {"type": type_})
    if not page.types:
        raise NotFound(f"type {type_!r}: it is neither declared nor seen in the channel default")
    found = page.types[0]
    declared: Mapping[str, Any] = {}
    if found.declared:
        path = joined(*found.declared[0].split("/")[1:])
        declared = object_of(await visit.registry.get(path, Flags(inline=["meta"])))
    checked = _CHECKED.get(found.validation, "not checked" if found.declared else "")
    head = Head(
        found,
        tab,
        _deprecated(declared),
        _text(declared, "createdat"),
        _text(declared, "modifiedat"),
        checked,
    )
    return head, declared


def _deprecated(declared: Mapping[str, Any]) -> Deprecated | None:
    meta = declared.get("meta")
    said = meta.get("deprecated") if isinstance(meta, Mapping) else declared.get("deprecated")
    if not isinstance(said, Mapping):
        return None
    names = ("effective", "removal", "alternative", "documentation")
    return Deprecated(*(_text(said, name) for name in names))


def _text(of: Mapping[str, Any], name: str) -> str:
    value = of.get(name)
    return value if isinstance(value, str) else ""
