"""What a transaction is made of, and the rules it must keep. Pure values and checks.

A transaction holds after-images and tombstones of whole entities, so that applying it needs no rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from chappe.domain.channel import Channel
from chappe.domain.errors import Conflict, Malformed
from chappe.domain.subscription import Subscription
from chappe.registry.declaration import Declaration


@dataclass(frozen=True, slots=True)
class PutSubscription:
    """The subscription as it is from now on."""

    subscription: Subscription


@dataclass(frozen=True, slots=True)
class DropSubscription:
    """The subscription `id` has ended."""

    id: str


@dataclass(frozen=True, slots=True)
class PutDeclaration:
    """The declaration as it is from now on."""

    declaration: Declaration


@dataclass(frozen=True, slots=True)
class DropDeclaration:
    """The event type `type` is declared no more."""

    type: str


@dataclass(frozen=True, slots=True)
class PutChannel:
    """The channel as it is from now on."""

    channel: Channel


Change: TypeAlias = (
    PutSubscription | DropSubscription | PutDeclaration | DropDeclaration | PutChannel
)


@dataclass(frozen=True, slots=True)
class Transaction:
    """Changes that happen together or not at all; `at` is RFC 3339 in UTC, `by` a principal's name."""

    changes: Sequence[Change]
    at: str
    by: str = ""
    correlation: str = ""


def check_epoch(thing: str, given: int | None, present: int) -> None:
    """A write that carries an epoch must carry the present one.

    Raises:
        Conflict: it carries another one.
    """
    if given is not None and given != present:
        raise Conflict(f"{thing}: epoch {given} was sent, the present one is {present}")


def check_declared_once(declarations: Mapping[str, Declaration], group: str, type_: str) -> None:
    """One type is declared once over all groups: what checks a payload must not depend on luck.

    Raises:
        Conflict: another group declares the type.
    """
    other = declarations.get(type_)
    if other is not None and other.group != group:
        raise Conflict(
            f"messages/{type_}: declared in the group {other.group!r} already;"
            " one type is declared once over all groups"
        )


def check_channel(channels: Mapping[str, Channel], name: str) -> None:
    """A subscription reads a channel that exists.

    Raises:
        Malformed: there is no such channel.
    """
    if name not in channels:
        known = ", ".join(sorted(channels))
        raise Malformed(f"channel: {name!r} does not exist; there are: {known}")
