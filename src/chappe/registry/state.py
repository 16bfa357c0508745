"""Everything declared, as one immutable value; readers take the reference once and never wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from chappe.domain.channel import (
    ATTEMPTS,
    AUDIT,
    DEADLETTERS,
    DEFAULT,
    DEFAULT_SHARDS,
    REGISTRY,
    Channel,
)
from chappe.domain.source import Source
from chappe.domain.subscription import Subscription
from chappe.registry.declaration import Declaration
from chappe.registry.entity import Tree
from chappe.registry.model import AttributeSet, Model

NO_TREE: Final = Tree({}, Model({}, {}, AttributeSet()), {})
"""Before the registry is loaded."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The registry as of `revision`, and what the event plane reads of it.

    `subscriptions` and `sources` by id, `declarations` by event type and `channels` by name are
    derived from `tree`. Nobody changes the mappings; a state after a write shares those that it did not touch,
    so `a.subscriptions is b.subscriptions` tells that no subscription changed between the two.
    """

    revision: int = 0
    subscriptions: Mapping[str, Subscription] = field(default_factory=dict)
    declarations: Mapping[str, Declaration] = field(default_factory=dict)
    channels: Mapping[str, Channel] = field(default_factory=dict)
    tree: Tree = NO_TREE
    sources: Mapping[str, Source] = field(default_factory=dict)


def own_channels(shards: int = DEFAULT_SHARDS) -> dict[str, Channel]:
    """The channels that every hub has; `shards` are those of the default one."""
    own = (
        Channel(DEFAULT, shards),
        Channel(ATTEMPTS, 1),
        Channel(DEADLETTERS, 1),
        Channel(REGISTRY, 1),
        Channel(AUDIT, 1),
    )
    return {channel.name: channel for channel in own}


def empty(shards: int = DEFAULT_SHARDS) -> State:
    """The state before the first transaction: nothing but the channels that every hub has."""
    return State(channels=own_channels(shards))
