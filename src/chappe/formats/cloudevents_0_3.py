"""CloudEvents 0.3 over HTTP, read as 1.0: binary mode, and structured and batched mode in JSON.

For hubs whose producers still send 0.3 (spec.md, json-format.md and http-transport-binding.md at the
tag v0.3). The event that is stored is one of 1.0:

    specversion "0.3"                     -> "1.0"
    schemaurl                             -> dataschema, which must be absolute
    datacontentencoding "base64", data    -> the payload in bytes; the attribute is gone
    an extension that is a Map            -> a String: its JSON text, the Map's canonical encoding

Everything else is the same in both versions, and checked by the rules of 1.0.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chappe.domain import attributes
from chappe.domain.errors import CallerError, InvalidEvent
from chappe.domain.event import Event
from chappe.formats import cloudevents_http, cloudevents_json
from chappe.formats.batches import decode_each
from chappe.formats.cloudevents_headers import decode_value
from chappe.formats.cloudevents_http import Batched, Binary, Headers, Structured
from chappe.formats.event_formats import JSON
from chappe.formats.text_payload import from_base64

VERSION = "0.3"

_IN_JSON = b'"0.3"'
_ENCODING, _SCHEMA = b"ce-datacontentencoding", b"ce-schemaurl"


def decode(headers: Headers, body: bytes) -> Event | list[Event] | None:
    """The event or the batch, as one of 1.0; None where it does not say that it is 0.3.

    A batch is 0.3 where all of its events are; one that mixes versions is left to 1.0's reader,
    which refuses it.

    Raises:
        InvalidEvent: it breaks a rule of 0.3, or of 1.0.
        InvalidBatch: some events of a batch do.
        UnsupportedFormat: its Content-Type is an event format that is not known.
    """
    headers = tuple(headers)
    content_type = next((value for name, value in headers if name == b"content-type"), None)
    match cloudevents_http.mode_of(content_type):
        case Binary():
            return _binary(headers, body)
        case Structured(format=one) if one is JSON and _IN_JSON in body:
            members = cloudevents_json.members(body)
            return _structured(members) if _is_0_3(members) else None
        case Batched(format=one) if one is JSON and _IN_JSON in body:
            return _batch(body)
        case _:
            return None


def _binary(headers: Sequence[tuple[bytes, bytes]], body: bytes) -> Event | None:
    if (b"ce-specversion", b"0.3") not in headers:
        return None
    renamed: list[tuple[bytes, bytes]] = []
    for name, value in headers:
        if name == b"ce-specversion":
            renamed.append((name, b"1.0" if value == b"0.3" else value))
        elif name == _SCHEMA:
            _check_schemaurl(decode_value("schemaurl", value))
            renamed.append((b"ce-dataschema", value))
        elif name != _ENCODING:
            renamed.append((name, value))
    encodings = [value for name, value in headers if name == _ENCODING]
    if len(encodings) > 1:
        raise attributes.repeated("datacontentencoding", encodings[1].decode("latin-1"))
    if encodings:
        _check_encoding(decode_value("datacontentencoding", encodings[0]))
        body = from_base64("data", body.decode("latin-1"), "v0.3 spec.md datacontentencoding")
    return cloudevents_http.decode_binary(renamed, body)


def _is_0_3(members: dict[str, bytes]) -> bool:
    return members.get("specversion") == _IN_JSON


def _structured(members: dict[str, bytes]) -> Event:
    renamed: dict[str, msgspec.Raw] = {}
    encoding = members.pop("datacontentencoding", b"null")
    in_base64 = encoding != b"null"
    if in_base64:
        _check_encoding(_text("datacontentencoding", encoding))
    for name, raw in members.items():
        match name:
            case "specversion":
                renamed[name] = msgspec.Raw(b'"1.0"')
            case "schemaurl":
                if raw != b"null":
                    _check_schemaurl(_text(name, raw))
                if "dataschema" in members:
                    rule = "MUST NOT stand beside dataschema, which 1.0 calls it"
                    raise _invalid(name, raw, rule, "schemaurl")
                renamed["dataschema"] = msgspec.Raw(raw)
            # What is no string is not encoded, and the attribute is to be ignored then.
            case "data" if in_base64 and raw.startswith(b'"'):
                renamed["data_base64"] = msgspec.Raw(raw)
            case _ if raw.startswith(b"{") and name != "data":
                compact = msgspec.json.format(raw, indent=-1).decode("utf-8")
                renamed[name] = msgspec.Raw(msgspec.json.encode(compact))
            case _:
                renamed[name] = msgspec.Raw(raw)
    return cloudevents_json.decode(msgspec.json.encode(renamed))


def _batch(body: bytes) -> list[Event] | None:
    read: list[dict[str, bytes] | CallerError] = []
    for element in cloudevents_json.elements(body):
        try:
            members = cloudevents_json.members(element)
        except CallerError as exc:
            read.append(exc)
            continue
        if not _is_0_3(members):
            return None
        read.append(members)
    return decode_each(read, _element)


def _element(read: dict[str, bytes] | CallerError) -> Event:
    if isinstance(read, CallerError):
        raise read
    return _structured(read)


def _text(name: str, raw: bytes) -> str:
    try:
        return msgspec.json.decode(raw, type=str)
    except msgspec.ValidationError:
        raise _invalid(name, raw, "MUST be a string", name) from None


def _check_schemaurl(text: str) -> None:
    if not attributes.is_absolute_uri(text):
        rule = "MUST be an absolute URI, for in CloudEvents 1.0 it is dataschema (RFC 3986 4.3)"
        raise _invalid("schemaurl", text, rule, "schemaurl")


def _check_encoding(text: str) -> None:
    if text.lower() != "base64":
        rule = "MUST be base64: CloudEvents defines no other"
        raise _invalid("datacontentencoding", text, rule, "datacontentencoding")


def _invalid(name: str, value: object, rule: str, section: str) -> InvalidEvent:
    if isinstance(value, bytes):
        value = value[:100].decode("utf-8", "replace")
    spec = f"v0.3 spec.md {section}"
    return InvalidEvent(attribute=name, value=value, rule=rule, spec=spec)
