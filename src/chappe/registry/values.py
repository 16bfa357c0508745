"""The data types of attributes (core/spec.md "Data Types"): what a value must be, and its one form.

A check takes a JSON value and gives what is stored, or raises Fault with a reason that follows the
attribute's name: `"size": must be an integer`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

LIMIT_BYTES: Final = 4096  # of a scalar attribute's name and value: they must fit a header line
MAX_ZEROS: Final = 64
"""The largest exponent of an integer that is written with one: 5e3 is 5000."""

NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")
TYPE_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,56}")
KEY: Final = re.compile(r"[a-z0-9][a-z0-9:._-]{0,62}")
ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._~:@-]{0,127}")

_DEPTH = 100  # of a value of the type "any"

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_URI_CHARACTERS = re.compile(
    r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2}|[^\x00-\x7f])*"
)
_VARIABLE = r"(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2})(?:\.?(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2}))*"
_SPECIFIER = rf"{_VARIABLE}(?::[1-9][0-9]{{0,3}}|\*)?"
_EXPRESSION = re.compile(rf"\{{[+#./;?&=,!@|]?{_SPECIFIER}(?:,{_SPECIFIER})*\}}")
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|([+-])(\d\d):(\d\d))?",
    re.ASCII,
)
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,3999})", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,3999})(?:\.[0-9]{1,4000})?(?:[eE][+-]?[0-9]{1,4})?")


class Fault(Exception):
    """A value is not valid; `path` holds the steps from the inside out (names, keys, indexes)."""

    def __init__(self, detail: str, *steps: str | int) -> None:
        super().__init__(detail)
        self.detail = detail
        self.path: list[str | int] = list(steps)

    @property
    def name(self) -> str:
        """The path in dot notation, such as `labels.stage` or `items[0].uri`."""
        return dotted(reversed(self.path))


def dotted(path: Any) -> str:
    """A path in the spec's dot notation (core/spec.md "xRegistry Dot (`.`) Notation")."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step and "." not in step and "'" not in step and "[" not in step:
            text += f".{step}" if text else step
        else:
            text += f"['{step}']"
    return text


def timestamp(text: str) -> str | None:
    """An RFC 3339 timestamp in UTC, its fraction without trailing zeros; None if it is none.

    "2030-12-19T07:00:00.50+01:00" -> "2030-12-19T06:00:00.5Z". A time zone is only RECOMMENDED by
    core/spec.md "Data Types": a timestamp without one is taken as UTC.
    """
    return _timestamp(text) if len(text) < 128 else None


@lru_cache(maxsize=4096)
def _timestamp(text: str) -> str | None:
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, _, sign, hours, minutes = match.groups()
    leap = second == "60"
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour), int(minute), 59 if leap else int(second),
            tzinfo=UTC,
        )  # fmt: skip
        if sign is not None:
            if int(hours) > 23 or int(minutes) > 59:
                return None
            offset = timedelta(hours=int(hours), minutes=int(minutes))
            zone = timezone(offset if sign == "+" else -offset)
            moment = moment.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    if leap and (moment.hour, moment.minute) != (23, 59):
        return None
    fraction = (fraction or "").rstrip("0")
    shown = moment.strftime("%m-%dT%H:%M:")
    seconds = "60" if leap else f"{moment.second:02}"
    return f"{moment.year:04}-{shown}{seconds}{'.' if fraction else ''}{fraction}Z"


