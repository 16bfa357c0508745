"""How an event comes back from a format, where it is not the same: docs/formats.md, as a function."""

from __future__ import annotations

import json
import re

import msgspec

from chappe.domain import attributes
from chappe.domain.event import Event, canonical
from chappe.formats import cbor
from chappe.formats.event_formats import AVRO, AVRO_COMPACT, CBOR, JSON, XML, Format

_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def can_carry(format: Format, event: Event) -> bool:
    """Whether the format has a form for the event at all."""
    return format is not XML or not any(name[0].isdigit() for name in event.extensions)


def expected(format: Format, event: Event, found: Event) -> Event:
    """What the event becomes; `found` is what it became, of which only JSON texts are taken."""
    if format is JSON:
        return in_json(event)
    if format is AVRO:
        return _in_avro(event, found)
    if format is AVRO_COMPACT:
        return _in_avro_compact(event, found)
    if format is CBOR:
        return _in_cbor(event)
    if format is XML:
        return _in_xml(event)
    return event


def _is_json(event: Event) -> bool:
    return event.datacontenttype is not None and attributes.is_json(event.datacontenttype)


def _same_json(event: Event, found: Event) -> Event:
    """A JSON value may be written otherwise."""
    assert event.data is not None
    assert found.data is not None
    assert json.loads(found.data) == json.loads(event.data)
    return msgspec.structs.replace(event, data=found.data, text=True)


def _with_implied_type(event: Event) -> Event:
    """A text without a type becomes the JSON string that it is."""
    if not event.text or event.datacontenttype is not None:
        return event
    assert event.data is not None
    return msgspec.structs.replace(
        event, datacontenttype="application/json", data=msgspec.json.encode(event.data.decode())
    )


def in_json(event: Event) -> Event:
    """Binary becomes a String; a JSON payload is text, and white space around it goes."""
    extensions = {
        name: canonical(value) if isinstance(value, bytes) else value
        for name, value in event.extensions.items()
    }
    event = _with_implied_type(msgspec.structs.replace(event, extensions=extensions))
    if event.data is None or not _is_json(event):
        return event
    try:
        json.loads(event.data.decode())
    except ValueError:
        return msgspec.structs.replace(event, text=False)
    return msgspec.structs.replace(event, data=event.data.strip(b" \t\r\n"), text=True)


def _in_avro(event: Event, found: Event) -> Event:
    """A JSON value is the same value, or bytes where doubles are too narrow for it."""
    event = _with_implied_type(event)
    if not event.text or not _is_json(event):
        return event
    return _same_json(event, found) if found.text else msgspec.structs.replace(event, text=False)


def _in_avro_compact(event: Event, found: Event) -> Event:
    """A text becomes bytes, a time the instant in UTC, to the microsecond."""
    if event.time is not None:
        assert found.time is not None
        was, became = attributes.timestamp(event.time), attributes.timestamp(found.time)
        assert was is not None
        assert became == (was[0], was[1] // 1_000 * 1_000)
    return msgspec.structs.replace(event, text=False, time=found.time)


def _in_cbor(event: Event) -> Event:
    """A text without a type becomes a CBOR text; a payload of type CBOR that is none, a byte string."""
    if event.data is None:
        return event
    if event.datacontenttype is None:
        if not event.text:
            return event
        item = cbor.head(cbor.TEXT, len(event.data)) + event.data
        return msgspec.structs.replace(
            event, data=item, text=False, datacontenttype="application/cbor"
        )
    if attributes.is_cbor(event.datacontenttype):
        data = event.data
        if not cbor.is_item(data):
            data = cbor.head(cbor.BYTES, len(data)) + data
        return msgspec.structs.replace(event, data=data, text=False)
    return event


def _in_xml(event: Event) -> Event:
    """JSON and XML become text; a text that XML cannot carry becomes bytes."""
    media_type = event.datacontenttype
    is_known = media_type is not None and (
        attributes.is_json(media_type) or attributes.is_xml(media_type)
    )
    if event.data is None or not (event.text or is_known):
        return event
    try:
        carried = not _NO_XML.search(event.data.decode())
    except UnicodeDecodeError:
        carried = False
    return msgspec.structs.replace(event, text=carried)
