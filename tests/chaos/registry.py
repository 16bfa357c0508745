"""Chaos for the registry: `python -m tests.chaos.registry --rounds 12`; exit code 1 on any broken promise.

Six writers over HTTP, each request a tree of entities; the hub, its engine or both are killed again
and again; then everything is counted (see registry_check).
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from random import Random

from tests.chaos.hub import HubProcess, is_running, wait_until
from tests.chaos.registry_check import Findings, check, engine_of, keep_copy
from tests.chaos.registry_load import Requests, Writer, prepare
from tests.chaos.rounds import KILLS, Kill, Plan, Supervisor, strike

WRITERS = 6
BACK_WITHIN_S = 30.0


async def run(plan: Plan, directory: Path, say: Callable[[str], None], *, least: int) -> Findings:
    """The whole run on a fresh data directory; `least` is how many writes are acknowledged in it."""
    random = Random(plan.seed)
    requests = Requests()
    hub = HubProcess(directory / "data", "--registry-id", "chaos")
    supervisor = Supervisor(hub)
    async with asyncio.TaskGroup() as tasks:
        supervising = tasks.create_task(supervisor.run(), name="supervisor")
        try:
            await wait_until(lambda: hub.is_ready, "the hub serves")
            async with engine_of(hub) as connection:
                await keep_copy(connection)
            client = hub.client()
            await prepare(client)
            epoch = (await client.ask("GET", "/")).json()["epoch"]
            await client.close()
            await _under_load(plan, random, requests, hub, tasks, say, least)
            starts = hub.starts
            await hub.crash()
            await wait_until(lambda: hub.starts > starts and hub.is_ready, "the hub serves again")
            say("load off; counting what the last start has read")
            async with engine_of(hub) as connection:
                return await check(requests, hub, connection, epoch)
        finally:
            supervisor.stop()
            supervising.cancel()
            await hub.crash()


async def _under_load(
    plan: Plan,
    random: Random,
    requests: Requests,
    hub: HubProcess,
    tasks: asyncio.TaskGroup,
    say: Callable[[str], None],
    least: int,
) -> None:
    over = asyncio.Event()
    working = [
        tasks.create_task(
            Writer(hub.client(), requests, Random(random.random()), plan.pause_s).run(over.is_set),
            name=f"writer {number}",
        )
        for number in range(WRITERS)
    ]
    for number in range(plan.rounds):
        after_s = random.uniform(0.3, plan.calm_s)
        await asyncio.sleep(after_s)
        kind = KILLS[number % len(KILLS)]
        await _struck(hub, kind, requests)
        say(
            f"round {number + 1:>2} of {plan.rounds}: kill -9 {kind:<6} after {after_s:4.2f} s;"
            f" {len(requests.acknowledged)} of {len(requests.all)} acknowledged"
        )
    await wait_until(lambda: len(requests.acknowledged) >= least, f"{least} writes are done")
    over.set()
    async with asyncio.timeout(BACK_WITHIN_S):
        await asyncio.gather(*working)


async def _struck(hub: HubProcess, kind: Kill, requests: Requests) -> None:
    """Kill, and wait until a write that was begun after it is acknowledged."""
    struck = strike(hub, kind)
    await wait_until(lambda: not any(map(is_running, struck)), "what was killed has ended")
    began = len(requests.all)
    await wait_until(
        lambda: any(one.acknowledged for one in requests.all[began:]),
        f"the registry takes writes again; the hub's last words:\n{hub.last_words()}",
        within_s=BACK_WITHIN_S,
    )


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.registry", description=__doc__)
    parser.add_argument("--rounds", type=int, default=12, help="how many kills")
    parser.add_argument("--seed", type=int, help="repeat the choices of an earlier run")
    arguments = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if arguments.seed is None else arguments.seed
    _say(f"the registry, seed {seed}")
    directory = Path(tempfile.mkdtemp(prefix="chappe-chaos-"))
    plan = Plan(arguments.rounds, seed, pause_s=0.01)
    found = asyncio.run(run(plan, directory, _say, least=600))
    for name, value in asdict(found).items():
        _say(f"  {name:<18} {value}")
    if found.problems:
        _say(f"kept: {directory}")
        return 1
    shutil.rmtree(directory)
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
