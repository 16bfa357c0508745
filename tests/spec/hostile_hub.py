"""A real hub that is asked hostile things, and watched meanwhile: time, memory, and whom it calls."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.chaos.http import Answer
from tests.chaos.hub import HubProcess

PAUSE_S = 0.005
"""Between two questions of the prober."""

TRIES = 4
"""A stall of the hub's own comes back each time; one that the machine made does not."""

T = TypeVar("T")

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Watched:
    """An answer, and what it took: `cpu_s` of the hub's own process, `gap_s` the longest in which
    nobody else was answered.
    """

    answer: Answer
    cpu_s: float
    gap_s: float


class HostileHub:
    """A hub process, a client of it, one that asks for its life, and a trap that nothing may call."""

    def __init__(self, hub: HubProcess, trap: socket.socket) -> None:
        self._hub = hub
        self._client = hub.client(timeout_s=60.0)
        self._prober = hub.client(timeout_s=60.0)
        self._trap = trap
        trap.settimeout(0)

    @property
    def trap_url(self) -> str:
        """Where a fetch would end; nothing ever may."""
        return f"http://127.0.0.1:{self._trap.getsockname()[1]}"

    async def ask(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request, not watched."""
        return await self._client.ask(method, target, headers, body)

    async def watched(
        self,
        method: str,
        target: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        gap_s: float,
        cpu_s: float,
    ) -> Watched:
        """A request while the prober asks; again, if another was kept waiting for longer than `gap_s`,
        or it cost more than `cpu_s`.

        What counts is the try that went best, since other work on the machine makes gaps, too. A
        request that is repeated must have the same answer twice.
        """
        best: Watched | None = None
        for _ in range(TRIES):
            found = await self._once(method, target, body, headers)
            if best is not None:
                cpu_s, short_s = min(best.cpu_s, found.cpu_s), min(best.gap_s, found.gap_s)
                found = Watched(best.answer, cpu_s, short_s)
            best = found
            if best.gap_s <= gap_s and best.cpu_s <= cpu_s:
                break
        assert best is not None
        return best

    async def alone(
        self, method: str, target: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer:
        """One request on a connection of its own."""
        return await self._hub.client(timeout_s=60.0).ask(method, target, headers, body)

    async def gap_while(self, asked: Awaitable[T]) -> tuple[T, float]:
        """What was asked, and the longest in which the prober had no answer meanwhile."""
        gaps: list[float] = []
        async with self._probed(gaps):
            found = await asked
        return found, max(gaps)

    def rss_bytes(self) -> int:
        """What the hub's own process holds."""
        status = Path(f"/proc/{self._pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    def was_called(self) -> bool:
        """Whether anything connected to the trap."""
        try:
            self._trap.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def log(self) -> str:
        """The end of the hub's log."""
        return self._hub.last_words(40)

    async def _once(
        self, method: str, target: str, body: bytes, headers: Mapping[str, str]
    ) -> Watched:
        gaps: list[float] = []
        async with self._probed(gaps):
            before = self._cpu_s()
            answer = await self._client.ask(method, target, headers, body)
            cpu_s = self._cpu_s() - before
        return Watched(answer, cpu_s, max(gaps))

    @contextlib.asynccontextmanager
    async def _probed(self, gaps: list[float]) -> AsyncIterator[None]:
        """Fills `gaps` while it is entered; the question that is under way at the end counts."""
        async with asyncio.TaskGroup() as tasks:
            done = asyncio.Event()
            ready = asyncio.Event()
            tasks.create_task(self._probe(gaps, ready, done), name="prober")
            await ready.wait()
            try:
                yield
            finally:
                done.set()

    async def _probe(self, gaps: list[float], ready: asyncio.Event, done: asyncio.Event) -> None:
        assert (await self._prober.ask("GET", "/livez")).status == 200
        ready.set()
        while not (done.is_set() and gaps):
            began, before = time.perf_counter(), self._cpu_s()
            assert (await self._prober.ask("GET", "/livez")).status == 200
            # The machine may have been somebody else's; the hub's own work is what it did meanwhile.
            gaps.append(min(time.perf_counter() - began, self._cpu_s() - before))
            await asyncio.sleep(PAUSE_S)

    def _cpu_s(self) -> float:
        """Processor time of the hub and of its helpers, but not of its engine."""
        return sum(map(_used_s, [self._pid, *self._helpers()]))

    def _helpers(self) -> list[int]:
        children = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text().split()
        return [one for one in map(int, children) if one != self._hub.engine_pid]

    @property
    def _pid(self) -> int:
        assert self._hub.pid is not None, self.log()
        return self._hub.pid


def _used_s(pid: int) -> float:
    """Processor time of a process; one that has ended just now used none that anybody can tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


@contextlib.asynccontextmanager
async def hostile_hub(data: Path) -> AsyncIterator[HostileHub]:
    """A hub on a fresh directory, and the trap."""
    with socket.create_server(("127.0.0.1", 0)) as trap:
        async with HubProcess(data) as hub:
            yield HostileHub(hub, trap)
