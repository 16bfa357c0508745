"""The event formats that the hub speaks: one table, for what comes in, what is read, every sink.

    application/cloudevents+<name>          one event
    application/cloudevents-batch+<name>    any number of events, where the format has batches

How an event stands in HTTP beside these (binary mode) is `cloudevents_http`'s business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from chappe.domain.errors import UnsupportedFormat
from chappe.domain.event import Event
from chappe.formats import (
    block,
    cloudevents_avro,
    cloudevents_avro_compact,
    cloudevents_cbor,
    cloudevents_json,
    cloudevents_protobuf,
    cloudevents_xml,
)

MEDIA_TYPE = "application/cloudevents"
BATCH_MEDIA_TYPE = "application/cloudevents-batch"


@dataclass(frozen=True, slots=True)
class Format:
    """One event format: bytes <-> Event.

    `decode` raises InvalidEvent or Malformed, `decode_batch` InvalidBatch too. `encode` takes every
    event; XML's alone raises UnsupportedFormat, for an extension whose name begins with a digit.
    Where a format has no batches, `batch_media_type` is None and both functions of batches raise
    UnsupportedFormat. What a format cannot keep of an event is told in docs/formats.md.
    """

    name: str
    media_type: str
    batch_media_type: str | None
    decode: Callable[[bytes], Event]
    encode: Callable[[Event], bytes]
    decode_batch: Callable[[bytes], list[Event]]
    encode_batch: Callable[[Sequence[Event]], bytes]


JSON = Format(
    "json",
    f"{MEDIA_TYPE}+json",
    f"{BATCH_MEDIA_TYPE}+json",
    cloudevents_json.decode,
    cloudevents_json.encode,
    cloudevents_json.decode_batch,
    cloudevents_json.encode_batch,
)
PROTOBUF = Format(
    "protobuf",
    f"{MEDIA_TYPE}+protobuf",
    f"{BATCH_MEDIA_TYPE}+protobuf",
    cloudevents_protobuf.decode,
    cloudevents_protobuf.encode,
    block.decode_batch,
    block.encode_batch,
)

XML = Format(
    "xml",
    f"{MEDIA_TYPE}+xml",
    f"{BATCH_MEDIA_TYPE}+xml",
    cloudevents_xml.decode,
    cloudevents_xml.encode,
    cloudevents_xml.decode_batch,
    cloudevents_xml.encode_batch,
)


def _without_batches(
    name: str, decode: Callable[[bytes], Event], encode: Callable[[Event], bytes]
) -> Format:
    def no_batches(_: object) -> NoReturn:
        raise UnsupportedFormat(f"the event format {name} has no batches")

    return Format(name, f"{MEDIA_TYPE}+{name}", None, decode, encode, no_batches, no_batches)


AVRO = _without_batches("avro", cloudevents_avro.decode, cloudevents_avro.encode)
AVRO_COMPACT = _without_batches(
    "avro-compact", cloudevents_avro_compact.decode, cloudevents_avro_compact.encode
)
CBOR = _without_batches("cbor", cloudevents_cbor.decode, cloudevents_cbor.encode)

FORMATS: Sequence[Format] = (JSON, PROTOBUF, XML, AVRO, CBOR, AVRO_COMPACT)
"""Every format, the preferred first."""

BY_MEDIA_TYPE: Mapping[str, Format] = {one.media_type: one for one in FORMATS}
"""By the media type of one event, in lower case and without parameters."""

BY_BATCH_MEDIA_TYPE: Mapping[str, Format] = {
    one.batch_media_type: one for one in FORMATS if one.batch_media_type is not None
}
"""The formats that have batches, by the media type of a batch."""

MEDIA_TYPES: Sequence[str] = (*BY_MEDIA_TYPE, *BY_BATCH_MEDIA_TYPE)
"""All of them, for a refusal to name."""

_BY_NAME: Mapping[str, Format] = {one.name: one for one in FORMATS}


def named(name: str) -> Format:
    """The format of that name, such as "protobuf".

    Raises:
        UnsupportedFormat: there is none.
    """
    found = _BY_NAME.get(name)
    if found is None:
        raise UnsupportedFormat(f"event format {name!r} is not known; known: {', '.join(_BY_NAME)}")
    return found
