"""Health: whether the hub can do its work, how fast it does it, and what it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from chappe.client import paths
from chappe.client.findings import Finding, checks, confluent, engine
from chappe.client.node_views import Roll, finding
from chappe.client.views import Readiness
from chappe.console import figures, shown
from chappe.console.chart import Chart, chart
from chappe.console.figures import Figures, Spread
from chappe.console.links import segment, with_query
from chappe.console.node_rows import Row, rows
from chappe.console.page import Page, Route, Visit
from chappe.domain.errors import Unavailable

_RATES = (
    ("accepted", "chappe_events_accepted_total", "Events accepted"),
    ("attempts", "chappe_deliveries_total", "Delivery attempts"),
)

_PATIENCE_S = 3.0
_SHOWN = (
    *(name for _, name, _ in _RATES),
    "chappe_accept_seconds",
    "chappe_delivery_seconds",
    "chappe_open_events",
    "chappe_lanes_own",
    "chappe_dead_sinks",
    "chappe_disk_",
    "chappe_registry_revision",
    "chappe_shards",
    "chappe_streams_open",
    "process_",
)
"""How the names of the figures begin that the page shows."""


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a channel there is, as the API tells it."""

    channel: str
    shards: int = 1
    first_block: int = 0
    last_block: int = 0
    size_bytes: int = 0
    retention: Mapping[str, float | None] = {}

    @property
    def blocks(self) -> int:
        """How many are kept."""
        return self.last_block - self.first_block + 1 if self.last_block else 0

    @property
    def kept(self) -> str:
        """For how long, and how much."""
        age_s, size = self.retention.get("max_age_s"), self.retention.get("max_bytes")
        said = [shown.span(age_s)] if age_s else []
        said += [shown.size(size)] if size else []
        return ", at most ".join(said) or "for ever"


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A quarter of a minute of the node, as the API tells it."""

    at: str
    accepted: float = 0.0
    delivered: float = 0.0
    failed: float = 0.0
    open: int = 0
    cpu: float = 0.0
    accept_p50_s: float | None = None
    accept_p99_s: float | None = None
    delivery_p50_s: float | None = None
    delivery_p99_s: float | None = None


class History(msgspec.Struct, frozen=True, kw_only=True):
    """The last hour of the node."""

    moments: Sequence[Moment] = ()


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something happens: in all, and a second (`since` the last look, else since the start)."""

    said: str
    total: float
    a_second: float
    since: str


@dataclass(frozen=True, slots=True)
class Health:
    """What is shown; `trouble` is why nobody can tell what the channels hold, `again` the path of the same figures a moment later."""

    ready: Readiness
    nodes: Sequence[Row]
    findings: Sequence[Finding]
    channels: Sequence[Channel]
    charts: Sequence[Chart]
    trouble: str
    rates: Sequence[Rate]
    accept: Spread | None
    delivery: Spread | None
    disk_free_bytes: float | None
    disk_full: bool
    shards_owned: float
    shards: float
    registry_revision: float
    streams: float
    open_events: float
    lanes_own: float
    dead_sinks: float
    memory_bytes: float
    cpu_percent: float
    up_s: float
    again: str


async def show(visit: Visit) -> Page:
    """The hub as this node sees it."""
    ready = await visit.hub.ready()
    text = (await visit.hub.read("/metrics")).body.decode()
    found = figures.parse(text, named=_SHOWN)
    now_s = visit.now.timestamp()
    up_s = max(now_s - found.get("process_start_time_seconds"), 0.001)
    channels, trouble = await _channels(visit)
    roll = await _roll(visit)
    view = Health(
        ready=ready,
        nodes=[] if roll is None else rows(roll),
        findings=[
            *checks(ready),
            *engine(ready),
            *([] if roll is None else [finding(roll)]),
            confluent(ready, visit.asked.hub_url),
        ],
        charts=_charts(await _history(visit)),
        channels=channels,
        trouble=trouble,
        rates=[_rate(visit, found, *one, up_s=up_s) for one in _RATES],
        accept=figures.spread(found, "chappe_accept_seconds"),
        delivery=figures.spread(found, "chappe_delivery_seconds"),
        disk_free_bytes=found.find("chappe_disk_free_bytes"),
        disk_full=found.get("chappe_disk_full") > 0,
        shards_owned=found.get("chappe_shards_owned"),
        shards=found.get("chappe_shards"),
        registry_revision=found.get("chappe_registry_revision"),
        streams=found.get("chappe_streams_open"),
        open_events=found.get("chappe_open_events"),
        lanes_own=found.get("chappe_lanes_own"),
        dead_sinks=found.get("chappe_dead_sinks"),
        memory_bytes=found.get("process_resident_memory_bytes"),
        cpu_percent=100 * _apart(visit, found, "cpu", "process_cpu_seconds_total", up_s)[0],
        up_s=up_s,
        again=with_query(
            "health",
            {
                "part": "figures",
                "at": f"{now_s:.3f}",
                "cpu": found.get("process_cpu_seconds_total"),
                **{key: found.get(name) for key, name, _ in _RATES},
            },
        ),
    )
    return Page(
        template="health.html",
        title="Health",
        view=view,
        nav="health",
        cli="chappe doctor",
        api="readyz",
    )


