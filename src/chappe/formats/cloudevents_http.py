"""CloudEvents over HTTP: headers and body <-> events, in the three content modes.

http-protocol-binding.md. Headers are pairs of bytes with lower-case names, as ASGI gives them.
Reading a binary-mode request is the hottest path of the hub: names and values that repeat are
decoded and checked once and then looked up (see `domain.attributes.Memo`).

    Content-Type                           mode        body
    application/cloudevents-batch+<format> Batched     events in the format
    application/cloudevents+<format>       Structured  one event in the format
    anything else, or none                 Binary      the payload; the attributes are ce- headers
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from chappe.domain import attributes
from chappe.domain.attributes import Memo
from chappe.domain.errors import InvalidEvent, UnsupportedFormat
from chappe.domain.event import NO_EXTENSIONS, Event, canonical
from chappe.formats.cloudevents_headers import decode_value, encode_value
from chappe.formats.event_formats import (
    BATCH_MEDIA_TYPE,
    BY_BATCH_MEDIA_TYPE,
    BY_MEDIA_TYPE,
    JSON,
    MEDIA_TYPE,
    MEDIA_TYPES,
    Format,
)

Headers: TypeAlias = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Binary:
    """Attributes in headers, the payload as the body."""


@dataclass(frozen=True, slots=True)
class Structured:
    """One whole event as the body."""

    format: Format


@dataclass(frozen=True, slots=True)
class Batched:
    """Any number of whole events as the body."""

    format: Format


Mode: TypeAlias = Binary | Structured | Batched


def decode_single(headers: Sequence[tuple[bytes, bytes]], body: bytes) -> Event | None:
    """The event of a request in binary or structured mode; None where it says that it is a batch.

    Raises:
        InvalidEvent, UnsupportedFormat: as for `decode`.
    """
    mode = _BINARY
    for name, value in headers:
        if name == b"content-type":
            mode = _MODES[value]
            break
    if mode is _BINARY:
        return decode_binary(headers, body)
    return mode.format.decode(body) if isinstance(mode, Structured) else None


def decode(headers: Headers, body: bytes) -> Event | list[Event]:
    """The event of a request or response, or the events of a batch, in any mode and format.

    Raises:
        InvalidEvent: it breaks a rule of the specification.
        InvalidBatch: some events of a batch do; none of it may be used.
        UnsupportedFormat: it is no event, or in a format that is not known.
    """
    headers = tuple(headers)
    content_type = None
    for name, value in headers:
        if name == b"content-type":
            content_type = value
            break
    match mode_of(content_type):
        case Binary():
            return decode_binary(headers, body)
        case Structured(format=one):
            return one.decode(body)
        case Batched(format=one):
            return one.decode_batch(body)


def mode_of(content_type: bytes | None) -> Mode:
    """The content mode that the header Content-Type tells (http-protocol-binding.md 3).

    Raises:
        UnsupportedFormat: CloudEvents, but in a format or charset that is not known.
    """
    return _BINARY if content_type is None else _MODES[content_type]


def decode_binary(headers: Headers, body: bytes) -> Event:
    """The event whose attributes are in `ce-` headers; `body` becomes its payload, untouched.

    An empty body is no payload, and no Content-Type leaves `datacontenttype` unset.

    Raises:
        InvalidEvent: an attribute is missing, given twice or wrong.
        UnsupportedFormat: there is no `ce-` header at all.
    """
    core: dict[str, str] = {}
    extensions: dict[str, str] | None = None
    for name, raw in headers:
        known = _core_headers(name)
        if known is not None:
            attribute, read = known
            if attribute in core:
                raise attributes.repeated(attribute, decode_value(attribute, raw))
            core[attribute] = read(raw)
        elif name[:3] == b"ce-":
            attribute = _EXTENSIONS[name]
            if extensions is None:
                extensions = {}
            elif attribute in extensions:
                raise attributes.repeated(attribute, decode_value(attribute, raw))
            extensions[attribute] = decode_value(attribute, raw)
    if "specversion" not in core:
        raise _no_event(core, extensions)
    del core["specversion"]
    try:
        return Event(
            **core,  # type: ignore[arg-type]  # only attributes that are str
            extensions=NO_EXTENSIONS if extensions is None else extensions,
            data=body or None,
        )
    except TypeError:
        core["specversion"] = "1.0"
        raise attributes.missing(core) from None


def encode_binary(event: Event) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The headers and the body of the event in binary mode; no payload is an empty body.

    What HTTP cannot carry comes back changed: types of extensions (all become strings), and an
    empty payload (becomes none).
    """
    headers = [
        _SPECVERSION,
        (b"ce-id", encode_value(event.id)),
        (b"ce-source", _ENCODED[event.source]),
        (b"ce-type", _ENCODED[event.type]),
    ]
    if event.time is not None:
        headers.append((b"ce-time", encode_value(event.time)))
    if event.subject is not None:
        headers.append((b"ce-subject", encode_value(event.subject)))
    if event.dataschema is not None:
        headers.append((b"ce-dataschema", _ENCODED[event.dataschema]))
    if event.extensions:
        for name, value in event.extensions.items():
            text = value if isinstance(value, str) else canonical(value)
            headers.append((_HEADER_NAMES[name], encode_value(text)))
    if event.datacontenttype is not None:
        # A media type is US-ASCII already, and Content-Type is no percent-encoded header.
        headers.append((b"content-type", event.datacontenttype.encode("ascii")))
    return headers, event.data or b""


