"""A type's tab *Live*: the tail, with this type as its filter."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from chappe.console.page import Page, Route, Visit
from chappe.console.pages import live
from chappe.console.type_head import Head, type_head


@dataclass(frozen=True, slots=True)
class TypeLive:
    """What is shown; `feed` is where more comes from, with links that begin two steps below the root."""

    head: Head
    live: live.Live
    feed: str


async def show(visit: Visit) -> Page:
    """The newest events of the type, and those that come."""
    head, _ = await type_head(visit, "live")
    given = {name: visit.query[name] for name in ("source", "filter") if name in visit.query}
    wanted = urlencode({**given, "type": head.found.type})
    page = await live.show(replace(visit, asked=replace(visit.asked, raw_query=wanted)))
    assert isinstance(page.view, live.Live)
    options = "".join(f" --{name} {shlex.quote(value)}" for name, value in given.items())
    return replace(
        page,
        template="type_live.html",
        title=f"Live: {head.found.type}",
        view=TypeLive(head, page.view, f"{page.view.feed}&depth=2" if page.view.feed else ""),
        nav="find",
        cli=f"chappe event tail --type {shlex.quote(head.found.type)}{options}",
    )


ROUTES = (Route("types/{type}/live", get=show),)
