"""Problems that the hub answers (RFC 9457) become the errors of `chappe.domain.errors` again.

    422 {"code": "schema_mismatch", "detail": "…", "errors": […]}  ->  SchemaMismatch

`details` of the error hold every member of the problem object, in its order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from chappe.client.transport import Answer
from chappe.domain import errors
from chappe.domain.errors import CallerError, ChappeError

BY_CODE: Mapping[str, type[ChappeError]] = MappingProxyType(
    {
        cls.code: cls
        for cls in (
            errors.CallerError,
            errors.Malformed,
            errors.InvalidEvent,
            errors.InvalidBatch,
            errors.InvalidSetting,
            errors.UnsupportedFormat,
            errors.NotAcceptable,
            errors.TooLarge,
            errors.SchemaMismatch,
            errors.Unauthenticated,
            errors.Forbidden,
            errors.NotFound,
            errors.NotAllowed,
            errors.Ambiguous,
            errors.Conflict,
            errors.Unavailable,
            errors.Overloaded,
            errors.OutOfSpace,
            errors.WrongKey,
        )
    }
)
# An answer without a code that is known: a proxy's, or a later hub's.
_BY_STATUS: Mapping[int, type[ChappeError]] = MappingProxyType(
    {
        401: errors.Unauthenticated,
        403: errors.Forbidden,
        404: errors.NotFound,
        405: errors.NotAllowed,
        406: errors.NotAcceptable,
        408: errors.Unavailable,
        409: errors.Conflict,
        413: errors.TooLarge,
        415: errors.UnsupportedFormat,
        502: errors.Unavailable,
        503: errors.Unavailable,
        504: errors.Unavailable,
    }
)


def error_of(answer: Answer) -> ChappeError:
    """The error that an answer with a status of 300 or more stands for."""
    problem = _problem(answer)
    code = problem.get("code")
    cls = BY_CODE.get(code) if isinstance(code, str) else None
    if "retry-after" in answer.headers:
        problem.setdefault("retry_after", answer.headers["retry-after"])
    return _made(cls or _by_status(answer.status), problem)


def _problem(answer: Answer) -> dict[str, Any]:
    try:
        problem = msgspec.json.decode(answer.body, type=dict[str, Any])
    except msgspec.MsgspecError:
        problem = {}
    if "json" not in answer.headers.get("content-type", "") or not problem:
        said = answer.body[:200].decode("utf-8", "replace").strip()
        problem = {"detail": f"answered {answer.status}: {said}" if said else "", **problem}
    problem.setdefault("status", answer.status)
    problem["detail"] = str(
        problem.get("detail") or problem.get("title") or f"answered {answer.status}"
    )
    return problem


def _by_status(status: int) -> type[ChappeError]:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return CallerError if 400 <= status < 500 else ChappeError


def _made(cls: type[ChappeError], problem: Mapping[str, Any]) -> ChappeError:
    # The constructors compose a message of their own; the hub's is the one to keep.
    error = cls.__new__(cls)
    ChappeError.__init__(error, problem["detail"], **problem)
    match error:
        case errors.InvalidBatch():
            error.errors = dict(_of_batch(problem))
        case errors.NotAllowed():
            allow = problem.get("allow")
            error.allow = list(allow) if isinstance(allow, list) else []
        case _:
            pass
    return error


def _of_batch(problem: Mapping[str, Any]) -> Sequence[tuple[int, CallerError]]:
    found = problem.get("errors")
    entries = found if isinstance(found, list) else []
    made = []
    for entry in entries:
        if isinstance(entry, dict) and isinstance(entry.get("index"), int):
            cls = BY_CODE.get(str(entry.get("code")), CallerError)
            one = _made(
                cls if issubclass(cls, CallerError) else CallerError, _detailed(entry, problem)
            )
            assert isinstance(one, CallerError)
            made.append((entry["index"], one))
    return made


def _detailed(entry: Mapping[str, Any], problem: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "status": problem["status"],
        **entry,
        "detail": str(entry.get("detail") or entry.get("code") or "invalid"),
    }
