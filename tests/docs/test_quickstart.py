"""The commands of docs/quickstart.md and README.md work, and say what the pages say they do.

Blocks marked `console` are run in order, in one directory, against one hub. What differs from run to
run (positions, times, ids, ports, latencies) is compared by its form only.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]
HUB, SINK = "127.0.0.1:4280", "127.0.0.1:9000"
VARIES = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +0\.\d+", "SEEN RATE"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+", "TIME"),
    (r"\b\d\d:\d\d:\d\d\.\d+", "TIME"),
    (r"\b[0-9a-f]{16}\b", "NODE"),
    (r"\bs-[0-9a-f]+\b", "SUBSCRIPTION"),
    (r"\b\d-\d+-\d+\b", "POSITION"),
    (r"\bin [\d.]+ m?s\b", "in LATENCY"),
    (r"127\.0\.0\.1:\d+", "HOST"),
    (r"[ ]+", " "),
)


def form(text: str) -> list[str]:
    for pattern, word in VARIES:
        text = re.sub(pattern, word, text)
    return [line.rstrip() for line in text.splitlines()]


def steps(page: Path) -> list[tuple[str, str]]:
    """Each command of the page with the output that the page shows."""
    found: list[tuple[str, str]] = []
    for block in re.findall(r"^```console\n(.*?)^```", page.read_text("utf-8"), re.M | re.S):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], ""))
            else:
                command, output = found[-1]
                found[-1] = command, f"{output}{line}\n"
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(*command: str, cwd: Path, ready: Path | int) -> Iterator[None]:
    """A process until the end of the block; `ready`: its file is there, or its port answers."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CHAPPE_")}
    process = subprocess.Popen(
        [sys.executable, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=cwd,
        env={**environment, "PYTHONPATH": str(ROOT)},
    )
    try:
        until = time.monotonic() + 30
        while not _is_ready(ready):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _is_ready(ready: Path | int) -> bool:
    if isinstance(ready, Path):
        return ready.exists()
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", ready)) == 0


@pytest.mark.parametrize("name", ["docs/quickstart.md", "README.md"])
def test_each_command_of_the_page_says_what_the_page_says(name: str, tmp_path: Path) -> None:
    sink = free_port()
    data = tmp_path / "data"
    hub = ("-m", "chappe", "dev", "--port", "0", "--data", str(data))
    with (
        running(*hub, cwd=tmp_path, ready=data / "hub.json"),
        running("-m", "demo.sink", str(sink), cwd=tmp_path, ready=sink),
    ):
        url = json.loads((data / "hub.json").read_bytes())["url"]
        address = url.removeprefix("http://")
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "CHAPPE_URL": url, "PATH": path, "PYTHONIOENCODING": "utf-8"}
        done = ""
        for command, shown in steps(ROOT / name):
            ran = subprocess.run(
                ["bash", "-c", f"(exit {done or 0}); {_here(command, address, sink)}"],
                capture_output=True,
                cwd=tmp_path,
                env=environment,
                timeout=60,
                check=False,
            )
            done = str(ran.returncode)
            said = (ran.stdout + ran.stderr).decode()
            if command == "chappe doctor":
                # The page shows its first line.
                said = said.splitlines()[0]
            assert form(said) == form(shown), f"$ {command}"


def _here(command: str, hub: str, sink: int) -> str:
    return command.replace(HUB, hub).replace(SINK, f"127.0.0.1:{sink}")


@pytest.mark.parametrize("name", ["docs/quickstart.md", "README.md"])
def test_the_page_has_commands(name: str) -> None:
    assert len(steps(ROOT / name)) >= 4
