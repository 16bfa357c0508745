"""Find: which events there are, who sends them, and who takes them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chappe.client.catalogue import CataloguePage, TypeFound, find
from chappe.client.causes import trace_id
from chappe.console.links import segment, with_query
from chappe.console.page import Page, Route, See, Visit
from chappe.console.sparkline import Spark, spark
from chappe.domain.errors import Ambiguous, CallerError

_PARAMETERS = ("q", "channel", "owner", "domain", "state", "traffic", "invalid", "order", "after")
_STATES = {
    "active": "active",
    "quiet": "quiet",
    "unused": "never seen",
    "undeclared": "seen, not registered",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a facet: choosing it is a link, and so is taking it back."""

    label: str
    count: int
    href: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """What the types can be narrowed by."""

    label: str
    choices: Sequence[Choice]


@dataclass(frozen=True, slots=True)
class FindView:
    """What is shown; `kept` are the parameters that a new search keeps."""

    words: str
    found: CataloguePage
    facets: Sequence[Facet]
    kept: Mapping[str, str]
    next: str
    event: str
    narrowed: bool
    order: str
    orders: Sequence[tuple[str, str]]

    def sparks(self) -> Mapping[str, Spark | None]:
        """The last 24 hours of each type as a picture."""
        return {one.type: spark(one.hours) for one in self.found.types}


async def show(visit: Visit) -> Page | See:
    """The home of the console: the list of types, searched and narrowed.

    What is called as one event is leads there, and a traceparent to its trace, once it is sent and not
    while it is typed.
    """
    given = {name: visit.query[name] for name in _PARAMETERS if name in visit.query}
    words = given.get("q", "").strip()
    order = given.get("order", "attention")
    found = await find(visit.hub, {**given, "order": order})
    if _is_sent(visit) and (trace := trace_id(words)) is not None:
        return See(f"traces/{trace}")
    event = "" if found.types or not words else await _event(visit, words)
    if event and not found.others and _is_sent(visit):
        return See(f"events/{segment(event)}")
    kept = {name: value for name, value in given.items() if name not in ("q", "after")}
    return Page(
        template="find.html",
        title=f"Find {words}" if words else "Find",
        headers={"hx-replace-url": with_query("./", given)},
        view=FindView(
            words,
            found,
            [facet for facet in _facets(found, given) if facet.choices],
            kept,
            with_query("", {**given, "after": found.after}) if found.after else "",
            event,
            bool(kept.keys() - {"order"}),
            order,
            [
                (name, with_query("", {**given, "order": name, "after": None}))
                for name in ("attention", "name")
            ],
        ),
        nav="find",
        cli=f"chappe find {shlex.join(words.split())}" if words else "chappe type ls",
        api=with_query("find", given),
    )


def _is_sent(visit: Visit) -> bool:
    """Whether a person has pressed Enter: no script asks while they type, and no program."""
    return visit.query.keys().isdisjoint(("part", "format")) and not visit.asked.wants_json


async def _event(visit: Visit, words: str) -> str:
    """The words, where they are what an event is called: its id, or source#id."""
    try:
        await visit.hub.event(words)
    except Ambiguous:
        return words
    except CallerError:
        return ""
    return words


def _facets(found: CataloguePage, given: Mapping[str, str]) -> Iterator[Facet]:
    def choice(name: str, value: str, label: str, count: int) -> Choice:
        chosen = given.get(name) == value
        rest = {key: one for key, one in given.items() if key not in (name, "after")}
        href = with_query("", rest if chosen else {**rest, name: value})
        return Choice(label, count, href, chosen)

    facets = found.facets
    state = [
        choice("state", value, label, facets.state.get(value, 0))
        for value, label in _STATES.items()
        if value in facets.state or given.get("state") == value
    ]
    if facets.traffic or given.get("traffic"):
        state.append(choice("traffic", "true", "has traffic", facets.traffic))
    if facets.invalid or given.get("invalid"):
        state.append(choice("invalid", "true", "invalid, held back", facets.invalid))
    yield Facet("State", state)
    for name, label, counted in (
        ("owner", "Owner", facets.owner),
        ("domain", "Domain", facets.domain),
    ):
        counts = dict(counted)
        counts.setdefault(given.get(name, ""), 0)
        counts.pop("", None)
        yield Facet(label, [choice(name, one, one, counts[one]) for one in sorted(counts)])


def producers(one: TypeFound) -> list[str]:
    """Who sends a type, declared or seen."""
    return list(dict.fromkeys((*one.producers, *(source or "(many)" for source in one.sources))))


ROUTES = (Route("", get=show),)
