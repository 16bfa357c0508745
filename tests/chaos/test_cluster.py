"""The short form of the cluster's chaos: each kind of kill once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.chaos.cluster import run, told


@pytest.mark.chaos
@pytest.mark.engine
@pytest.mark.timeout(300)
async def test_two_hubs_over_three_servers_lose_nothing_when_hubs_servers_and_leaders_are_killed(
    tmp_path: Path,
) -> None:
    def say(text: str) -> None:
        sys.stdout.write(f"{text}\n")

    outcome = await run(tmp_path, say, cycles=1, watched_s=8.0)
    assert not outcome.problems, told(outcome)
    assert outcome.acknowledged > 100
    assert len(outcome.gaps) == 3
    say(told(outcome))
