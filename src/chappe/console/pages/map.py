"""Map: who talks to whom; all of it, or around what was looked for."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from chappe.console import flow_map
from chappe.console.exchange import Answered
from chappe.console.flow_map import COLLAPSED, NO_OWNER, WHOLE, Flow, Matrix, Picture
from chappe.console.flows import around, read_flows, with_words
from chappe.console.links import segment, with_query
from chappe.console.page import Page, Route, Visit
from chappe.domain.errors import NotFound
from chappe.formats.graph_forms import FORMS, Graph

_NARROWING: Final = ("owner", "application", "q", "type", "hops")
_MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "mermaid": "text/plain; charset=utf-8",
        "dot": "text/vnd.graphviz; charset=utf-8",
        "json": "application/json",
        "svg": "image/svg+xml",
    }
)


@dataclass(frozen=True, slots=True)
class Map:
    """What is shown; of `picture` and `matrix` there is at most one, and both are made of `flows`."""

    flows: Sequence[Flow]
    picture: Picture | None
    matrix: Matrix | None
    collapsed: bool
    owner: str
    application: str
    words: str
    hops: int
    total: int
    more: bool
    forms: Sequence[tuple[str, str]]


async def show(visit: Visit) -> Page:
    """The picture, and the same as a table."""
    flows, total, more = await _narrowed(visit)
    given = {name: visit.query[name] for name in _NARROWING if name in visit.query}
    narrow = bool(given)
    nodes = flow_map.count(flows)
    collapsed = nodes > WHOLE and not narrow
    large = nodes > COLLAPSED and not narrow
    view = Map(
        flows=flows,
        picture=flow_map.drawn(flows, collapsed=collapsed) if flows and not large else None,
        matrix=flow_map.matrix(flows) if large else None,
        collapsed=collapsed,
        owner=visit.query.get("owner", ""),
        application=visit.query.get("application", ""),
        words=visit.query.get("q", ""),
        hops=_hops(visit),
        total=total,
        more=more,
        forms=[(name, with_query(f"map/as/{segment(name)}", given)) for name in FORMS],
    )
    types = " ".join(shlex.quote(one.type) for one in flows[:8]) if narrow else ""
    return Page(
        template="map.html",
        title="Map",
        view=view,
        nav="map",
        cli=f"chappe type graph {types} -o mermaid" if types else "chappe type graph -o mermaid",
        api="find",
    )


async def drawn_as(visit: Visit) -> Answered:
    """The same graph in a form that others draw: mermaid, dot, json or svg.

    Raises:
        NotFound: there is no such form.
    """
    form = visit.params["form"]
    if form not in FORMS:
        raise NotFound(f"form {form!r}: the map is there as {', '.join(FORMS)}")
    flows, _, _ = await _narrowed(visit)
    graph = Graph()
    for one in flows:
        graph.add(one.type, one.producers, one.consumers)
    headers = {"content-type": _MEDIA_TYPES[form], "cache-control": "no-store"}
    return Answered(200, FORMS[form](graph).encode("utf-8", "replace"), headers)


async def _narrowed(visit: Visit) -> tuple[list[Flow], int, bool]:
    """The flows that are asked for, of how many, and whether there are more than can be read."""
    query = visit.query
    owner, application = query.get("owner"), query.get("application")
    further = _hops(visit) > 1
    # What lies a step further may be anybody's.
    of = owner if owner != NO_OWNER and not further else None
    read = await read_flows(visit.hub, owner=of)
    chosen = [
        one
        for one in with_words(read.flows, query.get("q", ""))
        if query.get("type") in (None, one.type)
        and (owner is None or (one.owner or NO_OWNER) == owner)
        and (application is None or application in (*one.producers, *one.consumers))
    ]
    if len(chosen) < len(read.flows):
        chosen = around(read.flows, chosen, _hops(visit))
    return chosen, len(read.flows), read.more


def _hops(visit: Visit) -> int:
    return 2 if visit.query.get("hops") == "2" else 1


ROUTES = (Route("map", get=show), Route("map/as/{form}", get=drawn_as))
