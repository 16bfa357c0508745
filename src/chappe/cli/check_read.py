"""What `chappe check` asks the hub: one value for each measure, of each thing that is named."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from chappe.cli.check_measures import MEASURES, OFF, Checked, Judged, Kind, judged, number
from chappe.cli.delivery_filters import letters
from chappe.cli.failures import exit_code
from chappe.cli.moment import now
from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.client.paths import EventQuery
from chappe.client.views import Connected, Lagging, Readiness, Subscribed
from chappe.domain.attempt import AttemptRow
from chappe.domain.errors import ChappeError, NotFound, Unavailable
from chappe.kit.near import suggested

_SAMPLE: Final = re.compile(r'chappe_(\w+?)(?:\{(?:\w+)="([^"]*)"\})? ([0-9.e+-]+)')
_MOST_LETTERS: Final = 1000
_MOST_PAGES: Final = 5
"""Of records of attempts, 1,000 in each: one record holds those of some ten milliseconds."""

Value = float | str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wanted: limits by measure, and the time that attempts are counted over."""

    warn: Mapping[str, str]
    crit: Mapping[str, str]
    over: timedelta

    def judge(self, kind: Kind, values: Mapping[str, Value]) -> Sequence[Judged]:
        """The verdicts on what could be measured."""
        return [
            judged(measure, value, warn=self.warn.get(name), crit=self.crit.get(name))
            for name, measure in MEASURES[kind].items()
            if (value := values.get(name)) is not None
        ]

    def highest(self, kind: Kind, name: str) -> int:
        """The highest limit that is given of a count; 0: none is."""
        given = [
            one for one in (self.warn.get(name), self.crit.get(name)) if one not in (None, OFF)
        ]
        return max((int(number(MEASURES[kind][name], str(one))) for one in given), default=0)


async def of_hub(hub: HubClient, url: str, asked: Asked) -> Sequence[Checked]:
    """The node that answers."""
    clock = asyncio.get_running_loop()
    began = clock.time()
    try:
        ready = msgspec.json.decode((await hub.readiness()).body, type=Readiness)
        took_s = clock.time() - began
        found = samples((await hub.read("/metrics")).body.decode())
    except ChappeError as exc:
        return [_failed("hub", url, exc)]
    except msgspec.MsgspecError as exc:
        return [_failed("hub", url, unreadable(exc))]
    limit = found.get(("streams_limit", ""), 0.0)
    values: dict[str, Value] = {
        "state": "ready" if ready.status == "ready" else "not ready",
        "answer": took_s,
        "free": found.get(("disk_free_bytes", "")),
        "disabled": found.get(("subscriptions", "disabled")),
        "dead-sinks": found.get(("dead_sinks", "")),
        "streams": 100 * found.get(("streams_open", ""), 0.0) / limit if limit else None,
    }
    note = "; ".join(f"{one.name}: {one.detail}" for one in ready.checks if not one.ok)
    return [Checked("hub", url, asked.judge("hub", values), note)]


async def of_subscriptions(hub: HubClient, names: Sequence[str], asked: Asked) -> Sequence[Checked]:
    """Those that are named, or all."""
    if not names:
        body = (await hub.read(paths.SUBSCRIPTIONS)).body
        names = [one.id for one in msgspec.json.decode(body, type=list[Subscribed])]
    tried = await _attempts(hub, asked.over) if names else {}
    most = max(_MOST_LETTERS, asked.highest("sub", "dead"))

    async def look(name: str) -> Checked:
        one = msgspec.json.decode((await hub.read(paths.subscription(name))).body, type=Lagging)
        status = one.status
        dead = await letters(hub, {"subscription": name, "state": "open"}, most)
        total, failed = tried.get(name, (0, 0))
        values: dict[str, Value] = {
            "state": status.state or "unknown",
            "lag": float(status.events),
            "age": _age_s(status.oldest) if status.oldest and status.events else 0.0,
            "dead": float(len(dead)),
            "failures": 100 * failed / total if total else 0.0,
        }
        note = status.lastfailure.reason if status.lastfailure and (failed or dead) else ""
        return Checked("sub", name, asked.judge("sub", values), note[:200])

    return [await _looked("sub", name, look) for name in names]


