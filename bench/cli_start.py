"""How long the command line takes to begin: processor time of a whole process, beside bare Python.

    python -m bench.cli_start [ROUNDS]

What is measured is user and system time of the child, so that others on the machine count little; the
rounds are interleaved, and the median of each is shown. `kubectl` is another command line of this kind.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence

ROUNDS = 15
_HELLO = "import click\n@click.command()\ndef hello(): pass\nhello(standalone_mode=False)"
_CHAPPE = ("-m", "chappe")


def main(rounds: int = ROUNDS) -> None:
    """The table."""
    python = sys.executable
    asked: dict[str, Sequence[str]] = {
        "python -c pass": (python, "-c", "pass"),
        "a click command": (python, "-c", _HELLO),
        "chappe --help": (python, *_CHAPPE, "--help"),
        "chappe type --help": (python, *_CHAPPE, "type", "--help"),
        "chappe version": (python, *_CHAPPE, "version"),
        "TAB after chappe type": (python, *_CHAPPE),
        "chappe type ls --help": (python, *_CHAPPE, "type", "ls", "--help"),
    }
    kubectl = shutil.which("kubectl")
    if kubectl is not None:
        asked["kubectl version --client"] = (kubectl, "version", "--client")
    print(
        "\nStart of the command line (processor time of a process, median of interleaved rounds)\n"
    )
    with tempfile.TemporaryDirectory() as home:
        took: dict[str, list[float]] = {name: [] for name in asked}
        for _ in range(rounds):
            for name, command in asked.items():
                took[name].append(_measured(command, _environment(home, name)))
    bare, click = (statistics.median(took[name]) for name in list(asked)[:2])
    print(f"  {'':26} {'ms':>6}  {'of bare':>8}  {'of click':>8}")
    for name, found in took.items():
        middle = statistics.median(found)
        print(f"  {name:26} {middle:6.1f}  {middle / bare:7.2f}x  {middle / click:7.2f}x")
    if kubectl is None:
        print("  (no kubectl here)")


def _environment(home: str, name: str) -> Mapping[str, str]:
    clean = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    clean = {k: v for k, v in clean.items() if not k.startswith("CHAPPE_")} | {"HOME": home}
    if name.startswith("TAB"):
        asked = {"COMP_WORDS": "chappe type ", "COMP_CWORD": "2"}
        return {**clean, "_CHAPPE_COMPLETE": "bash_complete", **asked}
    return clean


def _measured(command: Sequence[str], environment: Mapping[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
