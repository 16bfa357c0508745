"""Errors as pages: what happened, why, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chappe.console.near import NOWHERE, Near
from chappe.console.page import Page
from chappe.domain.errors import (
    Ambiguous,
    CallerError,
    ChappeError,
    Forbidden,
    Malformed,
    NotAllowed,
    NotFound,
    Overloaded,
    Unauthenticated,
    Unavailable,
)

OWN_MISTAKE = ChappeError("the console made a mistake; the hub's log has the details")

# What, what to do next; the nearest class of an error counts.
_SAID: Mapping[type[ChappeError], tuple[int, str, str]] = {
    NotFound: (404, "There is no such thing", "Look for it: it may have another name."),
    Unauthenticated: (
        401,
        "Who are you?",
        "Log in (a session may have ended), or send the header Authorization: Bearer TOKEN.",
    ),
    Forbidden: (
        403,
        "You may not do that",
        "Ask who runs this hub for a token with the right that is named above.",
    ),
    Ambiguous: (409, "Several are called so", "Choose one of them."),
    NotAllowed: (405, "That is not done here", "Go back to the page you came from."),
    Malformed: (400, "The hub cannot read that", "Correct the value that is named above."),
    CallerError: (400, "The hub refused", "Correct what is named above and try again."),
    Overloaded: (503, "The hub is busy", "Load the page again in a moment."),
    Unavailable: (
        503,
        "The hub cannot do that now",
        "Load the page again in a few seconds; Health tells what the hub waits for.",
    ),
    ChappeError: (500, "The hub made a mistake", "Load the page again; then look into its log."),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One error, for people: `why` is the hub's own message, `code` its stable name."""

    status: int
    what: str
    why: str
    next: str
    code: str
    near: Near = NOWHERE


def page(error: ChappeError, near: Near = NOWHERE) -> Page:
    """The page of an error; its status is the API's, where the error came from there."""
    status, what, next_ = next(_SAID[one] for one in type(error).__mro__ if one in _SAID)
    told = error.details.get("status")
    if isinstance(told, int) and 400 <= told <= 599:
        status = told
    failure = Failure(status, what, error.message, next_, error.code, near)
    return Page(
        template="error.html", title=what, view=failure, status=status, headers=_headers(error)
    )


def _headers(error: ChappeError) -> Mapping[str, str]:
    match error:
        case Unauthenticated():
            return {"www-authenticate": "Bearer"}
        case NotAllowed(allow=allow):
            return {"allow": ", ".join(allow)}
        case Unavailable():
            return {"retry-after": "2"}
        case _:
            return {}
