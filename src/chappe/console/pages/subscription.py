"""One subscription: how it does, what it wants, and what can be done about it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from chappe.client import paths
from chappe.client.views import Replayed
from chappe.client.views import Tried as SinkTried
from chappe.console.choice import choice, per_second
from chappe.console.links import segment, with_query
from chappe.console.page import Page, Route, See, Visit
from chappe.console.subscribed import One, wants
from chappe.domain.errors import ChappeError, Forbidden, NotFound, Unauthenticated

_TRIED = 100
_SHOWN = 20


class TriedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One stored event, and whether it would be delivered."""

    position: str
    acceptedat: str
    id: str
    source: str
    type: str
    matched: bool
    subject: str | None = None
    decided_by: str | None = None
    found: str | None = None


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What a choice would get of the newest events."""

    read: int
    matched: int
    warnings: Sequence[str] = ()
    events: Sequence[TriedEvent] = ()


@dataclass(frozen=True, slots=True)
class Edited:
    """The form for what is wanted, and what that would get of the newest events."""

    types: str
    source: str
    filters: str
    epoch: int
    tried: Tried | None
    trouble: str


@dataclass(frozen=True, slots=True)
class Detailed:
    """What the page of one subscription shows; `may` tells whether the reader may change it."""

    one: One
    wants: str
    settings: str
    edited: Edited
    replay: Replayed | None
    replay_from: str
    replay_rate: str
    done: str
    trouble: str
    may: bool


async def show_one(visit: Visit) -> Page:
    """One: how it does, what it wants, and what can be done."""
    return await _page(visit)


async def act(visit: Visit) -> Page | See:
    """Do what a button or a form of the page asks for.

    `do` is "pause", "resume", "test", "replay" (with `from` and `rate`), "choose" (with `types`,
    `source`, `filters` and the `epoch` that was seen) or "end".
    """
    form = dict(visit.asked.form)
    try:
        return await _done(visit, form)
    except (Forbidden, Unauthenticated, NotFound):
        raise
    except (ChappeError, ValueError) as error:
        chosen = form if form.get("do") == "choose" else None
        return await _page(visit, form=chosen, trouble=str(error))


async def _done(visit: Visit, form: Mapping[str, str]) -> See:
    id_ = visit.params["id"]
    here = f"subscriptions/{segment(id_)}"
    match form.get("do"):
        case "pause":
            await visit.hub.write("POST", paths.pause(id_), {})
        case "resume":
            await visit.hub.write("POST", paths.resume(id_), {})
        case "end":
            await visit.hub.unsubscribe(id_)
            return See("subscriptions")
        case "test":
            answer = await visit.hub.write("POST", paths.tried(id_), None)
            tried = msgspec.json.decode(answer.body, type=SinkTried)
            if not tried.delivered:
                said = tried.reason or f"it answered {tried.status}"
                raise ValueError(f"the sink did not take a test event: {said}")
            return See(with_query(here, {"tested": tried.status, "ms": tried.latency_ms}))
        case "replay":
            body = await visit.hub.write("POST", paths.replay(id_), _replay(form))
            begun = msgspec.json.decode(body.body, type=Replayed).subscription
            return See(here if begun is None else f"subscriptions/{segment(begun.id)}")
        case "choose":
            await _patch(visit, id_, choice(form) | {"epoch": int(form.get("epoch") or 0)})
        case other:
            raise ValueError(f"do: {other!r} is nothing that can be done here")
    return See(here)


def _said(query: Mapping[str, str]) -> str:
    """What was done on the way here; nothing but numbers is taken from the address."""
    status, ms = query.get("tested", ""), query.get("ms", "")
    if all(one.isascii() and one.isdigit() and len(one) < 7 for one in (status, ms)):
        return f"The sink took a test event: {int(status)} in {int(ms)} ms"
    return ""


async def _page(visit: Visit, *, form: Mapping[str, str] | None = None, trouble: str = "") -> Page:
    id_ = visit.params["id"]
    answer = await visit.hub.read(paths.subscription(id_))
    one = msgspec.json.decode(answer.body, type=One)
    known: dict[str, Any] = json.loads(answer.body)
    known.pop("status", None)
    given = visit.query if form is None else form
    # What is looked at every other second is the status alone.
    only_status = visit.query.get("part") == "status"
    may = await visit.may("PATCH", paths.subscription(id_))
    forecast, replay_trouble = None, ""
    if may and not only_status:
        forecast, replay_trouble = await _forecast(visit, id_)
    view = Detailed(
        one=one,
        wants=wants(one),
        settings=json.dumps(known, indent=2, ensure_ascii=False),
        edited=await _edited(visit, one, given, try_it=not only_status),
        replay=forecast,
        replay_from=visit.query.get("from", ""),
        replay_rate=visit.query.get("rate", ""),
        done="" if trouble else _said(visit.query),
        trouble=trouble or replay_trouble,
        may=may,
    )
    return Page(
        template="subscription.html",
        title=id_,
        view=view,
        nav="subscriptions",
        cli=f"chappe sub get {id_}",
        api=paths.subscription(id_).lstrip("/"),
        status=200 if not trouble else 400,
    )


async def _edited(visit: Visit, one: One, given: Mapping[str, str], *, try_it: bool) -> Edited:
    """The form as it was filled in, else as the subscription is; tried where it was filled in."""
    # A browser's empty fields are not in the query.
    filled = any(name in given for name in ("types", "source", "filters", "do"))
    if not filled:
        form = {
            "types": ", ".join(one.types),
            "source": one.source or "",
            "filters": _filters_text(one.filters),
        }
    else:
        form = {name: given.get(name, "") for name in ("types", "source", "filters")}
    tried, trouble = None, ""
    if not try_it:
        return Edited(form["types"], form["source"], form["filters"], one.epoch, None, "")
    try:
        path = f"/validate/filters?channel={segment(one.channel)}&last={_TRIED}"
        answer = await visit.hub.write("POST", path, choice(form))
        whole = msgspec.json.decode(answer.body, type=Tried)
        tried = Tried(
            read=whole.read,
            matched=whole.matched,
            warnings=whole.warnings,
            events=whole.events[:_SHOWN],
        )
    except (ChappeError, ValueError) as error:
        trouble = str(error)
    return Edited(form["types"], form["source"], form["filters"], one.epoch, tried, trouble)


async def _forecast(visit: Visit, id_: str) -> tuple[Replayed | None, str]:
    """What a replay would deliver, where the form asks for it."""
    if "from" not in visit.query:
        return None, ""
    try:
        wanted = _replay(visit.query) | {"dry_run": True}
        answer = await visit.hub.write("POST", paths.replay(id_), wanted)
    except (ChappeError, ValueError) as error:
        return None, str(error)
    return msgspec.json.decode(answer.body, type=Replayed), ""


def _replay(form: Mapping[str, str]) -> dict[str, object]:
    wanted: dict[str, object] = {"from": form.get("from", "").strip()}
    if form.get("until", "").strip():
        wanted["until"] = form["until"].strip()
    if form.get("rate", "").strip():
        wanted["rate"] = per_second(form["rate"])
    return wanted


async def _patch(visit: Visit, id_: str, wanted: Mapping[str, object]) -> None:
    # An absent source is taken away (RFC 7396).
    await visit.hub.write("PATCH", paths.subscription(id_), {"source": None} | dict(wanted))


def _filters_text(filters: Sequence[Any]) -> str:
    """One CESQL expression as it is, everything else as JSON."""
    if not filters:
        return ""
    if len(filters) == 1 and isinstance(filters[0], dict) and [*filters[0]] == ["sql"]:
        return str(filters[0]["sql"])
    return json.dumps(filters, indent=2, ensure_ascii=False)


ROUTES = (Route("subscriptions/{id}", get=show_one, post=act),)