def encode_structured(
    event: Event, format: Format = JSON
) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The headers (Content-Type alone) and the body of the event in structured mode."""
    return [(b"content-type", format.media_type.encode("ascii"))], format.encode(event)


def encode_batch(
    events: Sequence[Event], format: Format = JSON
) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The headers (Content-Type alone) and the body of a batch; use it only when solicited.

    Raises:
        UnsupportedFormat: the format has no batches.
    """
    body = format.encode_batch(events)
    assert format.batch_media_type is not None
    return [(b"content-type", format.batch_media_type.encode("ascii"))], body


def _no_event(core: Mapping[str, str], extensions: Mapping[str, str] | None) -> Exception:
    if extensions is None and core.keys() <= {"datacontenttype"}:
        return UnsupportedFormat(
            "the message is no event: it has no ce- headers, and its Content-Type is not one of "
            + ", ".join(MEDIA_TYPES)
        )
    return attributes.missing(core)


def _mode(content_type: bytes) -> Mode:
    text = content_type.decode("latin-1")
    media_type = text.partition(";")[0].strip(" \t").lower()
    # Every batch type begins as the type of a single event does, so it is tested first.
    if media_type.startswith(BATCH_MEDIA_TYPE):
        one = BY_BATCH_MEDIA_TYPE.get(media_type)
        mode: Mode | None = Batched(one) if one else None
    elif media_type.startswith(MEDIA_TYPE):
        one = BY_MEDIA_TYPE.get(media_type)
        mode = Structured(one) if one else None
    else:
        return _BINARY
    if mode is None:
        raise UnsupportedFormat(
            f"Content-Type: {text!r} is an event format that is not known; known: "
            + ", ".join(MEDIA_TYPES)
        )
    charset = attributes.charset(text)
    if charset not in (None, "utf-8", "utf8", "us-ascii"):
        raise UnsupportedFormat(f"Content-Type: charset {charset!r} is not known; use utf-8")
    return mode


def _extension_name(header: bytes) -> str:
    name = header[3:].decode("latin-1")
    if name == "datacontenttype":
        raise InvalidEvent(
            attribute=name,
            value=name,
            rule="MUST NOT be a ce- header: in binary mode it is the header Content-Type",
            spec="http-protocol-binding.md 3.1.1",
        )
    return attributes.check_name(name)


def _reader(attribute: str) -> Callable[[bytes], str]:
    check = attributes.CHECKS[attribute]

    def read(raw: bytes) -> str:
        return check(decode_value(attribute, raw))

    return read


def _media_type(raw: bytes) -> str:
    return attributes.check_datacontenttype(raw.decode("latin-1").strip(" \t"))


_BINARY: Mode = Binary()
_MODES: Memo[bytes, Mode] = Memo(_mode)
_EXTENSIONS: Memo[bytes, str] = Memo(_extension_name)

# Those whose values repeat remember them; id, subject and time would only flood the memory.
_core_headers = {
    b"ce-specversion": ("specversion", Memo(_reader("specversion")).__getitem__),
    b"ce-id": ("id", _reader("id")),
    b"ce-source": ("source", Memo(_reader("source")).__getitem__),
    b"ce-type": ("type", Memo(_reader("type")).__getitem__),
    b"ce-subject": ("subject", _reader("subject")),
    b"ce-time": ("time", _reader("time")),
    b"ce-dataschema": ("dataschema", Memo(_reader("dataschema")).__getitem__),
    b"content-type": ("datacontenttype", Memo(_media_type).__getitem__),
}.get

_SPECVERSION = (b"ce-specversion", b"1.0")
_ENCODED: Memo[str, bytes] = Memo(encode_value)
_HEADER_NAMES: Memo[str, bytes] = Memo(lambda name: b"ce-" + name.encode("ascii"))
