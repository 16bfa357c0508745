"""Subscriptions with everything that the delivery engine has, and sinks that treat them badly.

Each of these sinks misbehaves only while there is load; at the end all are well, so that what is open then
must come. What they answer meanwhile:

    hangs      no answer at all, until the hub gives up (`timeout_s` 1)
    resets     takes the request and hangs up without a word; so it may have been taken
    late       takes it, and says so after the hub has given up
    429        with Retry-After, for as long as the trouble lasts
    410        gone: the hub disables the subscription, and the harness lets it go on
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from chappe.testing.http_sink import Reply
from tests.chaos.ledger import Sent
from tests.chaos.order import ALL, SUBJECT

SECRET = "whsec_Y2hhb3MtY2hhb3MtY2hhb3MtY2hhb3MtY2hhb3M="
_FORTY_MS = 0.04


def _all(event: Sent) -> bool:
    return True


def _orders(event: Sent) -> bool:
    return event.type == "chaos.order"


def _european_orders(event: Sent) -> bool:
    return _orders(event) and event.subject.startswith("eu-")


@dataclass(frozen=True, slots=True)
class Feature:
    """A subscription's own fields, what it wants, and the key whose order must hold."""

    fields: Mapping[str, Any]
    wants: Callable[[Sent], bool] = _all
    key: Callable[[Sent], str] | None = None
    one_shard: bool = False
    trouble: Sequence[tuple[float, Reply]] = field(default_factory=tuple)
    """Answers that are no taking, and how probable each is while there is trouble."""


_HANGS = Reply(204, delay_s=60.0)
_RESETS = Reply(raw=b"", hang_up=True)
_BUSY = Reply(429, headers=[("retry-after", "1")])
_BROKEN = Reply(500)
_ORDERS: Mapping[str, Any] = {"types": ["chaos.order"]}

FEATURES: Mapping[str, Feature] = {
    "keyed": Feature(
        {"ordering": "key", "orderingkey": ["partitionkey", "subject"]},
        key=SUBJECT,
        trouble=((0.04, _BROKEN), (0.02, _RESETS)),
    ),
    "batched": Feature(
        {"ordering": "key", "batching": {"max_events": 40, "max_wait_s": 0.1}},
        key=SUBJECT,
        trouble=((0.05, _BROKEN), (0.03, _RESETS)),
    ),
    "strict": Feature(
        {"ordering": "subscription", "batching": {"max_events": 100, "max_wait_s": 0.05}},
        key=ALL,
        one_shard=True,
        trouble=((0.05, _BROKEN),),
    ),
    "expressed": Feature(
        {
            "filters": [{"sql": "subject LIKE 'eu-%' AND type = 'chaos.order'"}],
            "transform": {"set": {"chaosregion": "eu"}},
            "signing": {"secrets": [SECRET]},
            "envelopeoptions": {"mode": "structured"},
        },
        wants=_european_orders,
        trouble=((0.05, _BROKEN),),
    ),
    "rated": Feature(
        {
            **_ORDERS,
            "rate": {"per_second": 60, "burst": 30},
            "batching": {"max_events": 20, "max_wait_s": 0.1},
        },
        wants=_orders,
    ),
    "hanging": Feature(
        {"timeout_s": 1, "breaker": {"failures": 3, "open_s": 0.2, "max_open_s": 1}},
        trouble=((0.02, _HANGS), (0.02, _RESETS), (0.05, _BROKEN)),
    ),
    "busy": Feature({**_ORDERS}, wants=_orders, trouble=((1.0, _BUSY),)),
    "gone": Feature({"ordering": "key"}, key=SUBJECT, trouble=((0.01, Reply(410)),)),
    "paused": Feature({"ordering": "key"}, key=SUBJECT, trouble=((0.03, _BROKEN),)),
    "replayed": Feature({}),
}
"""By name. `replayed` is no subscription of its own: the sink to which `keyed` is replayed half-way."""


def mood(name: str, random: Random, *, troubled: bool) -> Reply:
    """What the sink answers this time."""
    if troubled:
        drawn = random.random()
        for probability, reply in FEATURES[name].trouble:
            if drawn < probability:
                return reply
            drawn -= probability
    return Reply(204, delay_s=random.choice((0.0, 0.0, 0.0, _FORTY_MS)))
