"""Spans by OpenTelemetry's SDK, sent by OTLP/HTTP as the `OTEL_*` variables say.

    publish ─► accept CHANNEL ──► match CHANNEL
                    │
                    └──────────► deliver CHANNEL, one for each attempt ─► the sink (header traceparent)

Spans are made when they have ended, as plain records for the SDK's batch processor: its queue is
bounded, its thread sends, and what does not fit is dropped. A span of the SDK's own tracer, which is made
for code that runs inside it, costs several times as much; here everything that it is for (a current
span, changes while it runs) has no use.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from time import time_ns
from typing import Final

from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import Event as SpanEvent
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.span import TraceState

from chappe.adapters.otel.attributes import (
    Attributes,
    of_event,
    of_operation,
    of_outcome,
    of_sink,
)
from chappe.adapters.otel.sampling import by_trace_id, follows_parents
from chappe.domain.delivery import Outcome
from chappe.domain.errors import ChappeError
from chappe.domain.event import Event
from chappe.domain.position import Position
from chappe.domain.subscription import Subscription
from chappe.domain.trace_context import PARENT, SAMPLED, Home, TraceContext, carried, home
from chappe.ports.tracing import Delivering, Tracing

MOST_LINKS: Final = 128
"""OpenTelemetry's own limit."""
CLOSE_WITHIN_S: Final = 5.0
KNOWN: Final = 4_096
"""Events whose place in a trace is remembered, some 500 bytes each."""
NAME: Final = "chappe"

_RECORDED: Final = TraceFlags(SAMPLED)
_ERROR: Final = StatusCode.ERROR
_UNSET: Final = Status(StatusCode.UNSET)

_log = logging.getLogger("chappe.tracing")


