"""The demo works from end to end, leaves nothing behind, and ends in order when interrupted."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from demo import history as told

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]


def start(tmp_path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "demo"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        # pytest may itself run with SIGINT ignored, which children inherit.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )


def processes_in(directory: Path) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(directory) in command:
            found.append(command)
    return found


def test_the_demo_delivers_everything_and_leaves_nothing_behind(tmp_path: Path) -> None:
    demo = start(tmp_path)
    out, _ = demo.communicate(timeout=90)
    said = out.decode()

    assert demo.returncode == 0, said
    assert "none missing" in said
    assert "2nd attempt" in said
    assert "at /files_changed  rule type" in said
    assert list(tmp_path.iterdir()) == []
    assert processes_in(tmp_path) == []


def test_an_interrupted_demo_stops_its_hub(tmp_path: Path) -> None:
    demo = start(tmp_path)
    assert demo.stdout is not None
    while b"ready after" not in (line := demo.stdout.readline()):
        assert line, "the demo ended before it could be interrupted"
    demo.send_signal(signal.SIGINT)
    said = demo.stdout.read().decode()
    demo.stdout.close()

    assert demo.wait(30) == 130, said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []
    until = time.monotonic() + 5
    while processes_in(tmp_path) and time.monotonic() < until:
        time.sleep(0.05)
    assert processes_in(tmp_path) == []


def test_the_history_names_no_person() -> None:
    events = asyncio.run(told.history()).events
    log = subprocess.run(
        ["git", "-C", str(ROOT), "log", "--format=%an%n%ae%n%cn%n%ce"],
        capture_output=True,
        check=False,
    )
    people = {line for line in log.stdout.decode().splitlines() if "@" in line}

    assert events
    assert not any(person.encode() in (event.data or b"") for event in events for person in people)
    assert {event.type for event in events} <= set(told.TYPES)
    assert all(not event.extensions for event in events)


def test_a_commit_becomes_an_event_without_control_characters() -> None:
    log = (
        "\x1e"
        + "a" * 40
        + "\x1f2026-11-22T10:00:00+01:00\x1fAdd a\tthing\x1f\0src/a.py\0b\x07.py\0"
    )

    (event,) = told._commits(log)

    assert (event.id, event.subject, event.time) == (
        "a" * 40,
        "Add athing",
        "2026-11-22T10:00:00+01:00",
    )
    assert event.data == (
        b'{"hash":"' + b"a" * 40 + b'","subject":"Add athing","files_changed":2,'
        b'"files":["src/a.py","b.py"]}'
    )
