"""The receivers: one that is well, one that is not, one that is down at times, one that is slow."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from chappe.testing.http_sink import Received, Reply, SinkServer
from tests.chaos import features
from tests.chaos.ledger import Ledger, Tally

REFUSED_TYPE = "chaos.refused"
"""The flaky sink refuses this type for good, so the hub must make dead letters."""

_TAKEN = Reply(204)


@dataclass(slots=True)
class Receivers:
    """One server for all: the path says which subscription; what is answered 2xx counts as taken."""

    ledger: Ledger
    random: Random
    down: bool = False
    mischief: bool = False
    """Whether the sinks of the features answer as they please; the end of the load ends it."""
    server: SinkServer = field(init=False)

    def __post_init__(self) -> None:
        self.server = SinkServer(self._answer, recording=False)

    def url(self, name: str) -> str:
        """The sink of that name."""
        return f"{self.server.url}/{name}"

    def _answer(self, request: Received) -> Reply:
        name = request.target.strip("/")
        tally = self.ledger.tallies.get(name)
        if tally is None:
            return Reply(503)
        key = request.header("webhook-id")
        assert key is not None
        ids = ids_of(request)
        tally.arrived += 1
        if request.header("ce-id") is not None:  # that of a request with several events is its own
            tally.webhook_ids[ids[0]].add(key)
        reply = self._mood(name, request)
        if reply.raw is None and (reply.status < 300 or reply.status == 400):
            for id_ in ids:
                tally.settle(id_, taken=reply.status != 400)
        return reply

    def _mood(self, name: str, request: Received) -> Reply:
        if name == "slow":
            return Reply(204, delay_s=0.01)
        if name == "outage" and self.down:
            return Reply(503)
        if name in features.FEATURES:
            return features.mood(name, self.random, troubled=self.down or self.mischief)
        if name != "flaky":
            return _TAKEN
        if request.header("ce-type") == REFUSED_TYPE:
            return Reply(400, body=b"never")
        drawn = self.random.random()
        if drawn < 0.06:
            return Reply(503)
        if drawn < 0.08:
            return Reply(429, headers=[("retry-after", "1")])
        if drawn < 0.11:
            return Reply(raw=b"", hang_up=True)
        if drawn < 0.15:
            return Reply(204, hang_up=True)
        return _TAKEN


def ids_of(request: Received) -> Sequence[str]:
    """The ids of the events that a request carries, in binary, structured or batched mode."""
    id_ = request.header("ce-id")
    if id_ is not None:
        return (id_,)
    found = json.loads(request.body)
    return [one["id"] for one in (found if isinstance(found, list) else [found])]


def tally_of(name: str) -> Tally:
    """What the subscription of that name wants of the load."""
    if name in features.FEATURES:
        return Tally(features.FEATURES[name].wants)
    if name == "filtered":
        return Tally(lambda event: event.subject.startswith("eu-") and event.type == "chaos.order")
    if name == "slow":
        return Tally(lambda event: event.type == "chaos.order")
    return Tally(lambda event: True)
