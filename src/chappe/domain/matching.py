"""Which subscriptions want an event: an index, so that idle subscriptions cost nothing.

Each subscription stands under the values of one attribute that an event must have to reach it (its
`types`, or an `exact` on some attribute); an event looks up its own values. Only what cannot be
indexed is tried one by one. `explain` tells for one subscription which test decided.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from chappe.domain.event import Event
from chappe.domain.filters import (
    All,
    AnyOf,
    Decision,
    Exact,
    Filter,
    Not,
    Predicate,
    Prefix,
    Suffix,
    compiled,
    decide,
)
from chappe.domain.subscription import Subscription


@dataclass(frozen=True, slots=True)
class Entry:
    """A subscription, and what is left to test after the index; None: nothing."""

    subscription: Subscription
    predicate: Predicate | None


class _Table(NamedTuple):
    """The entries that stand under the values of one attribute, and how it is read."""

    read: Callable[[Event], str | None]
    entries: dict[str | None, dict[str, Entry]]


class SubscriptionIndex:
    """Finds the subscriptions of an event; changes one subscription at a time."""

    def __init__(self) -> None:
        self._tables: dict[str, _Table] = {}
        self._rest: dict[str, Entry] = {}
        self._keys: dict[str, tuple[str, frozenset[str]] | None] = {}

    def put(self, subscription: Subscription) -> None:
        """Add the subscription, or replace it."""
        self.remove(subscription.id)
        key = _key(subscription)
        entry = Entry(subscription, _rest_of(subscription, key))
        self._keys[subscription.id] = key
        if key is None:
            self._rest[subscription.id] = entry
            return
        attribute, values = key
        table = self._tables.get(attribute)
        if table is None:
            table = self._tables[attribute] = _Table(_reader(attribute), {})
        for value in values:
            table.entries.setdefault(value, {})[subscription.id] = entry

    def remove(self, subscription_id: str) -> None:
        """Forget the subscription, if it is known."""
        if subscription_id not in self._keys:
            return
        key = self._keys.pop(subscription_id)
        self._rest.pop(subscription_id, None)
        if key is not None:
            attribute, values = key
            entries = self._tables[attribute].entries
            for value in values:
                del entries[value][subscription_id]
                if not entries[value]:
                    del entries[value]
            if not entries:
                del self._tables[attribute]

    def matches(self, event: Event) -> Sequence[Subscription]:
        """Every subscription that wants the event, each once."""
        entries = list(self._rest.values()) if self._rest else []
        for read, table in self._tables.values():
            found = table.get(read(event))
            if found is not None:
                entries += found.values()
        if not entries:
            return ()
        return [
            entry.subscription
            for entry in entries
            if entry.predicate is None or entry.predicate(event)
        ]

    def __len__(self) -> int:
        return len(self._keys)


def wants(subscription: Subscription) -> Predicate:
    """The whole test of one subscription, for reading on a cursor of its own."""
    return _rest_of(subscription, None) or (lambda event: True)


def explain(subscription: Subscription, event: Event) -> Decision:
    """Whether the subscription wants the event, and which test decided.

    subscriptions/spec.md 3.2.1: source, types and filters must all hold.
    """
    if subscription.source is not None and subscription.source != event.source:
        return Decision(False, f"source={subscription.source!r}", event.source)  # noqa: FBT003
    if subscription.types and event.type not in subscription.types:
        return Decision(False, f"types={sorted(subscription.types)}", event.type)  # noqa: FBT003
    return decide(subscription.filter, event)


def _reader(attribute: str) -> Callable[[Event], str | None]:
    """`Event.get` for one attribute; in C for those that subscriptions nearly always ask for."""
    if attribute in ("type", "source", "subject", "id"):
        return attrgetter(attribute)
    return lambda event: event.get(attribute)


def _key(subscription: Subscription) -> tuple[str, frozenset[str]] | None:
    if subscription.types:
        return "type", subscription.types
    required = dict(_required(subscription.filter))
    if subscription.source is not None:
        required.setdefault("source", frozenset({subscription.source}))
    for attribute in ("type", "subject", "source"):
        if attribute in required:
            return attribute, required[attribute]
    return next(iter(required.items()), None)


def _required(filter_: Filter) -> Sequence[tuple[str, frozenset[str]]]:
    """Attributes that must have one of these values for the filter to be true."""
    match filter_:
        case Exact(attribute, value):
            return [(attribute, frozenset({value}))]
        case All(parts):
            return [found for part in parts for found in _required(part)]
        case AnyOf(parts):
            if parts and all(isinstance(part, Exact) for part in parts):
                leaves = [part for part in parts if isinstance(part, Exact)]
                if len({leaf.attribute for leaf in leaves}) == 1:
                    return [(leaves[0].attribute, frozenset(leaf.value for leaf in leaves))]
            return []
        case Prefix() | Suffix() | Not():
            return []


def _rest_of(
    subscription: Subscription, key: tuple[str, frozenset[str]] | None
) -> Predicate | None:
    indexed = None if key is None else key[0]
    tests: list[Predicate] = []
    source, types = subscription.source, subscription.types
    if source is not None and not (indexed == "source" and not _filters(subscription)):
        tests.append(lambda event: event.source == source)
    if types and indexed != "type":
        tests.append(lambda event: event.type in types)
    if not (
        isinstance(subscription.filter, Exact)
        and indexed == subscription.filter.attribute
        and not types
    ) and _filters(subscription):
        tests.append(compiled(subscription.filter))
    match tests:
        case []:
            return None
        case [only]:
            return only
        case _:
            return lambda event: all(test(event) for test in tests)


def _filters(subscription: Subscription) -> bool:
    return not (isinstance(subscription.filter, All) and not subscription.filter.parts)
