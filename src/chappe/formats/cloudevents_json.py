r"""The JSON event format and the JSON batch format, both ways (json-format.md 1.0).

A JSON payload is kept as the bytes that were sent: no number is rewritten, no member reordered.

    "data": {"n": 1.50}                  -> data=b'{"n": 1.50}'  text=True   (type JSON, or none)
    "data": "<a/>"                       -> data=b"<a/>"         text=True   (any other type)
    "data_base64": "AQI="                -> data=b"\x01\x02"      text=False

Decisions where the specification leaves a choice:

- A duplicate member is refused: parsers disagree about which one counts.
- `data` that is no string, under a type that is not JSON, is refused (3.1.2: MAY fail); null there,
  and a null `data_base64`, count as no payload.
- `data` without `datacontenttype` gets the implied application/json explicitly, for the event will
  be stored and forwarded in other formats (3.1.2, SHOULD).
- A string whose type declares another charset than UTF-8 becomes bytes in that charset, since
  every other binding carries the payload so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from chappe.domain import attributes
from chappe.domain.attributes import Memo
from chappe.domain.errors import CallerError, InvalidEvent
from chappe.domain.event import NO_EXTENSIONS, AttributeValue, Event
from chappe.formats.batches import decode_each
from chappe.formats.text_payload import from_base64, payload_of_text

_INTEGER = re.compile(b"-?[0-9]+")
_ESCAPED_COLON = re.compile(rb"\\u003[aA]")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def decode(body: bytes) -> Event:
    """The event in a JSON object.

    Raises:
        InvalidEvent: the body is no JSON object, or breaks a rule of the specification.
    """
    _check_utf8(body)
    try:
        usual = _USUAL.decode(body)
    except _NO_JSON:
        return _event(body)
    read = _usual_event(usual)
    if read is not None and read[1] == _colons(body):
        return read[0]
    return _event(body)


def decode_batch(body: bytes) -> list[Event]:
    """The events in a JSON array, all or nothing; an empty array is a batch too.

    Raises:
        InvalidEvent: the body is no JSON array.
        InvalidBatch: elements are no valid events; with the error of each.
    """
    _check_utf8(body)
    usual = _usual_batch(body)
    if usual is not None:
        return usual
    return decode_each(_elements(body), _event)


def encode(event: Event) -> bytes:
    """The event as a JSON object.

    The payload becomes `data` where it is JSON by its type and in fact, or text; else Base64 in
    `data_base64`. White space around a JSON payload is kept here, but belongs to no JSON value, so
    a reader may drop it.
    """
    return _ENCODER.encode(_members(event))


def encode_batch(events: Sequence[Event]) -> bytes:
    """The events as a JSON array."""
    return _ENCODER.encode([_members(event) for event in events])


# --- reading


def members(body: bytes) -> dict[str, bytes]:
    """The members of a JSON object, each value as its text, without a judgement on any value.

    Raises:
        InvalidEvent: the body is no JSON object, a name is none of an event's, or stands twice.
    """
    _check_utf8(body)
    try:
        views = _OBJECT.decode(body)
    except _NO_JSON as exc:
        raise _malformed(body, exc, "a JSON object", "json-format.md 3") from exc
    found = {name: bytes(view) for name, view in views.items()}
    for name in found:
        if name not in ("data", "data_base64"):
            _NAMES[name]
    _check_once(body, views, list(found.values()))
    return found


def elements(body: bytes) -> list[bytes]:
    """The elements of a JSON array, each as its text.

    Raises:
        InvalidEvent: the body is no JSON array.
    """
    _check_utf8(body)
    return _elements(body)


def _elements(body: bytes) -> list[bytes]:
    try:
        return [bytes(element) for element in _ARRAY.decode(body)]
    except _NO_JSON as exc:
        raise _malformed(body, exc, "a JSON array", "json-format.md 4.1") from exc


class _Usual(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An event as most are: core attributes and JSON data. Read in one go, a third of the time.

    It accepts no more than `_event`, and judges nothing: whatever does not fit goes there.
    """

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    subject: str | None = None
    time: str | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    data: msgspec.Raw = msgspec.Raw()


def _usual_batch(body: bytes) -> list[Event] | None:
    try:
        elements = _USUAL_ARRAY.decode(body)
    except _NO_JSON:
        return None
    events: list[Event] = []
    colons = 0
    for element in elements:
        read = _usual_event(element)
        if read is None:
            return None
        events.append(read[0])
        colons += read[1]
    return events if colons == _colons(body) else None


