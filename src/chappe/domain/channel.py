"""Channels: named, durable streams of events, and the blocks they are made of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from chappe.domain.errors import Malformed
from chappe.domain.event import Event

DEFAULT = "default"
ATTEMPTS = "attempts"
DEADLETTERS = "deadletters"
REGISTRY = "registry"
AUDIT = "audit"
OWN = frozenset({ATTEMPTS, DEADLETTERS, REGISTRY, AUDIT})
"""Channels that the hub writes itself; nobody publishes to them."""
UNDELIVERED = frozenset({ATTEMPTS})
"""Channels without subscriptions: delivering the delivery log would write it for ever."""
RECORDS = frozenset({ATTEMPTS, DEADLETTERS})
"""Channels of what became of deliveries: one event may stand there several times."""

DEFAULT_SHARDS = 4

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")


Undeclared: TypeAlias = Literal["allow", "warn", "refuse"]
"""What becomes of an event whose type nobody has declared: nothing, a warning, or a refusal."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How long and how much a channel keeps; 0: no bound, None: as the operator's settings say."""

    max_age_s: float | None = None
    max_bytes: int | None = None


AS_SET = Kept()
LEAST_AGE_S = 1.0
LEAST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel; its number of shards is fixed when it is made.

    `quarantine` is the channel that takes what this one refuses for its payload or type; None: who
    sends it gets an error. `kept` is the channel's own retention.
    """

    name: str
    shards: int
    undeclared: Undeclared = "allow"
    quarantine: str | None = None
    kept: Kept = AS_SET

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
