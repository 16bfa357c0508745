"""The short form: each kind of kill once, and the same count afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.chaos.hub import is_running, kill, wait_until
from tests.chaos.report import table
from tests.chaos.rounds import Plan, run


@pytest.mark.chaos
@pytest.mark.engine
@pytest.mark.timeout(120)
async def test_nothing_acknowledged_is_lost_when_hub_and_engine_are_killed_under_load(
    tmp_path: Path,
) -> None:
    report = await run(Plan(rounds=3, seed=20, calm_s=2.0), tmp_path, print)
    assert not report.findings.problems, table(report)
    assert report.findings.acknowledged > 100, table(report)


def descendants(pid: int) -> Sequence[int]:
    """The processes that a process has started, and those that they have."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            found += (int(child), *descendants(int(child)))
    return found


@pytest.mark.chaos
@pytest.mark.engine
async def test_sigterm_ends_the_run_with_its_hub_and_engine() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.chaos", "--rounds", "99", stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await wait_until(lambda: len(descendants(process.pid)) >= 3, "hub and engine run")
        started = descendants(process.pid)
        process.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(process.wait(), 60)
    finally:
        kill(process.pid if process.returncode is None else None)
    assert code == 128 + signal.SIGTERM
    await wait_until(lambda: not any(map(is_running, started)), "all of them have ended")
