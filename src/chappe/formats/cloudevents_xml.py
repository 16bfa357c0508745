r"""The XML event format and the XML batch format, both ways (xml-format.md, a working draft).

    <ce:event xmlns:ce="http://cloudevents.io/xmlformat/V1" … specversion="1.0">
      <ce:id>1</ce:id> … <ce:ext xsi:type="ce:integer">5</ce:ext>
      <ce:data xsi:type="xs:string">text</ce:data>

    xs:string        -> data=b"text"              text=True
    xs:base64Binary  -> data=b"\x01\x02"          text=False
    xs:any           -> data=b"<a>one element</a>" text=True, its bytes as they stood in the document

Decisions where the specification leaves a choice:

- A payload of type XML that is one element, and would come back byte for byte, is written as xs:any;
  other texts, and whatever is JSON or XML by its type, as xs:string; what XML cannot carry (U+0000,
  U+FFFE) and all other bytes as xs:base64Binary.
- `xs:any` without datacontenttype gets application/xml explicitly.
- Prefixes `ce` and `xs` in xsi:type that are bound nowhere are taken for what they always are.
- A string whose type declares another charset than UTF-8 becomes bytes in that charset.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

from chappe.domain import attributes
from chappe.domain.errors import UnsupportedFormat
from chappe.domain.event import AttributeValue, Event, canonical
from chappe.formats import xml_reader
from chappe.formats.batches import decode_each
from chappe.formats.event_draft import Draft
from chappe.formats.text_payload import from_base64, is_utf8, payload_of_text
from chappe.formats.xml_reader import ANY, CE, XS, XSI, Member, RawEvent, invalid

_NAMESPACES: Final = {"ce": CE, "xsi": XSI, "xs": XS}
_DECLARATIONS: Final = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in _NAMESPACES.items())
_PREFIXES: Final = tuple(f"{prefix}:".encode() for prefix in _NAMESPACES)
_PREAMBLE: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'


# --- writing


def encode(event: Event) -> bytes:
    """The event as an XML document.

    Raises:
        UnsupportedFormat: an extension's name begins with a digit, as no element of XML may.
    """
    return b"".join((_PREAMBLE.encode(), *_written(event, _DECLARATIONS), b"\n"))


def encode_batch(events: Sequence[Event]) -> bytes:
    """The events as an XML document.

    Raises:
        UnsupportedFormat: as for `encode`.
    """
    parts = [f"{_PREAMBLE}<ce:batch{_DECLARATIONS}>\n".encode()]
    for event in events:
        parts += (*_written(event, ""), b"\n")
    parts.append(b"</ce:batch>\n")
    return b"".join(parts)


def _written(event: Event, declarations: str) -> tuple[bytes, bytes, bytes]:
    lines = [f'<ce:event{declarations} specversion="1.0">']
    for name in _CORE:
        text = getattr(event, name)
        if text is not None:
            lines.append(f"  <ce:{name}>{escape(text)}</ce:{name}>")
    for name, value in event.extensions.items():
        if name[0] <= "9":
            raise UnsupportedFormat(
                f"event {event.id!r} of {event.source!r}: XML cannot carry the attribute {name!r}: "
                "no element's name begins with a digit"
            )
        lines.append(
            f'  <ce:{name} xsi:type="ce:{_TYPE_NAMES[type(value)]}">'
            f"{escape(canonical(value))}</ce:{name}>"
        )
    lines.append("")
    return "\n".join(lines).encode("utf-8"), _payload(event), b"</ce:event>"


def _payload(event: Event) -> bytes:
    data = event.data
    if data is None:
        return b""
    media_type = event.datacontenttype
    is_xml = media_type is not None and attributes.is_xml(media_type)
    if is_utf8(media_type):
        if is_xml and _is_element(data):
            return b'  <ce:data xsi:type="xs:any">%b</ce:data>\n' % data
        if event.text or is_xml or (media_type is not None and attributes.is_json(media_type)):
            escaped = _escaped(data)
            if escaped is not None:
                return b'  <ce:data xsi:type="xs:string">%b</ce:data>\n' % escaped
    return b'  <ce:data xsi:type="xs:base64Binary">%b</ce:data>\n' % b64encode(data)


def _escaped(data: bytes) -> bytes | None:
    """The text as the content of an element; None where it is none, or holds what XML cannot."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if _NO_XML.search(text):
        return None
    # A carriage return that stands as such would be read as a line feed.
    return escape(text, {"\r": "&#13;"}).encode("utf-8")


def _is_element(data: bytes) -> bool:
    """Whether the bytes are one element that comes back from our document as it is."""
    if not data.endswith(b">") or not xml_reader.is_one_element(data):
        return False
    if not any(prefix in data for prefix in _PREFIXES):
        return True
    # It may get declarations of our document that it does not need; only reading it tells.
    document = b'<ce:event%b><ce:data xsi:type="xs:any">%b</ce:data></ce:event>'
    found = xml_reader.read(document % (_DECLARATIONS.encode(), data), "event")
    return found[0].members[0].child == data


