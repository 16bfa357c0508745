"""What a node of a hub says of itself when somebody asks which nodes there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

NodeState: TypeAlias = Literal["ready", "not ready", "draining"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReport:
    """One node now.

    `url` is where it is reached, or the hub where that has one address; `started_ms` is Unix time;
    `failing` names the checks that do not hold, `shards` those that it owns, such as "default.2".
    `accepted` events and `attempts` of delivery are those since it started. What is a second, and
    `cpu` (the share of one core), are of the last quarter of a minute; None before one has gone by.
    `memory_bytes` is what is resident, None where the system does not tell.
    """

    node: str
    version: str
    url: str = ""
    host: str = ""
    pid: int = 0
    started_ms: int
    failing: tuple[str, ...] = ()
    draining: bool = False
    shards: tuple[str, ...] = ()
    open_events: int = 0
    accepted: int = 0
    accepted_per_s: float | None = None
    attempts: int = 0
    attempts_per_s: float | None = None
    cpu: float | None = None
    memory_bytes: int | None = None
    registry_revision: int = 0

    @property
    def status(self) -> NodeState:
        """The word of /readyz."""
        if self.draining:
            return "draining"
        return "not ready" if self.failing else "ready"
