"""W3C Trace Context, and how an event's trace is found again at any node, after any restart.

    traceparent: 00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01
                    trace                            span             flags: 01 = sampled

An event's trace is that of its extension attribute `traceparent` (CloudEvents, distributed tracing: "the
starting trace of the transmission"), which is never changed. Where a publisher sent only the HTTP header,
the event gets the header's value as its attribute, as the extension lets middleware do. An event with
neither has a trace of its own, whose id is drawn from its source, id and channel.

The span of its acceptance has an id that is drawn likewise. So whoever delivers the event knows its
parent without that anything more is stored.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final, NamedTuple

from msgspec import structs

from chappe.domain.channel import DEADLETTERS, OWN
from chappe.domain.dead_letter import CHANNEL
from chappe.domain.event import Event

PARENT: Final = "traceparent"
STATE: Final = "tracestate"
SAMPLED: Final = 1

# trace-context 3.2.2: a version that is not known has the same parts in front, and perhaps more behind.
_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[\x21-\x7e]*)?")
_STATE = re.compile(r"[\x20-\x7e]{1,512}")
_NO_TRACE = "0" * 32
_NO_SPAN = "0" * 16


class TraceContext(NamedTuple):
    """One span of one trace; ids in lower-case hex digits, 32 and 16. `state` is empty where there is none."""

    trace_id: str
    span_id: str
    flags: int
    state: str = ""

    @property
    def is_sampled(self) -> bool:
        """Whether the trace is recorded."""
        return bool(self.flags & SAMPLED)

    @property
    def header(self) -> str:
        """As it is sent."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags & SAMPLED:02x}"


def parse(parent: object, state: object = None) -> TraceContext | None:
    """The context of these headers or attributes; None for what is none: it must not break anything."""
    found = _FORM.fullmatch(parent) if isinstance(parent, str) else None
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more) or trace_id == _NO_TRACE:
        return None
    if span_id == _NO_SPAN:
        return None
    kept = state if isinstance(state, str) and _STATE.fullmatch(state) else ""
    return TraceContext(trace_id, span_id, int(flags, 16), kept)


def carried(event: Event) -> TraceContext | None:
    """The context that the event carries."""
    parent = event.extensions.get(PARENT)
    return None if parent is None else parse(parent, event.extensions.get(STATE))


def joined(event: Event, hop: TraceContext | None) -> Event:
    """The event in the trace of the request that it came with, unless it carries one itself.

    An attribute that is there stays as it is, also one that is no context.
    """
    if hop is None or PARENT in event.extensions:
        return event
    added = {PARENT: hop.header, **({STATE: hop.state} if hop.state else {})}
    return structs.replace(event, extensions={**event.extensions, **added})


class Home(NamedTuple):
    """Where an event's spans belong.

    `accepted` is the span id of its acceptance; None: the hub wrote it itself, and nobody sent it.
    """

    trace_id: str
    carried: TraceContext | None
    accepted: str | None


def home(channel: str, event: Event) -> Home:
    """The trace of an event of a channel; of a dead letter that of the event which it is about."""
    if channel == DEADLETTERS:
        # A letter, or the event again that a letter is about and that is delivered anew.
        about = event.extensions.get(CHANNEL)
        channel = about if isinstance(about, str) else channel
    context = carried(event)
    parts = (channel, event.source, event.id, "" if context is None else context.header[3:52])
    drawn = hashlib.blake2b("\n".join(parts).encode(), digest_size=24).hexdigest()
    trace_id = drawn[:32] if context is None else context.trace_id
    return Home(trace_id, context, None if channel in OWN else drawn[32:])
