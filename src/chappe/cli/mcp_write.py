"""What `chappe mcp --allow-write` can do besides: send events, pause and resume, deliver again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.client.paths import DEFAULT_CHANNEL
from chappe.domain.errors import Malformed


class Writing:
    """The tools that change something."""

    def __init__(self, hub: HubClient) -> None:
        self._hub = hub

    async def send_event(self, event: dict[str, Any], channel: str = DEFAULT_CHANNEL) -> object:
        """Publish one event in the JSON format of CloudEvents: its subscribers will get it.

        The same `source` and `id` again is recognised as a duplicate, and stored once.
        """
        answer = await self._hub.publish_json(msgspec.json.encode(event), channel=channel)
        return json.loads(answer.body)

    async def pause_subscription(self, subscription: str) -> object:
        """Let the delivery of a subscription rest. Nothing is lost: resume_subscription delivers it."""
        await self._hub.write("POST", paths.pause(subscription), {})
        return {"subscription": subscription, "paused": True}

    async def resume_subscription(self, subscription: str) -> object:
        """Let the delivery of a paused subscription go on where it stood."""
        await self._hub.write("POST", paths.resume(subscription), {})
        return {"subscription": subscription, "paused": False}

    async def retry_failures(
        self,
        positions: Sequence[str] = (),
        subscription: str | None = None,
        type: str | None = None,
        reason: str | None = None,
        rate: float | None = None,
        dry_run: bool = False,
    ) -> object:
        """Deliver events again that could not be delivered: those at `positions`, or all that fit.

        `rate` is so many a second. With `dry_run` it tells how many there are, and does nothing.
        """
        given = {"subscription": subscription, "type": type, "reason": reason}
        chosen: dict[str, object] = {name: one for name, one in given.items() if one is not None}
        if bool(positions) == bool(chosen):
            raise Malformed("retry_failures: give `positions`, or a filter, and not both")
        how: dict[str, object] = {"dry_run": True} if dry_run else {}
        if rate is not None:
            how["rate"] = rate
        if not positions:
            answer = await self._hub.write("POST", paths.REDRIVE, {**chosen, **how})
            return json.loads(answer.body)
        answers = [await self._hub.write("POST", paths.redrive(one), how) for one in positions]
        return [json.loads(one.body) for one in answers]
