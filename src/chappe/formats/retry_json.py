"""`retry` of a subscription in JSON: how often, how long, and what an answer's status means.

{"max_attempts": 5, "schedule_s": [1, 60, 3600], "statuses": {"404": "refuse", "5xx": "retry"}}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from chappe.domain.errors import Malformed
from chappe.domain.options import StatusAction
from chappe.domain.retry import (
    MAX_SCHEDULE,
    MAX_WAIT_S,
    STATUS_ACTIONS,
    STATUS_KEY,
    RetryPolicy,
)
from chappe.formats.fields import Fields, kind_of, shortened

_KNOWN: Final = frozenset(
    "max_attempts base_s max_backoff_s max_age_s max_retry_after_s schedule_s statuses".split()
)
_MAX_STATUSES: Final = 505


def parse_retry(document: object) -> RetryPolicy:
    """The policy; what is absent has its default.

    Raises:
        Malformed: a field breaks a rule; the message begins with its path.
    """
    default = RetryPolicy()
    if document is None:
        return default
    retry = Fields(document, "retry", known=_KNOWN)
    return RetryPolicy(
        max_attempts=retry.whole("max_attempts", default.max_attempts, least=1, most=1000),
        base_s=retry.number("base_s", default.base_s, least=0.001, most=3600.0),
        max_backoff_s=retry.number(
            "max_backoff_s", default.max_backoff_s, least=0.001, most=86_400.0
        ),
        max_age_s=retry.number("max_age_s", default.max_age_s, least=0.1, most=2_592_000.0),
        max_retry_after_s=retry.number(
            "max_retry_after_s", default.max_retry_after_s, least=0.0, most=86_400.0
        ),
        schedule_s=_schedule(retry.raw("schedule_s")),
        statuses=_statuses(retry.object_of_any("statuses")),
    )


def rendered_retry(policy: RetryPolicy) -> dict[str, object]:
    """The policy as a JSON object; a schedule and statuses only where there are some."""
    default = RetryPolicy()
    shown: dict[str, object] = {
        "max_attempts": policy.max_attempts,
        "base_s": plain_number(policy.base_s),
        "max_backoff_s": plain_number(policy.max_backoff_s),
        "max_age_s": plain_number(policy.max_age_s),
    }
    if policy.max_retry_after_s != default.max_retry_after_s:
        shown["max_retry_after_s"] = plain_number(policy.max_retry_after_s)
    if policy.schedule_s:
        shown["schedule_s"] = [plain_number(one) for one in policy.schedule_s]
    if policy.statuses:
        shown["statuses"] = dict(policy.statuses)
    return shown


def plain_number(value: float) -> int | float:
    """30.0 -> 30: a whole number is sent back as one."""
    return int(value) if value.is_integer() else value


def _schedule(document: object) -> tuple[float, ...]:
    if document is None:
        return ()
    if not isinstance(document, list):
        raise Malformed(
            f"retry/schedule_s: {kind_of(document)} was sent, an array of seconds is needed"
        )
    if not 1 <= len(document) <= MAX_SCHEDULE:
        raise Malformed(
            f"retry/schedule_s: {len(document)} waits; 1 to {MAX_SCHEDULE} are possible"
        )
    waits: list[float] = []
    for index, wait in enumerate(document):
        try:
            seconds = float(wait) if not isinstance(wait, bool | str) else -1.0
        except (TypeError, ValueError, OverflowError):
            seconds = -1.0
        if not 0.0 <= seconds <= MAX_WAIT_S:
            raise Malformed(
                f"retry/schedule_s/{index}: {shortened(wait)} is no number from 0 to {MAX_WAIT_S:.0f}"
            )
        waits.append(seconds)
    return tuple(waits)


def _statuses(members: Mapping[str, object]) -> Mapping[str, StatusAction]:
    if len(members) > _MAX_STATUSES:
        raise Malformed(
            f"retry/statuses: {len(members)} members; at most {_MAX_STATUSES} are possible"
        )
    for key, action in members.items():
        if not STATUS_KEY.fullmatch(key):
            raise Malformed(
                f"retry/statuses: {shortened(key)} is no status; such as '404', or '4xx' for a class"
            )
        if action not in STATUS_ACTIONS:
            raise Malformed(
                f"retry/statuses/{key}: {shortened(action)} is none of {', '.join(STATUS_ACTIONS)}"
            )
    return cast("Mapping[str, StatusAction]", dict(members))
