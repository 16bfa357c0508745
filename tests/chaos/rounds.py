"""The run: load on, kill after kill, load off, wait, count.

supervisor   starts the hub again whenever it has ended, as systemd would
publishers   six connections, two of them with batches
subscriptions  healthy, flaky, filtered, outage, slow; half-way: late (from then on), early (all)
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Literal, TypeAlias

from tests.chaos.check import Findings, check
from tests.chaos.clock import JumpingClock, jumping_clock
from tests.chaos.features import FEATURES
from tests.chaos.http import Client, NoAnswer
from tests.chaos.hub import HubProcess, is_running, kill, wait_until
from tests.chaos.keeper import Keeper, replayed, subscribed_features
from tests.chaos.ledger import Ledger
from tests.chaos.load import Publisher, Registrar
from tests.chaos.sinks import Receivers, tally_of

Kill: TypeAlias = Literal["hub", "engine", "both"]
KILLS: Sequence[Kill] = ("hub", "engine", "both")
FIRST = ("healthy", "flaky", "filtered", "outage", "slow")
SETTLED_WITHIN_S = 90.0
BACK_WITHIN_S = 30.0

_RETRY = {"max_attempts": 1000, "base_s": 0.1, "max_backoff_s": 1.0}
_CONCURRENCY = {"slow": 3}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done: `calm_s` bounds the time between two kills; `pause_s` sets the load."""

    rounds: int
    seed: int
    calm_s: float = 3.5
    pause_s: float = 0.03
    shards: int = 4
    features: bool = False
    """Also subscriptions with order, batches, breaker, rate and all else (see features), one replayed."""
    clock_jumps: bool = False
    """Whether the hub's wall clock is set an hour or a day back or on at some kills."""


@dataclass(slots=True)
class Round:
    """One kill, and how long the hub took to acknowledge an event again."""

    kill: Kill
    after_s: float
    back_s: float = 0.0


@dataclass(slots=True)
class Report:
    """Everything that is worth knowing of a run."""

    plan: Plan
    rounds: list[Round] = field(default_factory=list)
    hub_starts: int = 0
    load_s: float = 0.0
    settled_s: float = 0.0
    findings: Findings = field(default_factory=Findings)


class Supervisor:
    """Starts the hub whenever it has ended, until told to stop."""

    def __init__(self, hub: HubProcess) -> None:
        self._hub = hub
        self._stopped = False

    async def run(self) -> None:
        """Start, wait for its end, again."""
        while not self._stopped:
            await self._hub.spawn()
            await self._hub.wait()
            await asyncio.sleep(0.05)

    def stop(self) -> None:
        """The end that comes next is the last."""
        self._stopped = True


async def run(plan: Plan, directory: Path, say: Callable[[str], None]) -> Report:
    """The whole run on a fresh data directory below `directory`."""
    random = Random(plan.seed)
    report = Report(plan)
    ledger = Ledger()
    receivers = Receivers(ledger, Random(random.random()))
    clock = await jumping_clock(directory) if plan.clock_jumps else None
    hub = HubProcess(
        directory / "data",
        "--shards",
        str(plan.shards),
        environment=None if clock is None else clock.environment,
    )
    supervisor = Supervisor(hub)
    async with receivers.server, asyncio.TaskGroup() as tasks:
        supervising = tasks.create_task(supervisor.run(), name="supervisor")
        try:
            keeper = await _under_load(
                plan, report, random, ledger, receivers, hub, tasks, clock, say
            )
            say("load off; waiting until all is settled")
            began = time.monotonic()
            report.findings = await check(
                ledger,
                hub,
                deadline_s=SETTLED_WITHIN_S,
                restart=_restarter(hub),
                tend=None if keeper is None else keeper.tend,
            )
            if keeper is not None:
                await keeper.close()
            report.settled_s = report.findings.settled_after_s or time.monotonic() - began
        finally:
            supervisor.stop()
            supervising.cancel()
            report.hub_starts = hub.starts
            await hub.crash()
    return report