_CORE: Final = ("id", "source", "type", "time", "subject", "datacontenttype", "dataschema")
_TYPE_NAMES: Final[Mapping[type, str]] = {
    bool: "boolean",
    int: "integer",
    str: "string",
    bytes: "binary",
}
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


# --- reading


def decode(body: bytes) -> Event:
    """The event in an XML document.

    Raises:
        InvalidEvent: it is no XML that is read, or breaks a rule of the specification.
    """
    return _event(xml_reader.read(body, "event")[0])


def decode_batch(body: bytes) -> list[Event]:
    """The events in an XML document, all or nothing; an empty batch is one, too.

    Raises:
        InvalidEvent: it is no XML that is read, or no batch.
        InvalidBatch: some are no valid events; with the error of each.
    """
    return decode_each(xml_reader.read(body, "batch"), _event)


def _event(raw: RawEvent) -> Event:
    if raw.error is not None:
        raise raw.error
    draft = Draft()
    if raw.specversion is not None:
        draft.put("specversion", raw.specversion)
    data: Member | None = None
    for member in raw.members:
        if member.name != "data":
            draft.put(member.name, _value(member))
        elif data is None:
            data = member
        else:
            raise invalid("data", "".join(member.text), "MUST NOT occur more than once", "3")
    if data is None:
        return draft.event(None, text=False)
    payload, text = _read_payload(draft, data)
    return draft.event(payload, text=text)


def _value(member: Member) -> AttributeValue:
    """The value of an attribute, by its xsi:type; what a core attribute must be, `Draft` checks."""
    name, text = member.name, "".join(member.text)
    if name == "specversion":
        raise invalid(name, text, "MUST be an XML attribute of event, not an element", "4")
    if member.children:
        raise invalid(name, text, "MUST NOT contain an element", "2")
    core = _CORE_TYPES.get(name)
    if core is not None:
        if member.type not in (None, (CE, core)):
            raise invalid(name, _shown(member), f"MUST have the xsi:type ce:{core}, or none", "2")
        return text
    if member.type is None:
        raise invalid(name, text, "MUST have an xsi:type, as every extension", "2")
    uri, local = member.type
    read = _READERS.get(local) if uri == CE else None
    if read is None:
        rule = f"MUST have an xsi:type of ce: ({', '.join(_READERS)})"
        raise invalid(name, _shown(member), rule, "2")
    return read(name, text)


def _read_payload(draft: Draft, member: Member) -> tuple[bytes, bool]:
    """The payload, and whether it is text; may complete `draft`."""
    text = "".join(member.text)
    if member.type == ANY:
        if text.strip(" \t\r\n"):
            raise invalid("data", text.strip(), "MUST NOT stand beside the element in data", "3.3")
        if member.children != 1:
            rule = f"MUST be exactly one element, not {member.children}"
            raise invalid("data", _shown(member), rule, "3.3")
        draft.imply("application/xml")
        payload = member.child
        if is_utf8(draft.datacontenttype):
            return payload, True
        return payload_of_text(payload.decode("utf-8"), draft.datacontenttype, "xml-format.md 3.3")
    if member.type not in ((XS, "string"), (XS, "base64Binary")):
        rule = "MUST have the xsi:type xs:string, xs:base64Binary or xs:any"
        raise invalid("data", _shown(member), rule, "3")
    if member.children:
        raise invalid("data", _shown(member), "MUST NOT contain an element", "3.1, 3.2")
    if member.type == (XS, "string"):
        return payload_of_text(text, draft.datacontenttype, "xml-format.md 3.2")
    # xs:base64Binary may be broken into lines.
    return from_base64("data", "".join(text.split()), "xml-format.md 3.1"), False


def _shown(member: Member) -> str:
    return "without xsi:type" if member.type is None else f"xsi:type {member.type[1]}"


def _boolean(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise invalid(name, text, "MUST be true or false, as a ce:boolean", "2")
    return text == "true"


def _integer(name: str, text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise invalid(name, text, "MUST be a 32-bit integer, as a ce:integer", "2")
    return int(text)


def _binary(name: str, text: str) -> bytes:
    return from_base64(name, text, "xml-format.md 2")


def _uri(name: str, text: str) -> str:
    if not attributes.is_uri_reference(text):
        raise invalid(name, text, "MUST be a URI or URI-reference (RFC 3986)", "2")
    return text


def _timestamp(name: str, text: str) -> str:
    if attributes.timestamp(text) is None:
        raise invalid(name, text, "MUST be an RFC 3339 timestamp, as a ce:timestamp", "2")
    return text


_INTEGER = re.compile("-?[0-9]{1,10}", re.ASCII)
_CORE_TYPES: Final = {
    "id": "string",
    "source": "uriRef",
    "type": "string",
    "subject": "string",
    "time": "timestamp",
    "datacontenttype": "string",
    "dataschema": "uri",
}
_READERS: Final[Mapping[str, Callable[[str, str], AttributeValue]]] = {
    "boolean": _boolean,
    "integer": _integer,
    "string": lambda _name, text: text,
    "binary": _binary,
    "uri": _uri,
    "uriRef": _uri,
    "timestamp": _timestamp,
}
