"""The delivery log: one row for each try."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from chappe.domain.position import Position

Result: TypeAlias = Literal["delivered", "retry", "dead-letter", "expired", "discarded"]


class AttemptRow(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One try to deliver one event, and what followed.

    `result` is what the attempt ended in: delivered; retry (`next_ms` tells when); dead-letter
    (`reason` tells why); expired (the event left the log before it could be delivered). A row of a
    dead letter may say that it was discarded, without an attempt.
    """

    channel: str
    shard: int
    block: int
    index: int
    subscription: str
    attempt: int
    at_ms: int
    latency_ms: int
    status: int | None
    result: Result
    reason: str | None = None
    next_ms: int | None = None

    @property
    def position(self) -> Position:
        """The event's position."""
        return Position(self.shard, self.block, self.index)