async def _roll(visit: Visit) -> Roll | None:
    """Which nodes there are; where there are several, it takes a moment to be known."""
    if visit.query.get("part") == "figures":
        return None
    return msgspec.json.decode((await visit.hub.read(paths.NODES)).body, type=Roll)


async def _channels(visit: Visit) -> tuple[Sequence[Channel], str]:
    """What each channel holds; of a hub whose engine is away the page is looked at most: it says that."""
    if visit.query.get("part") == "figures":
        return (), ""  # what is looked at every other second is without them
    found: dict[str, Any] = msgspec.json.decode((await visit.hub.read(paths.CHANNELS)).body)
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return [
                msgspec.json.decode((await visit.hub.read(_extent(name))).body, type=Channel)
                for name in sorted(found)
            ], ""
    except Unavailable as error:
        return (), error.message
    except TimeoutError:
        return (), f"the engine did not tell within {_PATIENCE_S:g} s"


def _extent(channel: str) -> str:
    return f"{paths.CHANNELS}/{segment(channel)}/extent"


async def _history(visit: Visit) -> Sequence[Moment]:
    answer = await visit.hub.read("/metrics/history")
    return msgspec.json.decode(answer.body, type=History).moments


def _charts(moments: Sequence[Moment]) -> list[Chart]:
    """The last hour: how much, how fast, and what it took."""
    at = [one.at for one in moments]
    drawn = (
        chart(
            "Events a second",
            at,
            [
                ("accepted", [one.accepted for one in moments]),
                ("delivered", [one.delivered for one in moments]),
                ("attempts that failed", [one.failed for one in moments]),
            ],
            shown.number,
        ),
        chart(
            "From request to disk",
            at,
            [
                ("half within", [one.accept_p50_s for one in moments]),
                ("99 % within", [one.accept_p99_s for one in moments]),
            ],
            figures.seconds,
        ),
        chart(
            "Until a sink has answered",
            at,
            [
                ("half within", [one.delivery_p50_s for one in moments]),
                ("99 % within", [one.delivery_p99_s for one in moments]),
            ],
            figures.seconds,
        ),
        chart("Open events", at, [("open", [float(one.open) for one in moments])], shown.number),
        chart(
            "Processor",
            at,
            [("of a core", [100 * one.cpu for one in moments])],
            lambda percent: f"{shown.number(round(percent, 1))} %",
        ),
    )
    return [one for one in drawn if one is not None]


def _rate(visit: Visit, found: Figures, key: str, name: str, said: str, *, up_s: float) -> Rate:
    a_second, since = _apart(visit, found, key, name, up_s)
    return Rate(said, found.get(name), a_second, since)


def _apart(visit: Visit, found: Figures, key: str, name: str, up_s: float) -> tuple[float, str]:
    """How much a figure grows in a second: since the look that the page remembers, else since the start."""
    try:
        then_s, before = float(visit.query["at"]), float(visit.query[key])
    except (KeyError, ValueError):
        return found.get(name) / up_s, "since it started"
    seconds, more = visit.now.timestamp() - then_s, found.get(name) - before
    if not 0.1 < seconds < 3600 or more < 0:  # another node answered, or it was started anew
        return found.get(name) / up_s, "since it started"
    return more / seconds, f"in the last {seconds:.0f} s"


ROUTES = (Route("health", get=show),)
