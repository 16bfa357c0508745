"""Which events of a subscription must go one after the other. Pure.

ordering none          -> None: any order
ordering key           -> a number for the event's key; events without a key have none
ordering subscription  -> the same number for every event
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from chappe.domain.event import Event
from chappe.domain.options import Options

ONE_FOR_ALL = 0

LOG_KEYS: Sequence[Sequence[str]] = (("partitionkey",), ("partitionkey", "subject"))
"""Ordering keys that the log keeps in one shard, as `Event.key` chooses it: two events of the same
such key never stand in two shards."""


def key_of(event: Event, options: Options) -> int | None:
    """The number that stands for what the event waits behind; two keys may share one.

    53 bits, so that it is a number in JSON everywhere. A collision costs waiting, never order.
    """
    match options.ordering:
        case "none":
            return None
        case "subscription":
            return ONE_FOR_ALL
        case "key":
            for name in options.orderingkey:
                value = event.get(name)
                if value is not None:
                    digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8)
                    return int.from_bytes(digest.digest(), "big") >> 11
            return None


def not_in_order(options: Options, shards: int) -> str | None:
    """Why a channel of so many shards cannot keep this order; None where it can.

    The message begins with the option's name.
    """
    if shards == 1 or options.ordering == "none":
        return None
    if options.ordering == "subscription":
        return (
            f"ordering: 'subscription' needs a channel with one shard, this one has {shards}: there is"
            " no order between events of different shards; take 'key', or a channel that is made with"
            " shards 1"
        )
    if options.orderingkey not in LOG_KEYS:
        shown = ", ".join(options.orderingkey)
        return (
            f"orderingkey: ({shown}) is not the key that spreads events over the {shards} shards of"
            " this channel, so one key would stand in several; take (partitionkey, subject) or"
            " (partitionkey), or a channel that is made with shards 1"
        )
    return None
