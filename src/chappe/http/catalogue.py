"""The catalogue: GET /find, what events there are, declared beside seen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from chappe.domain.channel import DEFAULT
from chappe.domain.errors import Malformed
from chappe.flows.catalogue import ORDERS, STATES, WINDOW_S, Listed, Order, TypeState, Wanted
from chappe.formats.times import rfc3339
from chappe.http.exchange import Request, Response, json_response
from chappe.http.parts import Parts

PARAMETERS: Final = (
    "q", "channel", "type", "schema", "owner", "domain", "state", "traffic", "invalid", "order",
    "limit", "after",
)  # fmt: skip
MOST: Final = 500


async def find(parts: Parts, request: Request) -> Response:
    """A page of types, what was counted, and what else has the words."""
    given = request.query
    channel = given.get("channel", DEFAULT)
    found = await parts.catalogue(
        channel,
        parts.registry.base(request.headers),
        Wanted(
            words=given.get("q", "").casefold().split(),
            type=given.get("type"),
            schema=given.get("schema"),
            owner=given.get("owner"),
            domain=given.get("domain"),
            state=_state(given),
            traffic=_yes_or_no(given, "traffic"),
            invalid=_yes_or_no(given, "invalid"),
            order=_order(given),
            after=given.get("after", ""),
            limit=_limit(given),
        ),
    )
    return json_response(
        {
            "channel": channel,
            "total": found.total,
            "matching": found.matching,
            "facets": {
                "owner": dict(sorted(found.owners.items())),
                "domain": dict(sorted(found.domains.items())),
                "state": {one: found.states[one] for one in STATES if found.states.get(one)},
                "traffic": found.traffic,
                "invalid": found.invalid,
            },
            "types": [_render(one) for one in found.types],
            "others": [
                {
                    "kind": one.kind,
                    "id": one.id,
                    "xid": one.xid,
                    "owner": one.owner,
                    "description": one.description,
                }
                for one in found.others
            ],
            "after": found.next,
        }
    )


def _render(one: Listed) -> dict[str, object]:
    entry, declared = one.entry, one.entry.declared
    return {
        "type": declared.type,
        "state": entry.state,
        "declared": declared.xids,
        "owner": declared.owner,
        "domain": declared.domain,
        "group": declared.group,
        "description": declared.description or declared.name,
        "validation": declared.validation,
        "schema": declared.schema,
        "producers": declared.producers,
        "sources": entry.sources,
        "consumers": declared.consumers,
        "subscriptions": one.subscriptions,
        "events": entry.events,
        "perminute": round(entry.recent * 60 / WINDOW_S, 3),
        "lastseen": None if entry.last_ms is None else rfc3339(entry.last_ms),
        "quarantined": entry.quarantined,
        "checked": {"events": entry.sent, "invalid": entry.broken} if entry.sent else None,
        "hours": one.hours,
    }


def _state(given: Mapping[str, str]) -> TypeState | None:
    text = given.get("state")
    if text is None:
        return None
    for one in STATES:
        if one == text:
            return one
    raise Malformed(f"parameter state: {text!r} is unknown; known: {', '.join(STATES)}")


def _order(given: Mapping[str, str]) -> Order:
    text = given.get("order", "name")
    for one in ORDERS:
        if one == text:
            return one
    raise Malformed(f"parameter order: {text!r} is unknown; known: {', '.join(ORDERS)}")


def _yes_or_no(given: Mapping[str, str], name: str) -> bool | None:
    text = given.get(name)
    if text is None:
        return None
    if text not in ("true", "false"):
        raise Malformed(f"parameter {name}: {text!r} is neither true nor false")
    return text == "true"


def _limit(given: Mapping[str, str]) -> int:
    text = given.get("limit", "50")
    if not re.fullmatch(r"\d{1,3}", text, re.ASCII) or not 1 <= int(text) <= MOST:
        raise Malformed(f"parameter limit: {text!r} is no whole number from 1 to {MOST}")
    return int(text)
