"""The events of one trace (W3C Trace Context): what an event led to, in the order of acceptance."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chappe.client import paths
from chappe.client.causes import Linked, linked, of_trace, trace_id
from chappe.client.views import Listed, Trace
from chappe.console.links import segment, with_query
from chappe.console.page import Page, Route, Visit
from chappe.domain.errors import Malformed, NotFound

_LAST: Final = 1000
_FURTHER: Final = 10_000
_FOLLOWED: Final = 20
"""Of so many the page tells what became of them."""


@dataclass(frozen=True, slots=True)
class Step:
    """One event; `became` counts its subscriptions by the state of its delivery, None: it was not asked."""

    position: str
    acceptedat: str
    event: Linked
    became: Sequence[tuple[str, int]] | None


@dataclass(frozen=True, slots=True)
class TraceView:
    """What is shown; `further` is the path of the same among more events."""

    trace: str
    channel: str
    last: int
    steps: Sequence[Step]
    further: str | None


async def show(visit: Visit) -> Page:
    """The events of a trace among the newest of a channel, by its id or a traceparent of it."""
    trace = trace_id(visit.params["trace"])
    if trace is None:
        raise NotFound(
            f"trace {visit.params['trace']!r}: a trace is called by 32 hexadecimal digits, or a traceparent"
        )
    channel = visit.query.get("channel", paths.DEFAULT_CHANNEL)
    last = _last(visit.query.get("last"))
    found = await of_trace(visit.hub, trace, channel, last)
    became = await asyncio.gather(*(_became(visit, one, channel) for one in found[:_FOLLOWED]))
    steps = [
        Step(
            one.position,
            one.acceptedat,
            linked(one),
            became[number] if number < len(became) else None,
        )
        for number, one in enumerate(found)
    ]
    here = f"traces/{segment(trace)}"
    given = {} if channel == paths.DEFAULT_CHANNEL else {"channel": channel}
    suffix = f" --channel {channel}" if given else ""
    return Page(
        template="trace.html",
        title=f"Trace {trace}",
        view=TraceView(
            trace,
            channel,
            last,
            steps,
            None if last >= _FURTHER else with_query(here, {**given, "last": str(_FURTHER)}),
        ),
        cli=f"chappe event trace {trace}{suffix}",
        api=paths.EventQuery(channel=channel, limit=_LAST).path.lstrip("/"),
    )


def _last(text: str | None) -> int:
    if text is None:
        return _LAST
    if not text.isdecimal() or not 1 <= int(text) <= _FURTHER:
        raise Malformed(f"last: {text!r} is no number from 1 to {_FURTHER:,}")
    return int(text)


async def _became(visit: Visit, one: Listed, channel: str) -> list[tuple[str, int]]:
    found: Trace = await visit.hub.trace(one.position, channel=channel)
    states = Counter(each.state for each in found.subscriptions if each.matched)
    return sorted(states.items())


ROUTES = (Route("traces/{trace}", get=show),)
