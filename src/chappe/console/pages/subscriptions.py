"""Subscriptions: which there are, and how each does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from chappe.client import paths
from chappe.console.page import Page, Route, Visit
from chappe.console.subscribed import STATES, One, wants

_PAGE = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list."""

    one: One
    wants: str


@dataclass(frozen=True, slots=True)
class Listed:
    """What the list shows; `counts` are of this page, by state; `may` is about subscribing."""

    rows: Sequence[Row]
    counts: Sequence[tuple[str, int]]
    state: str
    next: str | None
    may: bool


async def show_all(visit: Visit) -> Page:
    """The list, what needs attention first."""
    asked = {"limit": str(_PAGE)}
    for name in ("state", "type", "source", "channel", "sink", "after"):
        if name in visit.query:
            asked[name] = visit.query[name]
    answer = await visit.hub.read(paths.subscriptions(asked))
    found = msgspec.json.decode(answer.body, type=list[One])
    rows = [Row(one, wants(one)) for one in sorted(found, key=lambda one: one.rank)]
    counts = dict.fromkeys(STATES, 0)
    for row in rows:
        counts[row.one.status.state] = counts.get(row.one.status.state, 0) + 1
    following = paths.next_page(answer.headers.get("link"))
    view = Listed(
        rows=rows,
        counts=[(state, count) for state, count in counts.items() if count],
        state=visit.query.get("state", ""),
        next=None if following is None else f"subscriptions?{following.partition('?')[2]}",
        may=await visit.may("POST", paths.SUBSCRIPTIONS),
    )
    return Page(
        template="subscriptions.html",
        title="Subscriptions",
        view=view,
        nav="subscriptions",
        cli="chappe sub ls" + (f" --state {view.state}" if view.state else ""),
        api=paths.subscriptions(asked).lstrip("/"),
    )


ROUTES = (Route("subscriptions", get=show_all),)
