"""A hub in a process of its own, as `chappe dev` starts it, that is gone when the demo ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

START_WITHIN_S = 20.0
STOP_WITHIN_S = 15.0
_LOOK_S = 0.02


class Failed(Exception):
    """The demo cannot go on; the message says why."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a command wrote, and how it ended."""

    out: str
    err: str
    code: int


@asynccontextmanager
async def hub_process(directory: Path) -> AsyncIterator[str]:
    """Run a hub on a free port; gives its URL.

    Raises:
        Failed: it did not start, or did not end as it should.
    """
    log = directory / "hub.log"
    data = directory / "data"
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "chappe", "dev", "--port", "0", "--data", data),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            cwd=directory,
            env=environment(),
            # Ctrl-C goes to the demo alone, which then ends the hub in order.
            start_new_session=True,
        )
    try:
        yield await _url(process, data / "hub.json", log)
    finally:
        await _end(process, log)


async def run_cli(url: str, arguments: Sequence[str], *, color: bool) -> Said:
    """Run one command of the command line, as a user would."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chappe", "--url", url),
        *("--color", "always" if color else "never"),
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(),
    )
    try:
        out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Said(out.decode(), err.decode(), process.returncode)


def environment() -> Mapping[str, str]:
    """The environment without the user's own settings of Chappe: the demo is the same everywhere."""
    # The demo starts processes, so the environment is its business.
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CHAPPE_")}  # noqa: TID251
    return {**kept, "PYTHONIOENCODING": "utf-8"}


async def _url(process: asyncio.subprocess.Process, file: Path, log: Path) -> str:
    try:
        async with asyncio.timeout(START_WITHIN_S):
            while process.returncode is None:
                if (url := _told(file)) is not None:
                    return url
                await asyncio.sleep(_LOOK_S)
    except TimeoutError as exc:
        raise Failed(f"the hub did not start within {START_WITHIN_S:.0f} s; {_last(log)}") from exc
    raise Failed(f"the hub ended at once with exit code {process.returncode}; {_last(log)}")


def _told(file: Path) -> str | None:
    try:
        return str(msgspec.json.decode(file.read_bytes(), type=dict[str, object])["url"])
    except FileNotFoundError:
        return None


async def _end(process: asyncio.subprocess.Process, log: Path) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_WITHIN_S):
            code = await process.wait()
    except TimeoutError as exc:
        process.kill()
        await process.wait()
        raise Failed(f"the hub did not stop within {STOP_WITHIN_S:.0f} s; {_last(log)}") from exc
    if code != 0:
        raise Failed(f"the hub ended with exit code {code}; {_last(log)}")


def _last(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "its last words:\n" + "\n".join(lines[-12:])
