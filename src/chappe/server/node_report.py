"""What this node says of itself, made of what it has measured for others: readiness, counters, the past."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass

from chappe.adapters.system.process import resident_bytes
from chappe.domain.node import NodeReport
from chappe.http.health import Readiness
from chappe.kit.counters import Counters
from chappe.kit.past import Past


@dataclass(frozen=True, slots=True)
class ReportNode:
    """Tells; `readiness` sets the gauges among the counters."""

    readiness: Callable[[], Readiness]
    draining: Callable[[], bool]
    revision: Callable[[], int]
    counters: Counters
    past: Past
    url: str
    started_ms: int

    def __call__(self) -> NodeReport:
        """The node now."""
        ready = self.readiness()
        lately = self.past.moments[-1] if self.past.moments else None
        return NodeReport(
            node=ready.node,
            version=ready.version,
            url=self.url,
            host=platform.node(),
            pid=os.getpid(),
            started_ms=self.started_ms,
            failing=tuple(check.name for check in ready.checks if not check.ok),
            draining=self.draining(),
            shards=tuple(ready.shards),
            open_events=self.counters.open_events,
            accepted=self.counters.accepted,
            accepted_per_s=None if lately is None else lately.accepted,
            attempts=sum(self.counters.attempts.total().ended.values()),
            attempts_per_s=None if lately is None else lately.delivered + lately.failed,
            cpu=None if lately is None else lately.cpu,
            memory_bytes=resident_bytes(),
            registry_revision=self.revision(),
        )
