"""When to try again: exponential backoff with full jitter.

Full jitter (a wait drawn evenly from [0, cap)) keeps the retries of many events after an outage
from arriving as a herd. With the defaults, the k-th wait is below 1, 2, 4, … 600 s.

    attempt   1   2   3   4    5    6    7     8     9     10   11…
    below     1   2   4   8   16   32   64   128   256    512   600 s

Twelve attempts take some 30 minutes at most, 18 on average.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long and how often an event is tried before it becomes a dead letter."""

    max_attempts: int = 12
    base_s: float = 1.0
    max_backoff_s: float = 600.0
    max_age_s: float = 86_400.0
    max_retry_after_s: float = 3_600.0


def backoff_s(attempt: int, policy: RetryPolicy, drawn: float) -> float:
    """Seconds to wait after the `attempt`-th failure; `drawn` is a random number in [0, 1)."""
    cap_s = min(policy.max_backoff_s, policy.base_s * 2.0 ** min(attempt - 1, 60))
    return drawn * cap_s
