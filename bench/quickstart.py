"""`make quickstart`: from a fresh clone to the first traced event, as a newcomer would; at most 60 s.

Nothing of this checkout's environment is used but Python, make and git. Ends with 1 where it took longer.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST_S = 60.0
READY_WITHIN_S = 60.0


def main() -> int:
    """Measure each step; the exit code."""
    place = Path(tempfile.mkdtemp(prefix="chappe-quickstart-"))
    try:
        return _measured(place)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _measured(place: Path) -> int:
    clone = place / "chappe"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
    } | {"CHAPPE_URL": f"http://127.0.0.1:{port}"}
    chappe = str(clone / ".venv" / "bin" / "chappe")
    began_s = last_s = time.monotonic()

    def step(name: str) -> None:
        nonlocal last_s
        now_s = time.monotonic()
        print(f"{name:<28} {now_s - last_s:6.1f} s", flush=True)
        last_s = now_s

    def run(command: Sequence[str], cwd: Path) -> str:
        done = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    run(("git", "clone", "-q", str(ROOT), str(clone)), place)
    step("clone")
    run(("make", ".venv/.ready"), clone)
    step("install")
    log = (place / "hub.log").open("w+")
    hub = subprocess.Popen(
        (chappe, "dev", "--port", str(port)), cwd=place, env=environment, stdout=log, stderr=log
    )
    try:
        while "127.0.0.1" not in (place / "hub.log").read_text():
            if hub.poll() is not None or time.monotonic() - last_s > READY_WITHIN_S:
                raise SystemExit(f"the hub does not start:\n{(place / 'hub.log').read_text()}")
            time.sleep(0.05)
        step("chappe dev")
        run((chappe, "sub", "create", "--type", "order.paid", "--pull"), place)
        step("chappe sub create")
        run((chappe, "event", "send", "--type", "order.paid", "--id", "A-1", "-d", "{}"), place)
        step("chappe event send")
        traced = run((chappe, "event", "trace", "A-1"), place)
        step("chappe event trace")
    finally:
        hub.send_signal(signal.SIGTERM)
        hub.wait(30)
        log.close()
    if "A-1" not in traced or "position" not in traced:
        raise SystemExit(f"no trace of the event:\n{traced}")
    took_s = last_s - began_s
    print(f"{'to the first traced event':<28} {took_s:6.1f} s   (at most {MOST_S:.0f})")
    return 0 if took_s <= MOST_S else 1


if __name__ == "__main__":
    sys.exit(main())
