"""The sources that a node runs: a lease each, so that one node reads and another takes over.

registry ─► which sources there are ─► lease "source.<id>" ─► EventSource.run ─► flows/intake
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from chappe.domain.errors import Fenced, Unavailable
from chappe.domain.source import Source, SourceStatus
from chappe.domain.webhook_source import WEBHOOK
from chappe.formats.times import rfc3339
from chappe.kit.latest import Latest
from chappe.kit.supervise import Supervisor
from chappe.ports.clock import Clock
from chappe.ports.event_source import Intake, OpenSource
from chappe.ports.shard_lease import ShardLease
from chappe.ports.source_status import SourceStatuses
from chappe.registry.state import State

LEASE_TTL_S: Final = 5.0
FIRST_PAUSE_S: Final = 1.0
"""After a run that failed; it doubles until something was taken."""
LONGEST_PAUSE_S: Final = 60.0
SAID_EVERY_S: Final = 1.0
"""How often the counts are told, while they move."""

_log = logging.getLogger("chappe.sources")


@dataclass(frozen=True, slots=True)
class SourceParts:
    """What running a source needs: the ports, and `readers` by protocol.

    `intake` makes the door for one run; the function that it gets is told how many more were taken
    and set aside.
    """

    readers: Mapping[str, OpenSource]
    intake: Callable[[Source, Callable[[int, int], None]], Intake]
    lease: ShardLease
    statuses: SourceStatuses
    clock: Clock
    random: Callable[[], float]
    node: str


class Sources:
    """Runs every source that is declared, wherever no other node does."""

    def __init__(self, parts: SourceParts, state: Latest[State]) -> None:
        self._parts = parts
        self._state = state
        self._running: dict[str, tuple[Source, asyncio.Task[None]]] = {}
        self._runs: dict[str, _Run] = {}
        self._draining = False

    @property
    def states(self) -> Mapping[str, str]:
        """The state of each source at this node; "waiting" while another one reads it."""
        return {id_: run.state for id_, run in self._runs.items() if id_ in self._running}

    async def run(self) -> None:
        """Run until cancelled."""
        async with Supervisor() as tasks:
            present = self._state.value
            while True:
                await self._apply(present.sources, tasks)
                present = await self._state.wait_changed(present)

    async def drain(self, timeout_s: float) -> None:
        """Stop reading, acknowledge what was taken, and let the leases go; for so long at most."""
        self._draining = True
        running = [task for _, task in self._running.values()]
        for task in running:
            task.cancel()
        if running:
            _, left = await asyncio.wait(running, timeout=timeout_s)
            for one in left:
                _log.warning("%s has not ended after %s s", one.get_name(), timeout_s)

    async def _apply(self, declared: Mapping[str, Source], tasks: Supervisor) -> None:
        # Webhooks come by themselves, to every node.
        wanted = {id_: one for id_, one in declared.items() if one.protocol != WEBHOOK}
        for id_, (source, task) in tuple(self._running.items()):
            if wanted.get(id_) is not source:
                del self._running[id_], self._runs[id_]
                task.cancel()
                await asyncio.wait((task,))
                if id_ not in wanted:
                    await self._forget(id_)
        for id_, source in wanted.items():
            if id_ not in self._running and not self._draining:
                run = self._runs[id_] = _Run(self._parts, source)
                self._running[id_] = source, tasks.start_soon(run.keep(), name=f"source {id_}")

    async def _forget(self, id_: str) -> None:
        try:
            await self._parts.statuses.put(id_, None)
        except Unavailable as error:
            _log.warning("source %s: its status stays: %s", id_, error)


class _Run:
    """One source on this node, as it is declared now."""

    def __init__(self, parts: SourceParts, source: Source) -> None:
        self._parts = parts
        self._source = source
        self._name = f"source.{source.id}"
        self._status = SourceStatus()
        self._is_told = True
        self._pause_s = FIRST_PAUSE_S
        self._holds = False

    @property
    def state(self) -> str:
        """As this node has it."""
        return self._status.state if self._holds else "waiting"

    async def keep(self) -> None:
        """Wait for the lease, read while it is held, again and again."""
        try:
            while True:
                await self._hold()
                await self._parts.clock.sleep(FIRST_PAUSE_S)
        finally:
            await self._leave()

    async def _hold(self) -> None:
        try:
            await self._parts.lease.acquire(self._name, ttl_s=LEASE_TTL_S)
            told = await self._parts.statuses.all()
            self._status = told.get(self._source.id, SourceStatus())
            self._holds = True
            async with Supervisor() as tasks:
                tasks.start_soon(self._renew(), name=f"lease {self._name}")
                tasks.start_soon(self._tell(), name=f"status {self._name}")
                tasks.start_soon(self._read(), name=f"read {self._name}")
        except* Fenced as group:
            _log.warning("source %s: %s", self._source.id, group.exceptions[0])
        except* Unavailable as group:
            _log.warning("source %s: %s; trying again", self._source.id, group.exceptions[0])
        finally:
            self._holds = False

    async def _leave(self) -> None:
        """Say the last counts, and let another node take over at once."""
        with suppress(Unavailable, Fenced):
            if not self._is_told:
                await self._parts.statuses.put(self._source.id, self._status)
            await self._parts.lease.release(self._name)

    async def _read(self) -> None:
        source = self._source
        reader = self._parts.readers.get(source.protocol)
        if source.options.paused or reader is None:
            await self._rest(
                "" if reader is not None else f"this node has no client for {source.protocol}"
            )
            return
        while True:
            try:
                await reader(source).run(
                    self._parts.intake(source, self._count), lambda: self._change("running")
                )
                error = "the reader ended"
            except Unavailable as failure:
                error = failure.message
            except Exception as failure:  # noqa: BLE001 - one source's fault must not end the node
                _log.exception("source %s: a fault of the hub's", source.id)
                error = f"{type(failure).__name__}: {failure}"
            _log.warning("source %s: %s; again in %.0f s", source.id, error, self._pause_s)
            self._change("failing", error)
            spread = 0.5 + self._parts.random() / 2
            await self._parts.clock.sleep(self._pause_s * spread)
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    async def _rest(self, error: str) -> None:
        self._change("unserved" if error else "paused", error)
        await asyncio.Event().wait()

    def _count(self, taken: int, set_aside: int) -> None:
        self._status = replace(
            self._status,
            taken=self._status.taken + taken,
            setaside=self._status.setaside + set_aside,
        )
        self._is_told = False
        self._pause_s = FIRST_PAUSE_S

    def _change(self, state: str, error: str = "") -> None:
        now = rfc3339(self._parts.clock.now_ms())
        since = self._status.since
        if self._status.state != state or self._status.node != self._parts.node:
            since = now
        status = replace(self._status, state=state, node=self._parts.node, since=since)
        self._status = replace(status, error=error, errorat=now) if error else status
        self._is_told = False

    async def _tell(self) -> None:
        while True:
            if not self._is_told:
                self._is_told = True
                self._status = replace(self._status, at=rfc3339(self._parts.clock.now_ms()))
                try:
                    await self._parts.statuses.put(self._source.id, self._status)
                except Unavailable as error:
                    self._is_told = False
                    _log.warning("source %s: its status is not told: %s", self._source.id, error)
            await self._parts.clock.sleep(SAID_EVERY_S)

    async def _renew(self) -> None:
        renewed_s = self._parts.clock.monotonic_s()
        while True:
            await self._parts.clock.sleep(LEASE_TTL_S / 3)
            try:
                await self._parts.lease.renew(self._name)
                renewed_s = self._parts.clock.monotonic_s()
            except Unavailable as error:
                if self._parts.clock.monotonic_s() - renewed_s > LEASE_TTL_S:
                    raise Fenced(f"lease of {self._name} could not be renewed: {error}") from error
