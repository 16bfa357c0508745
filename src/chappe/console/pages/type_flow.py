"""A type's tab *Flow*: who sends it, who takes it, and with two hops what else these do."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from chappe.console.flow_map import Flow, Picture, drawn
from chappe.console.flows import around, read_flows
from chappe.console.links import with_query
from chappe.console.page import Page, Route, Visit
from chappe.console.type_head import Head, type_head

_MOST = 40
"""Types around this one that are drawn: more is no neighbourhood."""


@dataclass(frozen=True, slots=True)
class TypeFlow:
    """What is shown; of the flows at two hops only the first are, where `more` says so."""

    head: Head
    hops: int
    flows: Sequence[Flow]
    picture: Picture
    more: bool


async def show(visit: Visit) -> Page:
    """The neighbourhood."""
    head, _ = await type_head(visit, "flow")
    type_ = head.found.type
    hops = 2 if visit.query.get("hops") == "2" else 1
    read = await read_flows(visit.hub, type_=type_ if hops == 1 else None)
    chosen = [one for one in read.flows if one.type == type_]
    near = around(read.flows, chosen, hops)
    others = sorted((one for one in near if one.type != type_), key=lambda one: -one.perminute)
    flows = [*chosen, *others[:_MOST]]
    return Page(
        template="type_flow.html",
        title=f"Flow of {type_}",
        view=TypeFlow(
            head,
            hops,
            flows,
            drawn(flows, chosen=type_),
            read.more or len(others) > _MOST,
        ),
        nav="find",
        cli=f"chappe type graph {shlex.quote(type_)} -o mermaid",
        api=with_query("find", {"type": type_}),
    )


ROUTES = (Route("types/{type}/flow", get=show),)
