"""A request as it is told to the channel `audit`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from chappe.domain.access import Principal
from chappe.domain.audit import Audited, Outcome
from chappe.domain.errors import Forbidden, Unauthenticated
from chappe.http.call import Call
from chappe.http.exchange import Header, find_header
from chappe.http.problems import code_of
from chappe.kit.correlation import correlation

_MOST: Final = 512
"""Characters of what the caller chose: a path, and what a proxy says."""


def audited(
    call: Call, status: int, by: Principal, failure: Exception | None, *, writes: bool
) -> Audited:
    """What somebody did or tried; the query is left out, as a token may stand there."""
    details = failure.details if isinstance(failure, Forbidden) else {}
    outcome: Outcome = "done" if status < 400 else "failed"
    if isinstance(failure, (Forbidden, Unauthenticated)):
        outcome = "refused"
    unknown = isinstance(failure, Unauthenticated)
    return Audited(
        "write" if writes and outcome != "refused" else "refused",
        outcome,
        "" if unknown else by.name,
        None if unknown else by.how,
        call.method,
        call.path[:_MOST].decode("ascii", "replace"),
        status,
        None if failure is None else code_of(failure),
        _text(details.get("right")),
        _text(details.get("group")),
        call.peer,
        forwarded_for(call.headers),
        correlation(),
    )


def forwarded_for(headers: Iterable[Header]) -> str | None:
    """What a proxy, or anybody, says of who is behind it."""
    sent = find_header(headers, b"x-forwarded-for")
    return None if sent is None else sent[:_MOST].decode("ascii", "replace")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
