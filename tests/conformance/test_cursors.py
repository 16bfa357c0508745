"""Both keepers of cursors through the one suite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chappe.adapters.memory.cursors import MemoryCursors
from chappe.adapters.nats.cursors import NatsCursors
from chappe.testing.cursors_suite import CursorsSuite
from tests.conformance.engine import connected


class TestMemoryCursors(CursorsSuite):
    @pytest.fixture
    def cursors(self) -> MemoryCursors:
        return MemoryCursors()


class TestNatsCursors(CursorsSuite):
    @pytest.fixture
    async def cursors(self, tmp_path: Path) -> AsyncIterator[NatsCursors]:
        async with connected(tmp_path) as connection:
            cursors = NatsCursors(connection, replicas=1)
            await cursors.open()
            yield cursors