class OtelTracing:
    """Makes spans of what the hub does with events; see the port."""

    def __init__(self, *, node: str, version: str, exporter: SpanExporter) -> None:
        """The service's name, the sampler and the queue's bounds are those of the environment."""
        usual = {"service.name": NAME, "service.version": version, "service.instance.id": node}
        # Who says something in OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES knows better.
        said = OTELResourceDetector().detect().attributes
        resource = Resource.create({name: one for name, one in usual.items() if name not in said})
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._resource = provider.resource
        self._by_parent = follows_parents(provider.sampler)
        self._samples_id = by_trace_id(provider.sampler)
        self._known: dict[tuple[str, str, str], tuple[object, Home | None]] = {}
        self._exporter = exporter
        self._processor: SpanProcessor = BatchSpanProcessor(exporter)
        self._scope = InstrumentationScope(NAME, version)
        self._new_id = RandomIdGenerator().generate_span_id
        self._new_trace = RandomIdGenerator().generate_trace_id

    def now_ns(self) -> int:
        """The time of spans."""
        return time_ns()

    def accepted(
        self,
        channel: str,
        event: Event,
        *,
        began_ns: int,
        hop: TraceContext | None = None,
        position: Position | None = None,
        duplicate: bool = False,
        error: Exception | None = None,
        links: Sequence[Link] = (),
    ) -> None:
        """An event was taken in, or refused."""
        at = self._recorded(channel, event)
        if at is None:
            return
        parent = at.carried
        if hop is not None and hop.trace_id == at.trace_id:
            parent = hop  # The nearer one of the same trace.
        elif hop is not None:
            links = (*links, _link(hop))
        said = of_operation("accept", "process", channel) | of_event(event)
        said["messaging.message.id"] = event.id
        if position is not None:
            said["chappe.position"] = str(position)
        if duplicate:
            said["chappe.duplicate"] = True
        # A repeat, or what was refused, is not what deliveries hang on.
        is_parent = position is not None and not duplicate and at.accepted is not None
        self._emit(
            f"accept {channel}",
            SpanKind.CONSUMER,
            self._context(at.trace_id, at.accepted if is_parent else None),
            parent,
            said,
            began_ns,
            links=links,
            error=error,
        )

    def accepted_all(
        self,
        channel: str,
        events: Sequence[Event],
        *,
        began_ns: int,
        hop: TraceContext | None = None,
        stored: Sequence[tuple[str, Position, bool]] = (),
        error: Exception | None = None,
    ) -> None:
        """A batch was taken in, or refused: a span for the request, and one for each event."""
        trace_id = hop.trace_id if hop is not None else f"{self._new_trace():032x}"
        own: TraceContext | None = None
        if self._samples(Home(trace_id, hop, None)):
            context = self._context(trace_id, None)
            own = TraceContext(trace_id, f"{context.span_id:016x}", SAMPLED)
            said = of_operation("accept", "process", channel)
            said["messaging.batch.message_count"] = len(events)
            created = (home(channel, event).carried for event in events[:MOST_LINKS])
            links = [_link(one) for one in created if one is not None and one != hop]
            self._emit(
                f"accept {channel}", SpanKind.CONSUMER, context, hop, said, began_ns,
                links=links, error=error,
            )  # fmt: skip
        for event, (where, position, duplicate) in zip(events, stored, strict=False):
            self.accepted(
                where, event, began_ns=began_ns, hop=own, position=position, duplicate=duplicate
            )

    def records(self, channel: str, event: Event) -> bool:
        """Whether the event's trace is recorded."""
        return self._recorded(channel, event) is not None

    def matched(
        self, channel: str, event: Event, subscriptions: Sequence[str], *, began_ns: int
    ) -> None:
        """The event was offered to these subscriptions."""
        at = home(channel, event)
        said = of_operation("match", "process", channel) | of_event(event)
        said["chappe.subscriptions.matched"] = len(subscriptions)
        said["chappe.subscriptions"] = tuple(subscriptions[:MOST_LINKS])
        self._emit(
            f"match {channel}",
            SpanKind.INTERNAL,
            self._context(at.trace_id, None),
            _parent(at),
            said,
            began_ns,
        )

    def delivering(
        self, subscription: Subscription, events: Sequence[Event], message_id: str, number: int
    ) -> Delivering:
        """An attempt begins."""
        channel = subscription.channel
        # Of several, one that is recorded carries the trace on; the others are linked.
        homes = [at for event in events if (at := self._recorded(channel, event)) is not None]
        if not homes:
            context = carried(events[0])
            if context is None:
                at = home(channel, events[0])
                context = TraceContext(at.trace_id, at.accepted or f"{self._new_id():016x}", 0)
            return _Unrecorded(context._replace(flags=0))
        first = homes[0]
        said = of_operation("deliver", "send", channel) | of_sink(subscription, number)
        said["messaging.message.id"] = message_id
        links: list[Link] = []
        if len(events) == 1:
            said |= of_event(events[0])
        else:
            said["messaging.batch.message_count"] = len(events)
            others = (_parent(at) for at in homes[:MOST_LINKS] if at is not first)
            links += [_link(one) for one in others if one is not None]
        if first.carried is not None:
            # Whoever made the event: the messaging conventions link the creation of each message.
            links.insert(0, _link(first.carried))
        return _Recorded(self, channel, self._context(first.trace_id, None), first, said, links)

    async def close(self) -> None:
        """Send what is left."""

        def give_up() -> None:
            _log.warning("the last spans were not sent within %.0f s", CLOSE_WITHIN_S)
            self._exporter.shutdown()

        late = asyncio.get_running_loop().call_later(CLOSE_WITHIN_S, give_up)
        try:
            await asyncio.to_thread(self._processor.shutdown)
        finally:
            late.cancel()

    def _recorded(self, channel: str, event: Event) -> Home | None:
        """Where the event's spans belong; None where none is recorded, with as little work as possible."""
        context = carried(event)
        if context is not None and self._by_parent and not context.is_sampled:
            return None
        # An event is asked about when it is accepted, matched and delivered, mostly soon after another.
        place = channel, event.source, event.id
        parent = event.extensions.get(PARENT)
        known = self._known.get(place)
        if known is not None and known[0] == parent:
            return known[1]
        at = home(channel, event)
        found = at if self._samples(at) else None
        if len(self._known) >= KNOWN:
            self._known.clear()
        self._known[place] = parent, found
        return found

    def _samples(self, at: Home) -> bool:
        """Whether spans of the trace are recorded; the same at each node, by parent or trace id."""
        if at.carried is not None and self._by_parent:
            return at.carried.is_sampled
        return self._samples_id(at.trace_id)

    def _context(self, trace_id: str, span_id: str | None) -> SpanContext:
        own = self._new_id() if span_id is None else int(span_id, 16)
        return SpanContext(int(trace_id, 16), own, is_remote=False, trace_flags=_RECORDED)

    def _emit(
        self,
        name: str,
        kind: SpanKind,
        context: SpanContext,
        parent: TraceContext | None,
        attributes: Attributes,
        began_ns: int,
        *,
        links: Sequence[Link] = (),
        error: Exception | None = None,
        failure: str | None = None,
    ) -> None:
        ended_ns = time_ns()
        events: tuple[SpanEvent, ...] = ()
        status = _UNSET
        if error is not None:
            code = error.code if isinstance(error, ChappeError) else type(error).__name__
            attributes["error.type"] = code
            raised = {"exception.type": type(error).__name__, "exception.message": str(error)}
            events = (SpanEvent("exception", raised, ended_ns),)
            failure = str(error)
        if failure is not None:
            status = Status(_ERROR, failure)
        self._processor.on_end(
            ReadableSpan(
                name=name,
                context=context,
                parent=None if parent is None else _remote(parent),
                resource=self._resource,
                attributes=attributes,
                events=events,
                links=links,
                kind=kind,
                status=status,
                start_time=began_ns,
                end_time=max(began_ns, ended_ns),
                instrumentation_scope=self._scope,
            )
        )


