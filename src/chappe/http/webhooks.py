"""Other systems' webhooks: POST /sources/{id}/webhook; who may is said by their signature, no token."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Final
from urllib.parse import parse_qsl

from chappe.domain.errors import Malformed
from chappe.domain.webhook_source import WEBHOOK
from chappe.flows.webhook import Echo
from chappe.http.events import accepted
from chappe.http.exchange import Request, Response, json_response
from chappe.http.parts import Parts
from chappe.http.tracing import hop_of

MOST_PARAMETERS: Final = 100


async def take(parts: Parts, request: Request) -> Response:
    """Take one in; the answer is that to a published event."""
    started_s = perf_counter()
    found = parts.webhook(
        request.params["id"], request.headers, _query(request.raw_query), request.body
    )
    if isinstance(found, Echo):
        return json_response({"challenge": found.challenge})
    channel, event = found
    receipt = await parts.accept(channel, event, hop_of(request.headers) if parts.traces else None)
    counters = parts.counters
    tally = counters.channels.of(channel)
    tally.events += 1
    tally.duplicates += int(receipt.duplicate)
    tally.event_bytes += len(request.body)
    counters.accept_s.observe(perf_counter() - started_s)
    return accepted(channel, receipt)


async def ping(parts: Parts, request: Request) -> Response:
    """Say that webhooks may be sent here: what providers ask for that try an address first."""
    source, _ = parts.webhook.one(request.params["id"])
    return json_response({"source": source.id, "protocol": WEBHOOK, "method": "POST"})


def _query(raw: bytes) -> Mapping[str, str]:
    """The parameters; of those that came several times the first."""
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_PARAMETERS,
        )
    except ValueError as exc:
        raise Malformed(f"query: cannot be read: {exc}") from None
    return dict(reversed(pairs))
