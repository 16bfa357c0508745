"""Pulling: what a consumer holds, and what becomes of it.

    open ──receive──► locked ──acknowledge──► settled
      ▲                 ├─ release, or the lock ends ─► open again, after its delay
      │                 └─ reject, or it came too often ─► dead letter
      └─────────────────┘

A lock is named by its token: which event, and the how-manieth time it was given. Whoever has the
token of an older time has lost the event to another.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

from chappe.domain.position import Position
from chappe.domain.retry import RetryPolicy

MOST_EVENTS: Final = 1_000
"""Events, or tokens, in one request."""

Verdict: TypeAlias = Literal["ok", "settled", "lock_lost", "lock_expired", "invalid_token"]
"""What became of one token: done; the event was settled before; another consumer received it since; its
lock had ended; the text is no token of this subscription."""

Verb: TypeAlias = Literal["acknowledge", "release", "reject", "renew"]


class Lock(NamedTuple):
    """The `number`-th time that the event at `position` was given to a consumer, counted from 1."""

    position: Position
    number: int


def given_up(deliveries: int, age_s: float, policy: RetryPolicy) -> str | None:
    """Why an event that was not acknowledged comes no more; None: it comes again."""
    if deliveries >= policy.max_attempts:
        return f"gave up after {deliveries} deliveries"
    if age_s > policy.max_age_s:
        return f"gave up after {deliveries} deliveries in {age_s:.0f} s"
    return None
