"""The short form: each kind of kill once, and the same count afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

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
