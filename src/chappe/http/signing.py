"""Changing a subscription's signing key: POST /subscriptions/{id}/signing."""

from __future__ import annotations

from typing import Final

from chappe.domain.errors import NotFound
from chappe.formats.fields import Fields, decode_json
from chappe.formats.subscription_json import render_subscription
from chappe.formats.times import rfc3339
from chappe.formats.webhook_signatures import new_key_pair, new_secret, public_key
from chappe.http.dry_run import DRY_RUN, PARAMETER, is_dry_run
from chappe.http.exchange import Request, Response, json_response
from chappe.http.parts import Parts

OVERLAP_S: Final = 86_400.0
"""How long older keys go on signing if nobody says otherwise: time to change the receivers."""
PARAMETERS: Final = (PARAMETER,)
_MOST_KEYS: Final = 10
_MOST_OVERLAP_S: Final = 2_592_000.0


async def rotate(parts: Parts, request: Request) -> Response:
    """Make a new key, which signs from now on beside the older ones; it is shown this once.

    A dry run answers the same without a key: there is none.
    """
    id_ = request.params["id"]
    fields = Fields(
        decode_json(request.body or b"{}", "body"), known=frozenset({"overlap_s", "kind"})
    )
    overlap_s = fields.number("overlap_s", OVERLAP_S, least=0, most=_MOST_OVERLAP_S)
    kind = fields.one_of("kind", ("hmac", "ed25519"), "hmac")
    present = parts.state.value.subscriptions.get(id_)
    if present is None:
        raise NotFound(f"subscriptions/{id_}: does not exist")
    key = new_secret() if kind == "hmac" else new_key_pair()[0]
    older = present.options.signing.secrets if present.options.signing else ()
    until = rfc3339(parts.now_ms() + round(overlap_s * 1000))
    kept = older[: _MOST_KEYS - 1] if overlap_s else ()
    signing: dict[str, object] = {"secrets": [key, *kept]}
    if kept:
        signing["overlap_until"] = until
    wanted = {**render_subscription(present), "signing": signing}
    answer: dict[str, object] = {"subscription": id_, "keys": 1 + len(kept)}
    if kept:
        answer["overlap_until"] = until
    if is_dry_run(request):
        await parts.register.rehearse_subscription(
            wanted, id=id_, replaces=True, epoch=present.epoch
        )
        return json_response(answer, headers=DRY_RUN)
    await parts.register.replace_subscription(
        id_, wanted, epoch=present.epoch, by=request.principal.name
    )
    answer["key"] = key
    public = public_key(key)
    if public is not None:
        answer["public"] = public
    return json_response(answer, 201, ((b"cache-control", b"no-store"),))
