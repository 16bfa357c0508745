"""The Subscriptions API (cloudevents subscriptions/spec.md): /subscriptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chappe.domain.errors import Malformed, NotFound
from chappe.domain.lint import warnings
from chappe.domain.subscription import Subscription
from chappe.formats.fields import exact_json
from chappe.formats.subscription_json import (
    SubscriptionDraft,
    parse_subscription,
    render_subscription,
)
from chappe.http.exchange import Request, Response, json_response
from chappe.http.parts import Parts


async def list_all(parts: Parts, request: Request) -> Response:
    """All subscriptions, an array in the order of their ids."""
    kept = parts.state.value.subscriptions
    return json_response([render_subscription(kept[id_]) for id_ in sorted(kept)])


async def create(parts: Parts, request: Request) -> Response:
    """Make one: it gets its id here."""
    draft = parse_subscription(request.body, parts.defaults)
    made = await parts.register.create_subscription(_sent(request), by=request.principal.name)
    location = (b"location", f"/subscriptions/{made.id}".encode("ascii"))
    return json_response(_answered(made, draft), 201, (location,))


async def one(parts: Parts, request: Request) -> Response:
    """One subscription."""
    id_ = request.params["id"]
    found = parts.state.value.subscriptions.get(id_)
    if found is None:
        raise NotFound(f"subscription {id_!r}: there is none")
    return json_response(render_subscription(found))


async def replace(parts: Parts, request: Request) -> Response:
    """Replace one."""
    id_ = request.params["id"]
    draft = parse_subscription(request.body, parts.defaults)
    if draft.id is not None and draft.id != id_:
        raise Malformed(f"id: {draft.id!r} is not that of the path, {id_!r}")
    kept = await parts.register.replace_subscription(
        id_, _sent(request), epoch=draft.epoch, by=request.principal.name
    )
    return json_response(_answered(kept, draft))


async def remove(parts: Parts, request: Request) -> Response:
    """End one; its last state is answered."""
    last = await parts.register.remove_subscription(request.params["id"], by=request.principal.name)
    return json_response(render_subscription(last))


def _answered(subscription: Subscription, draft: SubscriptionDraft) -> Mapping[str, object]:
    """The object, with what is odd about what was asked for; that is told once, and not kept."""
    shown = render_subscription(subscription)
    found = warnings(draft.source, draft.types, draft.filter)
    return {**shown, "warnings": found} if found else shown


def _sent(request: Request) -> Mapping[str, Any]:
    """The fields as they were sent; `parse_subscription` has found them right."""
    return exact_json(request.body)
