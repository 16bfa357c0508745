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
        """The event reshaped; its attributes and its data see the event as it came.

        Raises:
            CannotReshape: not this event, whenever it is tried.
            Unavailable: not now.
        """
        try:
            shaped = with_attributes(event, transform)
            if transform.set:
                # What is set is checked as what comes in is; the payload was.
                decode(encode(structs.replace(shaped, data=None, text=False)))
        except Malformed as error:
            raise CannotReshape(error.message) from error
        if transform.data is None:
            return shaped
        value = await self._value(transform.data, event)
        if "datacontenttype" not in {*transform.set, *transform.remove}:
            media_type = None if value is None else JSON
            shaped = structs.replace(shaped, datacontenttype=media_type)
        return structs.replace(shaped, data=value, text=value is not None)

    async def _value(self, expression: str, event: Event) -> bytes | None:
        try:
            return await self._reshaper.reshape(expression, encode(event))
        except CannotReshape as error:
            raise CannotReshape(f"transform/data: {error}") from error
