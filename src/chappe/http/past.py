"""GET /metrics/history: the last hour of the node that answers."""

from __future__ import annotations

from chappe.formats.times import rfc3339
from chappe.http.exchange import Request, Response, json_response
from chappe.http.parts import Parts
from chappe.kit.past import EVERY_S


async def history(parts: Parts, request: Request) -> Response:
    """Rates and times, a row for each quarter of a minute, the oldest first."""
    del request
    return json_response(
        {
            "node": parts.readiness().node,
            "every_s": EVERY_S,
            "moments": [
                {
                    "at": rfc3339(one.at_ms),
                    "accepted": round(one.accepted, 3),
                    "delivered": round(one.delivered, 3),
                    "failed": round(one.failed, 3),
                    "open": one.open,
                    "cpu": round(one.cpu, 4),
                    "accept_p50_s": one.accept_p50_s,
                    "accept_p99_s": one.accept_p99_s,
                    "delivery_p50_s": one.delivery_p50_s,
                    "delivery_p99_s": one.delivery_p99_s,
                }
                for one in tuple(parts.past.moments)
            ],
        }
    )
