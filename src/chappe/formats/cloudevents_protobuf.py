"""The Protobuf event format, both ways (protobuf-format.md 1.0, cloudevents.proto).

Where the two differ, cloudevents.proto counts, for it is what every SDK is generated from:

    CloudEvent                               CloudEventAttributeValue (one of)
    1 id  2 source  3 spec_version  4 type   1 ce_boolean  2 ce_integer  3 ce_string  4 ce_bytes
    5 attributes: map name -> value          5 ce_uri  6 ce_uri_ref  7 ce_timestamp
    6 binary_data | 7 text_data | 8 proto_data

`time` is written as ce_timestamp, so that every SDK reads it. A spelling that cannot be had back
from the instant (offset, precision, leap second, lower case) stands beside it in field 2047 of the
value, which is unknown to others and skipped by them; our reader believes it only where it names
the same instant. Fields that are given twice follow protobuf: the last one counts.

A `proto_data` payload is kept as the bytes of its message, with datacontenttype
application/protobuf and its type URL as dataschema, where the event does not say otherwise.
"""

from __future__ import annotations

from functools import lru_cache

from chappe.domain import attributes
from chappe.domain.attributes import Memo, is_uri_reference, timestamp
from chappe.domain.errors import InvalidEvent, Malformed
from chappe.domain.event import NO_EXTENSIONS, AttributeValue, Event
from chappe.formats.cloudevents_wire import (
    ONE_BYTE,
    fields,
    length_delimited,
    read_varint,
    signed,
    varint,
)

# Tags: number << 3 | wire type, which is 0 for varints and 2 for what has a length.
_ID, _SOURCE, _SPECVERSION, _TYPE, _ATTRIBUTE = 0x0A, 0x12, 0x1A, 0x22, 0x2A
_DATA, _TEXT, _PROTO = 0x32, 0x3A, 0x42
_FIELDS = frozenset({_ID, _SOURCE, _SPECVERSION, _TYPE, _ATTRIBUTE, _DATA, _TEXT, _PROTO})
_KEY, _VALUE = 0x0A, 0x12
_BOOLEAN, _INTEGER, _STRING, _BYTES, _URI, _URI_REF, _INSTANT = 8, 16, 26, 34, 42, 50, 58
_TEXTS = frozenset({_STRING, _URI, _URI_REF})
_KINDS = _TEXTS | {_BOOLEAN, _INTEGER, _BYTES, _INSTANT}
_SPELLING = 2047 << 3 | 2
_REQUIRED = frozenset({"id", "source", "specversion", "type"})

# The instants that google.protobuf.Timestamp has: the years 1 to 9999.
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799


# --- writing


def encode(event: Event) -> bytes:
    """The event as a CloudEvent message."""
    id_ = event.id.encode()
    parts = [
        b"\x0a",
        ONE_BYTE[len(id_)] if len(id_) < 128 else varint(len(id_)),
        id_,
        _SOURCES[event.source],
        _TYPES[event.type],
    ]
    if event.time is not None:
        parts.append(_TIMES[event.time])
    if event.subject is not None:
        parts += _text_entry(b"\x0a\x07subject\x12", event.subject)
    if event.datacontenttype is not None:
        parts.append(_DATACONTENTTYPES[event.datacontenttype])
    if event.dataschema is not None:
        parts.append(_DATASCHEMAS[event.dataschema])
    if event.extensions:
        for name, value in event.extensions.items():
            if isinstance(value, str):
                parts += _text_entry(_KEYS[name], value)
            else:
                parts.append(_entry(name, _typed(value)))
    data = event.data
    if data is not None:
        parts += (_payload_head(event.text, len(data)), data)
    return b"".join(parts)


@lru_cache(maxsize=4_096)
def _payload_head(text: bool, length: int) -> bytes:
    """What stands before a payload of that length."""
    return (b"\x3a" if text else b"\x32") + varint(length)


def _text_entry(key: bytes, text: str) -> tuple[bytes, ...]:
    """An entry of `attributes` whose value is a ce_string; `key` is all of it before the value."""
    raw = text.encode()
    length = len(raw)
    if length < 126 - len(key):
        return (
            b"\x2a",
            ONE_BYTE[length + len(key) + 3],
            key,
            ONE_BYTE[length + 2],
            b"\x1a",
            ONE_BYTE[length],
            raw,
        )
    value = length_delimited(b"\x1a", raw)
    return (length_delimited(b"\x2a", key, varint(len(value)), value),)


