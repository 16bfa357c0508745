"""Watching what delivers a part of the log again: a redrive or a replay, which ends when it is through."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from chappe.cli.progress import Bar
from chappe.cli.session import Session
from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.client.views import Lagging
from chappe.domain.errors import NotFound

_LOOK_S: Final = 0.2


async def followed(
    session: Session, hub: HubClient, redrives: Sequence[str], total: int, wait_s: float | None
) -> bool:
    """Show how far the companions are; whether they have all ended within that time."""
    loop = asyncio.get_running_loop()
    until = None if wait_s is None else loop.time() + wait_s
    bar = Bar(session, total, "delivered again", loop.time)
    try:
        while True:
            left = [await _progress(hub, one) for one in redrives]
            ended = [one is None for one in left]
            part = sum(1.0 if one is None else one for one in left) / len(left)
            bar.show(round(part * total))
            if all(ended):
                return True
            if until is not None and loop.time() >= until:
                return False
            await asyncio.sleep(_LOOK_S)
    finally:
        bar.end()


async def _progress(hub: HubClient, redrive: str) -> float | None:
    """From 0 to 1; None where the companion has done all and is gone."""
    try:
        body = (await hub.read(paths.subscription(redrive))).body
    except NotFound:
        return None
    return msgspec.json.decode(body, type=Lagging).status.progress or 0.0
