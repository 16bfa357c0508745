"""Delivering stored events again: /subscriptions/{id}/replay."""

from __future__ import annotations

from typing import Any, Final

from chappe.domain.errors import Malformed
from chappe.domain.position import is_position
from chappe.flows.replay import Forecast, Wanted
from chappe.formats.companions import AnotherSink
from chappe.formats.fields import Fields, decode_json, shortened
from chappe.formats.subscription_json import render_subscription
from chappe.formats.times import is_rfc3339
from chappe.http.exchange import DRY_RUN, Request, Response, json_response
from chappe.http.parts import Parts

MOST_RATE: Final = 100_000.0
_OF_THE_SINK: Final = ("protocol", "protocolsettings", "sinkcredential")
_KNOWN: Final = frozenset({"from", "until", "rate", "dry_run", "sink", *_OF_THE_SINK})


async def replay(parts: Parts, request: Request) -> Response:
    """Tell what would be delivered again, or begin it."""
    fields = Fields(decode_json(request.body, "body"), known=_KNOWN)
    wanted = _wanted(fields)
    dry_run = fields.raw("dry_run") if "dry_run" in fields else False
    if not isinstance(dry_run, bool):
        raise Malformed(f"dry_run: {shortened(dry_run)} was sent, true or false is needed")
    id_ = request.params["id"]
    if dry_run:
        forecast = await parts.replay.forecast(id_, wanted)
        return json_response(rendered_forecast(forecast), headers=(DRY_RUN,))
    made, forecast = await parts.replay(id_, wanted, by=request.principal.name)
    location = (b"location", f"/subscriptions/{made.id}".encode("ascii"))
    answer = {**rendered_forecast(forecast), "subscription": render_subscription(made)}
    return json_response(answer, 201, (location,))


def _wanted(fields: Fields) -> Wanted:
    start = fields.need_text("from")
    if start != "earliest" and not is_position(start) and not is_rfc3339(start):
        raise Malformed(
            f"from: {shortened(start)} is none of 'earliest', a time (RFC 3339) and a position,"
            " such as 0-1041-7"
        )
    rate = None
    if "rate" in fields:
        rate = fields.number("rate", 0.0, least=0.001, most=MOST_RATE)
    sink = fields.text("sink")
    given = {name: fields.raw(name) for name in _OF_THE_SINK if name in fields}
    if given and sink is None:
        raise Malformed(f"{next(iter(given))}: needs `sink`, which it is about")
    another = None if sink is None else AnotherSink(sink, given)
    return Wanted(start, fields.text("until"), rate, another)


def rendered_forecast(forecast: Forecast) -> dict[str, Any]:
    """How much there is to be delivered, in JSON."""
    return {
        "events": forecast.events,
        "bytes": forecast.bytes,
        "exact": forecast.exact,
        "seconds": forecast.seconds,
    }
