"""Events in, and events found: /events and /channels/{channel}/events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chappe.domain.attempt import AttemptRow
from chappe.domain.channel import DEFAULT
from chappe.domain.errors import NotFound, TooLarge
from chappe.domain.event import Event
from chappe.domain.position import Position, is_position
from chappe.domain.trace_context import home
from chappe.flows.find import Page
from chappe.flows.trace import LaneTrace, SchemaVerdict, Traced
from chappe.formats.receipt import Receipt
from chappe.formats.schema_language import Violation
from chappe.formats.times import rfc3339
from chappe.http import samples
from chappe.http.event_views import page as page_of
from chappe.http.event_views import shown
from chappe.http.exchange import (
    JSON,
    Header,
    Request,
    Response,
    json_response,
)
from chappe.http.paging import MAX_BLOCK, list_query, next_link
from chappe.http.parts import Parts
from chappe.http.tracing import hop_of
from chappe.kit.any_json import encode_json

# Long polls look up at least this often, so that a hub that drains need not wait for them.
_WAIT_SLICE_S = 1.0


async def publish(
    parts: Parts, channel: str, headers: Sequence[Header], body: bytes
) -> tuple[Response, int, int]:
    """Take in the event, or the events of a batch; the answer, how many, how many were repeats.

    Raises:
        CallerError, Unavailable: nothing was taken in (Unavailable: it may have been).
    """
    found = parts.limits.decode(headers, body)
    hop = hop_of(headers) if parts.traces else None
    if isinstance(found, Event):
        receipt = await parts.accept(channel, found, hop)
        return accepted(channel, receipt), 1, int(receipt.duplicate)
    if len(found) > parts.limits.batch_events:
        raise TooLarge(
            f"batch: {len(found)} events; at most {parts.limits.batch_events} go in one request",
            limit_events=parts.limits.batch_events,
        )
    receipts = await parts.accept.all(channel, found, hop)
    duplicates = [index for index, receipt in enumerate(receipts) if receipt.duplicate]
    positions = b", ".join([b'"%d-%d-%d"' % receipt.position for receipt in receipts])
    parts_of_answer = [
        b'"positions": [%b]' % positions,
        b'"duplicates": ' + encode_json(duplicates),
    ]
    warnings = [
        one
        for index, receipt in enumerate(receipts)
        if receipt.warnings
        for one in _warnings(index, receipt)
    ]
    if warnings:
        parts_of_answer.append(b'"warnings": ' + encode_json(warnings))
    held = [
        {"index": index, "channel": receipt.quarantine}
        for index, receipt in enumerate(receipts)
        if receipt.quarantine is not None
    ]
    if held:
        parts_of_answer.append(b'"quarantined": ' + encode_json(held))
    answer = Response(202, b"{%b}" % b", ".join(parts_of_answer), (JSON,))
    return answer, len(receipts), len(duplicates)


async def list_page(parts: Parts, request: Request) -> Response:
    """A page of events, newest first or in the order of acceptance."""
    query, wait_s = list_query(_channel(request), request.query)
    page = await parts.find.page(query, wait_s=min(wait_s, _WAIT_SLICE_S))
    left_s = wait_s - _WAIT_SLICE_S
    while not page.items and left_s > 0 and not request.draining():
        page = await parts.find.page(query, wait_s=min(left_s, _WAIT_SLICE_S))
        left_s -= _WAIT_SLICE_S
    links = _links(request, page, ascending=not query.newest_first)
    if samples.is_asked(request.query):
        state, base = parts.state.value, parts.registry.base(request.headers)
        items, told = samples.sampled(
            page.items, state, lambda type_: parts.catalogue.xids(state.tree, base, type_)
        )
        return page_of(items, request.headers, links, redacted=told)
    return page_of(page.items, request.headers, links)


async def one(parts: Parts, request: Request) -> Response:
    """One event; where it stands is in headers of ours."""
    item = await parts.find.one(_channel(request), _reference(request))
    return shown(item, request.headers)


async def trace(parts: Parts, request: Request) -> Response:
    """Did it arrive? What each subscription did with the event."""
    traced = await parts.trace(_channel(request), _reference(request))
    return json_response(
        {
            "position": str(traced.position),
            **({} if traced.first is None else {"first": str(traced.first)}),
            "channel": traced.channel,
            "id": traced.event.id,
            "source": traced.event.source,
            "type": traced.event.type,
            "acceptedat": rfc3339(traced.at_ms),
            "node": traced.node,
            **_trace_id(parts, traced),
            "schema": None if traced.schema is None else _verdict(traced.schema),
            "subscriptions": [_lane(lane) for lane in traced.lanes],
        }
    )


def accepted(channel: str, receipt: Receipt) -> Response:
    """The answer to one event that was taken in."""
    # Written by hand: this is the answer to nearly every request.
    position = b"%d-%d-%d" % receipt.position
    body = b'{"position": "%b", "duplicate": %b}' % (
        position,
        b"true" if receipt.duplicate else b"false",
    )
    if receipt.warnings:
        body = b'%b, "warnings": %b}' % (body[:-1], encode_json(_warnings(0, receipt)))
    if receipt.quarantine is not None:
        channel = receipt.quarantine
        body = b'%b, "quarantine": "%b"}' % (body[:-1], channel.encode("ascii"))
    if channel == DEFAULT:
        return Response(202, body, (JSON, (b"location", b"/events/" + position)))
    where = b"/channels/%b/events/%b" % (channel.encode("ascii"), position)
    return Response(202, body, (JSON, (b"location", where)))


def _warnings(index: int, receipt: Receipt) -> list[Mapping[str, object]]:
    return [{"index": index, **_violation(found)} for found in receipt.warnings]


def _violation(found: Violation) -> Mapping[str, object]:
    return {
        "pointer": found.pointer,
        "rule": found.rule,
        "value": found.value,
        "message": found.message,
    }


def _channel(request: Request) -> str:
    return request.params.get("channel", DEFAULT)


def _reference(request: Request) -> str:
    reference = request.params["reference"]
    if is_position(reference) and Position.parse(reference).block > MAX_BLOCK:
        raise NotFound(f"event {reference!r}: no log is that long")
    return reference


def _links(request: Request, page: Page, *, ascending: bool) -> tuple[Header, ...]:
    if page.next is None and not ascending:
        return ()
    after: Position | None = None
    if page.next is not None:
        last = page.items[-1].position if page.items else None
        # Only block and index tell where to go on; the shard is for people.
        after = last if last and last[1:] == page.next else Position(0, *page.next)
    return ((b"link", next_link(request.path, request.query, after)),)


def _trace_id(parts: Parts, traced: Traced) -> Mapping[str, str]:
    """The distributed trace that the event belongs to, where it has one."""
    at = home(traced.channel, traced.event)
    return {"traceid": at.trace_id} if parts.traces or at.carried is not None else {}


def _verdict(verdict: SchemaVerdict) -> Mapping[str, object]:
    shown: dict[str, object] = {
        "mode": verdict.mode,
        "declaration": verdict.declaration,
        "valid": not verdict.violations,
    }
    if verdict.violations:
        shown["errors"] = [_violation(found) for found in verdict.violations]
    return shown


def _lane(lane: LaneTrace) -> Mapping[str, object]:
    row: dict[str, object] = {
        "subscription": lane.subscription,
        "sink": lane.sink,
        "matched": lane.matched,
        "state": lane.state,
    }
    if lane.decided_by is not None:
        row |= {"decided_by": lane.decided_by, "found": lane.found}
    row["attempts"] = [_attempt(attempt) for attempt in lane.attempts]
    return row


def _attempt(row: AttemptRow) -> Mapping[str, object]:
    shown: dict[str, object] = {
        "attempt": row.attempt,
        "at": rfc3339(row.at_ms),
        "latency_ms": row.latency_ms,
        "status": row.status,
        "result": row.result,
    }
    if row.reason is not None:
        shown["reason"] = row.reason
    if row.next_ms is not None:
        shown["next"] = rfc3339(row.next_ms)
    return shown