class _Unrecorded:
    """An attempt whose trace is not recorded; the sink is told so."""

    __slots__ = ("context",)

    def __init__(self, context: TraceContext) -> None:
        self.context = context

    def ended(self, outcome: Outcome | None) -> None:
        """Nobody wants to know."""


class _Recorded:
    """An attempt under way."""

    __slots__ = (
        "_at",
        "_attributes",
        "_began_ns",
        "_channel",
        "_links",
        "_span",
        "_tracing",
        "context",
    )

    def __init__(
        self,
        tracing: OtelTracing,
        channel: str,
        span: SpanContext,
        at: Home,
        attributes: Attributes,
        links: Sequence[Link],
    ) -> None:
        self._tracing = tracing
        self._channel = channel
        self._span = span
        self._at = at
        self._attributes = attributes
        self._links = links
        self._began_ns = time_ns()
        self.context = TraceContext(at.trace_id, f"{span.span_id:016x}", SAMPLED, _state(at))

    def ended(self, outcome: Outcome | None) -> None:
        """The span is whole."""
        said, failure = of_outcome(outcome)
        self._tracing._emit(
            f"deliver {self._channel}",
            SpanKind.CLIENT,
            self._span,
            _parent(self._at),
            self._attributes | said,
            self._began_ns,
            links=self._links,
            failure=failure,
        )


def _parent(at: Home) -> TraceContext | None:
    """What the hub's spans of an event hang on: its acceptance, or who made it."""
    if at.accepted is None:
        return at.carried
    return TraceContext(at.trace_id, at.accepted, SAMPLED, _state(at))


def _state(at: Home) -> str:
    return "" if at.carried is None else at.carried.state


def _remote(context: TraceContext) -> SpanContext:
    state = TraceState.from_header([context.state]) if context.state else None
    return SpanContext(
        int(context.trace_id, 16),
        int(context.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(context.flags & SAMPLED),
        trace_state=state,
    )


def _link(context: TraceContext) -> Link:
    return Link(_remote(context))


_: type[Tracing] = OtelTracing
