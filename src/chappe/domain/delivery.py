"""What an attempt came to, and what follows from it: outcome x attempt x policy -> settlement.

The whole delivery policy is in `ruled` and `settle`, pure and total functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from chappe.domain.event import Event
from chappe.domain.retry import RetryPolicy, backoff_s


@dataclass(frozen=True, slots=True)
class Delivered:
    """The sink took the event (a 2xx answer).

    `replies` are events that its answer carried, `note` what is to be known of them.
    """

    status: int
    replies: tuple[Event, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The sink will not take this event, ever (most 4xx answers).

    `status` is None where the event never left: the subscription's transform makes nothing of it.
    """

    status: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The sink could not take it this time: network trouble, timeout, 408, 429, 5xx.

    `status` is None where there was no answer. `retry_after_s` is what the sink asked for.
    """

    reason: str
    status: int | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """The sink wants no event of this subscription any more (410; webhook spec 2.2)."""

    status: int
    reason: str


Outcome: TypeAlias = Delivered | Refused | Failed | Gone


@dataclass(frozen=True, slots=True)
class Ack:
    """Settled: delivered."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Stays open; to be tried again `after_s` seconds from now."""

    after_s: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Stays open, and the try does not count: the sink, not the event, is why it failed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Split:
    """The request of several events stays open and is cut in two; the try does not count."""

    reason: str


@dataclass(frozen=True, slots=True)
class Disable:
    """Stays open, the try does not count, and the subscription is delivered to no more."""

    reason: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Settled without being delivered; to be kept with this reason."""

    reason: str


Settlement: TypeAlias = Ack | Retry | Wait | Split | Disable | DeadLetter

SPLIT_STATUSES: Final = frozenset({400, 413, 422})
"""Refusals that may be about one event of a request, or about its size."""

OVERLOAD_STATUSES: Final = frozenset({429, 503})
"""The sink as a whole has too much to do: `Retry-After` beside these is about every event."""

_ACK = Ack()


def ruled(outcome: Outcome, policy: RetryPolicy) -> Outcome:
    """The outcome as the policy's own table of statuses wants it."""
    if not policy.statuses or outcome.status is None:
        return outcome
    action = policy.action(outcome.status)
    if action is None:
        return outcome
    status = outcome.status
    reason = f"status {status}" if isinstance(outcome, Delivered) else outcome.reason
    match action:
        case "deliver":
            return Delivered(status)
        case "retry":
            return outcome if isinstance(outcome, Failed) else Failed(reason, status)
        case "refuse":
            return Refused(status, reason)
        case "disable":
            return Gone(status, reason)


def settle(
    outcome: Outcome,
    *,
    attempt: int,
    age_s: float,
    policy: RetryPolicy,
    random: Callable[[], float],
    events: int = 1,
    known_dead: bool = False,
) -> Settlement:
    """What follows from the `attempt`-th try (counted from 1) of an event first tried `age_s` ago.

    `random` gives a number in [0, 1); it spreads the retries (full jitter). The try was of a request
    of so many `events`; `known_dead` says that the sink's breaker was open when it ended.
    """
    match outcome:
        case Delivered():
            return _ACK
        case Gone(status=status, reason=reason):
            return Disable(f"answered with {status}: {reason}")
        case Refused(status=status, reason=reason):
            how = "refused" if status is None else f"refused with {status}"
            if events > 1 and (status is None or status in SPLIT_STATUSES):
                return Split(f"{how}, {events} events in one request: {reason}")
            return DeadLetter(f"{how}: {reason}")
        case Failed(reason=reason, retry_after_s=asked_s):
            if known_dead:
                return Wait(reason)
            if attempt >= policy.attempts:
                return DeadLetter(f"gave up after {attempt} attempts; the last: {reason}")
            after_s = backoff_s(attempt, policy, random())
            if asked_s is not None:
                after_s = max(after_s, min(asked_s, policy.max_retry_after_s))
            if age_s + after_s > policy.max_age_s:
                return DeadLetter(
                    f"gave up after {attempt} attempts in {age_s:.0f} s; the last: {reason}"
                )
            return Retry(after_s)


def pause_s(outcome: Outcome, policy: RetryPolicy) -> float:
    """Seconds for which the sink asks to be left alone altogether; 0.0 where it does not."""
    if (
        isinstance(outcome, Failed)
        and outcome.retry_after_s is not None
        and outcome.status in OVERLOAD_STATUSES
    ):
        return min(outcome.retry_after_s, policy.max_retry_after_s)
    return 0.0
