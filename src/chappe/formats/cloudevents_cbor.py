r"""The CBOR event format, both ways (cbor-format.md, a working draft; RFC 8949).

An event is one map; each attribute, and `data`, is a member of it.

    {"data": {"n": 1}}   type CBOR, or none   -> data=b"\xa1\x61n\x01"   the item's own bytes, untouched
    {"data": "<a/>"}     any other type       -> data=b"<a/>" text=True
    {"data": h'0102'}    any other type       -> data=b"\x01\x02"

Decisions where the specification leaves a choice:

- A byte string without datacontenttype is binary data of an unknown type (3.1.1 writes it so), and
  stays that; other data without a type gets the implied application/cbor explicitly (3.1.2, SHOULD).
- A payload that is declared to be CBOR and is none is written as a byte string.
- A name that stands twice, and bytes after the map, are refused.
"""

from __future__ import annotations

from chappe.domain import attributes
from chappe.domain.attributes import Memo
from chappe.domain.errors import InvalidEvent
from chappe.domain.event import AttributeValue, Event
from chappe.formats import cbor
from chappe.formats.event_draft import Draft
from chappe.formats.text_payload import payload_of_text

_TIME_TAG, _URI_TAG = 0, 32
_URIS = frozenset({"source", "dataschema"})


# --- writing


