"""GET /nodes: which nodes the hub has, whichever of them is asked."""

from __future__ import annotations

from chappe.formats.node_json import render_node
from chappe.http.exchange import Request, Response, json_response
from chappe.http.parts import Parts


async def nodes(parts: Parts, request: Request) -> Response:
    """Each node that answers, by its name, and the shards that none answered for."""
    del request
    roll = await parts.nodes()
    return json_response(
        {
            "nodes": [{**render_node(one), "answers": one is roll.own} for one in roll.nodes],
            "complete": roll.complete,
            "missing": roll.missing,
        }
    )