async def _under_load(
    plan: Plan,
    report: Report,
    random: Random,
    ledger: Ledger,
    receivers: Receivers,
    hub: HubProcess,
    tasks: asyncio.TaskGroup,
    clock: JumpingClock | None,
    say: Callable[[str], None],
) -> Keeper | None:
    """Publish, kill and start again as planned; who looks after the features is needed further."""
    at_work = {name: await _subscribe(hub, ledger, receivers, name) for name in FIRST}
    asked_of = subscribed_features(plan.shards) if plan.features else ()
    featured = {name: await _subscribe(hub, ledger, receivers, name) for name in asked_of}
    receivers.mischief = plan.features
    over = asyncio.Event()
    began = time.monotonic()
    clients = [
        Publisher(
            hub.client(),
            ledger,
            Random(random.random()),
            batch=12 if number < 2 else 1,
            pause_s=plan.pause_s,
        )
        for number in range(6)
    ]
    working = [
        tasks.create_task(client.run(over.is_set), name=f"publisher {number}")
        for number, client in enumerate(clients)
    ]
    registrar = Registrar(hub.client(), ledger, at_work=at_work)
    working.append(tasks.create_task(registrar.run(over.is_set), name="registrar"))
    keeper = None
    if plan.features:
        keeper = Keeper(hub.client(), featured, Random(random.random()))
        working.append(tasks.create_task(keeper.run(over.is_set), name="keeper"))
    await _back(hub, ledger, [])
    hasty = False
    for number in range(plan.rounds):
        if number == plan.rounds // 2:
            at_work["late"] = await _subscribe(hub, ledger, receivers, "late")
            at_work["early"] = await _subscribe(hub, ledger, receivers, "early", start="earliest")
            if plan.features:
                await replayed(hub, ledger, featured["keyed"], receivers.url("replayed"))
        if clock is not None and number % 2:
            say(f"the hub's clock is set by {clock.jump(random):+d} s")
        receivers.down = number % 4 in (1, 2)
        # Now and then while the hub is still coming back from the kill before.
        after_s = random.uniform(0.05, 0.8) if hasty else random.uniform(0.8, plan.calm_s)
        one = Round(KILLS[number % len(KILLS)], after_s)
        report.rounds.append(one)
        await asyncio.sleep(after_s)
        struck = strike(hub, one.kill)
        hasty = random.random() < 0.3
        if not hasty:
            one.back_s = await _back(hub, ledger, struck)
        say(
            f"round {number + 1:>2} of {plan.rounds}: kill -9 {one.kill:<6} after {after_s:4.2f} s;"
            + (" not waited for" if hasty else f" back in {one.back_s:4.2f} s")
            + f"; {len(ledger.acknowledged)} acknowledged"
        )
    receivers.down = receivers.mischief = False
    await _back(hub, ledger, [])
    over.set()
    try:
        async with asyncio.timeout(BACK_WITHIN_S):
            await asyncio.gather(*working)
    except TimeoutError:
        raise AssertionError(
            f"some requests are still not answered as they should be; {ledger.internal_errors[-1:]}"
        ) from None
    report.load_s = time.monotonic() - began
    return keeper


def strike(hub: HubProcess, what: Kill) -> Sequence[int]:
    """`kill -9`; the processes that were there to be hit."""
    hit = {"hub": [hub.pid], "engine": [hub.engine_pid], "both": [hub.engine_pid, hub.pid]}[what]
    found = [pid for pid in hit if pid is not None]
    for pid in found:
        kill(pid)
    return found


async def _back(hub: HubProcess, ledger: Ledger, struck: Sequence[int]) -> float:
    """The seconds from the kill to the first acknowledgement of an event made after it."""
    began = time.monotonic()
    await wait_until(lambda: not any(map(is_running, struck)), "what was killed has ended")
    made = ledger.next_number
    await wait_until(
        lambda: ledger.newest >= made,
        f"the hub takes events again; its last words:\n{hub.last_words()}",
        within_s=BACK_WITHIN_S,
    )
    return time.monotonic() - began


async def _subscribe(
    hub: HubProcess, ledger: Ledger, receivers: Receivers, name: str, *, start: str = "latest"
) -> str:
    """Make the subscription, and remember what it wants from then on."""
    tally = tally_of(name)
    tally.since = sys.maxsize  # until the answer is there
    document: dict[str, object] = {
        "sink": receivers.url(name),
        "protocol": "HTTP",
        "start": start,
        "retry": _RETRY,
        "concurrency": _CONCURRENCY.get(name, 32),
    }
    if name == "filtered":
        document["filters"] = [{"prefix": {"subject": "eu-"}}, {"exact": {"type": "chaos.order"}}]
    if name == "slow":
        document["types"] = ["chaos.order"]
    if name in FEATURES:
        document |= {"timeout_s": 10, **FEATURES[name].fields}
    ledger.tallies[name] = tally
    async with asyncio.timeout(BACK_WITHIN_S):
        while (id_ := await _made(hub, document)) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    # Events that are numbered from now on are sent after the answer.
    tally.since = ledger.next_number if start == "latest" else 0
    ledger.subscriptions.add(id_)
    return id_


async def _made(hub: HubProcess, document: dict[str, object]) -> str | None:
    client = hub.client()
    try:
        answer = await client.ask_json("POST", "/subscriptions", document)
    except NoAnswer:
        return None
    finally:
        await client.close()
    assert answer.status in (201, 500, 503), answer.body
    return str(answer.json()["id"]) if answer.status == 201 else None


def _restarter(hub: HubProcess) -> Callable[[Literal["clean", "crash"]], Awaitable[None]]:
    async def restart(how: Literal["clean", "crash"]) -> None:
        starts = hub.starts
        if how == "clean":
            await hub.stop()
        else:
            await hub.crash()
        client: Client = hub.client()
        async with asyncio.timeout(BACK_WITHIN_S):
            while hub.starts == starts or not hub.is_ready:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await client.close()

    return restart