def _colons(body: bytes) -> int | None:
    """How many colons the text has; None if some are escaped, which as values count and here not."""
    # Most texts have no backslash, and one byte is found much faster than six.
    if b"\\" in body and _ESCAPED_COLON.search(body):
        return None
    return body.count(b":")


def _usual_event(usual: _Usual) -> tuple[Event, int] | None:
    """The event, and how many colons its text has if no member stood in it twice (see `_event`).

    A member that is null has its colon too, and is not told from one that is absent: it does not
    count here, and so goes to `_event`.
    """
    id_, source, type_, media_type = usual.id, usual.source, usual.type, usual.datacontenttype
    subject, time, dataschema = usual.subject, usual.time, usual.dataschema
    colons = 4 + f"{id_}{source}{type_}".count(":")
    payload: bytes | None = bytes(usual.data)
    try:
        if media_type is not None:
            colons += 1 + media_type.count(":")
            media_type = _MEDIA_TYPES[media_type]
        if payload:  # no JSON value is empty
            colons += 1 + payload.count(b":")
            if media_type is None:
                media_type = "application/json"
            elif not attributes.is_json(media_type):
                return None
        else:
            payload = None
        if subject is not None:
            colons += 1 + attributes.check_subject(subject).count(":")
        if time is not None:
            colons += 1 + attributes.check_time(time).count(":")
        if dataschema is not None:
            colons += 1 + _DATASCHEMAS[dataschema].count(":")
        event = Event(
            id=attributes.check_id(id_),
            source=_SOURCES[source],
            type=_TYPES[type_],
            subject=subject,
            time=time,
            datacontenttype=media_type,
            dataschema=dataschema,
            data=payload,
            text=payload is not None,
        )
    except CallerError:
        return None
    return event, colons


def _event(body: bytes) -> Event:
    try:
        members = _OBJECT.decode(body)
    except _NO_JSON as exc:
        raise _malformed(body, exc, "a JSON object", "json-format.md 3") from exc
    core: dict[str, str] = {}
    extensions: dict[str, AttributeValue] | None = None
    data = base64 = None
    values: list[bytes] = []
    for name, view in members.items():
        raw = bytes(view)
        values.append(raw)
        read = _core_members(name)
        if read is not None:
            if raw != b"null":
                core[name] = read(raw)
        elif name == "data":
            data = raw
        elif name == "data_base64":
            base64 = raw
        else:
            _NAMES[name]
            if raw != b"null":
                if extensions is None:
                    extensions = {}
                extensions[name] = _extension(name, raw)
    _check_once(body, members, values)
    if core.pop("specversion", None) is None:
        raise attributes.missing(core)
    payload, text = None, False
    if data is not None:
        if base64 is not None:
            raise _invalid("data", data, "MUST NOT stand beside data_base64", "3.1.1")
        payload, text = _payload(data, core)
    elif base64 is not None:
        payload = _from_base64(base64)
    try:
        return Event(
            **core,  # only attributes that are str
            extensions=NO_EXTENSIONS if extensions is None else extensions,
            data=payload,
            text=text,
        )
    except TypeError:
        raise attributes.missing({"specversion": "1.0", **core}) from None


def _payload(raw: bytes, core: dict[str, str]) -> tuple[bytes | None, bool]:
    """The payload in the member `data`, and whether it is text; may complete `core`."""
    media_type = core.get("datacontenttype")
    if media_type is None:
        core["datacontenttype"] = "application/json"
        return raw, True
    if attributes.is_json(media_type):
        return raw, True
    if raw == b"null":
        return None, False
    if raw[0] != _QUOTE:
        rule = f"MUST be a JSON string, because datacontenttype is {media_type}"
        raise _invalid("data", raw, rule, "3.1.2")
    text = _string("data", raw)
    return payload_of_text(text, media_type, "json-format.md 3.1.2")


def _from_base64(raw: bytes) -> bytes | None:
    if raw == b"null":
        return None
    return from_base64("data_base64", _string("data_base64", raw), "json-format.md 3.1.2")


def _string(name: str, raw: bytes) -> str:
    if raw[0] != _QUOTE:
        raise _invalid(name, raw, "MUST be a JSON string", "2.2")
    text = raw[1:-1].decode("utf-8")
    return _STRING.decode(raw) if "\\" in text else text


def _extension(name: str, raw: bytes) -> AttributeValue:
    first = raw[0]
    if first == _QUOTE:
        return attributes.check_string(name, _string(name, raw))
    if raw == b"true" or raw == b"false":
        return raw == b"true"
    # A number of more digits than an Integer has is not worth converting (and int() has a limit).
    if _INTEGER.fullmatch(raw) and len(raw) <= 11:
        return attributes.check_integer(name, int(raw))
    rule = "MUST be a string, a Boolean or a 32-bit integer without fraction or exponent"
    raise _invalid(name, raw, rule, "2.2")


