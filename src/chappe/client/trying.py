"""Trying again: when, where and how often; first as a decision, then as a loop.

    after failure   1        2        3        4 …        (two nodes)
    wait            0        < 0.1    0        < 0.2 s    (drawn evenly from zero to the bound)
    goes to node    b        a        b        a

What failed at one node is tried at the next one at once; after each round the wait grows, and is at
least what the nodes asked for by Retry-After. All tries together end at a deadline.

Only what may happen twice is ever given to this loop: reading, and publishing an event whose id is
fixed. A hub knows such an event again for two minutes (`dedupe_window_s`), so a deadline well below
that makes no duplicates on a hub of one node.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from chappe.domain.errors import CallerError, ChappeError, Unavailable, WrongKey
from chappe.domain.retry import RetryPolicy, backoff_s

T = TypeVar("T")

_BRIEF_STATUSES: Final = frozenset({408, 425, 429})
"""Refusals that are about this moment, and not about the request."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How long one call is tried: `deadline_s` in all, `try_s` for one answer; waits grow to `most_s`.

    `deadline_s` 0: one try and no other.
    """

    deadline_s: float = 30.0
    try_s: float = 10.0
    base_s: float = 0.1
    most_s: float = 5.0


class Time(Protocol):
    """What the loop needs of a clock."""

    def monotonic_s(self) -> float:
        """Seconds that never go backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that long."""
        ...


def is_passing(error: ChappeError) -> bool:
    """Whether the same request may do later, or at another node."""
    if isinstance(error, Unavailable):
        return not isinstance(error, WrongKey)
    status = error.details.get("status")
    if isinstance(error, CallerError):
        return status in _BRIEF_STATUSES
    return isinstance(status, int) and status >= 500


def retry_after_s(error: ChappeError) -> float:
    """The seconds that an answer asks to wait for; 0 where it says none, or a date."""
    said = error.details.get("retry_after")
    try:
        return max(0.0, float(said)) if isinstance(said, (str, int, float)) else 0.0
    except ValueError:
        return 0.0


def wait_s(
    retry: Retry, *, failures: int, nodes: int, elapsed_s: float, asked_s: float, drawn: float
) -> float | None:
    """Seconds until the next try after that many failures; None: the deadline would be over.

    `asked_s` is the least Retry-After of the last round; `drawn` a random number in [0, 1).
    """
    wanted_s = 0.0
    if failures % nodes == 0:
        growing = RetryPolicy(base_s=retry.base_s, max_backoff_s=retry.most_s)
        wanted_s = max(asked_s, backoff_s(failures // nodes, growing, drawn))
    return wanted_s if elapsed_s + wanted_s < retry.deadline_s else None


async def trying(
    once: Callable[[int], Awaitable[T]],
    retry: Retry,
    *,
    nodes: int,
    first: int,
    time: Time,
    drawn: Callable[[], float],
) -> T:
    """The result of `once(node)` for the first node that gives one, beginning with `first`.

    Raises:
        ChappeError: what the last try raised; what can never do is raised at once.
    """
    begun_s = time.monotonic_s()
    failures = 0
    asked: list[float] = []
    while True:
        try:
            return await once((first + failures) % nodes)
        except ChappeError as exc:
            if not is_passing(exc):
                raise
            failures += 1
            asked = [*asked, retry_after_s(exc)][-nodes:]
            pause_s = wait_s(
                retry,
                failures=failures,
                nodes=nodes,
                elapsed_s=time.monotonic_s() - begun_s,
                asked_s=min(asked),
                drawn=drawn(),
            )
            if pause_s is None:
                if failures > 1:
                    exc.message = f"{exc.message} (tried {failures} times)"
                raise
        if pause_s:
            await time.sleep(pause_s)
