"""How long a person waits for an answer: the journeys that have a target, each command cold, as typed.

Prints wall and CPU seconds of the fastest of some runs beside the target; the machine's load is in the wall.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

RUNS = 3
JOURNEYS: Sequence[tuple[str, float, Sequence[str]]] = (
    ("2  who produces it", 1.0, ("find", "order", "paid")),
    ("3  what events exist", 1.0, ("type", "ls", "--label", "owner=team-checkout")),
    ("4  what does it look like", 1.0, ("type", "get", "shop.order.paid")),
    ("4  a sample", 1.0, ("type", "sample", "shop.order.paid")),
    ("5  subscribe (dry run)", 60.0, ("sub", "create", "b", "--no-test", "--dry-run", "--to", "http://127.0.0.1:9/")),
    ("7  is it valid", 0.3, ("event", "validate", "event.json")),
    ("8  may I change it", 3.0, ("schema", "check", "shop.order.paid.json")),
    ("9  did it arrive", 1.0, ("event", "trace", "EVENT")),
    ("10 what failed", 1.0, ("delivery", "ls", "--sub", "crm", "--state", "dead", "--since", "2h")),
    ("11 backfill (dry run)", 60.0, ("sub", "create", "b", "--from", "7d", "--rate", "500/s", "--no-test", "--dry-run", "--to", "http://127.0.0.1:9/")),
    ("15 diff", 5.0, ("diff", "-f", "hub")),
)  # fmt: skip


def main() -> None:
    """Measure against a hub of its own."""
    with tempfile.TemporaryDirectory(prefix="chappe-journeys-") as directory:
        home = Path(directory)
        clean = {k: v for k, v in os.environ.items() if not k.startswith("CHAPPE_")}
        environment = {**clean, "TMPDIR": directory, "PYTHONIOENCODING": "utf-8"}
        begun = time.perf_counter()
        hub = subprocess.Popen(
            [sys.executable, "-m", "chappe", "dev", "--demo", "--port", "0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            cwd=home, env=environment, text=True,
        )  # fmt: skip
        assert hub.stderr is not None
        try:
            said = ""
            while "delivery ls" not in said:
                line = hub.stderr.readline()
                assert line, said
                said += line
            print(
                f"{'1  try it':<28} {time.perf_counter() - begun:6.2f} s wall             target 10 s"
            )
            found = re.search(r"serves (http://\S+)", said)
            assert found is not None
            environment["CHAPPE_URL"] = found[1].rstrip(",")
            _prepare(home, environment)
            for name, target_s, command in JOURNEYS:
                wall_s, cpu_s = _measured(command, home, environment)
                print(
                    f"{name:<28} {wall_s:6.2f} s wall  {cpu_s:5.2f} s CPU   target {target_s:g} s"
                )
        finally:
            hub.send_signal(signal.SIGINT)
            hub.stderr.read()
            hub.wait(60)


def _prepare(home: Path, environment: dict[str, str]) -> None:
    event = _run(("type", "sample", "shop.order.paid"), home, environment)
    (home / "event.json").write_bytes(event)
    shown = json.loads(_run(("type", "get", "shop.order.paid", "-o", "json"), home, environment))
    shown["dataschema"]["required"].append("vat")
    (home / "shop.order.paid.json").write_text(json.dumps(shown["dataschema"]))
    _run(("export", "hub"), home, environment)


def _measured(
    command: Sequence[str], home: Path, environment: dict[str, str]
) -> tuple[float, float]:
    if "EVENT" in command:
        newest = _run(("event", "ls", "--limit", "1", "-o", "name"), home, environment)
        command = [newest.decode().strip() if one == "EVENT" else one for one in command]
    best = (float("inf"), float("inf"))
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begun = time.perf_counter()
        _run(command, home, environment)
        wall_s = time.perf_counter() - begun
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        best = min(best, (wall_s, cpu_s))
    return best


def _run(command: Sequence[str], home: Path, environment: dict[str, str]) -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", "chappe", *command],
        stdin=subprocess.DEVNULL, capture_output=True, cwd=home, env=environment, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr.decode()
    return done.stdout


if __name__ == "__main__":
    main()
