"""A stream of events (docs/streams.md) that goes on at any node of the hub."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from math import inf
from typing import Final

from chappe.client.ambient import SystemTime, drawn
from chappe.client.arrived import Arrived
from chappe.client.hub_client import HubClient
from chappe.client.nodes import Nodes
from chappe.client.paths import EventQuery
from chappe.client.problems import error_of
from chappe.client.streaming import SILENCE_S, Parser, StreamQuery
from chappe.client.trying import is_passing, retry_after_s, wait_s
from chappe.domain.errors import ChappeError
from chappe.domain.event import Event
from chappe.formats import cloudevents_json

_ACCEPT: Final = {"accept": "text/event-stream"}


class Streamed(Arrived):
    """An event of a stream; `position` is where a later stream may go on (`after=`)."""

    __slots__ = ("acceptedat",)

    def __init__(self, event: Event, position: str, acceptedat: str) -> None:
        super().__init__(event, position)
        self.acceptedat = acceptedat


@dataclass(slots=True)
class Tail:
    """One stream over all losses of connections.

    A hub that cannot be reached at first is tried until the deadline of `nodes.retry`; one that was
    reached once is tried for ever.
    """

    nodes: Nodes[HubClient]
    query: StreamQuery

    async def events(self) -> AsyncIterator[Streamed]:
        """Each event once, as it comes.

        Raises:
            CallerError: the hub refuses what is asked for.
            Unavailable: the hub could not be reached at first.
        """
        time = SystemTime()
        patient = replace(self.nodes.retry, deadline_s=inf)
        begun_s, failures, reached = time.monotonic_s(), 0, False
        last_id = ""
        query = self.query
        while True:
            headers = {**_ACCEPT, "last-event-id": last_id} if last_id else _ACCEPT
            # What was cut off in the middle comes again.
            parser = Parser(last_id)
            asked_s = 0.0
            try:
                hub = self.nodes.present
                async with hub.stream(query.path, headers, silence_s=SILENCE_S) as answer:
                    if answer.status >= 300:
                        raise error_of(await answer.whole())
                    if not reached and query.start == "latest":
                        # Should it be lost before it has given any position.
                        query = replace(query, start=await self._newest(hub))
                    reached = True
                    async for chunk in answer.chunks():
                        failures = 0
                        for one in parser.feed(chunk):
                            last_id = one.position
                            event = cloudevents_json.decode(one.event)
                            yield Streamed(event, one.position, one.acceptedat)
                        last_id = parser.last_id
            except ChappeError as exc:
                if not is_passing(exc):
                    raise
                asked_s = retry_after_s(exc)
                if not reached and time.monotonic_s() - begun_s > self.nodes.retry.deadline_s:
                    raise
            failures += 1
            self.nodes.leave()
            pause_s = wait_s(
                patient,
                failures=failures,
                nodes=self.nodes.count,
                elapsed_s=0.0,
                asked_s=asked_s,
                drawn=drawn(),
            )
            if pause_s:
                await time.sleep(pause_s)

    async def _newest(self, hub: HubClient) -> str:
        page = await hub.page(EventQuery(channel=self.query.channel, limit=1).path)
        return page.events[0].position if page.events else "earliest"
