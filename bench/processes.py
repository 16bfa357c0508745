"""The processes that the benchmarks run: a hub, an engine of its own, a do-nothing server, a sink."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_TICKS = os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def hub(*options: str) -> Iterator[str]:
    """A hub on a fresh data directory; its URL."""
    with hub_process(*options) as (url, _):
        yield url


@contextlib.contextmanager
def hub_process(*options: str) -> Iterator[tuple[str, int]]:
    """The same, with its process id."""
    with tempfile.TemporaryDirectory(prefix="chappe-bench-") as data:
        command = [sys.executable, "-m", "chappe", "serve", "--port", "0", "--data", data]
        command += ["--log-level", "warning", *options]
        with _running(command) as process:
            found = Path(data) / "hub.json"
            _wait(found.exists, process)
            yield str(json.loads(found.read_text())["url"]), process.pid


@contextlib.contextmanager
def python(module: str, *arguments: str) -> Iterator[str]:
    """A module that prints one line when it is ready; the line."""
    with python_process(module, *arguments) as (line, _):
        yield line


@contextlib.contextmanager
def python_process(module: str, *arguments: str) -> Iterator[tuple[str, int]]:
    """The same, with its process id."""
    with _running([sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline().decode().strip()
        if line.startswith("http"):
            _wait(lambda: _answers(line), process)
        yield line, process.pid


def used_s(pid: int) -> float:
    """Processor time of a process and of the helpers that it started, but not of its engine."""
    total = 0.0
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for one in [pid, *map(int, children)]:
        name, _, fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")
        if not name.endswith("(nats-server"):
            user, system = fields.split()[11:13]
            total += (int(user) + int(system)) / _TICKS
    return total


def call(
    method: str, url: str, body: object = None, *, content_type: str = "application/json"
) -> Any:
    """One JSON request."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        url, data=data, method=method, headers={"content-type": content_type}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text else None


@contextlib.contextmanager
def _running(command: list[str], stdout: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=stdout, env=os.environ)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=1).close()
    except OSError:
        return False
    return True


def _wait(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"it did not start (exit code {process.poll()})")
        time.sleep(0.02)
