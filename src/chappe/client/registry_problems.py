"""Errors of xRegistry (core/spec.md "Error Processing") become those of `chappe.domain.errors`.

    400 {"type": "https://…/core/spec.md#mismatched_epoch", "title": "/dirs/d1: …", "subject": "/dirs/d1"}
        ->  Conflict, code "mismatched_epoch"

The fragment of `type` is the error's code, `title` with `detail` its message. `details` hold every
member of the body, and `code` and `status`. An answer of another form goes to `client.problems`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from chappe.client import problems
from chappe.client.transport import Answer
from chappe.domain import errors
from chappe.domain.errors import CallerError, ChappeError

# Kinds whose class does not follow from "400: the caller can mend it".
_BY_KIND: Mapping[str, type[ChappeError]] = MappingProxyType(
    {
        "not_found": errors.NotFound,
        "api_not_found": errors.NotFound,
        "not_available": errors.NotFound,
        "mismatched_epoch": errors.Conflict,
        "action_not_supported": errors.NotAllowed,
        "details_required": errors.NotAllowed,
        "too_large": errors.TooLarge,
        "server_busy": errors.Overloaded,
        "server_error": ChappeError,
        "data_retrieval_error": ChappeError,
    }
)


def error_of(answer: Answer) -> ChappeError:
    """The error that an answer with a status of 300 or more stands for."""
    body = _body(answer)
    kind = str(body.get("type", "")).partition("#")[2]
    title = body.get("title")
    if not kind or not isinstance(title, str):
        return problems.error_of(answer)
    detail = body.get("detail")
    message = f"{title} {detail}" if isinstance(detail, str) and detail else title
    details = {**body, "code": kind, "status": answer.status, "detail": message}
    if "retry-after" in answer.headers:
        details.setdefault("retry_after", answer.headers["retry-after"])
    return _made(_BY_KIND.get(kind, _of_status(answer.status)), kind, message, details)


def _body(answer: Answer) -> dict[str, Any]:
    try:
        return msgspec.json.decode(answer.body, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}


def _of_status(status: int) -> type[ChappeError]:
    match status:
        case 401:
            return errors.Unauthenticated
        case 403:
            return errors.Forbidden
        case _ if status < 500:
            return CallerError
        case _:
            return ChappeError


def _made(
    cls: type[ChappeError], kind: str, message: str, details: Mapping[str, Any]
) -> ChappeError:
    # The constructors of some classes compose a message; the hub's is the one to keep.
    error = cls.__new__(cls)
    ChappeError.__init__(error, message, **details)
    error.code = kind
    if isinstance(error, errors.NotAllowed):
        error.allow = []
    return error
