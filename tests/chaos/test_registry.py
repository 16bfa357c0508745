"""The short form of the registry's chaos: each kind of kill once, and a snapshot on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.registry import run
from tests.chaos.rounds import Plan


@pytest.mark.chaos
@pytest.mark.engine
@pytest.mark.timeout(120)
async def test_no_acknowledged_write_is_lost_halved_or_told_twice_when_hub_and_engine_are_killed(
    tmp_path: Path,
) -> None:
    found = await run(Plan(rounds=3, seed=11, calm_s=1.0, pause_s=0.0), tmp_path, print, least=560)
    assert not found.problems, found
    assert found.snapshot_revision, "more transactions than one snapshot holds"
    assert found.events > found.acknowledged
