"""Events as answers, in the form that the request's Accept asks for.

one event   structured in any event format (JSON is the default), or in binary mode where Accept
names the type of the payload: the payload itself, its attributes in ce- headers
a page      rows of JSON with their positions (the default), or a batch in a format that has them
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chappe.domain.errors import NotAcceptable, UnsupportedFormat
from chappe.domain.event import Event
from chappe.flows.find import Item
from chappe.formats import cloudevents_http, cloudevents_json, event_formats
from chappe.formats.times import rfc3339
from chappe.http.exchange import Header, Response, json_response, raw_json
from chappe.http.negotiation import negotiate
from chappe.http.registry.documents import HARMLESS

VARY: Final[Header] = (b"vary", b"accept")

_ROWS: Final = "application/json"
_ONE: Final = event_formats.JSON.media_type
_PAGES: Final = (*event_formats.BY_BATCH_MEDIA_TYPE, _ROWS)


def shown(item: Item, headers: Sequence[Header]) -> Response:
    """One event, as the request's headers ask for it; where it stands is in headers of ours.

    Raises:
        NotAcceptable: no form of it is one that they take.
    """
    event = item.event
    payload_type = _payload_type(event)
    offers = [*event_formats.BY_MEDIA_TYPE, *([payload_type] if payload_type else [])]
    wanted = negotiate(headers, offers, default=_ONE, also={_ROWS: _ONE})
    own = (
        VARY,
        (b"chappe-position", str(item.position).encode("ascii")),
        (b"chappe-acceptedat", rfc3339(item.at_ms).encode("ascii")),
    )
    format = event_formats.BY_MEDIA_TYPE.get(wanted)
    if format is None:
        fields, body = cloudevents_http.encode_binary(event)
        return Response(200, body, (*fields, *HARMLESS, *own))
    try:
        body = format.encode(event)
    except UnsupportedFormat as exc:
        raise NotAcceptable(exc.message) from exc
    return Response(200, body, (_content_type(wanted), *own))


def page(
    items: Sequence[Item],
    headers: Sequence[Header],
    links: Sequence[Header],
    *,
    redacted: Sequence[object] = (),
) -> Response:
    """Events in their order, as the request's headers ask for them; `redacted` tells what is not shown of each.

    Raises:
        NotAcceptable: no form is one that they take.
    """
    wanted = negotiate(headers, _PAGES, default=_ROWS, also={})
    format = event_formats.BY_BATCH_MEDIA_TYPE.get(wanted)
    if format is None:
        rows: list[dict[str, object]] = [
            {
                "position": str(item.position),
                "acceptedat": rfc3339(item.at_ms),
                "event": raw_json(cloudevents_json.encode(item.event)),
            }
            for item in items
        ]
        for row, told in zip(rows, redacted, strict=False):
            row["redacted"] = told
        return json_response(rows, headers=(VARY, *links))
    try:
        body = format.encode_batch([item.event for item in items])
    except UnsupportedFormat as exc:
        raise NotAcceptable(exc.message) from exc
    return Response(200, body, (_content_type(wanted), VARY, *links))


def _payload_type(event: Event) -> str | None:
    """The media type by which the payload itself can be asked for; plain JSON means the event."""
    if event.data is None or event.datacontenttype is None:
        return None
    media_type = event.datacontenttype.partition(";")[0].strip(" ").lower()
    return None if media_type == _ROWS or media_type in event_formats.BY_MEDIA_TYPE else media_type


def _content_type(media_type: str) -> Header:
    charset = "; charset=utf-8" if media_type.endswith("+json") else ""
    return b"content-type", f"{media_type}{charset}".encode("ascii")
