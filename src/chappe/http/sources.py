"""Sources: what the hub reads at other brokers, and how that goes: /sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from chappe.domain.access import SUBSCRIBE, channel_group, require
from chappe.domain.errors import Malformed
from chappe.domain.source import Source, SourceStatus
from chappe.domain.webhook_source import WEBHOOK
from chappe.formats.fields import exact_json
from chappe.formats.source_json import parse_source, render_source
from chappe.http.dry_run import DRY_RUN, PARAMETER, is_dry_run
from chappe.http.exchange import Request, Response, json_response
from chappe.http.parts import Parts

WRITE_PARAMETERS: Final = (PARAMETER,)


async def list_all(parts: Parts, request: Request) -> Response:
    """All sources with their status, an array in the order of their ids."""
    kept = parts.state.value.sources
    status = await parts.connect.status()
    return json_response([_shown(parts, request, kept[id_], status) for id_ in sorted(kept)])


async def create(parts: Parts, request: Request) -> Response:
    """Make one; without an id it gets one here."""
    draft = parse_source(request.body, parts.defaults.read)
    require(request.principal, SUBSCRIBE, channel_group(draft.options.channel))
    dry_run = is_dry_run(request)
    made = await parts.connect.create(
        _sent(request), id=draft.id, by=request.principal.name, dry_run=dry_run
    )
    if dry_run:
        return json_response(_shown(parts, request, made, {}), headers=DRY_RUN)
    location = (b"location", f"/sources/{made.id}".encode("ascii"))
    return json_response(_shown(parts, request, made, {}), 201, (location,))


async def one(parts: Parts, request: Request) -> Response:
    """One source with its status."""
    found = parts.connect.one(request.params["id"])
    return json_response(_shown(parts, request, found, await parts.connect.status()))


async def put(parts: Parts, request: Request) -> Response:
    """Replace one, or make it."""
    id_ = request.params["id"]
    draft = parse_source(request.body, parts.defaults.read)
    if draft.id is not None and draft.id != id_:
        raise Malformed(f"id: {draft.id!r} is not that of the path, {id_!r}")
    require(request.principal, SUBSCRIBE, channel_group(draft.options.channel))
    present = parts.state.value.sources.get(id_)
    if present is not None:
        require(request.principal, SUBSCRIBE, channel_group(present.options.channel))
    dry_run = is_dry_run(request)
    kept, made = await parts.connect.put(
        id_, _sent(request), epoch=draft.epoch, by=request.principal.name, dry_run=dry_run
    )
    shown = _shown(parts, request, kept, await parts.connect.status())
    if dry_run:
        return json_response(shown, headers=DRY_RUN)
    return json_response(shown, 201 if made else 200)


async def pause(parts: Parts, request: Request) -> Response:
    """Let reading rest; the broker keeps what comes, as far as it does that."""
    return await _paused(parts, request, paused=True)


async def resume(parts: Parts, request: Request) -> Response:
    """Let reading go on where it stopped."""
    return await _paused(parts, request, paused=False)


async def _paused(parts: Parts, request: Request, *, paused: bool) -> Response:
    dry_run = is_dry_run(request)
    changed = await parts.connect.pause(
        request.params["id"], paused=paused, by=request.principal.name, dry_run=dry_run
    )
    shown = _shown(parts, request, changed, await parts.connect.status())
    return json_response(shown, headers=DRY_RUN if dry_run else ())


async def remove(parts: Parts, request: Request) -> Response:
    """Take one away; its last state is answered."""
    dry_run = is_dry_run(request)
    last = await parts.connect.remove(
        request.params["id"], by=request.principal.name, dry_run=dry_run
    )
    return json_response(render_source(last), headers=DRY_RUN if dry_run else ())


def _shown(
    parts: Parts, request: Request, source: Source, status: Mapping[str, SourceStatus]
) -> dict[str, Any]:
    if source.protocol == WEBHOOK:
        # No node runs it: every one takes what comes.
        state = "paused" if source.options.paused else "running"
        address = f"{parts.registry.base(request.headers)}/sources/{source.id}/webhook"
        return {**render_source(source), "webhook": address, "status": {"state": state}}
    said = status.get(source.id, SourceStatus())
    # A status whose every part is as in the beginning still says that.
    return {
        **render_source(source),
        "status": {"state": said.state, "taken": said.taken, "setaside": said.setaside}
        | msgspec.to_builtins(said),
    }


def _sent(request: Request) -> Mapping[str, Any]:
    """The fields as they were sent; `parse_source` has found them right."""
    return exact_json(request.body)
