"""Deliveries: what could not be delivered, grouped by what went wrong, and delivering it again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from chappe.client import paths
from chappe.client.views import DeadLetter, Redriven
from chappe.console.choice import per_second
from chappe.console.links import with_query
from chappe.console.page import Page, Route, See, Visit
from chappe.domain.errors import ChappeError, Forbidden, Unauthenticated

FILTERS = ("subscription", "type", "source", "reason", "from", "until")
_PAGE = 50
_GROUPED = 1000
_VARYING = re.compile(r"\d+(\.\d+)?|'[^']*'|\"[^\"]*\"")


class Letter(DeadLetter, frozen=True, kw_only=True):
    """A dead letter with what a page shows of it."""

    source: str = ""
    status: int | None = None
    attempts: int = 0
    redriven: int = 0
    channel: str = "default"
    eventposition: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Letters of one subscription that failed in the same way; `reason` is the newest one's."""

    subscription: str
    reason: str
    count: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown; `looked_at` letters were grouped, and there are `more`.

    `may` tells whether the reader may deliver them again, or put them away.
    """

    letters: Sequence[Letter]
    groups: Sequence[Group]
    looked_at: int
    more: bool
    given: Mapping[str, str]
    state: str
    next: str | None
    preview: Redriven | None
    preview_count: int
    rate: str
    done: str
    trouble: str
    may: bool


async def show(visit: Visit) -> Page:
    """The letters that fit, the newest first; with `preview`, what redriving them would do."""
    return await _page(visit)


async def act(visit: Visit) -> Page | See:
    """Deliver again, or put away: those that were ticked, or all that fit.

    `do` is "redrive", "discard" (of each `position`) or "redrive-all" (of the filters, with `rate`).
    """
    form = visit.asked.form
    first = dict(reversed(form))
    positions = [value for name, value in form if name == "position"]
    given = {name: first[name] for name in FILTERS if first.get(name)}
    try:
        match first.get("do"):
            case "redrive":
                for position in positions:
                    await visit.hub.write("POST", paths.redrive(position), {})
                done = {"redriven": len(positions)}
            case "discard":
                for position in positions:
                    await visit.hub.delete(paths.dead_letter(position))
                done = {"discarded": len(positions)}
            case "redrive-all":
                redriven = await _redrive(visit, given, first.get("rate", ""), dry_run=False)
                done = {"redriven": sum(redriven.letters.values())}
            case other:
                raise ValueError(f"do: {other!r} is nothing that can be done here")
    except (Forbidden, Unauthenticated):
        raise
    except (ChappeError, ValueError) as error:
        return await _page(visit, trouble=str(error), given=given)
    return See(with_query("deliveries", {**given, **done}))


def _done(query: Mapping[str, str]) -> str:
    """What was done on the way here; nothing but numbers is taken from the address."""
    for name, said in (("redriven", "delivered again"), ("discarded", "put away")):
        count = query.get(name, "")
        if count.isascii() and count.isdigit() and len(count) < 9:
            return f"{int(count)} {'letter is' if int(count) == 1 else 'letters are'} {said}"
    return ""


async def _page(visit: Visit, *, trouble: str = "", given: Mapping[str, str] | None = None) -> Page:
    if given is None:
        given = {name: visit.query[name] for name in FILTERS if name in visit.query}
    state = visit.query.get("state", "open")
    asked = {**given, "state": state, "limit": str(_PAGE)}
    if "position" in visit.query:
        asked["position"] = visit.query["position"]
    answer = await visit.hub.read(paths.dead_letters(asked))
    letters = msgspec.json.decode(answer.body, type=list[Letter])
    following = paths.next_page(answer.headers.get("link"))
    many = await visit.hub.read(
        paths.dead_letters({**given, "state": state, "limit": str(_GROUPED)})
    )
    grouped = msgspec.json.decode(many.body, type=list[Letter])
    may = await visit.may("POST", paths.REDRIVE)
    preview = None
    if may and "preview" in visit.query and not trouble:
        try:
            preview = await _redrive(visit, given, visit.query.get("rate", ""), dry_run=True)
        except (ChappeError, ValueError) as error:
            trouble = str(error)
    view = Shown(
        letters=letters,
        groups=groups(grouped),
        looked_at=len(grouped),
        more=paths.next_page(many.headers.get("link")) is not None,
        given=given,
        state=state,
        next=None if following is None else f"deliveries?{following.partition('?')[2]}",
        preview=preview,
        preview_count=0 if preview is None else sum(preview.letters.values()),
        rate=visit.query.get("rate", ""),
        done=_done(visit.query),
        trouble=trouble,
        may=may,
    )
    options = "".join(f" --{name} '{value}'" for name, value in given.items())
    return Page(
        template="deliveries.html",
        title="Deliveries",
        view=view,
        nav="deliveries",
        cli=f"chappe delivery ls{options}",
        api=paths.dead_letters(asked).lstrip("/"),
        status=400 if trouble else 200,
    )


async def _redrive(visit: Visit, given: Mapping[str, str], rate: str, *, dry_run: bool) -> Redriven:
    wanted: dict[str, object] = {**given, "dry_run": dry_run}
    if not given:
        wanted["all"] = True
    if rate.strip():
        wanted["rate"] = per_second(rate)
    answer = await visit.hub.write("POST", paths.REDRIVE, wanted)
    return msgspec.json.decode(answer.body, type=Redriven)


def groups(letters: Sequence[Letter]) -> list[Group]:
    """Ten thousand failures are three lines: those of one subscription with one status, whose reasons
    differ in no more than numbers and quoted words, are one; the most frequent first.
    """
    found: dict[tuple[str, int | None, str], list[Letter]] = {}
    for letter in letters:
        key = (letter.subscription, letter.status, _VARYING.sub("*", letter.reason))
        found.setdefault(key, []).append(letter)
    made = [
        Group(
            subscription=name,
            reason=of[0].reason,
            count=len(of),
            first=min(one.buriedat for one in of),
            last=max(one.buriedat for one in of),
        )
        for (name, _, _), of in found.items()
    ]
    return sorted(made, key=lambda one: (-one.count, one.subscription, one.reason))


ROUTES = (Route("deliveries", get=show, post=act),)
