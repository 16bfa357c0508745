"""What every keeper of sources' statuses must do. Subclass it with a fixture `statuses`."""

from __future__ import annotations

from chappe.domain.source import SourceStatus
from chappe.ports.source_status import SourceStatuses

RUNNING = SourceStatus(state="running", node="n-1", since="2026-01-01T00:00:00Z", taken=3)


class SourceStatusSuite:
    """The suite of `ports.source_status`."""

    async def test_nothing_was_said_of_sources_in_the_beginning(
        self, statuses: SourceStatuses
    ) -> None:
        assert await statuses.all() == {}

    async def test_the_last_word_about_each_source_counts(self, statuses: SourceStatuses) -> None:
        failing = SourceStatus(state="failing", node="n-2", error="kafka: \U0001f4a5", setaside=1)
        await statuses.put("orders", RUNNING)
        await statuses.put("orders", failing)
        await statuses.put("orders-2", RUNNING)
        assert await statuses.all() == {"orders": failing, "orders-2": RUNNING}

    async def test_a_source_can_be_forgotten(self, statuses: SourceStatuses) -> None:
        await statuses.put("orders", RUNNING)
        await statuses.put("orders", None)
        await statuses.put("never-said", None)
        assert await statuses.all() == {}
