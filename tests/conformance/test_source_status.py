"""Both keepers of sources' statuses through the one suite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chappe.adapters.memory.source_status import MemorySourceStatuses
from chappe.adapters.nats.cursors import NatsCursors
from chappe.adapters.nats.source_status import NatsSourceStatuses
from chappe.testing.source_status_suite import SourceStatusSuite
from tests.conformance.engine import connected


class TestMemorySourceStatuses(SourceStatusSuite):
    @pytest.fixture
    def statuses(self) -> MemorySourceStatuses:
        return MemorySourceStatuses()


class TestNatsSourceStatuses(SourceStatusSuite):
    @pytest.fixture
    async def statuses(self, tmp_path: Path) -> AsyncIterator[NatsSourceStatuses]:
        async with connected(tmp_path) as connection:
            await NatsCursors(connection, replicas=1).open()
            yield NatsSourceStatuses(connection)
