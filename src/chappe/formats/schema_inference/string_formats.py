"""What strings look like: the formats of JSON Schema that are told from samples.

Each recogniser takes less than its RFC does, so that whoever asserts `format` takes every string
that was recognised here; each needs time linear in the string's length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from ipaddress import AddressValueError, IPv6Address
from types import MappingProxyType
from typing import Final

_MAX_LENGTH: Final = 2_000
"""No string that has a format is longer; looking at those would only cost time."""

_DAY: Final = r"\d{4}-\d\d-\d\d"
_DATE = re.compile(_DAY, re.ASCII)
_DATE_TIME = re.compile(
    _DAY + r"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# Of at most 62 characters; no "--", which stands for another alphabet (RFC 5890 2.3.1).
_LABEL: Final = r"[A-Za-z0-9]{1,20}(?:-[A-Za-z0-9]{1,20}){0,2}"
_HOST: Final = rf"{_LABEL}(?:\.{_LABEL}){{0,30}}"
_EMAIL = re.compile(
    rf"[A-Za-z0-9_+-]{{1,30}}(?:\.[A-Za-z0-9_+-]{{1,30}}){{0,5}}@{_LABEL}(?:\.{_LABEL}){{1,10}}"
)
_PATH: Final = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*"
_QUERY: Final = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*"
# Those with an authority only: "note:1" is a URI by RFC 3986, and seldom meant as one.
_URI = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.-]{{0,30}}://{_HOST}(?::\d{{1,4}})?(?:/{_PATH})?(?:\?{_QUERY})?(?:#{_QUERY})?",
    re.ASCII,
)
_OCTET: Final = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}", re.ASCII)
_IPV6 = re.compile(r"[0-9A-Fa-f:]{2,39}")
_NUMBER = re.compile(r"\d+", re.ASCII)
_HEX = re.compile(r"(?=.{0,15}\d)[0-9a-f]{16,}|(?=.{0,15}\d)[0-9A-F]{16,}", re.ASCII)

MAX_NAME: Final = 100
"""Characters of a property's name; what is longer is data."""


def _is_date_time(value: str) -> bool:
    """RFC 3339; leap seconds are left to the reader."""
    return _DATE_TIME.fullmatch(value) is not None and _is_day(value[:10])


def _is_date(value: str) -> bool:
    return _DATE.fullmatch(value) is not None and _is_day(value)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_uuid(value: str) -> bool:
    return _UUID.fullmatch(value) is not None


def _is_uri(value: str) -> bool:
    return "://" in value and _URI.fullmatch(value) is not None


def _is_email(value: str) -> bool:
    return "@" in value and len(value) <= 254 and _EMAIL.fullmatch(value) is not None


def _is_ipv4(value: str) -> bool:
    return _IPV4.fullmatch(value) is not None


def _is_ipv6(value: str) -> bool:
    if ":" not in value or _IPV6.fullmatch(value) is None:
        return False
    try:
        IPv6Address(value)
    except AddressValueError:
        return False
    return True


# No string has two of these formats.
_RECOGNISERS: Final[Mapping[str, Callable[[str], bool]]] = MappingProxyType(
    {
        "date-time": _is_date_time,
        "date": _is_date,
        "uuid": _is_uuid,
        "uri": _is_uri,
        "email": _is_email,
        "ipv4": _is_ipv4,
        "ipv6": _is_ipv6,
    }
)


def format_of(value: str) -> str | None:
    """The one format that a string has: "2026-01-02" -> "date"."""
    if not 2 <= len(value) <= _MAX_LENGTH:
        return None
    for name, has in _RECOGNISERS.items():
        if has(value):
            return name
    return None


def is_key(name: str) -> bool:
    """Whether a member's name is data, as the keys of a map are, and no name that somebody chose.

    "1017", "2026-01-02", "6f1c…-…" and "ada@example.com" are; "total" and "line2" are not.
    """
    if len(name) > MAX_NAME:
        return True
    if _NUMBER.fullmatch(name) or _HEX.fullmatch(name):
        return True
    return format_of(name) is not None
