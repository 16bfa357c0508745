"""A type's tab *Subscribe*: how to get its events, ready to be copied."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from chappe.console.page import Page, Route, Visit
from chappe.console.pages.subscribe import Form, subscription_form
from chappe.console.snippets import SINK, Snippet, subscribing
from chappe.console.type_head import Head, type_head


@dataclass(frozen=True, slots=True)
class SubscribeView:
    """What the panel shows."""

    head: Head
    snippets: Sequence[Snippet]
    form: Form


async def show(visit: Visit) -> Page:
    """How to subscribe."""
    head, _ = await type_head(visit, "subscribe")
    return Page(
        template="type_subscribe.html",
        title=f"Subscribe to {head.found.type}",
        view=SubscribeView(
            head,
            subscribing(
                head.found.type,
                visit.asked.hub_url,
                sink=visit.query.get("sink", "").strip() or SINK,
                name=visit.query.get("name", "").strip(),
            ),
            await subscription_form(visit, type_=head.found.type),
        ),
        nav="find",
        cli=f"chappe sub create --type {shlex.quote(head.found.type)} --to {SINK}",
        api="subscriptions",
    )


ROUTES = (Route("types/{type}/subscribe", get=show),)
