"""What a node measures when somebody asks, beside what it has counted: the gauges of /metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

SubscriptionState: TypeAlias = Literal[
    "active", "paused", "disabled", "awaiting grant", "breaker open"
]
STATES: Final[Sequence[SubscriptionState]] = (
    "active",
    "paused",
    "disabled",
    "awaiting grant",
    "breaker open",
)


@dataclass(frozen=True, slots=True)
class SubscriptionFigures:
    """One subscription, as far as this node's shards go.

    `pending` are events taken up and not settled, `lag_blocks` how many blocks its lanes have not read
    that everybody else has, `oldest_s` the age of the oldest event of both, `locked` what consumers
    hold of a pulled one. `name` is "other" for all those together that have no series of their own;
    their state is not told.
    """

    name: str
    state: SubscriptionState | None
    pending: int = 0
    lag_blocks: int = 0
    oldest_s: float = 0.0
    locked: int = 0


@dataclass(frozen=True, slots=True)
class ChannelFigures:
    """One channel: what the engine holds of it, how much it may, and how many follow it at this node."""

    name: str
    size_bytes: int
    blocks: int
    max_bytes: int
    readers: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """One node now. `channels` is empty where the engine did not answer in time."""

    version: str = ""
    node: str = ""
    engine_version: str = ""
    embedded: bool = False
    connected: bool = False
    disk_free_bytes: int | None = None
    disk_full: bool = False
    shards_owned: int = 0
    shards: int = 0
    streams: int = 0
    max_streams: int = 0
    registry_revision: int = 0
    handshakes_failing: int = 0
    draining: bool = False
    subscriptions: Sequence[SubscriptionFigures] = ()
    states: Sequence[tuple[SubscriptionState, int]] = ()
    """How many subscriptions there are in each state."""
    channels: Sequence[ChannelFigures] = ()
    sources: Sequence[tuple[str, str]] = field(default=())
    """Each source that this node knows with its state here: running, failing, waiting …"""


async def no_figures() -> Figures:
    """Of a hub that measures nothing."""
    return Figures()
