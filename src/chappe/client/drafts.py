"""What a program hands in becomes an event: a type with data, an event, or another library's event.

    event_of("order.paid", {"total": 12}, source="/shop")       id and time are set here
    event_of(Event(…))                                          as it is
    event_of(cloudevents.core.v1.event.CloudEvent(…))           any object with get_attributes, get_data
    event_of({"specversion": "1.0", "id": …, "data": …})        the JSON format, as a mapping

Data that is bytes stays as it is; text under a type that is not JSON stays text; all else becomes JSON:
dicts, dataclasses, msgspec's Structs, pydantic's models.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeAlias, TypedDict, runtime_checkable

import msgspec

from chappe.client import ambient
from chappe.domain import attributes
from chappe.domain.errors import InvalidEvent, Malformed
from chappe.domain.event import SPECVERSION, AttributeValue, Event
from chappe.formats import cloudevents_json
from chappe.formats.event_draft import Draft

_JSON: Final = "application/json"
_BYTES: Final = "application/octet-stream"
_encode = msgspec.json.Encoder(decimal_format="number").encode


@runtime_checkable
class SdkEvent(Protocol):
    """An event of the CloudEvents SDK for Python, of its versions 1 and 2."""

    def get_attributes(self) -> Mapping[str, Any]:
        """All attributes; a time may be a datetime."""
        ...

    def get_data(self) -> Any:
        """The payload."""
        ...


EventLike: TypeAlias = Event | SdkEvent | Mapping[str, Any]


class Unset:
    """No payload was given; None is a payload: JSON's null."""


UNSET: Final = Unset()


class Beside(TypedDict, total=False):
    """The attributes that stand beside a type and its data; what is None is not there."""

    source: str | None
    subject: str | None
    id: str | None
    time: str | datetime | None
    datacontenttype: str | None
    dataschema: str | None
    extensions: Mapping[str, AttributeValue] | None


class Placed(Beside, total=False):
    """The same, and the channel that the event is handed in to."""

    channel: str


def event_of(
    given: str | EventLike,
    data: object,
    beside: Beside,
    *,
    source: str | None = None,
    overrides: Mapping[str, str] | None = None,
) -> Event:
    """The event, with an id that stays: to send it twice is to send the same event.

    A new event also gets the span that is under way (`traceparent`). `source` is that of events that say
    none, `overrides` are extensions that every event gets.

    Raises:
        InvalidEvent: an attribute is missing or breaks a rule of the specification.
        Malformed: what was given is no event, or the payload cannot be JSON.
    """
    match given:
        case str():
            event = _made(given, data, beside, source)
        case _ if data is not UNSET or beside:
            raise Malformed(
                "event: data and attributes stand beside a type, and not beside an event"
            )
        case Event():
            event = given
        case Mapping():
            event = cloudevents_json.decode(_json(given))
        case SdkEvent():
            event = _of_sdk(given.get_attributes(), given.get_data())
        case _:
            raise Malformed(f"event: {type(given).__name__} is no type, event or mapping")
    if overrides:
        return msgspec.structs.replace(event, extensions={**event.extensions, **overrides})
    return event


def _made(type_: str, data: object, beside: Beside, source: str | None) -> Event:
    source = beside.get("source") or source
    if source is None:
        raise InvalidEvent(
            attribute="source",
            value=None,
            rule="MUST be given, at the call or at the client (source=)",
            spec="spec.md Required Attributes: source",
        )
    id_, time = beside.get("id"), beside.get("time")
    draft = Draft()
    draft.put("specversion", SPECVERSION)
    draft.put("id", ambient.new_id() if id_ is None else id_)
    draft.put("source", source)
    draft.put("type", type_)
    draft.put("time", ambient.now() if time is None else _time(time))
    for name in ("subject", "datacontenttype", "dataschema"):
        value = beside.get(name)
        if value is not None:
            draft.put(name, value)  # type: ignore[arg-type]
    extensions = beside.get("extensions") or {}
    if "traceparent" not in extensions:
        for name, value in ambient.trace_context().items():
            draft.put(name, value)
    for name, value in extensions.items():
        draft.put(name, value)
    return _with_data(draft, data)


def _of_sdk(found: Mapping[str, Any], data: object) -> Event:
    draft = Draft()
    for name, value in found.items():
        if value is not None:
            draft.put(name, _time(value) if isinstance(value, datetime) else value)
    # The SDK has no word for "no payload" but None.
    return _with_data(draft, UNSET if data is None else data)


def _with_data(draft: Draft, data: object) -> Event:
    given = draft.datacontenttype
    match data:
        case Unset():
            return draft.event(None, text=False)
        case bytes() | bytearray() | memoryview():
            draft.imply(_BYTES)
            # As the JSON format reads it back: bytes of a JSON type are JSON.
            return draft.event(bytes(data), text=given is not None and attributes.is_json(given))
        case str() if given is not None and not attributes.is_json(given):
            return draft.event(data.encode(), text=True)
        case _:
            draft.imply(_JSON)
            return draft.event(_json(data), text=True)


def _json(data: object) -> bytes:
    # pydantic's models know best how they become JSON (aliases, serializers).
    dump = getattr(data, "model_dump_json", None)
    if callable(dump):
        return str(dump(by_alias=True)).encode()
    try:
        return _encode(data)
    except (TypeError, ValueError, RecursionError) as exc:
        raise Malformed(f"data: {type(data).__name__} cannot be JSON ({exc})") from exc


def _time(given: str | datetime) -> str:
    if isinstance(given, str):
        return given
    if given.tzinfo is None:
        raise InvalidEvent(
            attribute="time",
            value=given.isoformat(),
            rule="MUST have an offset; give a datetime with a tzinfo",
            spec="spec.md Optional Attributes: time",
        )
    return given.astimezone(UTC).isoformat().replace("+00:00", "Z")
