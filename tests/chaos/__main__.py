"""`python -m tests.chaos --rounds 21 --seed 7`: exit code 1 if anything was lost."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from tests.chaos.clock import can_jump
from tests.chaos.report import as_json, table
from tests.chaos.rounds import Plan, Report, run


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=21, help="how many kills")
    parser.add_argument("--seed", type=int, help="repeat the choices of an earlier run")
    parser.add_argument("--json", type=Path, help="write the report there, too")
    parser.add_argument("--shards", type=int, default=4, help="of the default channel")
    parser.add_argument(
        "--features",
        action="store_true",
        help="order, batches, breaker, rate, transform, CESQL, signing, pauses, a replay; bad sinks",
    )
    parser.add_argument(
        "--clock-jumps", action="store_true", help="the hub's wall clock jumps (needs gcc)"
    )
    parser.add_argument("--keep", action="store_true", help="keep the data directory and the log")
    arguments = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if arguments.seed is None else arguments.seed
    _say(f"seed {seed}")
    plan = Plan(
        arguments.rounds,
        seed,
        shards=arguments.shards,
        features=arguments.features,
        clock_jumps=arguments.clock_jumps and can_jump(),
    )
    if arguments.clock_jumps and not plan.clock_jumps:
        _say("NO CLOCK JUMPS: there is no gcc to make them with")
    directory = Path(tempfile.mkdtemp(prefix="chappe-chaos-"))
    try:
        report = asyncio.run(_until_told(run(plan, directory, _say)))
    except asyncio.CancelledError:
        _say(f"ended by SIGTERM{f'; kept: {directory}' if arguments.keep else ''}")
        if not arguments.keep:
            shutil.rmtree(directory)
        return 128 + signal.SIGTERM
    _say(table(report))
    if arguments.json is not None:
        arguments.json.write_text(as_json(report))
    if arguments.keep or report.findings.problems:
        _say(f"kept: {directory}")
    else:
        shutil.rmtree(directory)
    return 1 if report.findings.problems else 0


async def _until_told(work: Coroutine[Any, Any, Report]) -> Report:
    """The work, which SIGTERM ends as Ctrl-C does: with everything that it has started."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
