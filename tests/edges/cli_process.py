"""The command line as a user has it: processes against a real hub, started by `chappe dev`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest

OPTIONS = ("--port", "0", "--confluent-port", "0")


@dataclass(frozen=True)
class Ran:
    out: str
    err: str
    code: int

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def actions(self) -> dict[str, str]:
        """What was done to which xid."""
        return {one["xid"]: one["action"] for one in self.json}


@dataclass(frozen=True)
class Cli:
    """Runs `chappe` against the hub of the module."""

    url: str
    home: Path

    def __call__(self, *args: str, stdin: str = "", env: Mapping[str, str] | None = None) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "chappe", *args],
            input=stdin.encode(),
            capture_output=True,
            timeout=60,
            cwd=self.home,
            env=self.environment(env),
            check=False,
        )
        return Ran(done.stdout.decode(), done.stderr.decode(), done.returncode)

    def environment(self, env: Mapping[str, str] | None = None) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("CHAPPE_")}
        return {**clean, "CHAPPE_URL": self.url, "PYTHONIOENCODING": "utf-8", **(env or {})}

    def apply(self, *bodies: object, options: tuple[str, ...] = ()) -> Ran:
        text = "\n".join(map(json.dumps, bodies))
        return self("apply", "-f", "-", "-o", "json", *options, stdin=text)

    def put(self, path: str, body: bytes) -> None:
        request = Request(self.url + path, body, {"content-type": "application/json"}, method="PUT")
        with urlopen(request, timeout=10):
            pass

    def body(self, path: str) -> bytes:
        with urlopen(self.url + path, timeout=10) as answer:
            return bytes(answer.read())


@pytest.fixture(scope="module")
def chappe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    home = tmp_path_factory.mktemp("cli")
    with (home / "log").open("wb") as log:
        hub = subprocess.Popen(
            [sys.executable, "-m", "chappe", "dev", *OPTIONS, "--data", str(home / "data")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=home,
            env={k: v for k, v in os.environ.items() if not k.startswith("CHAPPE_")},
        )
    try:
        file = home / "data" / "hub.json"
        until = time.monotonic() + 30
        while not file.exists():
            assert hub.poll() is None, (home / "log").read_text()
            assert time.monotonic() < until, (home / "log").read_text()
            time.sleep(0.05)
        yield Cli(json.loads(file.read_bytes())["url"], home)
    finally:
        hub.send_signal(signal.SIGTERM)
        assert hub.wait(30) == 0


@pytest.fixture
def name() -> str:
    """An id that no other test uses."""
    return f"n{uuid4().hex[:12]}"


def shop(name: str, **messages: Mapping[str, Any]) -> dict[str, Any]:
    return {"messagegroups": {name: {"description": f"group {name}", "messages": messages}}}


def schemas(name: str, *versions: Mapping[str, Any]) -> dict[str, Any]:
    numbered = {
        str(number): {"format": "JsonSchema/draft-07", "schema": one}
        for number, one in enumerate(versions, start=1)
    }
    return {"schemagroups": {name: {"schemas": {"order": {"versions": numbered}}}}}
