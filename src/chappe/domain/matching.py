"""Which subscriptions want an event: an index, so that idle subscriptions cost nothing.

Each subscription stands under keys of one part of it (`domain.keys`): values, prefixes or suffixes of
attributes, one of which an event must have to reach it. Of the parts that give keys it takes that
whose keys fewest others have. An event looks up its own values, so that the cost grows with what it
finds; only what has no keys is tried one by one. `explain` tells for one subscription which test decided.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from chappe.domain.event import CORE_ATTRIBUTES, Event, canonical
from chappe.domain.filters import ALWAYS, Decision, Predicate, compiled, decide
from chappe.domain.keys import Key, Keys, Part, keys_of
from chappe.domain.subscription import Subscription


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A subscription, and what is left to test after the index; None: nothing."""

    subscription: Subscription
    predicate: Predicate | None


class _Shelf:
    """The entries that stand under keys of one attribute."""

    __slots__ = ("affixed", "ends", "present", "read", "starts", "values")

    def __init__(self, read: Callable[[Event], str | None]) -> None:
        self.read = read
        self.values: dict[str | None, dict[str, Entry]] = {}
        self.starts: dict[int, dict[str, dict[str, Entry]]] = {}
        self.ends: dict[int, dict[str, dict[str, Entry]]] = {}
        self.present: dict[str, Entry] = {}
        self.affixed = False
        """Whether anything stands elsewhere than in `values`."""

    def load(self, key: Key) -> int:
        """How many entries stand under the key."""
        match key.test:
            case "is":
                return len(self.values.get(key.value, ()))
            case "starts":
                return len(self.starts.get(len(key.value), {}).get(key.value, ()))
            case "ends":
                return len(self.ends.get(len(key.value), {}).get(key.value, ()))
            case "set":
                return len(self.present)

    def put(self, key: Key, entry: Entry) -> None:
        id_ = entry.subscription.id
        match key.test:
            case "is":
                self.values.setdefault(key.value, {})[id_] = entry
                return
            case "starts":
                by_length = self.starts.setdefault(len(key.value), {})
                by_length.setdefault(key.value, {})[id_] = entry
            case "ends":
                by_length = self.ends.setdefault(len(key.value), {})
                by_length.setdefault(key.value, {})[id_] = entry
            case "set":
                self.present[id_] = entry
        self.affixed = True

    def remove(self, key: Key, subscription_id: str) -> None:
        match key.test:
            case "is":
                _drop(self.values, key.value, subscription_id)
                return
            case "starts" | "ends":
                tables = self.starts if key.test == "starts" else self.ends
                table = tables[len(key.value)]
                _drop(table, key.value, subscription_id)
                if not table:
                    del tables[len(key.value)]
            case "set":
                del self.present[subscription_id]
        self.affixed = bool(self.starts or self.ends or self.present)

    def affixes(self, value: str, entries: list[Entry]) -> None:
        """Add what stands under a prefix or a suffix of the value, or under any value."""
        entries += self.present.values()
        for length, table in self.starts.items():
            found = table.get(value[:length])
            if found is not None:
                entries += found.values()
        for length, table in self.ends.items():
            found = table.get(value[-length:])
            if found is not None:
                entries += found.values()

    def __bool__(self) -> bool:
        return bool(self.values) or self.affixed


class SubscriptionIndex:
    """Finds the subscriptions of an event; changes one subscription at a time."""

    def __init__(self) -> None:
        self._core: dict[str, _Shelf] = {}
        # An event looks up its own extensions here, however many others have a shelf.
        self._extensions: dict[str, _Shelf] = {}
        self._rest: dict[str, Entry] = {}
        self._keys: dict[str, Keys | None] = {}
        self._overlapping: set[str] = set()

    def put(self, subscription: Subscription) -> None:
        """Add the subscription, or replace it."""
        self.remove(subscription.id)
        keys = min(keys_of(subscription), key=self._burden, default=None)
        whole = None if keys is None or not keys.whole else keys.part
        entry = Entry(subscription, _rest_of(subscription, whole))
        self._keys[subscription.id] = keys
        if keys is None:
            self._rest[subscription.id] = entry
            return
        for key in keys.keys:
            shelves = self._shelves(key.attribute)
            shelf = shelves.get(key.attribute)
            if shelf is None:
                shelf = shelves[key.attribute] = _Shelf(_reader(key.attribute))
            shelf.put(key, entry)
        if keys.may_hit_twice:
            self._overlapping.add(subscription.id)

    def remove(self, subscription_id: str) -> None:
        """Forget the subscription, if it is known."""
        if subscription_id not in self._keys:
            return
        keys = self._keys.pop(subscription_id)
        self._rest.pop(subscription_id, None)
        self._overlapping.discard(subscription_id)
        for key in () if keys is None else keys.keys:
            shelves = self._shelves(key.attribute)
            shelves[key.attribute].remove(key, subscription_id)
            if not shelves[key.attribute]:
                del shelves[key.attribute]

    def matches(self, event: Event) -> Sequence[Subscription]:
        """Every subscription that wants the event, each once."""
        entries = list(self._rest.values()) if self._rest else []
        for shelf in self._core.values():
            value = shelf.read(event)
            found = shelf.values.get(value)
            if found is not None:
                entries += found.values()
            if shelf.affixed and value is not None:
                shelf.affixes(value, entries)
        if self._extensions and event.extensions:
            self._by_extensions(event, entries)
        if not entries:
            return ()
        if self._overlapping:
            entries = list(dict.fromkeys(entries))
        return [
            entry.subscription
            for entry in entries
            if entry.predicate is None or entry.predicate(event)
        ]

    def _by_extensions(self, event: Event, entries: list[Entry]) -> None:
        for name, raw in event.extensions.items():
            shelf = self._extensions.get(name)
            if shelf is None:
                continue
            value = raw if isinstance(raw, str) else canonical(raw)
            found = shelf.values.get(value)
            if found is not None:
                entries += found.values()
            if shelf.affixed:
                shelf.affixes(value, entries)

    def _shelves(self, attribute: str) -> dict[str, _Shelf]:
        return self._core if attribute in CORE_ATTRIBUTES else self._extensions

    def _burden(self, keys: Keys) -> tuple[float, int]:
        """How much an event pays that has the worst of the keys, and how many there are."""
        worst = 0.0
        for key in keys.keys:
            shelf = self._shelves(key.attribute).get(key.attribute)
            worst = max(worst, key.weight * (1 if shelf is None else shelf.load(key) + 1))
        return worst, len(keys.keys)

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


def _drop(
    table: dict[str | None, dict[str, Entry]] | dict[str, dict[str, Entry]],
    value: str,
    subscription_id: str,
) -> None:
    del table[value][subscription_id]
    if not table[value]:
        del table[value]


def _reader(attribute: str) -> Callable[[Event], str | None]:
    """`Event.get` for one attribute; in C for those that subscriptions nearly always ask for."""
    if attribute in CORE_ATTRIBUTES and attribute != "specversion":
        return attrgetter(attribute)
    return lambda event: event.get(attribute)


def _rest_of(subscription: Subscription, known: Part | None) -> Predicate | None:
    """What is left to test of a subscription of which one part is known to hold."""
    tests: list[Predicate] = []
    source, types = subscription.source, subscription.types
    if source is not None and known != "source":
        tests.append(lambda event: event.source == source)
    if types and known != "types":
        tests.append(lambda event: event.type in types)
    if subscription.filter != ALWAYS and known != "filter":
        tests.append(compiled(subscription.filter))
    match tests:
        case []:
            return None
        case [only]:
            return only
        case _:
            return lambda event: all(test(event) for test in tests)
