"""The event as a subscription wants it: its transform, before each attempt."""

from __future__ import annotations

from msgspec import structs

from chappe.domain.errors import Malformed
from chappe.domain.event import Event
from chappe.domain.options import Transform
from chappe.domain.transform import with_attributes
from chappe.formats.cloudevents_json import decode, encode
from chappe.ports.reshaper import CannotReshape, Reshaper

JSON = "application/json"


class Reshape:
    """Applies transforms; what cannot be reshaped is refused, and so becomes a dead letter."""

    def __init__(self, reshaper: Reshaper) -> None:
        self._reshaper = reshaper

    async def __call__(self, transform: Transform, event: Event) -> Event:
        """The event reshaped: first its data, then what is set, then what is left out.

        Raises:
            CannotReshape: not this event, whenever it is tried.
            Unavailable: not now.
        """
        shaped = event
        if transform.data is not None:
            shaped = await self._with_data(transform.data, event)
        try:
            # Attributes see the event as it came, and are checked as those that come in are.
            shaped = structs.replace(
                with_attributes(event, transform),
                data=shaped.data,
                text=shaped.text,
                datacontenttype=_media_type(transform, event, shaped),
            )
            if transform.set:
                decode(encode(shaped))
        except Malformed as error:
            raise CannotReshape(error.message) from error
        return shaped

    async def _with_data(self, expression: str, event: Event) -> Event:
        try:
            value = await self._reshaper.reshape(expression, encode(event))
        except CannotReshape as error:
            raise CannotReshape(f"transform/data: {error}") from error
        return structs.replace(
            event, data=value, text=value is not None, datacontenttype=JSON if value else None
        )


def _media_type(transform: Transform, event: Event, shaped: Event) -> str | None:
    if "datacontenttype" in transform.set or "datacontenttype" in transform.remove:
        return with_attributes(event, transform).datacontenttype
    return shaped.datacontenttype
