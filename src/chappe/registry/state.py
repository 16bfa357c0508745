"""Everything declared, as one immutable value; readers take the reference once and never wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from chappe.domain.channel import ATTEMPTS, DEADLETTERS, DEFAULT, DEFAULT_SHARDS, Channel
from chappe.domain.subscription import Subscription
from chappe.registry.declaration import Declaration
from chappe.registry.transaction import (
    Change,
    DropDeclaration,
    DropSubscription,
    PutChannel,
    PutDeclaration,
    PutSubscription,
)


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The registry as of `revision`: subscriptions by id, declarations by type, channels by name.

    Nobody changes the mappings; `apply` copies those that it touches and shares the others, so
    `a.subscriptions is b.subscriptions` tells that no subscription changed between the two.
    """

    revision: int = 0
    subscriptions: Mapping[str, Subscription] = field(default_factory=dict)
    declarations: Mapping[str, Declaration] = field(default_factory=dict)
    channels: Mapping[str, Channel] = field(default_factory=dict)

    def apply(self, changes: Iterable[Change], revision: int) -> State:
        """The state after `changes`, in order; this value stays as it is.

        Takes the changes of many transactions at once, `revision` being that of the last. Changes
        that the state has already (`revision` is not newer) leave it as it is.
        """
        if revision <= self.revision:
            return self
        subscriptions: dict[str, Subscription] | None = None
        declarations: dict[str, Declaration] | None = None
        channels: dict[str, Channel] | None = None
        for change in changes:
            match change:
                case PutSubscription() | DropSubscription():
                    if subscriptions is None:
                        subscriptions = dict(self.subscriptions)
                    if isinstance(change, PutSubscription):
                        subscriptions[change.subscription.id] = change.subscription
                    else:
                        subscriptions.pop(change.id, None)
                case PutDeclaration() | DropDeclaration():
                    if declarations is None:
                        declarations = dict(self.declarations)
                    if isinstance(change, PutDeclaration):
                        declarations[change.declaration.type] = change.declaration
                    else:
                        declarations.pop(change.type, None)
                case PutChannel(channel):
                    if channels is None:
                        channels = dict(self.channels)
                    channels[channel.name] = channel
        return State(
            revision,
            self.subscriptions if subscriptions is None else subscriptions,
            self.declarations if declarations is None else declarations,
            self.channels if channels is None else channels,
        )


def empty(shards: int = DEFAULT_SHARDS) -> State:
    """The state before the first transaction: nothing but the channels that every hub has."""
    own = (Channel(DEFAULT, shards), Channel(ATTEMPTS, 1), Channel(DEADLETTERS, 1))
    return State(channels={channel.name: channel for channel in own})
