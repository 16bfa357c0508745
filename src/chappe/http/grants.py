"""Where a sink agrees to be delivered to: /subscriptions/{id}/grant (webhook spec 4.1.3).

GET and POST do the same: an administrator may open the URL, which stands in the sink's log, by hand.
"""

from __future__ import annotations

from chappe.domain.errors import Malformed
from chappe.http.exchange import Request, Response, json_response
from chappe.http.parts import Parts


async def agree(parts: Parts, request: Request) -> Response:
    """Take the agreement; whoever has the key is the sink, or reads its log."""
    key = request.query.get("key")
    if not key:
        raise Malformed("parameter key: is missing; take the URL as it was sent, whole")
    rate = request.header(b"webhook-allowed-rate")
    granted = await parts.agree(
        request.params["id"], key, None if rate is None else rate.decode("latin-1")
    )
    return json_response(
        {"subscription": granted.id, "granted": True}, 200, ((b"cache-control", b"no-store"),)
    )
