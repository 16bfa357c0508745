"""A hub as its operator sees it: a process on a data directory, which is started and killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.chaos.http import Client

POLL_S = 0.02
READY_WITHIN_S = 30.0


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


async def wait_until(
    condition: Callable[[], bool], what: str, *, within_s: float = READY_WITHIN_S
) -> None:
    """Wait for what other processes do; fails with `what`."""
    try:
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110 - another process has no asyncio.Event
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise AssertionError(f"not within {within_s:g} s: {what}") from None


def is_running(pid: int) -> bool:
    """Whether the process runs; one that has ended and that nobody has reaped yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def kill(pid: int | None) -> None:
    """`kill -9`; nothing where there is no such process."""
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


class HubProcess:
    """`chappe serve` on one data directory and one port, over any number of starts."""

    def __init__(
        self,
        data: Path,
        *options: str,
        port: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`environment` is added to that of the harness."""
        self.data = data
        self._environment = {**os.environ, **(environment or {})}
        self.port = port or free_port()
        self.log = data.parent / f"{data.name}.log"
        self.starts = 0
        self._options: Sequence[str] = options
        self._process: Process | None = None
        self._engines: set[int] = set()
        self._clients: list[Client] = []

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, *, timeout_s: float = 15.0) -> Client:
        """A connection to it; those that are left open are closed at the end."""
        self._clients.append(Client("127.0.0.1", self.port, timeout_s=timeout_s))
        return self._clients[-1]

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        if self._process is None or self._process.returncode is not None:
            return None
        return self._process.pid

    @property
    def engine_pid(self) -> int | None:
        """Its engine's process id while that runs."""
        if self.pid is None:
            return None
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
            for child in map(int, children):
                if Path(f"/proc/{child}/comm").read_text().strip() == "nats-server":
                    self._engines.add(child)
                    return child
        return None

    @property
    def is_ready(self) -> bool:
        """Whether the hub has said that it serves."""
        try:
            found = json.loads((self.data / "hub.json").read_bytes())
        except (OSError, ValueError):
            return False
        return bool(found["pid"] == self.pid)

    async def spawn(self) -> None:
        """Start it; see `is_ready`."""
        self.starts += 1
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "chappe",
                "serve",
                "--data",
                self.data,
                "--port",
                str(self.port),
                *self._options,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def start(self) -> Self:
        """Start it and wait until it serves."""
        await self.spawn()
        await wait_until(
            lambda: self.is_ready or self.pid is None, f"the hub serves\n{self.last_words()}"
        )
        assert self.pid is not None, f"the hub ended at once\n{self.last_words()}"
        _ = self.engine_pid
        return self

    async def wait(self) -> int:
        """Wait for its end; the exit code."""
        assert self._process is not None
        return await self._process.wait()

    async def stop(self) -> int:
        """SIGTERM, and wait; the exit code."""
        _ = self.engine_pid
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await asyncio.wait_for(self._process.wait(), 60)
        await self._engines_gone()
        return -1 if self._process is None else self._process.returncode or 0

    async def crash(self) -> None:
        """`kill -9` the hub and see its engine go with it."""
        _ = self.engine_pid
        kill(self.pid)
        if self._process is not None:
            await self._process.wait()
        await self._engines_gone()

    def last_words(self, lines: int = 15) -> str:
        """The end of its log."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.crash()
        for client in self._clients:
            await client.close()

    async def _engines_gone(self) -> None:
        await wait_until(
            lambda: not any(map(is_running, self._engines)), "the engine ends with its hub"
        )
        self._engines.clear()
