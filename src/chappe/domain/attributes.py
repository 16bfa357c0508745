"""The rules of context attributes as pure functions: names, strings, URIs, media types, timestamps.

Every codec asks here whether a value may stand in an event; a value that may not raises
`InvalidEvent` with the attribute, the value, the rule and the section. Which bytes a value comes
from, and how it is escaped there, is the codecs' business.

All expressions are possessive (`*+`, `++`), so that a check takes time linear in the value.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import TypeAlias, TypeVar

from chappe.domain.errors import InvalidEvent
from chappe.domain.event import SPECVERSION

K = TypeVar("K", bound=str | bytes)
V = TypeVar("V")


class Memo(dict[K, V]):
    """What `make` says of a key, remembered: a bounded cache whose hits cost one dict look-up.

    Attribute values repeat (few sources, types and media types, many events), so checks do too.
    Keys longer than 256 are not kept, and at `limit` entries all are forgotten: a flood of
    different values costs time, never memory. What `make` raises is not remembered.
    """

    __slots__ = ("_limit", "_make")

    def __init__(self, make: Callable[[K], V], limit: int = 4096) -> None:
        super().__init__()
        self._make = make
        self._limit = limit

    def __missing__(self, key: K) -> V:
        value = self._make(key)
        if len(key) <= 256:
            if len(self) >= self._limit:
                self.clear()
            self[key] = value
        return value


# --- names and strings

_NAME = re.compile("[a-z0-9]+")


def check_name(name: str) -> str:
    """`name` itself, when it may name an attribute.

    More than 20 characters are allowed: the limit is a SHOULD, and OPC UA's names have up to 25.
    """
    if not _NAME.fullmatch(name):
        raise InvalidEvent(
            attribute=name,
            value=name,
            rule="is no attribute name: MUST be lower-case letters a-z and digits",
            spec="spec.md Naming Conventions",
        )
    if name == "data":
        raise InvalidEvent(
            attribute=name,
            value=name,
            rule='MUST NOT name an attribute: "data" is the payload',
            spec="spec.md Naming Conventions",
        )
    return name


_NONCHARACTERS = "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
_FORBIDDEN = re.compile(f"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef{_NONCHARACTERS}]")


def check_string(name: str, text: str) -> str:
    """`text` itself, when it is a String: no control, no noncharacter, no lone surrogate."""
    # What Unicode calls printable holds none of the forbidden, and one C call decides it.
    if text.isprintable():
        return text
    found = _FORBIDDEN.search(text)
    if found:
        raise InvalidEvent(
            attribute=name,
            value=ascii(text)[1:-1],
            rule=f"MUST NOT contain U+{ord(found.group()):04X}: control characters, "
            "noncharacters and lone surrogates are no part of a String",
            spec="spec.md Type System",
        )
    return text


def is_int32(number: int) -> bool:
    """Whether `number` is an Integer of the type system."""
    return -0x8000_0000 <= number <= 0x7FFF_FFFF


def check_integer(name: str, number: int) -> int:
    """`number` itself, when it is an Integer: signed, 32 bits."""
    if not is_int32(number):
        raise InvalidEvent(
            attribute=name,
            value=number,
            rule="MUST be a signed 32-bit integer",
            spec="spec.md Type System",
        )
    return number


# --- URIs (RFC 3986)

_OWN = r"A-Za-z0-9\-._~!$&'()*+,;="  # unreserved and sub-delims
_PCT = "%[0-9A-Fa-f]{2}"
_PATH = rf"(?:[{_OWN}:@/]++|{_PCT})*+"
_TAIL = rf"(?:[{_OWN}:@/?]++|{_PCT})*+"
_LITERAL = rf"\[(?P<literal>[0-9A-Fa-f:.]++|[vV][0-9A-Fa-f]++\.[{_OWN}:]++)\]"
_AUTHORITY = (
    rf"(?:(?:[{_OWN}:]++|{_PCT})*+@)?+"
    rf"(?:{_LITERAL}|(?:[{_OWN}]++|{_PCT})*+)(?::[0-9]*+)?+(?=[/?#]|\Z)"
)
# Without a scheme the first segment of a path holds no colon (RFC 3986 4.2).
_URI_REFERENCE = re.compile(
    rf"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*+:)|(?![^/?#:]*+:))"
    rf"(?://{_AUTHORITY}|(?!//)){_PATH}(?:\?{_TAIL})?+(?P<fragment>#{_TAIL})?+"
)


def is_uri_reference(text: str) -> bool:
    """Whether `text` is a URI-reference (RFC 3986 4.1), such as "/a#b", "urn:x:y", "#f", ""."""
    return _uri(text) is not None


def is_absolute_uri(text: str) -> bool:
    """Whether `text` is an absolute URI (RFC 3986 4.3): with a scheme, without a fragment."""
    found = _uri(text)
    return found is not None and found["scheme"] is not None and found["fragment"] is None


def _uri(text: str) -> re.Match[str] | None:
    found = _URI_REFERENCE.fullmatch(text)
    if found is None:
        return None
    literal = found["literal"]
    if literal and literal[0] not in "vV":
        try:
            ipaddress.IPv6Address(literal)
        except ValueError:
            return None
    return found


# --- media types (RFC 2046, syntax of RFC 2045 5.1)

_TOKEN = r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]++"  # noqa: S105 - the grammar's token, no secret
_PARAMETER = re.compile(rf' *+;(?: *+({_TOKEN})=({_TOKEN}|"(?:[ !#-\[\]-~]|\\[ -~])*+"))?+')
_MEDIA_TYPE = re.compile(rf"{_TOKEN}/({_TOKEN})(?:{_PARAMETER.pattern})*+")


def is_media_type(text: str) -> bool:
    """Whether `text` is a media type, such as "text/plain; charset=utf-8"."""
    return _MEDIA_TYPE.fullmatch(text) is not None


def is_json(media_type: str) -> bool:
    """Whether the type says JSON: */json or */*+json, in any case (json-format.md 3.1.1)."""
    return _JSON_TYPES[media_type]


def is_xml(media_type: str) -> bool:
    """Whether the type says XML: */xml or */*+xml, in any case."""
    return _XML_TYPES[media_type]


def is_cbor(media_type: str) -> bool:
    """Whether the type says CBOR: */cbor or */*+cbor, in any case (cbor-format.md 3.1.1)."""
    return _CBOR_TYPES[media_type]


def charset(media_type: str) -> str | None:
    """The parameter `charset` in lower case, None where there is none."""
    for name, value in _PARAMETER.findall(media_type):
        if name.lower() == "charset":
            return str(value).strip('"').lower()
    return None


def _says(syntax: str) -> Memo[str, bool]:
    def says(media_type: str) -> bool:
        subtype = media_type.partition(";")[0].rstrip().lower().partition("/")[2]
        return subtype == syntax or subtype.endswith(f"+{syntax}")

    return Memo(says)


_JSON_TYPES = _says("json")
_XML_TYPES = _says("xml")
_CBOR_TYPES = _says("cbor")


# --- timestamps (RFC 3339)

Timestamp: TypeAlias = tuple[int, int]
"""An instant: seconds since 1970-01-01T00:00:00Z, and 0..999,999,999 ns; compares as such."""

# Tried in two parts, because many events share a minute but no two their fractions.
_MINUTE = re.compile("([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([01][0-9]|2[0-3]):([0-5][0-9]):")
_SECOND = re.compile(r"([0-5][0-9]|60)(?:\.([0-9]++))?+([Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])")
_1970 = date(1970, 1, 1).toordinal()
_DAYS_OF_400_YEARS = 146_097


def timestamp(text: str) -> Timestamp | None:
    """The instant that `text` names, None when it is no RFC 3339 timestamp.

    "2018-04-05T19:31:00.5+02:00" -> (1522949460, 500000000). Digits beyond nanoseconds are cut. A
    leap second (23:59:60 UTC) is the same instant as the second after it, as in POSIX.
    """
    return _TIMESTAMPS[text]


def render(instant: Timestamp) -> str:
    """The instant in UTC with 0, 3, 6 or 9 digits of a second, as protobuf's JSON writes it.

    (1522949460, 500000000) -> "2018-04-05T17:31:00.500Z"; for the years 1 to 9999.
    """
    seconds, nanos = instant
    minute, second = divmod(seconds, 60)
    if nanos == 0:
        return f"{_MINUTE_TEXTS[str(minute)]}{second:02d}Z"
    fraction = f"{nanos:09d}"
    while fraction.endswith("000"):
        fraction = fraction[:-3]
    return f"{_MINUTE_TEXTS[str(minute)]}{second:02d}.{fraction}Z"


def is_rendered(text: str) -> bool:
    """Whether `render` would give just this spelling of the timestamp `text`."""
    digits = len(text) - 21  # "2018-04-05T17:31:00Z" has 20 characters, a fraction a dot and digits
    return (
        text[-1] == "Z"
        and text[10] == "T"
        and text[17] != "6"
        and (digits == -1 or (digits in (3, 6, 9) and not text.endswith("000Z")))
    )


def _parsed(text: str) -> Timestamp | None:
    start = _MINUTES[text[:17]]
    found = _SECOND.fullmatch(text, 17)
    if start is None or found is None:
        return None
    second, fraction, offset = found.groups()
    seconds = start + int(second)
    if offset not in ("Z", "z"):
        seconds -= _OFFSETS[offset]
    if second == "60" and seconds % 86_400 != 0:
        return None
    return seconds, int(fraction[:9].ljust(9, "0")) if fraction else 0


def _minute(text: str) -> int | None:
    """The second at which the minute "2018-04-05T17:31:" begins, taken as UTC."""
    found = _MINUTE.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute = map(int, found.groups())
    try:
        # RFC 3339 has a year 0000, Python has none; the calendar repeats after 400 years.
        days = date(year or 400, month, day).toordinal() - _1970
    except ValueError:
        return None
    if year == 0:
        days -= _DAYS_OF_400_YEARS
    return days * 86_400 + hour * 3600 + minute * 60


def _offset(text: str) -> int:
    """Seconds ahead of UTC: "+01:30" -> 5400."""
    seconds = int(text[1:3]) * 3600 + int(text[4:6]) * 60
    return seconds if text[0] == "+" else -seconds


def _minute_text(minute: str) -> str:
    days, rest = divmod(int(minute), 1440)
    return f"{date.fromordinal(days + _1970).isoformat()}T{rest // 60:02d}:{rest % 60:02d}:"


_MINUTES: Memo[str, int | None] = Memo(_minute)
_OFFSETS: Memo[str, int] = Memo(_offset)
_TIMESTAMPS: Memo[str, Timestamp | None] = Memo(_parsed)
_MINUTE_TEXTS: Memo[str, str] = Memo(_minute_text)


# --- the core attributes


def check_specversion(text: str) -> str:
    """`text` itself, when it is the one version that this hub speaks."""
    if text != SPECVERSION:
        raise _invalid("specversion", text, "MUST be '1.0'", "Required Attributes: specversion")
    return text


def check_id(text: str) -> str:
    """`text` itself, when it is a non-empty String."""
    if not text:
        raise _invalid("id", text, "MUST be a non-empty string", "Required Attributes: id")
    return check_string("id", text)


def check_source(text: str) -> str:
    """`text` itself, when it is a non-empty URI-reference."""
    if not text or not is_uri_reference(text):
        rule = "MUST be a non-empty URI-reference (RFC 3986 4.1)"
        raise _invalid("source", text, rule, "Required Attributes: source")
    return text


def check_type(text: str) -> str:
    """`text` itself, when it is a non-empty String."""
    if not text:
        raise _invalid("type", text, "MUST be a non-empty string", "Required Attributes: type")
    return check_string("type", text)


def check_subject(text: str) -> str:
    """`text` itself, when it is a non-empty String."""
    if not text:
        rule = "MUST be a non-empty string if present"
        raise _invalid("subject", text, rule, "Optional Attributes: subject")
    return check_string("subject", text)


def check_time(text: str) -> str:
    """`text` itself, in the sender's spelling, when it is a timestamp."""
    if _TIMESTAMPS[text] is None:
        rule = "MUST be an RFC 3339 timestamp with seconds and offset, as 2018-04-05T17:31:00Z"
        raise _invalid("time", text, rule, "Optional Attributes: time")
    return text


def check_datacontenttype(text: str) -> str:
    """`text` itself, when it is a media type."""
    if not is_media_type(text):
        rule = "MUST be a media type (RFC 2046) such as application/json"
        raise _invalid("datacontenttype", text, rule, "Optional Attributes: datacontenttype")
    return text


def check_dataschema(text: str) -> str:
    """`text` itself, when it is a non-empty absolute URI."""
    if not is_absolute_uri(text):
        rule = "MUST be a non-empty absolute URI without a fragment (RFC 3986 4.3)"
        raise _invalid("dataschema", text, rule, "Optional Attributes: dataschema")
    return text


CHECKS: Mapping[str, Callable[[str], str]] = {
    "specversion": check_specversion,
    "id": check_id,
    "source": check_source,
    "type": check_type,
    "subject": check_subject,
    "time": check_time,
    "datacontenttype": check_datacontenttype,
    "dataschema": check_dataschema,
}
"""The rule of each core attribute: gives the value back, or raises InvalidEvent."""


def missing(given: Mapping[str, object]) -> InvalidEvent:
    """The error that names the first required attribute which is not among `given`."""
    name = next(name for name in ("specversion", "id", "source", "type") if name not in given)
    return _invalid(name, None, "is missing, and REQUIRED", f"Required Attributes: {name}")


def repeated(name: str, value: object) -> InvalidEvent:
    """The error for an attribute that is given twice."""
    return _invalid(name, value, "is given twice; MUST appear at most once", "Context Attributes")


def _invalid(name: str, value: object, rule: str, section: str) -> InvalidEvent:
    return InvalidEvent(attribute=name, value=value, rule=rule, spec=f"spec.md {section}")
