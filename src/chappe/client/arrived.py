"""An event that the hub gave: its attributes at hand, its payload read when it is asked for."""

from __future__ import annotations

from builtins import type as Type  # noqa: N812 - `type` is an attribute here
from typing import Any, TypeVar, overload

from chappe.client.payloads import payload_of
from chappe.domain.event import Event

T = TypeVar("T")


class Arrived:
    """An event with its position in the log; `event` has every attribute and the payload's bytes."""

    __slots__ = ("event", "position")

    def __init__(self, event: Event, position: str) -> None:
        self.event = event
        self.position = position

    @property
    def id(self) -> str:
        """With `source`, what the event is known by: the same when it comes again."""
        return self.event.id

    @property
    def source(self) -> str:
        """Who said it."""
        return self.event.source

    @property
    def subject(self) -> str | None:
        """What it is about."""
        return self.event.subject

    @overload
    def data(self) -> Any: ...
    @overload
    def data(self, as_: Type[T]) -> T: ...

    def data(self, as_: Any = Any) -> Any:
        """The payload: of a JSON type as dicts and lists, or as the type that is asked for.

        `as_` is a dataclass, a msgspec Struct, a pydantic model, `dict[str, int]`, `str` or `bytes`.

        Raises:
            SchemaMismatch: the payload is not of that type, or there is none.
        """
        return payload_of(self.event, as_)

    @property
    def type(self) -> str:
        """What kind of event it is."""
        return self.event.type

    def __repr__(self) -> str:  # type: ignore[explicit-override]
        name = self.__class__.__name__
        return f"<{name} {self.event.type} {self.event.source}#{self.event.id} at {self.position}>"