def _entry(name: str, value: bytes) -> bytes:
    return length_delimited(b"\x2a", _KEYS[name], varint(len(value)), value)


def _typed(value: int | bytes) -> bytes:
    match value:
        case bool():
            return b"\x08\x01" if value else b"\x08\x00"
        case int():
            return b"\x10" + signed(value)
        case bytes():
            return length_delimited(b"\x22", value)


def _time_entry(text: str) -> bytes:
    instant = timestamp(text)
    if instant is None or not _FIRST_SECOND <= instant[0] <= _LAST_SECOND:
        # RFC 3339 has a year 0, and instants before year 1 or after 9999 by their offset.
        return _entry("time", length_delimited(b"\x1a", text.encode()))
    seconds, nanos = instant
    # 3a <length> 08 <seconds> 10 <nanos>; protobuf leaves out what is zero.
    message = b"\x08" + signed(seconds) if seconds else b""
    if nanos:
        message += b"\x10" + varint(nanos)
    value = b"\x3a" + ONE_BYTE[len(message)] + message
    if not attributes.is_rendered(text):
        value += length_delimited(varint(_SPELLING), text.encode())
    if len(value) > 119:
        return _entry("time", value)
    length = len(value)
    return b"\x2a" + ONE_BYTE[length + 8] + b"\x0a\x04time\x12" + ONE_BYTE[length] + value


_KEYS: Memo[str, bytes] = Memo(lambda name: length_delimited(b"\x0a", name.encode()) + b"\x12")
_SOURCES: Memo[str, bytes] = Memo(
    lambda text: length_delimited(b"\x12", text.encode()) + b"\x1a\x031.0"
)
_TYPES: Memo[str, bytes] = Memo(lambda text: length_delimited(b"\x22", text.encode()))
_TIMES: Memo[str, bytes] = Memo(_time_entry)
_DATACONTENTTYPES: Memo[str, bytes] = Memo(
    lambda text: _entry("datacontenttype", length_delimited(b"\x1a", text.encode()))
)
_DATASCHEMAS: Memo[str, bytes] = Memo(
    lambda text: _entry("dataschema", length_delimited(b"\x2a", text.encode()))
)


# --- reading


def decode(wire: bytes) -> Event:
    """The event in a CloudEvent message.

    Raises:
        InvalidEvent: it breaks a rule of the specification.
        Malformed: the bytes are no message.
    """
    return decode_part(wire, 0, len(wire))


def decode_part(wire: bytes, start: int, end: int) -> Event:
    """The event in the CloudEvent message that stands in `wire` from `start` to `end`.

    A block is decoded in place: cutting out its events first would copy every payload twice.

    Raises:
        InvalidEvent: it breaks a rule of the specification.
        Malformed: the bytes are no message.
    """
    core: dict[str, str] = {}
    extensions: dict[str, AttributeValue] | None = None
    data = any_ = None
    text = False
    position = start
    while position < end:
        tag = wire[position]
        if tag not in _FIELDS or position + 1 == end:
            return decode(_known_fields(wire[start:end]))
        length = wire[position + 1]
        position += 2
        if length > 127:
            length, position = read_varint(wire, position - 1)
        part = wire[position : position + length]
        position += length
        if tag == _ATTRIBUTE:
            # These two differ from event to event; they would only flood what is remembered.
            if part[:9] == b"\x0a\x07subject":
                name, value = _read_subject(part)
            elif part[:7] == b"\x0a\x04time\x12":
                name, value = _read_time(part)
            else:
                name, value = _ENTRIES[part]
            if name in _CORE:
                core[name] = value  # type: ignore[assignment]  # _read_entry: a str for these
            else:
                if extensions is None:
                    extensions = {}
                extensions[name] = value
        elif tag == _ID:
            core["id"] = attributes.check_id(_utf8("id", part))
        elif tag == _SOURCE:
            core["source"] = _READ_SOURCES[part]
        elif tag == _TYPE:
            core["type"] = _READ_TYPES[part]
        elif tag == _SPECVERSION:
            core["specversion"] = _READ_SPECVERSIONS[part]
        elif tag == _PROTO:
            # protobuf merges what is given twice; merging is concatenating.
            data, any_, text = None, part if any_ is None else any_ + part, False
        else:
            data, any_, text = part, None, tag == _TEXT
    if position != end:
        length = end - start
        raise Malformed(f"body: is no protobuf message: it ends inside a field (byte {length})")
    if any_ is not None:
        data = _unpacked(any_, core)
    elif text and data is not None and not data.isascii():
        _utf8("data", data)
    if "dataschema" in core:
        core["dataschema"] = _SCHEMAS[core["dataschema"]]
    if core.pop("specversion", None) is None:
        raise attributes.missing(core)
    try:
        return Event(
            **core,  # only attributes that are str
            extensions=NO_EXTENSIONS if extensions is None else extensions,
            data=data,
            text=text,
        )
    except TypeError:
        raise attributes.missing({"specversion": "1.0", **core}) from None