def text_of(value: Any) -> str:
    """The string serialisation of a scalar (core/model.md `ifvalues`, core/http.md headers)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def from_text(text: str, type: str) -> Any:
    """The value that a text stands for, by the attribute's type; the text itself where it does not.

    "5" -> 5 for "integer", "x" -> "x" for "integer": the check of the value then refuses it.
    """
    match type:
        case "boolean":
            return {"true": True, "false": False}.get(text, text)
        case "integer" | "uinteger":
            return int(text) if _INTEGER.fullmatch(text) else text
        case "decimal":
            if _INTEGER.fullmatch(text):
                return int(text)
            return Decimal(text) if _NUMBER.fullmatch(text) else text
        case _:
            return text


def same(one: Any, other: Any) -> bool:
    """Whether two scalars are equal: strings without regard to case, booleans only to booleans."""
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


# Scalars


def _boolean(value: Any) -> Any:
    if value is True or value is False:
        return value
    raise Fault("must be a boolean")


def _decimal(value: Any) -> Any:
    if isinstance(value, bool):
        raise Fault("must be a decimal")
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal) and value.is_finite():
        return value
    raise Fault("must be a decimal")


def _integer(value: Any) -> Any:
    whole = _whole(value)
    if whole is None:
        raise Fault("must be an integer")
    return whole


def _uinteger(value: Any) -> Any:
    whole = _whole(value)
    if whole is None or whole < 0:
        raise Fault("must be a uinteger")
    return whole


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, Decimal) and value.is_finite():
        # 1e4000 is a short text and a long integer; a body may hold very many of them.
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and exponent <= MAX_ZEROS:
            return int(value) if value == value.to_integral_value() else None
    return None


def _string(value: Any) -> Any:
    if isinstance(value, str):
        return value
    raise Fault("must be a string")


def _time(value: Any) -> Any:
    if not isinstance(value, str):
        raise Fault("must be a timestamp")
    normal = timestamp(value)
    if normal is None:
        raise Fault("is a malformed timestamp")
    return normal


def is_absolute(text: str) -> bool:
    """Whether a text is an absolute URI (RFC 3986 section 4.3: a scheme, no fragment)."""
    scheme = _SCHEME.match(text)
    return (
        scheme is not None
        and len(text) > scheme.end()
        and "#" not in text
        and _URI_CHARACTERS.fullmatch(text) is not None
    )


def _reference(article: str, type: str, *, empty: bool) -> Callable[[Any], Any]:
    """A check of `uri` and `url`: any reference, absolute or relative.

    As a browser does, it takes characters that RFC 3986 wants percent-encoded ("my notes.html"),
    but no control characters.
    """

    def check(value: Any) -> Any:
        if not isinstance(value, str):
            raise Fault(f"must be {article} {type}")
        if not empty and not value:
            raise Fault(f"must be {article} {type}, not an empty string")
        if _CONTROL.search(value):
            raise Fault(f"must be {article} {type}, without control characters")
        return value

    return check


def _absolute(article: str, type: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not isinstance(value, str) or not is_absolute(value):
            raise Fault(f"must be {article} {type}")
        # RFC 3986 section 1.1.3: a URL says where its resource is; a URN is a name.
        if type == "urlabsolute" and value[:4].lower() == "urn:":
            raise Fault(f"must be {article} {type}, not a URN")
        return value

    return check


def _relative(article: str, type: str, *, empty: bool) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if (
            not isinstance(value, str)
            or not (value or empty)
            or _SCHEME.match(value.split("/", 1)[0])
            or not _URI_CHARACTERS.fullmatch(value)
        ):
            raise Fault(f"must be {article} {type}")
        return value

    return check


def _template(value: Any) -> Any:
    if not isinstance(value, str) or _CONTROL.search(value):
        raise Fault("must be a uritemplate")
    literals = _EXPRESSION.sub("", value)
    if "{" in literals or "}" in literals:
        raise Fault("must be a uritemplate (RFC 6570)")
    return value


def _xid(value: Any) -> Any:
    if not isinstance(value, str):
        raise Fault("must be an xid")
    return value


def _xidtype(value: Any) -> Any:
    if not isinstance(value, str):
        raise Fault("must be an xidtype")
    return value


CHECKS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "boolean": _boolean,
    "decimal": _decimal,
    "integer": _integer,
    "uinteger": _uinteger,
    "string": _string,
    "timestamp": _time,
    "uri": _reference("a", "uri", empty=True),
    "uriabsolute": _absolute("a", "uriabsolute"),
    "urirelative": _relative("a", "urirelative", empty=True),
    "uritemplate": _template,
    "url": _reference("a", "url", empty=False),
    "urlabsolute": _absolute("a", "urlabsolute"),
    "urlrelative": _relative("a", "urlrelative", empty=False),
    "xid": _xid,
    "xidtype": _xidtype,
}
"""By scalar type. What an `xid` or `xidtype` names is for model_references."""


def free(value: Any, depth: int = 0) -> Any:
    """A value of the type "any": JSON as it was sent, nulls within it too.

    What stands below an `any` is NOT REQUIRED to be validated but for its syntax (core/spec.md
    "Attributes"), and a null may mean something there: `{"enum": [null]}` is a JSON Schema.

    Raises:
        Fault: it is nested too deeply.
    """
    if isinstance(value, dict | list):
        if depth > _DEPTH:
            raise Fault(f"is nested more than {_DEPTH} levels deep")
        for one in value.values() if isinstance(value, dict) else value:
            if isinstance(one, dict | list):
                free(one, depth + 1)
    return value
