"""One hub for one data directory: the locks that say so, and the node's persistent id.

The kernel holds a lock and drops it when its last holder dies, whatever way it dies.

    DATA/hub.lock             the hub's own; a second hub is refused at once
    DATA/engine/engine.lock   inherited by the hub's engine, so that no second engine ever writes
                              to a store that an engine, outliving its killed hub for a moment,
                              still has open
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chappe.domain.errors import Conflict, InvalidSetting, Unavailable
from chappe.server.private_files import (
    FILE_MODE,
    make_private_directory,
    read_private,
    write_private,
)

_NODE_ID = re.compile(r"[0-9a-f]{16}")
_POLL_S = 0.01


@dataclass(frozen=True, slots=True)
class DataLock:
    """The right to use `data`, held until `release` or the end of the process.

    `node_id` is 16 hex digits, drawn once and kept in DATA/node.id.
    """

    data: Path
    node_id: str
    _fd: int

    def release(self) -> None:
        """Give the directory free; once only."""
        os.close(self._fd)


@dataclass(frozen=True, slots=True)
class EngineLock:
    """The right to run an engine on the store; the engine inherits `fd`."""

    fd: int

    def release(self) -> None:
        """Give the store free; once only, and after the engine has ended."""
        # Unlocks it for those who inherited it too: the engine's guard may need a moment to end.
        fcntl.flock(self.fd, fcntl.LOCK_UN)
        os.close(self.fd)


def lock_data(data: Path) -> DataLock:
    """Take `data`, which is made with mode 0700 where it is missing.

    Raises:
        Conflict: another hub uses the directory; the message has its process id.
        InvalidSetting: the directory cannot be used.
    """
    with _usable(data), contextlib.ExitStack() as undo:
        make_data_directory(data)
        fd = _open(data / "hub.lock")
        undo.callback(os.close, fd)
        if not _locked(fd):
            # Empty for the instant in which the other hub has the lock and writes its id.
            pid = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise Conflict(
                f"data: {str(data)!r} is in use by another hub (process id {pid}); one hub at a "
                f"time may use a data directory: stop that one, or name another directory with "
                f"--data or CHAPPE_DATA",
                data=str(data),
                pid=pid,
            )
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        lock = DataLock(data, _node_id(data), fd)
        undo.pop_all()
        return lock


async def lock_engine(directory: Path, *, wait_s: float = 5.0) -> EngineLock:
    """Take the store below `directory`, which only an engine of a killed hub can still hold.

    Raises:
        Unavailable: it held it for `wait_s` seconds.
        InvalidSetting: the directory cannot be used.
    """
    with _usable(directory), contextlib.ExitStack() as undo:
        make_private_directory(directory)
        fd = _open(directory / "engine.lock")
        undo.callback(os.close, fd)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        while not _locked(fd):
            if loop.time() >= deadline:
                raise Unavailable(
                    f"data: an engine of a hub that has ended still uses {str(directory)!r} after "
                    f"{wait_s:g} s; end that nats-server, then start the hub again"
                )
            await asyncio.sleep(_POLL_S)
        undo.pop_all()
        return EngineLock(fd)


def make_data_directory(data: Path) -> None:
    """Make `data` with mode 0700; one that exists keeps its mode, it is the operator's.

    Raises:
        OSError: it cannot be made, or is no directory.
    """
    if not data.is_dir():
        make_private_directory(data)


def _open(path: Path) -> int:
    return os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, FILE_MODE)


def _locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _node_id(data: Path) -> str:
    path = data / "node.id"
    with contextlib.suppress(FileNotFoundError):
        text = read_private(path).strip()
        if _NODE_ID.fullmatch(text) is None:
            raise InvalidSetting(
                f"data: {str(path)!r} holds {text[:40]!r} and must hold 16 hex digits; "
                f"remove the file to let the node draw another id",
                setting="data",
            )
        return text
    node_id = secrets.token_hex(8)
    write_private(path, f"{node_id}\n")
    return node_id


@contextlib.contextmanager
def _usable(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise InvalidSetting(
            f"data: {str(directory)!r} must be a directory that this user can write "
            f"({exc.strerror or exc}); name another one with --data or CHAPPE_DATA",
            setting="data",
        ) from exc