def encode(event: Event) -> bytes:
    """The event as a CBOR map."""
    pairs = [_TEXTS["specversion"], _TEXTS["1.0"], _TEXTS["id"], cbor.text(event.id)]
    pairs += (_TEXTS["source"], _TEXTS[event.source], _TEXTS["type"], _TEXTS[event.type])
    if event.time is not None:
        pairs += (_TEXTS["time"], _time(event.time))
    if event.subject is not None:
        pairs += (_TEXTS["subject"], cbor.text(event.subject))
    if event.datacontenttype is not None:
        pairs += (_TEXTS["datacontenttype"], _TEXTS[event.datacontenttype])
    if event.dataschema is not None:
        pairs += (_TEXTS["dataschema"], _TEXTS[event.dataschema])
    for name, value in event.extensions.items():
        pairs += (_TEXTS[name], _value(value))
    if event.data is not None:
        pairs += (_TEXTS["data"], _payload(event, event.data))
    return b"".join((cbor.head(cbor.MAP, len(pairs) // 2), *pairs))


def _value(value: AttributeValue) -> bytes:
    match value:
        case bool():
            return cbor.TRUE if value else cbor.FALSE
        case str():
            return cbor.text(value)
        case int():
            return cbor.integer(value)
        case bytes():
            return cbor.head(cbor.BYTES, len(value)) + value


def _time(text: str) -> bytes:
    # RFC 8949 3.4.1 takes RFC 3339 as RFC 4287 narrows it: with upper-case T and Z.
    tagged = text[10] == "T" and text[-1] != "z"
    return (cbor.head(cbor.TAG, _TIME_TAG) if tagged else b"") + cbor.text(text)


def _payload(event: Event, data: bytes) -> bytes:
    declared = event.datacontenttype is not None and attributes.is_cbor(event.datacontenttype)
    if declared and cbor.is_item(data):
        return data
    major = cbor.TEXT if event.text and not declared else cbor.BYTES
    return cbor.head(major, len(data)) + data


_TEXTS: Memo[str, bytes] = Memo(cbor.text)


# --- reading


def decode(wire: bytes) -> Event:
    """The event in a CBOR map.

    Raises:
        InvalidEvent: it breaks a rule of the specification.
        Malformed: the bytes are no CBOR.
    """
    major, count, at = cbor.read_head(wire, 0)
    if major != cbor.MAP:
        raise InvalidEvent(
            attribute="body", value=wire[:40], rule="MUST be a map", spec="cbor-format.md 3"
        )
    draft = Draft()
    names: set[str] = set()
    data: tuple[int, int] | None = None
    while len(names) < count if count is not None else wire[at : at + 1] != b"\xff":
        name, at = _name(wire, at)
        if name in names:
            raise attributes.repeated(name, wire[at : at + 40])
        names.add(name)
        if name == "data":
            data = at, cbor.item_end(wire, at)
            at = data[1]
            continue
        value, at = _read_value(name, wire, at)
        if value is not None:
            draft.put(name, value)
    if count is None:
        at += 1
    if at != len(wire):
        raise cbor.broken(at, "there is more after the event")
    payload, text = (None, False) if data is None else _read_payload(draft, wire, *data)
    return draft.event(payload, text=text)


def _name(wire: bytes, at: int) -> tuple[str, int]:
    if cbor.read_head(wire, at)[0] != cbor.TEXT:
        rule = "MUST be a text string, as the name of an attribute"
        raise _invalid("body", wire[at : at + 40], rule, "3")
    raw, end = cbor.read_string(wire, at, cbor.TEXT)
    return raw.decode("utf-8"), end


def _read_value(name: str, wire: bytes, at: int) -> tuple[AttributeValue | None, int]:
    """The value of the attribute, None for null, which means unset; and the position after it."""
    major, argument, end = cbor.read_head(wire, at)
    match major:
        case cbor.TEXT:
            raw, end = cbor.read_string(wire, at, cbor.TEXT)
            return raw.decode("utf-8"), end
        case cbor.BYTES:
            return cbor.read_string(wire, at, cbor.BYTES)
        case cbor.UNSIGNED | cbor.NEGATIVE:
            assert argument is not None
            return argument if major == cbor.UNSIGNED else -1 - argument, end
        case cbor.TAG if argument in (_TIME_TAG, _URI_TAG):
            return _read_tagged(name, argument, wire, end)
    item = wire[at:end]
    if item == cbor.NULL:
        return None, end
    if item == cbor.TRUE or item == cbor.FALSE:
        return item == cbor.TRUE, end
    rule = (
        "MUST be a Boolean, an integer, a text or byte string, or one with tag 0 (time) or 32 (URI)"
    )
    raise _invalid(name, wire[at : at + 40], rule, "2.2")


def _read_tagged(name: str, tag: int, wire: bytes, at: int) -> tuple[str, int]:
    if cbor.read_head(wire, at)[0] != cbor.TEXT:
        raise _invalid(name, wire[at : at + 40], f"MUST be a text string after tag {tag}", "2.2")
    raw, end = cbor.read_string(wire, at, cbor.TEXT)
    text = raw.decode("utf-8")
    if tag == _TIME_TAG and attributes.timestamp(text) is None:
        raise _invalid(name, text, "MUST be an RFC 3339 timestamp, because of its tag 0", "2.2")
    if tag == _URI_TAG and not attributes.is_uri_reference(text):
        raise _invalid(name, text, "MUST be a URI-reference, because of its tag 32", "2.2")
    is_core = name in attributes.CHECKS
    if is_core and (name != "time" if tag == _TIME_TAG else name not in _URIS):
        raise _invalid(name, text, f"MUST NOT have tag {tag}", "2.2")
    return text, end


def _read_payload(draft: Draft, wire: bytes, at: int, end: int) -> tuple[bytes | None, bool]:
    """The payload in the item from `at` to `end`, and whether it is text; may complete `draft`."""
    media_type = draft.datacontenttype
    major = cbor.read_head(wire, at)[0]
    if media_type is None and major != cbor.BYTES:
        draft.imply("application/cbor")
        return wire[at:end], False
    if media_type is not None and attributes.is_cbor(media_type):
        return wire[at:end], False
    if major == cbor.BYTES:
        return cbor.read_string(wire, at, cbor.BYTES)[0], False
    if major == cbor.TEXT:
        text = cbor.read_string(wire, at, cbor.TEXT)[0].decode("utf-8")
        return payload_of_text(text, media_type, "cbor-format.md 3.1.2")
    if wire[at:end] == cbor.NULL:
        return None, False
    rule = f"MUST be a text or a byte string, because datacontenttype is {media_type}"
    raise _invalid("data", wire[at : min(end, at + 40)], rule, "3.1.2")


def _invalid(name: str, value: object, rule: str, section: str) -> InvalidEvent:
    spec = f"cbor-format.md {section}"
    return InvalidEvent(attribute=name, value=value, rule=rule, spec=spec)
