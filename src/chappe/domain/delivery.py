"""What an attempt came to, and what follows from it: outcome x attempt x policy -> settlement.

The whole delivery policy is in `settle`, a pure and total function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from chappe.domain.retry import RetryPolicy, backoff_s


@dataclass(frozen=True, slots=True)
class Delivered:
    """The sink took the event (a 2xx answer)."""

    status: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The sink will not take this event, ever (most 4xx answers)."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The sink could not take it this time: network trouble, timeout, 408, 429, 5xx.

    `status` is None where there was no answer. `retry_after_s` is what the sink asked for.
    """

    reason: str
    status: int | None = None
    retry_after_s: float | None = None


Outcome: TypeAlias = Delivered | Refused | Failed


@dataclass(frozen=True, slots=True)
class Ack:
    """Settled: delivered."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Stays open; to be tried again `after_s` seconds from now."""

    after_s: float


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Settled without being delivered; to be kept with this reason."""

    reason: str


Settlement: TypeAlias = Ack | Retry | DeadLetter

_ACK = Ack()


def settle(
    outcome: Outcome,
    *,
    attempt: int,
    age_s: float,
    policy: RetryPolicy,
    random: Callable[[], float],
) -> Settlement:
    """What follows from the `attempt`-th try (counted from 1) of an event first tried `age_s` ago.

    `random` gives a number in [0, 1); it spreads the retries (full jitter).
    """
    match outcome:
        case Delivered():
            return _ACK
        case Refused(status=status, reason=reason):
            return DeadLetter(f"refused with {status}: {reason}")
        case Failed(reason=reason, retry_after_s=asked_s):
            if attempt >= policy.max_attempts:
                return DeadLetter(f"gave up after {attempt} attempts; the last: {reason}")
            after_s = backoff_s(attempt, policy, random())
            if asked_s is not None:
                after_s = max(after_s, min(asked_s, policy.max_retry_after_s))
            if age_s + after_s > policy.max_age_s:
                return DeadLetter(
                    f"gave up after {attempt} attempts in {age_s:.0f} s; the last: {reason}"
                )
            return Retry(after_s)