def _check_utf8(body: bytes) -> None:
    # msgspec does not look into the strings that it leaves raw.
    if not body.isascii():
        try:
            body.decode("utf-8")
        except UnicodeDecodeError as exc:
            rule = f"MUST be UTF-8, and is not at byte {exc.start}"
            raise _invalid("body", body[exc.start :], rule, "3") from exc


def _malformed(body: bytes, exc: Exception, expected: str, spec: str) -> InvalidEvent:
    if isinstance(exc, RecursionError):
        reason = "is nested too deeply"
    elif isinstance(exc, msgspec.ValidationError):
        reason = f"MUST be {expected}"
    elif _SURROGATE.search(body):
        reason = f"MUST be {expected}; {exc}; unpaired surrogates such as \\ud800 are refused"
    else:
        reason = f"MUST be {expected}; {exc}"
    return InvalidEvent(attribute="body", value=_shown(body), rule=reason, spec=spec)


def _check_once(body: bytes, members: Mapping[str, msgspec.Raw], values: Sequence[bytes]) -> None:
    # Each member has one colon outside of its value, and no valid name holds one. A duplicate that
    # the parser has dropped leaves at least one colon more than that.
    if body.count(b":") - b"".join(values).count(b":") != len(values):
        raise _duplicate(body, members)


def _duplicate(body: bytes, members: Mapping[str, msgspec.Raw]) -> InvalidEvent:
    for name, view in members.items():
        # Good enough to name the culprit; that there is one is certain already.
        if len(re.findall(b'"%s"[ \t\n\r]*:' % name.encode(), body)) > 1:
            return _invalid(name, bytes(view), "is a duplicate member; MUST appear once", "3")
    return _invalid("body", body, "has a duplicate member; MUST appear once", "3")


def _invalid(name: str, value: object, rule: str, section: str) -> InvalidEvent:
    if isinstance(value, bytes):
        value = _shown(value)
    spec = f"json-format.md {section}"
    return InvalidEvent(attribute=name, value=value, rule=rule, spec=spec)


def _shown(raw: bytes) -> str:
    return raw[:100].decode("utf-8", "replace")


def _reader(name: str) -> Callable[[bytes], str]:
    check = attributes.CHECKS[name]

    def read(raw: bytes) -> str:
        return check(_string(name, raw))

    return read


_QUOTE = ord('"')
_NO_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_STRING = msgspec.json.Decoder(str)
_USUAL = msgspec.json.Decoder(_Usual)
_USUAL_ARRAY = msgspec.json.Decoder(list[_Usual])
_SOURCES: Memo[str, str] = Memo(attributes.check_source)
_TYPES: Memo[str, str] = Memo(attributes.check_type)
_MEDIA_TYPES: Memo[str, str] = Memo(attributes.check_datacontenttype)
_DATASCHEMAS: Memo[str, str] = Memo(attributes.check_dataschema)
_NAMES: Memo[str, str] = Memo(attributes.check_name)

# Those whose values repeat remember them; id, subject and time would only flood the memory.
_core_members = {
    "specversion": Memo(_reader("specversion")).__getitem__,
    "id": _reader("id"),
    "source": Memo(_reader("source")).__getitem__,
    "type": Memo(_reader("type")).__getitem__,
    "subject": _reader("subject"),
    "time": _reader("time"),
    "datacontenttype": Memo(_reader("datacontenttype")).__getitem__,
    "dataschema": Memo(_reader("dataschema")).__getitem__,
}.get


# --- writing


def _members(event: Event) -> dict[str, object]:
    members: dict[str, object] = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
    }
    if event.time is not None:
        members["time"] = event.time
    if event.subject is not None:
        members["subject"] = event.subject
    media_type = event.datacontenttype
    if media_type is not None:
        members["datacontenttype"] = media_type
    if event.dataschema is not None:
        members["dataschema"] = event.dataschema
    if event.extensions:
        members.update(event.extensions)
    data = event.data
    if data is not None:
        if media_type is not None and attributes.is_json(media_type):
            if _is_json(data):
                members["data"] = msgspec.Raw(data)
            else:
                members["data_base64"] = data
        elif event.text:
            members["data"] = data.decode("utf-8")
        else:
            members["data_base64"] = data
    return members


def _is_json(data: bytes) -> bool:
    try:
        _check_utf8(data)
        _VALUE.decode(data)
    except (CallerError, *_NO_JSON):
        return False
    return True


_ENCODER = msgspec.json.Encoder()
_VALUE = msgspec.json.Decoder(msgspec.Raw)
