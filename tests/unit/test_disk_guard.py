"""server/disk_guard with free space that the test sets."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chappe.domain.errors import OutOfSpace
from chappe.server.disk_guard import DiskGuard
from chappe.testing.fake_clock import FakeClock


class Disk:
    def __init__(self) -> None:
        self.free = 1_000
        self.restarts = 0
        self.clock = FakeClock()
        self.guard = DiskGuard(
            Path("/data"), 500, self.clock, self.restarted, free_bytes=lambda _: self.free
        )

    async def restarted(self) -> None:
        self.restarts += 1


@pytest.fixture
async def disk() -> Disk:
    return Disk()


async def test_ingest_stops_below_the_least_free_space(disk: Disk) -> None:
    task = asyncio.ensure_future(disk.guard.run())
    await disk.clock.advance(5)
    disk.guard.check()
    disk.free = 499
    await disk.clock.advance(5)
    with pytest.raises(OutOfSpace, match="499 bytes are free under /data"):
        disk.guard.check()
    task.cancel()


async def test_the_engine_is_restarted_once_before_ingest_goes_on(disk: Disk) -> None:
    task = asyncio.ensure_future(disk.guard.run())
    disk.free = 10
    await disk.clock.advance(5)
    disk.free = 550
    await disk.clock.advance(5)
    assert disk.guard.is_full, "a little more than the least is too little to go on"
    disk.free = 700
    await disk.clock.advance(5)
    disk.guard.check()
    assert disk.restarts == 1
    task.cancel()
