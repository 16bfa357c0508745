"""One webhook as it came: header fields, query, body; and what mappings take out of it.

Content-Type: application/json                   {"a": {"b": 7}}   -> at("/a/b") = 7
Content-Type: application/x-www-form-urlencoded  a=7&b=x           -> at("/a")   = "7"
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qsl, quote

import msgspec

from chappe.domain import attributes
from chappe.domain.errors import InvalidEvent, Malformed
from chappe.domain.event import Event
from chappe.formats.event_draft import Draft
from chappe.formats.times import rfc3339

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
MOST_FIELDS: Final = 1_000
"""Fields that a form may have."""

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_NOTHING: Final = object()
_INDEX = re.compile("0|[1-9][0-9]{0,8}", re.ASCII)
_SPACED = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}) ([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?)"
    r" ?(UTC|[+-][0-9]{2}:?[0-9]{2})",
    re.ASCII,
)
_MOST_EPOCH_MS: Final = 253_402_300_799_999  # the end of the year 9999
_LEAST_EPOCH_MS: Final = 100_000_000_000
"""A number from here on counts milliseconds: of seconds it would be the year 5138."""
_URI_SAFE: Final = "-._~:/?#[]@!$&'()*+,;=%"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A request that somebody else's system sent to the source `source`.

    `headers` have lower-case names; `document` is the body as JSON, or the fields of a form.
    `received` (RFC 3339) and `fresh_id` stand in where the sender gives no time and no id.
    """

    source: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    document: object
    received: str
    fresh_id: str

    @property
    def media_type(self) -> str:
        """The media type without parameters, in lower case; "" where none was sent."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def at(self, pointer: str) -> object:
        """The value at a JSON pointer (RFC 6901), None where there is none."""
        found = self.document
        for step in pointer.split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            match found:
                case dict():
                    found = found.get(name, _NOTHING)
                case list() if _INDEX.fullmatch(name) and int(name) < len(found):
                    found = found[int(name)]
                case _:
                    return None
        return None if found is _NOTHING else found

    def text(self, pointer: str) -> str | None:
        """The string, number or boolean at a JSON pointer as text; None where there is none."""
        return text_of(self.at(pointer))

    def first(self, *pointers: str) -> str | None:
        """The first of these that is there."""
        return next((text for one in pointers if (text := self.text(one))), None)

    def header(self, name: str) -> str:
        """A header field that must be there.

        Raises:
            Malformed: it is missing or empty.
        """
        value = self.headers.get(name.lower(), "")
        if not value:
            raise Malformed(f"{name}: the header field is missing, and the mapping needs it")
        return value

    def with_document(self, document: object) -> Webhook:
        """The same with another reading of its body."""
        return replace(self, document=document)


def read_webhook(
    source: str,
    headers: Iterable[tuple[bytes, bytes]],
    query: Mapping[str, str],
    body: bytes,
    *,
    received: str,
    fresh_id: str,
) -> Webhook:
    """A request, its body read once.

    Raises:
        Malformed: the body says that it is JSON or a form, and is none.
    """
    fields = header_fields(headers)
    media_type = fields.get("content-type", "").partition(";")[0].strip().lower()
    document = form_of(body) if media_type == FORM else json_of(body, media_type)
    return Webhook(source, fields, query, body, document, received, fresh_id)


def header_fields(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The header fields as text; those that came several times are joined (RFC 9110 5.3)."""
    fields: dict[str, str] = {}
    for raw_name, raw in headers:
        name = raw_name.decode("latin-1").lower()
        try:
            value = raw.decode("utf-8")
        except UnicodeDecodeError:
            value = raw.decode("latin-1")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return fields


def json_of(body: bytes, media_type: str) -> object:
    """The body as JSON; None where it is something else, and does not say that it is JSON.

    Raises:
        Malformed: it says so and is none, or it is nested too deeply.
    """
    try:
        return _decode(body)
    except RecursionError:
        raise Malformed("body: nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        if attributes.is_media_type(media_type) and attributes.is_json(media_type):
            raise Malformed(
                f"body: Content-Type is {media_type}, but it is not JSON: {exc}"
            ) from None
        return None


def form_of(body: bytes) -> dict[str, str]:
    """The fields of a form; of those that came several times the first.

    Raises:
        Malformed: it is no form, or has too many fields.
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError as exc:
        raise Malformed(f"body: Content-Type is {FORM}, but it is no form: {exc}") from None
    return dict(reversed(pairs))


def text_of(value: object) -> str | None:
    """A string, number or boolean as text; None for what is none of these."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | Decimal():
            return str(value)
        case _:
            return None


def time_of(value: object) -> str | None:
    """A time as RFC 3339: from RFC 3339, `2015-05-17 18:08:09 UTC`, or seconds or ms since 1970."""
    if isinstance(value, str):
        if attributes.timestamp(value) is not None:
            return value
        spaced = _SPACED.fullmatch(value)
        if spaced is not None:
            day, clock, zone = spaced.groups()
            offset = "Z" if zone == "UTC" else f"{zone[:3]}:{zone[-2:]}"
            text = f"{day}T{clock}{offset}"
            return text if attributes.timestamp(text) is not None else None
        if not (value.isascii() and value.isdigit() and len(value) <= 15):
            return None
        value = int(value)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        # The bounds first: 1e999999999 is a short text, and no number to reckon with.
        if 0 < value <= _MOST_EPOCH_MS:
            return rfc3339(int(value if value >= _LEAST_EPOCH_MS else value * 1000))
    return None


def event_of(
    webhook: Webhook,
    values: Mapping[str, str | None],
    *,
    data: bytes | None = None,
    datacontenttype: str | None = None,
) -> Event:
    """The event with these attributes (None: not set) and the body, or `data`, byte for byte.

    Raises:
        InvalidEvent: a value breaks a rule of the CloudEvents specification.
    """
    draft = Draft()
    draft.put("specversion", "1.0")
    media_type = datacontenttype or webhook.headers.get("content-type")
    given: dict[str, Any] = {"datacontenttype": media_type, **values}
    for name, value in given.items():
        if value:
            draft.put(name, in_uri(value) if name in ("source", "dataschema") else value)
    body = webhook.body if data is None else data
    # As in HTTP's binary mode: bytes, whose type says what they are.
    return draft.event(body or None, text=False)


def in_uri(text: str) -> str:
    """The text with those characters percent-encoded that no URI holds."""
    return quote(text, safe=_URI_SAFE)


def required(value: str | None, name: str, where: str) -> str:
    """A value that an event cannot do without.

    Raises:
        InvalidEvent: it is missing.
    """
    if not value:
        raise InvalidEvent(
            attribute=name,
            value="",
            rule=f"MUST be a non-empty string; nothing is at {where}",
            spec="spec.md Required Attributes",
        )
    return value
