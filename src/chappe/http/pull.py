"""Pulled subscriptions: /subscriptions/{id}/receive, /acknowledge, /release, /reject, /renewlocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import structs

from chappe.domain.errors import Malformed
from chappe.domain.event import Event
from chappe.domain.pull import MOST_EVENTS, Verb, Verdict
from chappe.flows.pull import Received
from chappe.formats import cloudevents_json
from chappe.formats.event_formats import JSON, PROTOBUF
from chappe.formats.fields import Fields, decode_json, kind_of
from chappe.formats.lock_tokens import MAX_TOKEN
from chappe.formats.times import rfc3339
from chappe.http.event_views import VARY
from chappe.http.exchange import Request, Response, json_response, raw_json
from chappe.http.negotiation import negotiate
from chappe.http.parts import Parts

MOST_WAIT_S: Final = 60.0
MOST_DELAY_S: Final = 86_400.0
MOST_REASON: Final = 1_024

_MEANING: Final[dict[Verdict, str]] = {
    "ok": "",
    "settled": "the event was acknowledged, rejected or given up before",
    "lock_lost": "the lock ended, and the event was received again with another token",
    "lock_expired": "the lock ended before",
    "invalid_token": "no lock token of this subscription",
}


_ROWS: Final = "application/json"
_BATCHES: Final = {
    one.batch_media_type: one for one in (JSON, PROTOBUF) if one.batch_media_type is not None
}
"""The formats that carry any event: what was locked must not fail to be answered."""


async def receive(parts: Parts, request: Request) -> Response:
    """Lock some events and answer them; waits for the first one."""
    fields = Fields(
        decode_json(request.body or b"{}", "body"), known=frozenset({"max_events", "wait_s"})
    )
    wanted = negotiate(request.headers, (_ROWS, *_BATCHES), default=_ROWS, also={})
    format = _BATCHES.get(wanted)
    received = await parts.pull.receive(
        request.params["id"],
        most=fields.whole("max_events", 100, least=1, most=MOST_EVENTS),
        wait_s=fields.number("wait_s", 0.0, least=0.0, most=MOST_WAIT_S),
        wanted=lambda: not request.draining() and not request.gone(),
    )
    if format is not None:
        batch = format.encode_batch([_marked(one) for one in received])
        return Response(200, batch, (VARY, (b"content-type", wanted.encode("ascii"))))
    return json_response(
        [
            {
                "locktoken": one.token,
                "deliverycount": one.lock.number,
                "lockeduntil": rfc3339(one.until_ms),
                "position": str(one.lock.position),
                "event": raw_json(cloudevents_json.encode(one.event)),
            }
            for one in received
        ]
    )


async def acknowledge(parts: Parts, request: Request) -> Response:
    """The events are done."""
    return await _settle(parts, request, "acknowledge")


async def release(parts: Parts, request: Request) -> Response:
    """The events come again, after a delay."""
    return await _settle(parts, request, "release")


async def reject(parts: Parts, request: Request) -> Response:
    """The events come no more: they become dead letters."""
    return await _settle(parts, request, "reject")


async def renew_locks(parts: Parts, request: Request) -> Response:
    """The events stay locked for another time."""
    return await _settle(parts, request, "renew")


async def _settle(parts: Parts, request: Request, verb: Verb) -> Response:
    more = {"release": {"delay_s"}, "reject": {"reason"}}.get(verb, set())
    fields = Fields(
        decode_json(request.body, "body"), known=frozenset({"locktokens"}) | frozenset(more)
    )
    tokens = _tokens(fields)
    reason = fields.text("reason") or ""
    if len(reason) > MOST_REASON:
        raise Malformed(f"reason: {len(reason)} characters; at most {MOST_REASON} are possible")
    verdicts = await parts.pull.settle(
        request.params["id"],
        verb,
        tokens,
        delay_s=fields.number("delay_s", 0.0, least=0.0, most=MOST_DELAY_S),
        reason=reason,
    )
    return json_response(
        {
            "succeeded": [
                token for token, one in zip(tokens, verdicts, strict=True) if one == "ok"
            ],
            "failed": [
                {"locktoken": token, "code": one, "detail": _MEANING[one]}
                for token, one in zip(tokens, verdicts, strict=True)
                if one != "ok"
            ],
        }
    )


def _tokens(fields: Fields) -> Sequence[str]:
    tokens = fields.raw("locktokens")
    if not isinstance(tokens, list):
        raise Malformed(f"locktokens: {kind_of(tokens)} was sent, an array of strings is needed")
    if not 1 <= len(tokens) <= MOST_EVENTS:
        raise Malformed(f"locktokens: {len(tokens)} items; 1 to {MOST_EVENTS} are possible")
    for index, token in enumerate(tokens):
        if not isinstance(token, str) or len(token) > MAX_TOKEN:
            raise Malformed(f"locktokens/{index}: a string of at most {MAX_TOKEN} is needed")
    if len(set(tokens)) < len(tokens):
        raise Malformed("locktokens: a token stands there twice")
    return tokens


def _marked(one: Received) -> Event:
    """The event with what a batch has no other place for, as extension attributes."""
    extensions = {
        **one.event.extensions,
        "locktoken": one.token,
        "deliverycount": one.lock.number,
        "lockeduntil": rfc3339(one.until_ms),
        "position": str(one.lock.position),
    }
    return structs.replace(one.event, extensions=extensions)
