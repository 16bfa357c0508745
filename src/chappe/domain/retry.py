"""When to try again, and what an answer's status means.

Exponential backoff with full jitter: a wait drawn evenly from [0, cap) keeps the retries of many
events after an outage from arriving as a herd. With the defaults, the k-th wait is below 1, 2, 4, …
600 s.

    attempt   1   2   3   4    5    6    7     8     9     10   11…
    below     1   2   4   8   16   32   64   128   256    512   600 s

Twelve attempts take some 30 minutes at most, 18 on average. With `schedule_s` the waits are those of
the list, each between 80 and 120 % of what it says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from chappe.domain.options import StatusAction

STATUS_ACTIONS: Final[tuple[StatusAction, ...]] = ("deliver", "retry", "refuse", "disable")
STATUS_KEY: Final = re.compile(r"[1-5](?:xx|[0-9][0-9])")
"""One status, such as 404, or a class of them, such as 5xx."""

DEFAULT_STATUSES: Final[Mapping[str, StatusAction]] = {
    "2xx": "deliver",
    "3xx": "refuse",
    "4xx": "refuse",
    "404": "retry",
    "408": "retry",
    "409": "retry",
    "410": "disable",
    "425": "retry",
    "429": "retry",
    "5xx": "retry",
}
"""What becomes of an event by the answer to it; what is not here is tried again, as are answers that
never came. A status stands before its class."""

MAX_SCHEDULE = 100
MAX_WAIT_S = 604_800.0
SCHEDULE_JITTER = 0.2


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long and how often an event is tried before it becomes a dead letter.

    `schedule_s` are the waits between attempts, in the place of `base_s` and `max_backoff_s`; where it
    ends the event is given up. `statuses` stands before the defaults, status by status and class by
    class.
    """

    max_attempts: int = 12
    base_s: float = 1.0
    max_backoff_s: float = 600.0
    max_age_s: float = 86_400.0
    max_retry_after_s: float = 3_600.0
    schedule_s: tuple[float, ...] = ()
    statuses: Mapping[str, StatusAction] = field(default_factory=dict)

    def action(self, status: int) -> StatusAction | None:
        """What this policy says of a status by itself; None: the default."""
        one, class_ = str(status), f"{status // 100}xx"
        found = self.statuses.get(one)
        if found is None and one not in DEFAULT_STATUSES:
            found = self.statuses.get(class_)
        return found

    @property
    def attempts(self) -> int:
        """How many there are at most."""
        if self.schedule_s:
            return min(self.max_attempts, len(self.schedule_s) + 1)
        return self.max_attempts


def backoff_s(attempt: int, policy: RetryPolicy, drawn: float) -> float:
    """Seconds to wait after the `attempt`-th failure; `drawn` is a random number in [0, 1)."""
    if policy.schedule_s:
        wait_s = policy.schedule_s[min(attempt, len(policy.schedule_s)) - 1]
        return wait_s * (1 - SCHEDULE_JITTER + 2 * SCHEDULE_JITTER * drawn)
    cap_s = min(policy.max_backoff_s, policy.base_s * 2.0 ** min(attempt - 1, 60))
    return drawn * cap_s
