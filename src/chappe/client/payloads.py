"""A payload as a value of the type that somebody asks for."""

from __future__ import annotations

from typing import Any

import msgspec

from chappe.domain import attributes
from chappe.domain.errors import SchemaMismatch
from chappe.domain.event import Event


def payload_of(event: Event, as_: Any = Any) -> Any:
    """The payload of an event as `as_`; by default as what its media type says.

    Of a JSON type: dicts, lists, numbers. Of another: text where it was given as text, else bytes. No
    payload is None.

    Raises:
        SchemaMismatch: the payload is not of that type.
    """
    data = event.data
    is_json = event.datacontenttype is None or attributes.is_json(event.datacontenttype)
    if as_ is Any or as_ is object:
        if data is None:
            return None
        if not is_json:
            return data.decode() if event.text else data
    if data is None:
        if as_ in (None, type(None)):
            return None
        raise _mismatch(event, "there is none")
    if as_ is bytes:
        return data
    try:
        if as_ is str and not is_json:
            return data.decode()
        validate = getattr(as_, "model_validate_json", None)
        if validate is not None:
            return validate(data)
        return msgspec.json.decode(data, type=as_)
    except (msgspec.MsgspecError, ValueError, RecursionError) as exc:
        # pydantic's ValidationError is a ValueError.
        raise _mismatch(event, str(exc), as_) from exc


def _mismatch(event: Event, why: str, as_: Any = None) -> SchemaMismatch:
    wanted = "" if as_ is None else f" no {getattr(as_, '__name__', as_)}:"
    message = f"data of {event.source}#{event.id} ({event.type}):{wanted} {why}"
    return SchemaMismatch(message, [{"pointer": "", "rule": "type", "value": "", "message": why}])
