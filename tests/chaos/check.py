"""After the load: was anything lost, is everything settled, and is it left alone after a restart?"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.chaos.features import FEATURES
from tests.chaos.http import Client
from tests.chaos.hub import HubProcess
from tests.chaos.ledger import Ledger
from tests.chaos.order import broken_order

QUIET_S = 1.5
"""Some ten checkpoints: whatever would be delivered again after a restart has come by then."""
UNKNOWN = 1 << 30

_NEXT = re.compile(r'<([^>]*)>; rel="next"')


@dataclass(slots=True)
class Findings:
    """`problems` are broken promises; everything else is for information."""

    problems: list[str] = field(default_factory=list)
    settled_after_s: float | None = None
    stored_twice: int = 0
    dead_letters: int = 0
    again_after_restart: dict[str, int] = field(default_factory=dict)
    subscriptions: dict[str, dict[str, int]] = field(default_factory=dict)
    acknowledged: int = 0
    sent_again: int = 0
    declarations: int = 0
    registered: int = 0
    ordered: int = 0
    """First settlements whose order was checked."""


async def check(
    ledger: Ledger,
    hub: HubProcess,
    *,
    deadline_s: float,
    restart: Callable[[Literal["clean", "crash"]], Awaitable[None]],
    tend: Callable[[], Awaitable[None]] | None = None,
) -> Findings:
    """Wait until all is settled, at most `deadline_s` without any progress; then count.

    A sink that answers 429 with Retry-After takes as many a second as it lets, however many wait.
    """
    findings = Findings(
        acknowledged=len(ledger.acknowledged),
        sent_again=ledger.sent_again,
        declarations=len(ledger.declarations),
        registered=len(ledger.subscriptions),
    )
    problems = findings.problems
    client = hub.client()
    began = moved = time.monotonic()
    least = _left(ledger, await _open_events(client))
    while time.monotonic() - moved < deadline_s:
        if tend is not None:
            await tend()
        left = _left(ledger, await _open_events(client))
        if left < least:
            least, moved = left, time.monotonic()
        if not left:
            findings.settled_after_s = time.monotonic() - began
            break
        await asyncio.sleep(0.2)
    else:
        problems.append(f"nothing was settled for {deadline_s:g} s; open: {least}")
    for name, ids in ledger.missing().items():
        problems.append(f"{name}: {len(ids)} acknowledged events never came: {_some(ids)}")
    await _stored(client, ledger, findings)
    await _dead_letters(client, ledger, findings)
    stored = await stored_ids(client)
    for name, feature in FEATURES.items():
        if feature.key is not None and name in ledger.tallies:
            tally = ledger.tallies[name]
            problems += broken_order(name, tally, stored, ledger.sent, feature.key)[:5]
            findings.ordered += len(tally.order)
    await _registered(client, ledger, problems)
    _webhook_ids(ledger, problems)
    for text in ledger.internal_errors[:3]:
        problems.append(f"{len(ledger.internal_errors)} answers 500, such as {text}")
    await client.close()
    await asyncio.sleep(QUIET_S)
    for how in ("clean", "crash"):
        before = sum(tally.arrived for tally in ledger.tallies.values())
        await restart(how)
        await asyncio.sleep(QUIET_S)
        again = sum(tally.arrived for tally in ledger.tallies.values()) - before
        findings.again_after_restart[how] = again
        if again:
            problems.append(f"{again} deliveries after a restart ({how}) with everything settled")
    for name, tally in ledger.tallies.items():
        findings.subscriptions[name] = {
            "wanted": len(ledger.wanted_by(tally)),
            "taken": len(tally.taken),
            "refused": len(tally.refused),
            "duplicates": tally.duplicates,
            "requests": tally.arrived,
        }
    return findings


async def _open_events(client: Client) -> int:
    answer = await client.ask("GET", "/readyz")
    shards: dict[str, dict[str, int]] = answer.json()["shards"]
    # A shard that nobody owns has said nothing yet: there may be any number.
    return sum(shard["open"] for shard in shards.values()) if shards else UNKNOWN


def _left(ledger: Ledger, open_events: int) -> int:
    """What is not settled yet, by the sinks' word and by the hub's."""
    return sum(map(len, ledger.missing().values())) + open_events


async def _stored(client: Client, ledger: Ledger, findings: Findings) -> None:
    stored: dict[str, list[str]] = {}
    for item in await _all(client, "/events?order=asc&limit=1000"):
        stored.setdefault(item["event"]["id"], []).append(item["position"])
    lost = ledger.acknowledged.keys() - stored.keys()
    if lost:
        findings.problems.append(f"{len(lost)} acknowledged events are not stored: {_some(lost)}")
    for id_, ack in ledger.acknowledged.items():
        # The list shows the first copy; an answer may name a second, when the first was not answered.
        if id_ not in stored or ack.position in stored[id_]:
            continue
        findings.stored_twice += 1
        found = await client.ask("GET", f"/events/{ack.position}")
        if found.status != 200 or found.json()["id"] != id_:
            findings.problems.append(
                f"{id_} does not stand at {ack.position} as answered: {found.status}"
            )


async def _dead_letters(client: Client, ledger: Ledger, findings: Findings) -> None:
    letters = await _all(client, "/channels/deadletters/events?order=asc&limit=1000")
    findings.dead_letters = len(letters)
    buried = {letter["event"]["id"] for letter in letters}
    for name, tally in ledger.tallies.items():
        unburied = tally.refused - tally.taken.keys() - buried
        if unburied:
            findings.problems.append(
                f"{name}: {len(unburied)} refused events are no dead letters: {_some(unburied)}"
            )


async def _registered(client: Client, ledger: Ledger, problems: list[str]) -> None:
    answer = await client.ask("GET", "/subscriptions")
    gone = ledger.subscriptions - {one["id"] for one in answer.json()}
    if gone:
        problems.append(f"{len(gone)} acknowledged subscriptions are gone: {_some(gone)}")
    for path in sorted(ledger.declarations):
        found = await client.ask("GET", path)
        if found.status != 200:
            problems.append(f"an acknowledged declaration is gone: {path}")


def _webhook_ids(ledger: Ledger, problems: list[str]) -> None:
    owners: dict[str, tuple[str, str]] = {}
    for name, tally in ledger.tallies.items():
        for id_, keys in tally.webhook_ids.items():
            if len(keys) != 1:
                problems.append(f"{name}: {id_} came under {len(keys)} webhook-ids")
            problems += [
                f"one webhook-id for {owners[key]} and {(name, id_)}"
                for key in keys
                if owners.setdefault(key, (name, id_)) != (name, id_)
            ]


async def stored_ids(client: Client) -> list[str]:
    """The ids of the default channel's events as they stand in the log, each where it stands first."""
    found = await _all(client, "/events?order=asc&limit=1000")
    return list(dict.fromkeys(item["event"]["id"] for item in found))


async def _all(client: Client, target: str) -> list[Any]:
    """Every item of a list, page by page."""
    items: list[Any] = []
    while True:
        answer = await client.ask("GET", target)
        assert answer.status == 200, f"GET {target}: {answer.status} {answer.body[:500]!r}"
        page = answer.json()
        if not page:
            return items
        items += page
        found = _NEXT.search(answer.headers["link"])
        assert found is not None
        target = found[1]


def _some(ids: set[str] | list[str]) -> str:
    return ", ".join(sorted(ids)[:10]) + (" …" if len(ids) > 10 else "")
