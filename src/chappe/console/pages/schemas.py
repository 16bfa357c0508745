"""The schemas of the registry, by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chappe.client.registry import Flags
from chappe.console.page import Page, Route, Visit
from chappe.domain.errors import CallerError

_MOST: Final = 500


@dataclass(frozen=True, slots=True)
class SchemaRow:
    """One schema."""

    xid: str
    group: str
    format: str
    versions: int
    modifiedat: str
    description: str


@dataclass(frozen=True, slots=True)
class SchemasView:
    """What is shown: the first of them, and how many there are."""

    schemas: Sequence[SchemaRow]
    total: int


async def show(visit: Visit) -> Page:
    """The list."""
    try:
        groups = await visit.registry.entity("/schemagroups", Flags(inline=["schemas"]))
    except CallerError as error:
        if error.code not in ("api_not_found", "bad_inline"):
            raise
        groups = {}  # a model without schemas
    rows = [
        _row(one)
        for group in groups.values()
        for one in group.get("schemas", {}).values()
        if isinstance(one, dict)
    ]
    return Page(
        template="schemas.html",
        title="Schemas",
        view=SchemasView(rows[:_MOST], len(rows)),
        nav="schemas",
        cli="chappe schema ls",
        api="schemagroups",
    )


def _row(one: Mapping[str, Any]) -> SchemaRow:
    xid = str(one.get("xid", ""))
    return SchemaRow(
        xid,
        xid.split("/")[2],
        str(one.get("format", "")),
        int(one.get("versionscount", 1)),
        str(one.get("modifiedat", "")),
        str(one.get("description") or one.get("name") or ""),
    )


ROUTES = (Route("schemas", get=show),)
