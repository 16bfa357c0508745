"""Map: who talks to whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from chappe.console import flow_map
from chappe.console.flow_map import COLLAPSED, NO_OWNER, WHOLE, Flow, Matrix, Picture
from chappe.console.links import with_query
from chappe.console.page import Page, Route, Visit

_PAGE = 500
_MOST = 5_000


class _Type(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    owner: str = ""
    producers: Sequence[str] = ()
    sources: Sequence[str] = ()
    consumers: Sequence[str] = ()
    subscriptions: Sequence[str] = ()
    perminute: float = 0.0
    quarantined: int = 0


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    types: Sequence[_Type]
    total: int = 0
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Map:
    """What is shown; of `picture` and `matrix` there is at most one, of `total` types `flows` are about."""

    flows: Sequence[Flow]
    picture: Picture | None
    matrix: Matrix | None
    collapsed: bool
    owner: str
    application: str
    more: bool


async def show(visit: Visit) -> Page:
    """The picture, and the same as a table."""
    owner, application = visit.query.get("owner", ""), visit.query.get("application", "")
    found, more = await _flows(visit)
    flows = [
        one
        for one in found
        if (not owner or (one.owner or NO_OWNER) == owner)
        and (not application or application in (*one.producers, *one.consumers))
    ]
    nodes = flow_map.count(flows)
    narrow = bool(owner or application)
    collapsed = nodes > WHOLE and not narrow
    large = nodes > COLLAPSED and not narrow
    view = Map(
        flows=flows,
        picture=flow_map.drawn(flows, collapsed=collapsed) if flows and not large else None,
        matrix=flow_map.matrix(flows) if large else None,
        collapsed=collapsed,
        owner=owner,
        application=application,
        more=more,
    )
    return Page(
        template="map.html", title="Map", view=view, nav="map", cli="chappe type ls", api="find"
    )


async def _flows(visit: Visit) -> tuple[list[Flow], bool]:
    """All types with who sends and takes them; whether there are more than can be shown."""
    flows: list[Flow] = []
    after: str | None = ""
    while after is not None and len(flows) < _MOST:
        path = with_query("/find", {"limit": _PAGE, "after": after})
        found = msgspec.json.decode((await visit.hub.read(path)).body, type=_Found)
        flows += (
            Flow(
                type=one.type,
                owner=one.owner,
                producers=sorted({*one.producers, *one.sources}),
                consumers=sorted({*one.consumers, *one.subscriptions}),
                perminute=one.perminute,
                trouble=one.quarantined > 0,
            )
            for one in found.types
        )
        after = found.after
    return flows, after is not None


ROUTES = (Route("map", get=show),)
