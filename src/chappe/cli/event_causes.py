"""What an event belongs to, in a line: its trace, its cause, and what it caused.

trace 4bf92f3577b34da6a3ce929d0e0e4736   caused by A-0998 (order.placed)   causes I-77 (invoice.sent)
"""

from __future__ import annotations

from typing import Final

from chappe.client.causes import Linked, Story

_SHOWN: Final = 6


def told(story: Story) -> str:
    """One line; empty where the event stands for itself."""
    parts = []
    if story.event.trace is not None:
        parts.append(f"trace {story.event.trace}")
    if story.event.correlationid is not None:
        parts.append(f"correlation {story.event.correlationid}")
    if story.cause is not None:
        parts.append(f"caused by {_named(story.cause)}")
    elif story.event.causationid is not None:
        parts.append(f"caused by {story.event.causationid} (not here)")
    if story.causes:
        shown = ", ".join(_named(one) for one in story.causes[:_SHOWN])
        more = len(story.causes) - _SHOWN
        parts.append(f"causes {shown}" + (f" and {more} more" if more > 0 else ""))
    return "   ".join(parts)


def _named(one: Linked) -> str:
    return f"{one.id} ({one.type})"
