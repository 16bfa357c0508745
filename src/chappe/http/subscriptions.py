"""The Subscriptions API (cloudevents subscriptions/spec.md): /subscriptions."""

from __future__ import annotations

from chappe.domain.errors import NotFound
from chappe.formats.subscription_json import parse_subscription, render_subscription
from chappe.http.exchange import Request, Response, json_response
from chappe.http.parts import Parts


async def list_all(parts: Parts, request: Request) -> Response:
    """All subscriptions, an array in the order of their ids."""
    kept = parts.state.value.subscriptions
    return json_response([render_subscription(kept[id_]) for id_ in sorted(kept)])


async def create(parts: Parts, request: Request) -> Response:
    """Make one: it gets its id here."""
    draft = parse_subscription(request.body, parts.defaults)
    made = await parts.register.create_subscription(draft, by=request.principal.name)
    location = (b"location", f"/subscriptions/{made.id}".encode("ascii"))
    return json_response(render_subscription(made), 201, (location,))


async def one(parts: Parts, request: Request) -> Response:
    """One subscription."""
    id_ = request.params["id"]
    found = parts.state.value.subscriptions.get(id_)
    if found is None:
        raise NotFound(f"subscription {id_!r}: there is none")
    return json_response(render_subscription(found))


async def replace(parts: Parts, request: Request) -> Response:
    """Replace one."""
    draft = parse_subscription(request.body, parts.defaults)
    kept = await parts.register.replace_subscription(
        request.params["id"], draft, by=request.principal.name
    )
    return json_response(render_subscription(kept))


async def remove(parts: Parts, request: Request) -> Response:
    """End one; its last state is answered."""
    last = await parts.register.remove_subscription(request.params["id"], by=request.principal.name)
    return json_response(render_subscription(last))
