"""Subscribe: a test event goes to the sink, and where it is taken the subscription is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from chappe.client import paths
from chappe.client.views import Rehearsed, Subscribed, Tried
from chappe.console.choice import choice
from chappe.console.links import segment, with_query
from chappe.console.page import Page, Route, See, Visit
from chappe.domain.errors import ChappeError, Forbidden, Unauthenticated

STARTS = {"latest": "from now on", "earliest": "from the oldest that is stored"}


@dataclass(frozen=True, slots=True)
class Form:
    """The form as it was filled in; `may` tells whether the reader may send it.

    `tried` is what the sink said, where it was asked and refused; `type` is set where the form is
    about one type, which it does not ask for again.
    """

    may: bool
    type: str
    types: str
    source: str
    filters: str
    name: str
    sink: str
    start: str
    starts: Mapping[str, str]
    tried: Tried | None = None
    warnings: Sequence[str] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class SubscribingView:
    """What is shown."""

    form: Form


async def show(visit: Visit) -> Page:
    """The empty form, or what a link filled in."""
    return _page(await subscription_form(visit))


async def subscription_form(visit: Visit, *, type_: str = "") -> Form:
    """The form with what the address has; about one type where the page is."""
    may = await visit.may("POST", paths.SUBSCRIPTIONS)
    return _filled({**visit.query, "type": type_}, may=may)


async def make(visit: Visit) -> Page | See:
    """Ask the sink, then make the subscription; `do` is "subscribe", or "subscribe-anyway".

    Where the sink does not take the test event nothing is made, and the page says what it answered.
    """
    form = dict(visit.asked.form)
    name = form.get("name", "").strip()
    anyway = form.get("do") == "subscribe-anyway"
    tried: Tried | None = None
    try:
        if not anyway and form.get("do") != "subscribe":
            raise ValueError(f"do: {form.get('do')!r} is nothing that can be done here")
        wanted = _wanted(form)
        path = paths.new_subscription(name or None, dry_run=True)
        would = msgspec.json.decode(
            (await visit.hub.write("POST", path, wanted)).body, type=Rehearsed
        )
        if not anyway and would.handshake == "off":
            answer = await visit.hub.write("POST", paths.tried(), wanted)
            tried = msgspec.json.decode(answer.body, type=Tried)
            if not tried.delivered:
                filled = _filled(form, tried=tried, warnings=would.warnings)
                return _page(filled, status=422)
        answer = await visit.hub.write("POST", paths.new_subscription(name or None), wanted)
    except (Forbidden, Unauthenticated):
        raise
    except (ChappeError, ValueError) as error:
        return _page(_filled(form, trouble=str(error)), status=400)
    made = msgspec.json.decode(answer.body, type=Subscribed)
    said = {} if tried is None else {"tested": tried.status, "ms": tried.latency_ms}
    return See(with_query(f"subscriptions/{segment(made.id)}", said))


def _wanted(form: Mapping[str, str]) -> dict[str, object]:
    """The object of the Subscriptions API.

    Raises:
        ValueError: there is no sink, or the filters look like JSON and are none.
    """
    sink = form.get("sink", "").strip()
    if not sink:
        raise ValueError("sink: it is empty; where do the events go?")
    wanted = {"protocol": "HTTP", "sink": sink, **choice(form)}
    if form.get("start", "latest") != "latest":
        wanted["start"] = form["start"]
    return {name: value for name, value in wanted.items() if value != []}


def _filled(
    given: Mapping[str, str],
    *,
    may: bool = True,
    tried: Tried | None = None,
    warnings: Sequence[str] = (),
    trouble: str = "",
) -> Form:
    return Form(
        may=may,
        type=given.get("type", ""),
        types=given.get("types", ""),
        source=given.get("source", ""),
        filters=given.get("filters", ""),
        name=given.get("name", ""),
        sink=given.get("sink", ""),
        start=given.get("start", "latest"),
        starts=STARTS,
        tried=tried,
        warnings=warnings,
        trouble=trouble,
    )


def _page(form: Form, *, status: int = 200) -> Page:
    return Page(
        template="subscribe.html",
        title="Subscribe",
        view=SubscribingView(form),
        nav="subscriptions",
        cli="chappe sub create",
        status=status,
    )


ROUTES = (Route("subscribe", get=show, post=make),)
