"""The short form with all features: order, batches, breaker, rate, bad sinks, a replay, and a clock that jumps."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.chaos.clock import can_jump
from tests.chaos.report import table
from tests.chaos.rounds import Plan, run


@pytest.mark.chaos
@pytest.mark.engine
@pytest.mark.timeout(240)
async def test_nothing_is_lost_and_order_kept_with_every_feature_and_bad_sinks(
    tmp_path: Path,
) -> None:
    plan = Plan(rounds=2, seed=5, calm_s=1.0, shards=1, features=True)
    report = await run(plan, tmp_path, print)
    assert not report.findings.problems, table(report)
    assert report.findings.ordered > 300, table(report)
    sys.stdout.write(table(report))


@pytest.mark.chaos
@pytest.mark.engine
@pytest.mark.timeout(240)
@pytest.mark.skipif(not can_jump(), reason="NO CLOCK JUMPS: there is no gcc to make them with")
async def test_nothing_is_lost_and_retries_come_where_the_clock_jumps(tmp_path: Path) -> None:
    plan = Plan(rounds=2, seed=3, calm_s=1.0, shards=4, features=True, clock_jumps=True)
    report = await run(plan, tmp_path, print)
    assert not report.findings.problems, table(report)
