"""A subscription's `status` in JSON: how its delivery goes."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from chappe.domain.attempt import AttemptRow
from chappe.domain.errors import Unavailable
from chappe.domain.lane import END_OF_BLOCK
from chappe.domain.subscription import Subscription
from chappe.flows.standing import LaneStanding, Standing
from chappe.formats.subscription_json import render_subscription
from chappe.formats.times import rfc3339
from chappe.http.parts import Parts

STATES: Final = (
    "active", "paused", "disabled", "expired", "retrying", "catching-up", "behind-retention",
    "unknown",
)  # fmt: skip

_log = logging.getLogger("chappe.http")


async def with_status(
    parts: Parts, subscriptions: Sequence[Subscription], *, counted: bool = False
) -> list[dict[str, Any]]:
    """The subscriptions as they are shown, each with its status.

    Where the engine does not answer, what is declared is shown all the same.
    """
    try:
        standings = await parts.standing(subscriptions, counted=counted)
    except Unavailable as error:
        _log.warning("the status of subscriptions cannot be told: %s", error.message)
        unknown = {"state": "unknown", "reason": error.message}
        return [{**render_subscription(one), "status": unknown} for one in subscriptions]
    return [
        {**render_subscription(one), "status": _status(standings[one.id], counted=counted)}
        for one in subscriptions
    ]


def _status(standing: Standing, *, counted: bool) -> Mapping[str, object]:
    lanes = standing.lanes
    shown: dict[str, Any] = {
        "state": standing.state,
        "open": sum(lane.open for lane in lanes),
        "waiting": sum(lane.waiting for lane in lanes),
        "blocks": max((lane.blocks for lane in lanes), default=0),
    }
    if standing.reason is not None:
        shown["reason"] = standing.reason
    if standing.progress is not None:
        shown["progress"] = standing.progress
    if standing.succeeded is not None:
        shown["lastsuccess"] = rfc3339(standing.succeeded.at_ms)
    if standing.failed is not None:
        shown["lastfailure"] = _failure(standing.failed)
    if counted:
        shown["events"] = sum(lane.events or 0 for lane in lanes)
        shown["exact"] = all(lane.exact for lane in lanes)
        oldest = [lane.oldest_ms for lane in lanes if lane.oldest_ms is not None]
        if oldest:
            shown["oldest"] = rfc3339(min(oldest))
        shown["shards"] = [_lane(lane) for lane in lanes]
    return shown


def _failure(row: AttemptRow) -> Mapping[str, object]:
    return {
        "at": rfc3339(row.at_ms),
        "result": row.result,
        "status": row.status,
        "reason": row.reason or "",
        "position": str(row.position),
    }


def _lane(lane: LaneStanding) -> Mapping[str, object]:
    block, index = lane.cursor
    shown: dict[str, Any] = {
        "shard": lane.shard,
        "owner": lane.owner,
        "own": lane.own,
        "block": block,
        "blocks": lane.blocks,
        "open": lane.open,
        "waiting": lane.waiting,
        "events": lane.events,
        "exact": lane.exact,
    }
    if index != END_OF_BLOCK:
        shown["index"] = index
    if lane.oldest_ms is not None:
        shown["oldest"] = rfc3339(lane.oldest_ms)
    if lane.lost_blocks:
        shown["lostblocks"] = lane.lost_blocks
    return shown
