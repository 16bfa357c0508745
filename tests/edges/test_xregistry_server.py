"""The recorded exchanges of xRegistry, replayed over HTTP against a hub that is started for each test.

What differs stands, with the specification's section, in tests/spec/xregistry_divergences.json, and what
differs because of what a hub offers in xregistry_hub_divergences.json beside this file.
tests/spec/test_xregistry_replay.py tells each exchange in process.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("CHAPPE_VECTORS", ROOT.parent / "shared" / "vectors"))
VECTORS = SHARED / "xregistry" / "exchanges.jsonl.gz"
TOOL = SHARED.parent / "tools" / "xregistry_replay.py"
DIVERGENCES = (
    ROOT / "tests" / "spec" / "xregistry_divergences.json",
    ROOT / "tests" / "edges" / "xregistry_hub_divergences.json",
)
PARTS = 4
EACH = 1 if os.environ.get("WHOLE_TESTS") else 8
"""Every eighth test as a rule: each has a hub of its own."""
SERVE = f"{sys.executable} -m chappe dev --port {{port}} --registry-id {{registryid}} --model none"


def names() -> list[str]:
    with gzip.open(VECTORS, "rt") as lines:
        every = [json.loads(line)["name"] for line in lines]
    own = json.loads(DIVERGENCES[1].read_text())
    return [name for at, name in enumerate(every) if at % EACH == 0 or name in own]


def divergences() -> dict[str, dict[str, str]]:
    merged: dict[str, dict[str, str]] = {}
    for file in DIVERGENCES:
        for name, reasons in json.loads(file.read_text()).items():
            merged.setdefault(name, {}).update(reasons)
    return merged


async def replayed(of: list[str], cwd: Path) -> tuple[bool, str]:
    """Whether all exchanges of these tests are as they should be, and what the tool prints of them."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(TOOL), "--serve", SERVE, "--divergences", str(cwd / "divergences.json"),
        "--vectors", str(VECTORS), "-v", "--only", *of,
        cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output = (await process.communicate())[0].decode()
    return process.returncode == 0, output


@pytest.mark.engine
@pytest.mark.timeout(600)
@pytest.mark.skipif(
    not (VECTORS.exists() and TOOL.exists()), reason=f"no recorded exchanges at {VECTORS}"
)
async def test_a_hub_answers_every_recorded_exchange_or_diverges_with_a_reason(
    tmp_path: Path,
) -> None:
    tests = names()
    (tmp_path / "divergences.json").write_text(json.dumps(divergences()))
    parts = [tests[at::PARTS] for at in range(PARTS)]
    counted = 0

    async def worker() -> None:
        nonlocal counted
        while parts:
            part = parts.pop()
            done, output = await replayed(part, tmp_path)
            if not done:
                # The tool finds a free port and then starts the hub: meanwhile somebody else may have
                # taken it, whose answers are these. What really differs differs again.
                done, output = await replayed(part, tmp_path)
            assert done, output
            found = re.search(r"^replay: \d+ of (\d+) tests", output, re.M)
            assert found is not None, output
            counted += int(found[1])

    # Two at a time: most of the time goes by while hubs start and stop.
    await asyncio.gather(worker(), worker())
    assert counted == len(tests)
