"""`deadletter.sink`: a subscription's dead letters go to a sink of their own."""

from __future__ import annotations

from typing import Final

from chappe.domain.channel import DEADLETTERS
from chappe.domain.dead_letter import SUBSCRIPTION
from chappe.domain.filters import Exact
from chappe.domain.subscription import Subscription

SUFFIX: Final = "~deadletters"


def forwarder(subscription: Subscription) -> Subscription | None:
    """What follows the channel of dead letters for the subscription; None where none is asked for.

    It stands in no registry: it is there as long as the option is, and begins with the letters that
    come then.
    """
    asked = subscription.options.deadletter
    if asked is None or asked.sink is None or subscription.channel == DEADLETTERS:
        return None
    return Subscription(
        id=f"{subscription.id}{SUFFIX}",
        sink=asked.sink,
        channel=DEADLETTERS,
        filter=Exact(SUBSCRIPTION, subscription.id),
        concurrency=subscription.concurrency,
        timeout_s=subscription.timeout_s,
        retry=subscription.retry,
        epoch=subscription.epoch,
    )
