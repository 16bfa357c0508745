"""The Subscriptions API (cloudevents subscriptions/spec.md): /subscriptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from chappe.domain.errors import Malformed, NotFound
from chappe.domain.lint import warnings
from chappe.domain.of_type import may_take
from chappe.domain.subscription import Subscription
from chappe.formats.fields import decode_json, exact_json, kind_of
from chappe.formats.subscription_json import (
    SubscriptionDraft,
    parse_subscription,
    render_subscription,
    render_subscription_bytes,
)
from chappe.http.dry_run import DRY_RUN, PARAMETER, is_dry_run
from chappe.http.exchange import Request, Response, json_response
from chappe.http.paging import limit_of
from chappe.http.parts import Parts
from chappe.http.replays import rendered_forecast
from chappe.http.scope import require_subscribing
from chappe.http.standings import STATES, with_status

_encode = msgspec.json.Encoder(decimal_format="number").encode

CREATE_PARAMETERS: Final = ("id", PARAMETER)
WRITE_PARAMETERS: Final = (PARAMETER,)
LIST_PARAMETERS: Final = ("type", "source", "sink", "channel", "state", "limit", "after")


async def list_all(parts: Parts, request: Request) -> Response:
    """Subscriptions in the order of their ids: all, those that fit, or a page of them."""
    given = request.query
    state = given.get("state")
    if state is not None and state not in STATES:
        raise Malformed(f"parameter state: {state!r} is unknown; known: {', '.join(STATES)}")
    limit = limit_of(given["limit"]) if "limit" in given else None
    kept = parts.state.value.subscriptions
    fitting = [
        kept[id_]
        for id_ in sorted(kept)
        if id_ > given.get("after", "") and _fits(kept[id_], given)
    ]
    if state is None:
        # One more tells whether there is another page.
        shown = await with_status(parts, fitting if limit is None else fitting[: limit + 1])
    else:
        every = await with_status(parts, fitting)
        shown = [one for one in every if one["status"]["state"] == state]
    if limit is None or len(shown) <= limit:
        return json_response(shown)
    last = shown[limit - 1]["id"]
    following = urlencode({**given, "after": str(last)})
    link = f'<{request.path}?{following}>; rel="next"'.encode("ascii")
    return json_response(shown[:limit], headers=((b"link", link),))


def _fits(one: Subscription, given: Mapping[str, str]) -> bool:
    """Whether it may get events of the type and source, and has the sink and channel."""
    return (
        (not given.get("type") or may_take(one, given["type"]))
        and (one.source is None or given.get("source", one.source) == one.source)
        and given.get("sink", one.sink) == one.sink
        and given.get("channel", one.channel) == one.channel
    )


async def create(parts: Parts, request: Request) -> Response:
    """Make one: of the id that the query names, or it gets one here; with `dryrun` tell what it would be."""
    draft = parse_subscription(request.body, parts.defaults)
    require_subscribing(request.principal, draft.channel, draft.options)
    id_ = request.query.get("id")
    if is_dry_run(request):
        would = await parts.register.rehearse_subscription(_sent(request), id=id_)
        shown = dict(_answered(would, draft))
        if would.start != "latest":
            shown["forecast"] = rendered_forecast(await parts.replay.forecast_of(would))
        return json_response(shown, headers=DRY_RUN)
    made = await parts.register.create_subscription(
        _sent(request), id=id_, by=request.principal.name
    )
    location = (b"location", f"/subscriptions/{made.id}".encode("ascii"))
    return json_response(_answered(made, draft), 201, (location,))


async def one(parts: Parts, request: Request) -> Response:
    """One subscription."""
    id_ = request.params["id"]
    found = parts.state.value.subscriptions.get(id_)
    if found is None:
        raise NotFound(f"subscription {id_!r}: there is none")
    (shown,) = await with_status(parts, [found], counted=True)
    return json_response(shown)


async def replace(parts: Parts, request: Request) -> Response:
    """Replace one."""
    id_ = request.params["id"]
    draft = parse_subscription(request.body, parts.defaults)
    if draft.id is not None and draft.id != id_:
        raise Malformed(f"id: {draft.id!r} is not that of the path, {id_!r}")
    _require(parts, request, draft)
    if is_dry_run(request):
        would = await parts.register.rehearse_subscription(
            _sent(request), id=id_, replaces=True, epoch=draft.epoch
        )
        return json_response(_answered(would, draft), headers=DRY_RUN)
    kept = await parts.register.replace_subscription(
        id_, _sent(request), epoch=draft.epoch, by=request.principal.name
    )
    return json_response(_answered(kept, draft))


async def patch(parts: Parts, request: Request) -> Response:
    """Change some fields (RFC 7396): what is null goes, what is not there stays.

    Secrets are not shown, and stay where their group does.
    """
    id_ = request.params["id"]
    present = parts.state.value.subscriptions.get(id_)
    if present is None:
        raise NotFound(f"subscription {id_!r}: there is none")
    change = decode_json(request.body, "body")
    if not isinstance(change, dict):
        raise Malformed(f"body: {kind_of(change)} was sent, an object is needed")
    shown = exact_json(render_subscription_bytes(present))
    wanted = merged(shown, exact_json(request.body))
    draft = parse_subscription(_encode(wanted), parts.defaults)
    if draft.id != id_:
        raise Malformed(f"id: {draft.id!r} is not that of the path, {id_!r}")
    _require(parts, request, draft)
    # The present epoch is in what is shown: a change that came between is a conflict.
    if is_dry_run(request):
        would = await parts.register.rehearse_subscription(
            wanted, id=id_, replaces=True, epoch=draft.epoch
        )
        return json_response(render_subscription(would), headers=DRY_RUN)
    kept = await parts.register.replace_subscription(
        id_, wanted, epoch=draft.epoch, by=request.principal.name
    )
    return json_response(render_subscription(kept))


def merged(target: Any, change: Any) -> Any:
    """RFC 7396 2: MergePatch(target, patch)."""
    if not isinstance(change, Mapping):
        return change
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


async def pause(parts: Parts, request: Request) -> Response:
    """Let delivery rest: what is under way ends, nothing more begins, nothing is lost."""
    return await _paused(parts, request, paused=True)


async def resume(parts: Parts, request: Request) -> Response:
    """Let delivery go on where it stood."""
    return await _paused(parts, request, paused=False)


async def _paused(parts: Parts, request: Request, *, paused: bool) -> Response:
    dry_run = is_dry_run(request)
    changed = await parts.register.pause_subscription(
        request.params["id"], paused=paused, by=request.principal.name, dry_run=dry_run
    )
    return json_response(render_subscription(changed), headers=DRY_RUN if dry_run else ())


async def remove(parts: Parts, request: Request) -> Response:
    """End one; its last state is answered."""
    dry_run = is_dry_run(request)
    last = await parts.register.remove_subscription(
        request.params["id"], by=request.principal.name, dry_run=dry_run
    )
    return json_response(render_subscription(last), headers=DRY_RUN if dry_run else ())


def _require(parts: Parts, request: Request, draft: SubscriptionDraft) -> None:
    """See that the caller may subscribe as the draft says; its channel stays where it says none."""
    present = parts.state.value.subscriptions.get(request.params["id"])
    channel = draft.channel if present is None else draft.channel or present.channel
    require_subscribing(request.principal, channel, draft.options)


def _answered(subscription: Subscription, draft: SubscriptionDraft) -> Mapping[str, object]:
    """The object, with what is odd about what was asked for; that is told once, and not kept."""
    shown = render_subscription(subscription)
    found = warnings(draft.source, draft.types, draft.filter)
    return {**shown, "warnings": found} if found else shown


def _sent(request: Request) -> Mapping[str, Any]:
    """The fields as they were sent; `parse_subscription` has found them right."""
    return exact_json(request.body)
