"""`chappe top`: the hub as it does, drawn again every two seconds; one look where nobody watches.

chappe 0.1.0   http://127.0.0.1:4280   ready   4.0 events a second   3.9 delivered   0.3 failed   open 1

SUBSCRIPTION  STATE     BEHIND  OPEN  LAST FAILURE
crm           retrying  1       1     0.3 s ago  500 Internal Server Error

TYPE             A MINUTE  EVENTS  LAST SEEN
shop.order.paid  60.2      9,211   10:02:11
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import click
import msgspec

from chappe.cli.amounts import duration
from chappe.cli.cells import aligned, shortened, size
from chappe.cli.moment import now
from chappe.cli.registry_seen import TypeSeen, types_seen
from chappe.cli.render import clock_time, printable
from chappe.cli.session import Session, remote
from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.client.paths import DEFAULT_CHANNEL
from chappe.client.registry import RegistryClient
from chappe.client.views import Lagging, Readiness
from chappe.domain.errors import ChappeError

_EVERY_S: Final = 2.0
_SAMPLE: Final = re.compile(r'(\w+?)(?:_total)?(?:\{result="(\w+)"\})? ([0-9.e+-]+)')


@dataclass(frozen=True, slots=True)
class Look:
    """The hub at one moment; counters of this node by name, such as "deliveries.delivered"."""

    at_s: float
    readiness: Readiness
    subscriptions: Sequence[Lagging]
    types: Sequence[TypeSeen]
    counters: Mapping[str, float]


@click.command()
@click.option(
    "--channel", default=DEFAULT_CHANNEL, show_default=True, help="Whose types are shown."
)
@click.option(
    "--every",
    "every_s",
    type=click.FloatRange(min=0.2),
    default=_EVERY_S,
    show_default=True,
    metavar="SECONDS",
    help="How often to look.",
)
@click.option("--once", is_flag=True, help="One look, also on a terminal.")
@remote
def top(session: Session, channel: str, every_s: float, once: bool) -> None:
    """Watch a hub: rates, subscriptions and how far they are behind, failures, types; until Ctrl-C.

    \b
      chappe top
      chappe top --once -o json | jq .rates

    Where the output is no terminal, there is one look, with rates over the time between two.
    """  # noqa: D301 - click's mark for lines as they are
    session.run(lambda hub: _watch(session, hub, channel, every_s, once=once))


async def _watch(
    session: Session, hub: HubClient, channel: str, every_s: float, *, once: bool
) -> None:
    live = sys.stdout.isatty() and not once and session.output == "table"
    before = await look(hub, channel)
    while True:
        await asyncio.sleep(min(every_s, 1.0) if not live else every_s)
        after = await look(hub, channel)
        if session.output in ("json", "jsonl"):
            session.say(msgspec.json.encode(as_json(before, after)).decode())
        else:
            drawn = live and not session.accessible
            lines = screen(session.url, before, after, now(), size().columns if drawn else None)
            # What is below the last line would push the first ones out of sight.
            shown = "\n".join(list(lines)[: size().lines - 1] if drawn else lines)
            session.say(f"\x1b[H\x1b[2J{shown}" if drawn else shown)
        if not live:
            return
        before = after


async def look(hub: HubClient, channel: str) -> Look:
    """Read everything once."""
    readiness = await hub.ready()
    listed = (await hub.read(paths.SUBSCRIPTIONS)).body
    try:
        metrics = (await hub.read("/metrics")).body.decode()
    except ChappeError:
        metrics = ""  # a token that may not read them
    return Look(
        asyncio.get_running_loop().time(),
        readiness,
        msgspec.json.decode(listed, type=list[Lagging]),
        await types_seen(RegistryClient(hub), channel),
        counters(metrics),
    )


def counters(metrics: str) -> dict[str, float]:
    """Prometheus' text -> {"events_accepted": 12.0, "deliveries.delivered": 9.0, "open_events": 1.0}."""
    found: dict[str, float] = {}
    for line in metrics.splitlines():
        match = _SAMPLE.fullmatch(line.removeprefix("chappe_")) if line[:7] == "chappe_" else None
        if match is not None:
            name = match[1] if match[2] is None else f"{match[1]}.{match[2]}"
            found[name] = float(match[3])
    return found


def rates(before: Look, after: Look) -> dict[str, float]:
    """A second, between two looks; of this node."""
    took_s = max(0.001, after.at_s - before.at_s)

    def rate(*names: str) -> float:
        grown = (after.counters.get(one, 0.0) - before.counters.get(one, 0.0) for one in names)
        # A hub that was started anew begins at nothing.
        return round(max(0.0, sum(grown)) / took_s, 1)

    failed = [
        name
        for name in after.counters
        if name.startswith("deliveries.") and name != "deliveries.delivered"
    ]
    return {
        "accepted": rate("events_accepted"),
        "delivered": rate("deliveries.delivered"),
        "failed": rate(*failed),
    }


def as_json(before: Look, after: Look) -> dict[str, Any]:
    """For programs."""
    return {
        "status": after.readiness.status,
        "node": after.readiness.node,
        "rates": rates(before, after),
        "open": after.counters.get("open_events", 0.0),
        "subscriptions": [msgspec.to_builtins(one) for one in after.subscriptions],
        "types": [msgspec.to_builtins(one) for one in after.types],
    }


def screen(
    url: str, before: Look, after: Look, at: datetime, room: int | None = None
) -> Iterator[str]:
    """What a person sees, line by line; with `room`, each in so many cells."""
    for line in _lines(url, before, after, at, room):
        yield line if room is None else shortened(line, room)


def _lines(url: str, before: Look, after: Look, at: datetime, room: int | None) -> Iterator[str]:
    rate = rates(before, after)
    ready = after.readiness
    yield printable(
        f"chappe {ready.version or ''}  {url}  node {ready.node or '?'} {ready.status}   "
        f"{rate['accepted']:g} events a second   {rate['delivered']:g} delivered   "
        f"{rate['failed']:g} failed   open {after.counters.get('open_events', 0):g}"
    )
    for check in ready.checks:
        if not check.ok:
            yield printable(f"✗ {check.name}: {check.detail}")
    yield ""
    rows = [_subscription(one, at) for one in sorted(after.subscriptions, key=_worst)]
    yield from _table([("SUBSCRIPTION", "STATE", "OPEN", "LAST FAILURE"), *rows], room)
    yield ""
    busiest = sorted(after.types, key=lambda one: (-one.perminute, -one.events, one.type))[:20]
    types = [
        (
            one.type if one.declared else f"!{one.type}",
            f"{one.perminute:g}",
            f"{one.events:,}",
            clock_time(one.lastseen).partition(".")[0],
        )
        for one in busiest
    ]
    yield from _table([("TYPE", "A MINUTE", "EVENTS", "LAST SEEN"), *types], room)


def _table(rows: Sequence[Sequence[str]], room: int | None) -> list[str]:
    return aligned([[printable(cell) for cell in row] for row in rows], room)


def _worst(one: Lagging) -> tuple[bool, int, str]:
    return one.status.state == "active", -one.status.open, one.id


def _subscription(one: Lagging, at: datetime) -> tuple[str, ...]:
    failed = one.status.lastfailure
    why = ""
    if failed is not None:
        ago = max(0.0, (at - datetime.fromisoformat(failed.at)).total_seconds())
        why = f"{duration(ago)} ago  {failed.reason}"[:70]
    return one.id, one.status.state, str(one.status.open), why
