"""How an invocation ends: exit codes, and errors in three lines (what, why, what next).

0 yes, done            3 no such thing             6 no answer, try again
1 a clear no           4 not allowed               7 the hub failed
2 wrong usage          5 conflict, ambiguous     130 interrupted
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from chappe.domain import errors
from chappe.domain.errors import ChappeError

EXIT_CODES = """\b
Exit codes:
  0 yes, done            3 no such thing             6 no answer, try again
  1 a clear no           4 not allowed               7 the hub failed
  2 wrong usage          5 conflict, ambiguous     130 interrupted
"""
EXITS: Mapping[int, str] = MappingProxyType(
    {
        0: "yes, done",
        1: "a clear no",
        2: "wrong usage",
        3: "no such thing",
        4: "not allowed",
        5: "conflict, ambiguous",
        6: "no answer, try again",
        7: "the hub failed",
        130: "interrupted",
    }
)

USAGE = 2
INTERRUPTED = 130

# The first class that fits counts, so a class stands above its parent.
_EXIT: Mapping[type[ChappeError], int] = MappingProxyType(
    {
        errors.InvalidSetting: USAGE,
        errors.NotFound: 3,
        errors.Unauthenticated: 4,
        errors.Forbidden: 4,
        errors.Conflict: 5,
        errors.Ambiguous: 5,
        errors.Unavailable: 6,
        errors.CallerError: 1,
        ChappeError: 7,
    }
)


_TRUST: Mapping[str, str] = MappingProxyType(
    {
        "authority": "name the authority's certificate (PEM): chappe --ca FILE …, CHAPPE_CA, "
        "or keep it: chappe context add NAME --url URL --ca FILE",
        "name": "use a name that the certificate is for: --url, chappe context show",
        "time": "have the hub's certificate renewed; is this machine's clock right? chappe doctor",
    }
)
"""What to do, by what is wrong with the hub's certificate."""


def exit_code(error: ChappeError) -> int:
    """What the process ends with."""
    if isinstance(error, errors.Malformed) and "status" not in error.details:
        return USAGE  # refused before anything was sent
    return next(code for cls, code in _EXIT.items() if isinstance(error, cls))


def lines(error: ChappeError) -> Iterator[str]:
    """The error for a person: what happened, why, and the next step."""
    yield f"error: {_what(error)}"
    why = list(_why(error))
    for number, text in enumerate(why):
        yield f"{'why:  ' if number == 0 else '      '} {text}"
    yield f"next:  {_next(error)}"


def problem(error: ChappeError) -> Mapping[str, object]:
    """The error for a program: the hub's problem object, or one like it."""
    if "detail" in error.details:
        return error.details
    return {"code": error.code, "detail": error.message, **error.details}


def _what(error: ChappeError) -> str:
    match error:
        case errors.InvalidEvent():
            return "the event was refused: it breaks a rule of CloudEvents"
        case errors.InvalidBatch():
            return "the batch was refused as a whole; nothing of it was stored"
        case errors.SchemaMismatch():
            return "the event was refused: its payload breaks the schema declared for its type"
        case errors.TooLarge():
            return "refused: too large"
        case errors.UnsupportedFormat():
            return "refused: not in a format that the hub takes in"
        case errors.Unauthenticated():
            return "the hub does not know who asks"
        case errors.Forbidden():
            return "the token lacks a right"
        case errors.NotFound():
            return "not found"
        case errors.Ambiguous():
            return "the name fits several things"
        case errors.Conflict():
            return "conflict"
        case errors.Overloaded():
            return "the hub has too much to do"
        case errors.Unavailable() if "untrusted" in error.details:
            return "the hub's certificate is not trusted; nothing was sent"
        case errors.Unavailable() if "status" not in error.details:
            return "the hub does not answer"
        case errors.Unavailable():
            return "the hub cannot do it now"
        case errors.InvalidSetting():
            return "a setting is wrong"
        case errors.Malformed() if "status" not in error.details:
            return "this cannot be sent"
        case errors.CallerError():
            return "refused"
        case _:
            return "the hub failed"


def _why(error: ChappeError) -> Iterator[str]:
    yield error.message.removeprefix("the hub does not answer: ")
    match error:
        case errors.SchemaMismatch():
            yield from _violations(error.details.get("errors"))
        case errors.InvalidBatch():
            for index, one in list(error.errors.items())[:10]:
                yield f"event {index}: {one.message}"
        case errors.Malformed() if isinstance(marked := error.details.get("marked"), str):
            yield from marked.splitlines()
        case errors.Ambiguous():
            positions = error.details.get("positions")
            if isinstance(positions, list):
                yield ", ".join(str(position) for position in positions[:20])
        case _:
            pass


def _schema_command(details: Mapping[str, object]) -> str:
    from urllib.parse import unquote

    # "/messagegroups/shop/messages/order.paid" -> chappe schema get order.paid --group shop
    match str(details.get("declaration", "")).split("/"):
        case ["", "messagegroups", group, "messages", type_]:
            return f"chappe schema get {unquote(type_)} --group {unquote(group)}"
        case _:
            return "chappe schema ls"


def _violations(found: object) -> Iterator[str]:
    entries = found if isinstance(found, list) else []
    for entry in entries[:10]:
        if isinstance(entry, dict):
            pointer = entry.get("pointer") or "(the whole payload)"
            yield f"at {pointer}  rule {entry.get('rule')}  value {entry.get('value')}"
    if len(entries) > 10:
        yield f"… and {len(entries) - 10} more"


def _next(error: ChappeError) -> str:
    own = error.details.get("next")
    if isinstance(own, str):
        return own
    match error:
        case errors.SchemaMismatch():
            return f"mend the payload; the schema: {_schema_command(error.details)}"
        case errors.InvalidEvent() | errors.InvalidBatch():
            return "mend the event and send it again"
        case errors.TooLarge():
            return "send less at once, or raise the hub's limit"
        case errors.Unauthenticated():
            return "log in: chappe login; or pass --token, which is made with: chappe token new"
        case errors.Forbidden():
            return "ask the hub's operator for a token with that right"
        case errors.NotFound() if isinstance(near := error.details.get("near"), list):
            return f"did you mean {' or '.join(repr(one) for one in near)}?"
        case errors.NotFound() if "subject" in error.details:
            return "look for it: chappe find WORD; list what there is: chappe registry get /"
        case errors.NotFound():
            return "list what there is: chappe event ls, chappe sub ls, chappe schema ls"
        case errors.Ambiguous():
            return "name one of these positions"
        case errors.Conflict():
            return "read it again, then repeat the change"
        case errors.Unavailable() if isinstance(kind := error.details.get("untrusted"), str):
            return _TRUST[kind]
        case errors.Unavailable() if "status" not in error.details:
            return "is the hub running? start one with: chappe dev"
        case errors.Unavailable():
            after = error.details.get("retry_after")
            return (
                f"try again in {after} s" if after else "try again; look closer with: chappe doctor"
            )
        case errors.UnsupportedFormat():
            return "send CloudEvents in the JSON format, one or an array"
        case errors.CallerError():
            return "see chappe COMMAND -h"
        case _:
            return "look closer with: chappe doctor, and read the hub's log"
