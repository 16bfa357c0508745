"""Errors as answers (RFC 9457): the one place where an exception becomes a status.

docs/errors.md tells each code's meaning, cause and cure.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from chappe.domain.errors import (
    Ambiguous,
    CallerError,
    ChappeError,
    Conflict,
    Forbidden,
    InvalidBatch,
    Malformed,
    NotAcceptable,
    NotAllowed,
    NotFound,
    Overloaded,
    SchemaMismatch,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnsupportedFormat,
)
from chappe.http.exchange import Header, Response
from chappe.kit.any_json import encode_json

STATUS: Mapping[type[ChappeError], int] = {
    Malformed: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    NotAllowed: 405,
    NotAcceptable: 406,
    Ambiguous: 409,
    Conflict: 409,
    TooLarge: 413,
    UnsupportedFormat: 415,
    SchemaMismatch: 422,
    CallerError: 400,
    Overloaded: 503,
    Unavailable: 503,
    ChappeError: 500,
}

RETRY_AFTER_S: Mapping[type[ChappeError], int] = {Overloaded: 1, Unavailable: 2}
"""Overload passes as soon as the next block is on disk; an engine that restarts takes longer."""

INTERNAL = "internal"
MEDIA_TYPE: Header = (b"content-type", b"application/problem+json")

_log = logging.getLogger("chappe.http")


def status_of(error: ChappeError) -> int:
    """The status of the nearest class that the table knows."""
    return next(STATUS[one] for one in type(error).__mro__ if one in STATUS)


def code_of(error: Exception) -> str:
    """The stable code; for what nobody foresaw, "internal"."""
    return error.code if isinstance(error, ChappeError) and status_of(error) != 500 else INTERNAL


def problem(error: Exception) -> Response:
    """The answer to a request that ended in `error`.

    What nobody foresaw is logged here, with its traceback, and told to the caller without any of it.
    """
    if not isinstance(error, ChappeError) or status_of(error) == 500:
        _log.error("request failed", exc_info=error)
        return problem_response(
            500, INTERNAL, "the hub made a mistake; its log has the details", {}
        )
    details = dict(error.details)
    if isinstance(error, InvalidBatch):
        details["errors"] = [
            {**one.details, "index": index, "code": one.code, "detail": one.message}
            for index, one in sorted(error.errors.items())
        ]
    return problem_response(
        status_of(error), error.code, error.message, details, headers=_headers(error)
    )


def problem_response(
    status: int,
    code: str,
    detail: str,
    details: Mapping[str, object],
    *,
    headers: tuple[Header, ...] = (),
) -> Response:
    """A problem document; `details` never replace its standard members."""
    standard: dict[str, object] = {
        "type": f"urn:chappe:error:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
    }
    return Response(status, encode_json(standard | {**details, **standard}), (MEDIA_TYPE, *headers))


def _headers(error: ChappeError) -> tuple[Header, ...]:
    match error:
        case Unauthenticated(challenge=challenge):
            return ((b"www-authenticate", challenge.encode("ascii")),)
        case UnsupportedFormat(details=details) if "content_encoding" in details:
            return ((b"accept-encoding", b"identity"),)  # RFC 9110 15.5.16
        case NotAllowed(allow=allow):
            return ((b"allow", ", ".join(allow).encode()),)
        case Unavailable():
            after_s = next(
                RETRY_AFTER_S[one] for one in type(error).__mro__ if one in RETRY_AFTER_S
            )
            return ((b"retry-after", str(after_s).encode()),)
        case _:
            return ()
