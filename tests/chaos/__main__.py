"""`python -m tests.chaos --rounds 21 --seed 7`: exit code 1 if anything was lost."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.report import as_json, table
from tests.chaos.rounds import Plan, run


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=21, help="how many kills")
    parser.add_argument("--seed", type=int, help="repeat the choices of an earlier run")
    parser.add_argument("--json", type=Path, help="write the report there, too")
    parser.add_argument("--keep", action="store_true", help="keep the data directory and the log")
    arguments = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if arguments.seed is None else arguments.seed
    _say(f"seed {seed}")
    directory = Path(tempfile.mkdtemp(prefix="chappe-chaos-"))
    report = asyncio.run(run(Plan(arguments.rounds, seed), directory, _say))
    _say(table(report))
    if arguments.json is not None:
        arguments.json.write_text(as_json(report))
    if arguments.keep or report.findings.problems:
        _say(f"kept: {directory}")
    else:
        shutil.rmtree(directory)
    return 1 if report.findings.problems else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
