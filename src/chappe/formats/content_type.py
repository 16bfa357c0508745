"""Structured or binary: what a message's content type says, the same in the MQTT and AMQP bindings.

application/cloudevents+<format>    structured: the whole event is in the payload
anything else, or none              binary: the payload is the data, attributes are beside it
"""

from __future__ import annotations

from chappe.domain import attributes
from chappe.domain.attributes import Memo
from chappe.domain.errors import UnsupportedFormat
from chappe.domain.event import Event
from chappe.formats.event_formats import BATCH_MEDIA_TYPE, BY_MEDIA_TYPE, MEDIA_TYPE, Format


def structured_format(content_type: str | None) -> Format | None:
    """The event format of a structured message; None: it is in binary mode.

    Raises:
        UnsupportedFormat: CloudEvents, but a batch, or in a format or charset that is not known.
    """
    return None if content_type is None else _FORMATS[content_type]


def format_of(media_type: str) -> Format:
    """The event format that a subscription asks for (`envelopeoptions.format`).

    Raises:
        UnsupportedFormat: there is none of that name.
    """
    found = BY_MEDIA_TYPE.get(media_type.lower())
    if found is None:
        raise UnsupportedFormat(
            f"event format {media_type!r} is not known; known: {', '.join(BY_MEDIA_TYPE)}"
        )
    return found


def content_type_of(event: Event) -> str | None:
    """The media type of the data in binary mode.

    A JSON payload that nobody called so is called so (json-format.md 3.1.2).
    """
    if event.datacontenttype is None and event.text and event.data is not None:
        return "application/json"
    return event.datacontenttype


def _format(content_type: str) -> Format | None:
    media_type = content_type.partition(";")[0].strip(" \t").lower()
    if not media_type.startswith(MEDIA_TYPE):
        return None
    if media_type.startswith(BATCH_MEDIA_TYPE):
        raise UnsupportedFormat(
            f"content type {content_type!r}: a batch is not possible in one message of this protocol"
        )
    found = BY_MEDIA_TYPE.get(media_type)
    if found is None:
        raise UnsupportedFormat(
            f"content type {content_type!r} is an event format that is not known; known: "
            + ", ".join(BY_MEDIA_TYPE)
        )
    charset = attributes.charset(content_type)
    if charset not in (None, "utf-8", "utf8", "us-ascii"):
        raise UnsupportedFormat(
            f"content type {content_type!r}: charset {charset!r} is not known; use utf-8"
        )
    return found


_FORMATS: Memo[str, Format | None] = Memo(_format)
