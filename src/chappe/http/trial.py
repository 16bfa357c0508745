"""Does the sink answer? One test event to it; nothing is stored.

    POST /validate/sink                          a Subscriptions API object, as it would be made
    POST /validate/sink?subscription=billing     no body: one that there is

Both go out as the subscription's deliveries do: signed, with its headers and its credential.
"""

from __future__ import annotations

from typing import Any

from chappe.domain.delivery import Delivered, Failed, Gone, Refused
from chappe.domain.errors import Malformed, NotFound
from chappe.domain.subscription import Subscription
from chappe.flows.trial import Tried
from chappe.formats.fields import exact_json
from chappe.formats.subscription_json import parse_subscription
from chappe.http.exchange import Request, Response, json_response
from chappe.http.parts import Parts
from chappe.http.scope import require_subscribing


async def try_sink(parts: Parts, request: Request) -> Response:
    """What the sink answers, in 200 also where it refuses."""
    subscription = await _asked(parts, request)
    return json_response(_rendered(subscription, await parts.trial(subscription)))


async def _asked(parts: Parts, request: Request) -> Subscription:
    id_ = request.query.get("subscription")
    if id_ is None:
        draft = parse_subscription(request.body, parts.defaults)
        require_subscribing(request.principal, draft.channel, draft.options)
        return await parts.register.rehearse_subscription(exact_json(request.body))
    if request.body:
        raise Malformed("body: there is one, and a subscription is named; send one of both")
    found = parts.state.value.subscriptions.get(id_)
    if found is None:
        raise NotFound(f"subscription {id_!r}: there is none")
    require_subscribing(request.principal, found.channel, found.options)
    return found


def _rendered(subscription: Subscription, tried: Tried) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "sink": subscription.sink,
        "protocol": subscription.protocol,
        "event": {"id": tried.event.id, "source": tried.event.source, "type": tried.event.type},
        "signed": subscription.options.signing is not None,
        "delivered": isinstance(tried.outcome, Delivered),
        "status": tried.outcome.status,
        "latency_ms": tried.latency_ms,
    }
    match tried.outcome:
        case Refused(_, reason) | Gone(_, reason) | Failed(reason):
            shown["reason"] = reason
        case Delivered():
            pass
    return shown
