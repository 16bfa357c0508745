"""Handlers: plain functions, called with what their first parameter is annotated with.

    async def paid(order: Order) -> None       the payload as a dataclass, Struct or pydantic model
    def paid(delivery: Delivery) -> None       the event, its position, its words (ack, reject)
    async def paid(event: Event) -> None       the event with its attributes, and the payload's bytes
    def paid(order: Order, event: Event)       both, in any order

A parameter without an annotation gets the payload as dicts and lists. A function that is not async runs
in a thread.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_type_hints

from chappe.client.arrived import Arrived
from chappe.client.payloads import payload_of
from chappe.domain.errors import Malformed
from chappe.domain.event import Event
from chappe.domain.filters import ALWAYS, Predicate, compiled

Handler: TypeAlias = Callable[..., Any]
_Part: TypeAlias = Literal["event", "arrived", "data"]
_PARTS: Final[tuple[tuple[type, _Part], ...]] = ((Event, "event"), (Arrived, "arrived"))


@dataclass(frozen=True, slots=True)
class Route:
    """A handler, which events it takes, and what it is called with."""

    name: str
    handler: Handler
    filter: Any
    takes: Predicate
    arguments: Sequence[tuple[_Part, Any]]

    async def call(self, arrived: Arrived) -> None:
        """Call the handler.

        Raises:
            SchemaMismatch: the payload is not what the handler asks for.
        """
        arguments = [self._argument(part, type_, arrived) for part, type_ in self.arguments]
        if inspect.iscoroutinefunction(self.handler):
            await self.handler(*arguments)
        else:
            await asyncio.to_thread(self.handler, *arguments)

    @staticmethod
    def _argument(part: _Part, type_: Any, arrived: Arrived) -> Any:
        match part:
            case "event":
                return arrived.event
            case "arrived":
                return arrived
            case "data":
                return payload_of(arrived.event, type_)


def route(handler: Handler, expression: Any) -> Route:
    """The route of a handler for the events that a filter lets through (None: all).

    Raises:
        Malformed: the filter breaks a rule, or the handler's parameters cannot be given.
    """
    filter_ = ALWAYS
    if expression is not None:
        # Filters are read where they are used: the parser of CESQL is no small import.
        from chappe.formats.filters_json import parse_filters

        filter_ = parse_filters([expression])  # type: ignore[assignment]
    name = getattr(handler, "__qualname__", repr(handler))
    return Route(name, handler, expression, compiled(filter_), _arguments(handler, name))


def _arguments(handler: Handler, name: str) -> Sequence[tuple[_Part, Any]]:
    hints = get_type_hints(handler)
    found: list[tuple[_Part, Any]] = []
    for parameter in inspect.signature(handler).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty:
                raise Malformed(f"handler {name}: {parameter.name!r} can only be given by keyword")
            continue
        if parameter.default is not parameter.empty:
            continue
        found.append(_argument(hints.get(parameter.name, Any)))
    if sum(part == "data" for part, _ in found) > 1:
        raise Malformed(f"handler {name}: asks for the payload twice")
    return found


def _argument(hint: Any) -> tuple[_Part, Any]:
    if isinstance(hint, type):
        for type_, part in _PARTS:
            if issubclass(hint, type_):
                return part, hint
    return "data", hint