async def of_channels(hub: HubClient, names: Sequence[str], asked: Asked) -> Sequence[Checked]:
    """Those that are named, or all."""
    known: Mapping[str, Any] = msgspec.json.decode((await hub.read(paths.CHANNELS)).body)
    found = samples((await hub.read("/metrics")).body.decode())

    async def look(name: str) -> Checked:
        if name not in known:
            raise NotFound(f"channel {name!r}: there is none{suggested(name, known)}")
        page = await hub.page(EventQuery(name, limit=1).path)
        size = found.get(("channel_size_bytes", name))
        limit = found.get(("channel_size_limit_bytes", name), 0.0)
        values: dict[str, Value] = {
            "used": 100 * size / limit if limit and size is not None else None,
            "size": size,
            "silent": _age_s(page.events[0].acceptedat) if page.events else None,
        }
        note = "" if page.events else "no events are kept"
        return Checked("channel", name, asked.judge("channel", values), note)

    return [await _looked("channel", name, look) for name in names or sorted(known)]


async def of_sources(hub: HubClient, names: Sequence[str], asked: Asked) -> Sequence[Checked]:
    """Those that are named, or all."""
    if not names:
        body = (await hub.read(paths.SOURCES)).body
        names = [one.id for one in msgspec.json.decode(body, type=list[Connected])]

    async def look(name: str) -> Checked:
        one = msgspec.json.decode((await hub.read(paths.source(name))).body, type=Connected)
        values: dict[str, Value] = {
            "state": one.status.state,
            "setaside": float(one.status.setaside),
        }
        note = one.status.error if one.status.state in ("failing", "unserved") else ""
        return Checked("source", name, asked.judge("source", values), note[:200])

    return [await _looked("source", name, look) for name in names]


def samples(metrics: str) -> dict[tuple[str, str], float]:
    """Prometheus' text -> {("disk_free_bytes", ""): 7e10, ("subscriptions", "disabled"): 0.0}.

    Those with no label or one; of the others nothing is needed.
    """
    found = {}
    for line in metrics.splitlines():
        if (match := _SAMPLE.fullmatch(line)) is not None:
            found[match[1], match[2] or ""] = float(match[3])
    return found


def unreadable(exc: msgspec.MsgspecError) -> ChappeError:
    """What answers is no hub, or one that this command line does not understand."""
    return ChappeError(f"the hub's answer cannot be read: {exc}")


async def _looked(kind: Kind, name: str, look: Any) -> Checked:
    try:
        return await look(name)  # type: ignore[no-any-return]
    except ChappeError as exc:
        return _failed(kind, name, exc)
    except msgspec.MsgspecError as exc:
        return _failed(kind, name, unreadable(exc))


def _failed(kind: Kind, name: str, error: ChappeError) -> Checked:
    silent = kind == "hub" and isinstance(error, Unavailable)
    return Checked(kind, name, error=error.message, code=exit_code(error), answers=not silent)


async def _attempts(hub: HubClient, over: timedelta) -> Mapping[str, tuple[int, int]]:
    """By subscription: how many attempts there were lately, and how many of them failed."""
    since = (now() - over).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    path: str | None = EventQuery("attempts", accepted_from=since, limit=1000).path
    tried: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for _ in range(_MOST_PAGES):
        if path is None:
            break
        page = await hub.page(path)
        for one in page.events:
            for row in msgspec.json.decode(one.event, type=_Recorded).data:
                tried[row.subscription] += 1
                failed[row.subscription] += row.result != "delivered"
        path = page.next
    return {name: (count, failed[name]) for name, count in tried.items()}


class _Recorded(msgspec.Struct, frozen=True):
    data: Sequence[AttemptRow] = ()


def _age_s(moment: str) -> float:
    return max(0.0, (now() - datetime.fromisoformat(moment)).total_seconds())