def _known_fields(wire: bytes) -> bytes:
    """The message again, with the fields of a CloudEvent only, each in its plain form."""
    return b"".join(
        length_delimited(ONE_BYTE[tag], part) for tag, _, part in fields(wire) if tag in _FIELDS
    )


def _read_entry(wire: bytes) -> tuple[str, AttributeValue]:
    """The name and the checked value in an entry of `attributes`; a str for core attributes."""
    key = value = b""
    for tag, _, part in fields(wire):
        if tag == _KEY:
            key = part
        elif tag == _VALUE:
            value += part
    name = _NAMES[key]
    return name, _read_value(name, value)


def _attribute_name(key: bytes) -> str:
    name = attributes.check_name(_utf8("attributes", key))
    if name in _REQUIRED:
        rule = "MUST be in its own field, not among the attributes"
        raise _invalid(name, name, rule, "protobuf-format.md 2.3")
    return name


def _checked(name: str, text: str) -> str:
    check = _CHECKS.get(name)
    return check(text) if check else attributes.check_string(name, text)


def _read_value(name: str, wire: bytes) -> AttributeValue:
    kind = number = 0
    raw = spelling = b""
    for tag, value, part in fields(wire):
        if tag in _KINDS:
            raw = raw + part if tag == kind == _INSTANT else part
            kind, number = tag, value
        elif tag == _SPELLING:
            spelling = part
    if kind in _TEXTS:
        text = _utf8(name, raw)
    elif kind == _INSTANT:
        return _instant(name, raw, spelling)
    elif kind == 0:
        raise _invalid(name, None, "MUST have a value", "protobuf-format.md 2.4")
    elif name in _CORE:
        rule = f"MUST be a {'ce_timestamp' if name == 'time' else 'ce_string'}"
        raise _invalid(name, raw or number, rule, "protobuf-format.md 2.1")
    elif kind == _BYTES:
        return raw
    elif kind == _BOOLEAN:
        return number != 0
    else:
        return (number & 0xFFFF_FFFF ^ 0x8000_0000) - 0x8000_0000
    if kind != _STRING and name not in attributes.CHECKS and not is_uri_reference(text):
        rule = "MUST be a URI or URI-reference (RFC 3986)"
        raise _invalid(name, text, rule, "protobuf-format.md 2.1")
    return _checked(name, text)


def _read_subject(wire: bytes) -> tuple[str, AttributeValue]:
    """An entry that begins with 0a 07 subject; at once where it goes on as a short text does."""
    length = len(wire) - 13
    if 0 < length < 114 and wire[9:13] == _SHORT_TEXT[length]:
        return "subject", attributes.check_subject(_utf8("subject", wire[13:]))
    return _read_entry(wire)


