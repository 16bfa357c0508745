"""The answer to "did it arrive?" on a screen.

A-1017  order.paid  from /shop   accepted 2026-11-22 10:02:11.402 by n-3f9c   position 2-1041-7
  s-5k2v9q  ✓ delivered    2nd attempt   200 in 31 ms   http://127.0.0.1:9000/
    1st  10:02:11.410  503 in 2.0 s  retry  "503 Service Unavailable"  again 10:02:13.410
    2nd  10:02:13.441  200 in 31 ms  delivered
  s-77aaz1  - not matched  exact(subject)='eu' decided; the event has 'us'   → chappe sub explain 2-1041-7
"""

from __future__ import annotations

from collections.abc import Iterator

from chappe.cli.cells import cells, padded
from chappe.cli.render import clock_time, latency, mark, moment, ordinal, printable
from chappe.cli.session import Session
from chappe.client.views import Arrival, Trace, Try

_MARKS = {
    "delivered": ("✓", "green"),
    "retrying": ("↻", "yellow"),
    "pending": ("·", "yellow"),
    "dead-lettered": ("✗", "red"),
    "expired": ("✗", "red"),
}
_UNTOUCHED = ("-", "white")


def lines(trace: Trace, session: Session) -> Iterator[str]:
    """The screen, line by line."""
    yield _head(trace, session)
    if not trace.subscriptions:
        yield "  no subscription on this channel"
    names = max((cells(printable(one.subscription)) for one in trace.subscriptions), default=0)
    for arrival in trace.subscriptions:
        yield _arrival(arrival, names, session) + _go_on(trace, arrival, session)
        if len(arrival.attempts) > 1:
            for one in arrival.attempts:
                yield printable(f"    {ordinal(one.attempt):>4}  {_try(one)}")


def hint(trace: Trace) -> str:
    """What a person would look at next."""
    states = {one.state: one for one in trace.subscriptions}
    if not states:
        return f"chappe sub create --type {trace.type} --to URL"
    if "dead-lettered" in states:
        return "chappe event ls --channel deadletters"
    for state in ("not matched", "not offered", "retrying"):
        if state in states:
            return f"chappe sub get {states[state].subscription}"
    return f"chappe event get {trace.position}"


def _head(trace: Trace, session: Session) -> str:
    parts = [
        f"{trace.id}  {trace.type}  from {trace.source}",
        f"accepted {moment(trace.acceptedat)}" + (f" by {trace.node}" if trace.node else ""),
        f"position {trace.position}",
    ]
    if trace.first is not None:
        parts.append(f"repeats {trace.first}, which is shown")
    if trace.traceid is not None:
        parts.append(f"trace {trace.traceid}")
    if trace.channel != "default":
        parts.append(f"channel {trace.channel}")
    head = printable("   ".join(parts))
    check = trace.schema
    if check is None or check.valid is None:
        return head
    glyph = mark("✓", "green", session) if check.valid else mark("✗", "red", session)
    return f"{head}   schema {glyph} {'valid' if check.valid else 'broken'} ({check.mode})"


def _arrival(arrival: Arrival, names: int, session: Session) -> str:
    glyph = mark(*_MARKS.get(arrival.state, _UNTOUCHED), session)
    told = "   ".join(part for part in _told(arrival) if part)
    name = padded(printable(arrival.subscription), names)
    return f"  {name}  {glyph} {arrival.state:<13}  {printable(told)}".rstrip()


def _go_on(trace: Trace, arrival: Arrival, session: Session) -> str:
    """The command that tells more, where something is to be mended or explained."""
    match arrival.state:
        case "retrying":
            command = f"chappe sub lag {arrival.subscription}"
        case "dead-lettered" | "expired":
            command = f"chappe delivery ls --sub {arrival.subscription}"
        case "not matched":
            command = f"chappe sub explain {trace.position}"
        case _:
            return ""
    return f"   {mark('→', 'cyan', session)} {printable(command)}"


def _told(arrival: Arrival) -> Iterator[str]:
    if arrival.state == "not matched":
        if arrival.decided_by is not None:
            found = "no such attribute" if arrival.found is None else repr(arrival.found)
            yield f"{arrival.decided_by} decided; the event has {found}"
        return
    if arrival.state == "not offered":
        yield "the subscription began after this event"
        return
    if arrival.attempts:
        last = arrival.attempts[-1]
        yield f"{ordinal(last.attempt)} attempt"
        yield _answered(last)
        if arrival.state != "delivered" and last.reason:
            yield f'"{last.reason}"'
        if last.next is not None and arrival.state == "retrying":
            yield f"again {clock_time(last.next)}"
    yield arrival.sink


def _try(one: Try) -> str:
    parts = [clock_time(one.at), _answered(one), one.result]
    if one.reason:
        parts.append(f'"{one.reason}"')
    if one.next is not None:
        parts.append(f"again {clock_time(one.next)}")
    return "  ".join(parts)


def _answered(one: Try) -> str:
    what = "no answer" if one.status is None else str(one.status)
    return what if one.latency_ms is None else f"{what} in {latency(one.latency_ms)}"
