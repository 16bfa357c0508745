"""Channels: named, durable streams of events, and the blocks they are made of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chappe.domain.errors import Malformed
from chappe.domain.event import Event

DEFAULT = "default"
ATTEMPTS = "attempts"
DEADLETTERS = "deadletters"
OWN = frozenset({ATTEMPTS, DEADLETTERS})
"""Channels that the hub writes itself; nobody publishes to them."""

DEFAULT_SHARDS = 4

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel; its number of shards is fixed when it is made."""

    name: str
    shards: int

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise Malformed(
                f"channel: {self.name!r} is no name; 1 to 64 of a-z, 0-9 and '-', no '-' at the ends"
            )
        if not 1 <= self.shards <= 256:
            raise Malformed(f"channel {self.name}: {self.shards} shards; 1 to 256 are possible")


@dataclass(frozen=True, slots=True)
class Block:
    """The events of one commit, as they stand in the log.

    `seq` grows over the whole channel; `at_ms` is the time of the commit (Unix, milliseconds);
    `node` is the node that took the events in.
    """

    seq: int
    shard: int
    at_ms: int
    node: str
    events: Sequence[Event]