def _read_time(wire: bytes) -> tuple[str, AttributeValue]:
    """An entry that begins with 0a 04 time 12; at once where an instant is all that follows.

    <length> 3a <length> 08 <five bytes of seconds> [10 <nanos>], as from 1978 on. Events of one
    second share the bytes of their seconds.
    """
    length = len(wire)
    if 16 <= length < 32 and wire[7:10] == _SHORT_INSTANT[length]:
        text = _SECONDS[wire[10:16]]
        if text is not None:
            if length == 16:
                return "time", f"{text}Z"
            nanos, end = read_varint(wire, 17) if length > 17 else (0, 0)
            if wire[16] == 0x10 and end == length and 0 < nanos <= 999_999_999:
                if nanos % 1_000:
                    return "time", f"{text}.{nanos:09d}Z"
                if nanos % 1_000_000:
                    return "time", f"{text}.{nanos // 1_000:06d}Z"
                return "time", f"{text}.{nanos // 1_000_000:03d}Z"
    return _read_entry(wire)


def _second(wire: bytes) -> str | None:
    """08 <five bytes of seconds> -> "2018-04-05T17:31:00"; None where it is something else."""
    if wire[0] != 0x08 or wire[5] > 127:
        return None
    seconds, end = read_varint(wire, 1)
    if end != 6 or seconds > _LAST_SECOND:
        return None
    return attributes.render((seconds, 0))[:-1]


def _instant(name: str, wire: bytes, spelling: bytes) -> str:
    seconds = nanos = 0
    for tag, number, _ in fields(wire):
        if tag == 0x08:
            seconds = (number ^ 1 << 63) - (1 << 63)
        elif tag == 0x10:
            nanos = number
    if not _FIRST_SECOND <= seconds <= _LAST_SECOND or nanos > 999_999_999:
        rule = "MUST be an instant of the years 1 to 9999, with 0 to 999,999,999 ns"
        raise _invalid(name, f"{seconds} s {nanos} ns", rule, "protobuf-format.md 2.1")
    instant = (seconds, nanos)
    if spelling.isascii() and timestamp(spelling.decode("ascii")) == instant:
        return spelling.decode("ascii")
    return attributes.render(instant)


def _unpacked(wire: bytes, core: dict[str, str]) -> bytes:
    """The message inside a google.protobuf.Any; may complete `core`."""
    type_url = message = b""
    for tag, _, part in fields(wire):
        if tag == 0x0A:
            type_url = part
        elif tag == 0x12:
            message = part
    core.setdefault("datacontenttype", "application/protobuf")
    schema = core.get("dataschema") or _utf8("dataschema", type_url)
    if schema:
        # any.proto: where a type URL has no scheme, https is meant.
        has_scheme = attributes.is_absolute_uri(schema)
        core["dataschema"] = schema if has_scheme else f"https://{schema.lstrip('/')}"
    return message


def _utf8(name: str, raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise _invalid(name, raw[:100], "MUST be UTF-8", "protobuf-format.md 2.1") from None


def _invalid(name: str, value: object, rule: str, spec: str) -> InvalidEvent:
    return InvalidEvent(attribute=name, value=value, rule=rule, spec=spec)


# dataschema is checked when the payload is known: a type URL may lack its scheme.
_CHECKS = {name: check for name, check in attributes.CHECKS.items() if name != "dataschema"}
_CORE = frozenset(attributes.CHECKS)
# What follows the name in an entry: 12 <length> 1a <length>, by the length of a text;
# and <length> 3a <length>, by the length of a whole entry of `time`.
_SHORT_TEXT = [bytes((_VALUE, length + 2, _STRING, length)) for length in range(114)]
_SHORT_INSTANT = [bytes((length - 8 & 127, _INSTANT, length - 10 & 127)) for length in range(32)]
_NAMES: Memo[bytes, str] = Memo(_attribute_name)
_SECONDS: Memo[bytes, str | None] = Memo(_second)
_ENTRIES: Memo[bytes, tuple[str, AttributeValue]] = Memo(_read_entry)
_READ_SPECVERSIONS: Memo[bytes, str] = Memo(
    lambda raw: attributes.check_specversion(_utf8("specversion", raw))
)
_READ_SOURCES: Memo[bytes, str] = Memo(lambda raw: attributes.check_source(_utf8("source", raw)))
_READ_TYPES: Memo[bytes, str] = Memo(lambda raw: attributes.check_type(_utf8("type", raw)))
_SCHEMAS: Memo[str, str] = Memo(attributes.check_dataschema)
