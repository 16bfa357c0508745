"""The errors of the hub: one tree; a class says who can mend it.

    ChappeError
    ├── CallerError                 the caller can mend it
    │   ├── Malformed               the request or a value in it breaks a rule
    │   │   ├── InvalidEvent        an event breaks the CloudEvents spec
    │   │   ├── InvalidBatch        some events of a batch are invalid, each with its index
    │   │   └── InvalidSetting      a setting is unknown or wrong
    │   ├── UnsupportedFormat       no event, or in a format that is not understood
    │   ├── NotAcceptable           it cannot be shown in a form that the request takes
    │   ├── TooLarge                over a limit
    │   ├── SchemaMismatch          the payload breaks the schema declared for its type
    │   ├── Unauthenticated         no token, or an unknown one
    │   ├── Forbidden               the token lacks a right
    │   ├── NotFound                no such thing
    │   ├── NotAllowed              the thing has no such method
    │   ├── Ambiguous               the name fits several things
    │   └── Conflict                the thing changed meanwhile, or exists
    ├── Unavailable                 the engine or the hub cannot do it now; try again
    │   ├── Overloaded              too much is waiting; try again later
    │   ├── OutOfSpace              the disk is nearly full; nothing is stored until there is room
    │   └── WrongKey                a stored secret does not open with this node's key
    └── Fenced                      this node lost the shard to another; never shown to a caller

Each class has a stable `code`, listed in docs/errors.md. Messages name the thing, the value and the rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class ChappeError(Exception):
    """Something did not work; `code` is stable, the text may improve."""

    code = "error"

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, object] = details


class CallerError(ChappeError):
    """The caller can mend it."""

    code = "bad_request"


class Malformed(CallerError):
    """The request, or a value in it, breaks a rule."""

    code = "malformed"


class InvalidEvent(Malformed):
    """An event breaks a rule of the CloudEvents specification.

    Args:
        attribute: the attribute's name, or "data".
        value: what was given, as text, shortened.
        rule: what the spec asks for.
        spec: document and section, such as "spec.md 3.1.1 id".
    """

    code = "invalid_event"

    def __init__(self, *, attribute: str, value: object, rule: str, spec: str) -> None:
        shown = _shown(value)
        super().__init__(
            f"{attribute}: {shown} {rule} ({spec})",
            attribute=attribute,
            value=shown,
            rule=rule,
            spec=spec,
        )


class InvalidBatch(Malformed):
    """Some events of a batch are invalid; nothing of the batch was stored."""

    code = "invalid_batch"

    def __init__(self, errors: Mapping[int, CallerError], size: int) -> None:
        indexes = ", ".join(str(index) for index in list(errors)[:10])
        super().__init__(
            f"{len(errors)} of {size} events are invalid (index {indexes}"
            f"{', …' if len(errors) > 10 else ''}); none was stored"
        )
        self.errors = errors


class InvalidSetting(Malformed):
    """A setting is unknown, or its value is wrong."""

    code = "invalid_setting"


class UnsupportedFormat(CallerError):
    """The body is no event, or in a format that the hub does not understand."""

    code = "unsupported_format"


class NotAcceptable(CallerError):
    """What is asked for cannot be shown in a form that the request takes."""

    code = "not_acceptable"


class TooLarge(CallerError):
    """Over a limit that the operator has set."""

    code = "too_large"


class SchemaMismatch(CallerError):
    """The payload breaks the schema that is declared for its type.

    Args:
        errors: one entry a violation: {"pointer", "rule", "value", "message"}.
    """

    code = "schema_mismatch"

    def __init__(self, message: str, errors: Sequence[Mapping[str, object]], **details: object):
        super().__init__(message, errors=list(errors), **details)


class Unauthenticated(CallerError):
    """No token was sent, or none that the hub knows; `challenge` says how to prove who one is."""

    code = "unauthenticated"

    challenge = 'Bearer realm="chappe"'

    def __init__(self, message: str, *, challenge: str | None = None) -> None:
        super().__init__(message)
        if challenge is not None:
            self.challenge = challenge


class Forbidden(CallerError):
    """The token lacks a right."""

    code = "forbidden"


class NotFound(CallerError):
    """There is no such thing."""

    code = "not_found"


class NotAllowed(CallerError):
    """The thing has no such method; `allow` lists those that it has."""

    code = "method_not_allowed"

    def __init__(self, message: str, *, allow: Sequence[str]) -> None:
        super().__init__(message, allow=list(allow))
        self.allow = allow


class Ambiguous(CallerError):
    """The name fits several things; the details list them."""

    code = "ambiguous"


class Conflict(CallerError):
    """The thing changed meanwhile, or exists already."""

    code = "conflict"


class Unavailable(ChappeError):
    """The engine or the hub cannot do it now. It may or may not have happened; try again."""

    code = "unavailable"


class Overloaded(Unavailable):
    """Too much is waiting already; nothing was stored. Try again later."""

    code = "overloaded"


class OutOfSpace(Unavailable):
    """The disk is nearly full; nothing was stored, nor will be until there is room."""

    code = "out_of_space"


class WrongKey(Unavailable):
    """A stored secret does not open: it was sealed with another key than this node's, or altered."""

    code = "wrong_key"


class Fenced(ChappeError):
    """Another node owns the shard now; whatever this node still holds of it is void."""

    code = "fenced"


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    text = text if len(text) <= 80 else f"{text[:77]}…"
    return repr(text) if isinstance(value, str) else text
