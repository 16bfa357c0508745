"""The catalogue: what events there are, declared beside seen, and who sends and takes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

from chappe.domain.of_type import may_take
from chappe.domain.sighting import Sighting
from chappe.domain.subscription import Subscription
from chappe.formats.declared_types import Declared, Other, declared_types, others
from chappe.kit.hours import Hours
from chappe.kit.latest import Latest
from chappe.ports.clock import Clock
from chappe.ports.event_index import EventIndex
from chappe.registry.entity import Tree
from chappe.registry.state import State

WINDOW_S: Final = 3600
"""Over how long the rate of events is told, and how old the last may be of a type that is active."""
MOST_OTHERS: Final = 20

TypeState: TypeAlias = Literal["active", "quiet", "unused", "undeclared"]
"""active: declared, and seen within the window; quiet: seen before; unused: never seen;
undeclared: seen, and declared nowhere."""
STATES: Final[tuple[TypeState, ...]] = get_args(TypeState)


Order: TypeAlias = Literal["name", "attention"]
"""attention: events that break their rules first, then what nobody declared, what comes, what came, the rest."""
ORDERS: Final[tuple[Order, ...]] = get_args(Order)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which types: all `words` must be there (in lower case), and every other part that is given.

    `after` is the `next` of the page before.
    """

    words: Sequence[str] = ()
    type: str | None = None
    schema: str | None = None
    owner: str | None = None
    domain: str | None = None
    state: TypeState | None = None
    traffic: bool | None = None
    invalid: bool | None = None
    order: Order = "name"
    after: str = ""
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Entry:
    """A type as far as it is declared and was seen.

    `quarantined` counts the events that the channel's quarantine holds; `sent` those that came to this
    node while their payload was checked, `broken` how many of these broke the rules.
    """

    declared: Declared
    state: TypeState
    events: int
    last_ms: int | None
    recent: int
    sources: Sequence[str | None]
    quarantined: int
    sent: int
    broken: int


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of the page, the ids of the subscriptions that may take its events, and its last hours."""

    entry: Entry
    subscriptions: Sequence[str]
    hours: Sequence[int | None] | None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A page of types; facets count what the words let through."""

    types: Sequence[Listed]
    total: int
    matching: int
    owners: Mapping[str, int]
    domains: Mapping[str, int]
    states: Mapping[TypeState, int]
    traffic: int
    invalid: int
    others: Sequence[Other]
    next: str | None


@dataclass(slots=True)
class _Kept:
    """What was read of the registry, as long as it stays as it was."""

    tree: Tree | None = None
    base: str = ""
    declared: Mapping[str, Declared] = field(default_factory=dict)
    others: Sequence[Other] = ()
    names: Sequence[str] = ()
    """The declared types, sorted."""
    unseen: Mapping[str, Entry] = field(default_factory=dict)
    """Each of them as it is while no event of it came: most of a large registry, at most times."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """What is declared of each, to be searched for words."""


@dataclass(slots=True)
class _Takers:
    """Who may take a type, as long as no subscription changes."""

    of: Mapping[str, Subscription] | None = None
    by_type: dict[tuple[str, str], Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReadCatalogue:
    """Answers what events there are in a channel; `caught_up` is flows.find's.

    `hours` is what was counted of the channels lately, `validity` what this node had to judge of a
    channel's type: how many came, and how many of them broke its rules.
    """

    state: Latest[State]
    index: EventIndex
    caught_up: Callable[[str], Awaitable[None]]
    clock: Clock
    hours: Hours = field(default_factory=Hours)
    validity: Callable[[str, str], tuple[int, int] | None] = lambda channel, type: None
    _kept: _Kept = field(default_factory=_Kept)
    _takers: _Takers = field(default_factory=_Takers)

    async def __call__(self, channel: str, base: str, wanted: Wanted) -> Catalogue:
        """The types that are wanted, in the order that is wanted.

        Raises:
            NotFound: there is no such channel.
            Unavailable: the index is too far behind the log.
        """
        await self.caught_up(channel)
        state = self.state.value
        since_ms = self.clock.now_ms() - WINDOW_S * 1000
        seen = _by_type(await self.index.sightings(channel))
        recent = _by_type(await self.index.sightings(channel, since_ms=since_ms))
        quarantine = state.channels[channel].quarantine
        held = {} if quarantine is None else _by_type(await self.index.sightings(quarantine))
        kept = self._registry(state.tree, base)
        entries = [
            _entry(
                kept.declared.get(type_) or Declared(type_),
                seen.get(type_, _UNSEEN),
                recent.get(type_, _UNSEEN).events,
                held.get(type_, _UNSEEN).events,
                self._judged(channel, kept.declared.get(type_)),
            )
            if type_ in seen
            or type_ in held
            or type_ not in kept.unseen
            or self._judged(channel, kept.declared[type_])[0]
            else kept.unseen[type_]
            for type_ in _types(kept, seen, wanted.type)
        ]
        worded = entries
        if wanted.words:
            worded = [one for one in entries if _has_words(one, kept.texts, wanted.words)]
        fitting = [one for one in worded if _fits(one, wanted)]
        if wanted.order == "attention":
            fitting.sort(key=_place_by_attention)
        place = _place_by_attention if wanted.order == "attention" else _place_by_name
        rest = [one for one in fitting if place(one) > wanted.after]
        page = rest[: wanted.limit]
        now_ms = self.clock.now_ms()
        return Catalogue(
            types=[
                Listed(
                    one,
                    self._subscribed(state, channel, one),
                    self.hours.of(channel, one.declared.type, now_ms),
                )
                for one in page
            ],
            total=len(entries),
            matching=len(fitting),
            owners=Counter(one.declared.owner for one in worded if one.declared.owner),
            domains=Counter(one.declared.domain for one in worded if one.declared.domain),
            states=Counter(one.state for one in worded),
            traffic=sum(1 for one in worded if one.recent),
            invalid=sum(1 for one in worded if one.quarantined),
            others=[one for one in kept.others if all(word in one.words for word in wanted.words)][
                :MOST_OTHERS
            ]
            if wanted.words
            else (),
            next=place(page[-1]) if len(rest) > len(page) else None,
        )

    def xids(self, tree: Tree, base: str, type_: str) -> Sequence[str]:
        """The messages that declare a type."""
        declared = self._registry(tree, base).declared.get(type_)
        return () if declared is None else declared.xids

    def _registry(self, tree: Tree, base: str) -> _Kept:
        kept = self._kept
        if kept.tree is not tree or kept.base != base:
            kept.declared, kept.others = declared_types(tree, base), tuple(others(tree))
            kept.names = sorted(kept.declared)
            kept.unseen = {
                type_: _entry(one, _UNSEEN, 0, 0, (0, 0)) for type_, one in kept.declared.items()
            }
            kept.texts = {type_: _text(one) for type_, one in kept.declared.items()}
            kept.tree, kept.base = tree, base
        return kept

    def _judged(self, channel: str, declared: Declared | None) -> tuple[int, int]:
        """How many came whose payload was checked, and how many of them broke the rules."""
        if declared is None or not declared.validation:
            return 0, 0
        return self.validity(channel, declared.type) or (0, 0)

    def _subscribed(self, state: State, channel: str, one: Entry) -> Sequence[str]:
        takers, type_ = self._takers, one.declared.type
        if takers.of is not state.subscriptions or len(takers.by_type) > 10_000:
            takers.of, takers.by_type = state.subscriptions, {}
        found = takers.by_type.get((channel, type_))
        if found is None:
            found = [
                id_
                for id_, each in sorted(state.subscriptions.items())
                if each.channel == channel and each.replay is None and may_take(each, type_)
            ]
            takers.by_type[channel, type_] = found
        return found


@dataclass(slots=True)
class _Seen:
    """What was seen of one type, of all its sources together."""

    events: int = 0
    last_ms: int | None = None
    sources: list[str | None] = field(default_factory=list)


_UNSEEN: Final = _Seen()


def _by_type(sightings: Sequence[Sighting]) -> dict[str, _Seen]:
    """By type; sightings come with the last seen first."""
    found: dict[str, _Seen] = {}
    for type_, source, events, _, last_ms in sightings:
        seen = found.get(type_)
        if seen is None:
            seen = found[type_] = _Seen(last_ms=last_ms)
        seen.events += events
        seen.sources.append(source)
    return found


_RANKS: Final[Mapping[TypeState, int]] = {"undeclared": 1, "active": 2, "quiet": 3, "unused": 4}


def _place_by_name(one: Entry) -> str:
    return one.declared.type


def _place_by_attention(one: Entry) -> str:
    rank = 0 if one.quarantined or one.broken else _RANKS[one.state]
    return f"{rank}{one.declared.type}"


def _entry(
    declared: Declared,
    seen: _Seen,
    recent: int,
    quarantined: int,
    validity: tuple[int, int],
) -> Entry:
    sent, broken = validity
    state: TypeState = "active" if recent else "quiet" if seen.events else "unused"
    return Entry(
        declared,
        state if declared.xids else "undeclared",
        seen.events,
        seen.last_ms,
        recent,
        seen.sources,
        quarantined,
        sent,
        broken,
    )


def _types(kept: _Kept, seen: Mapping[str, _Seen], only: str | None) -> Sequence[str]:
    """Every type that is declared or was seen, sorted; or that one of them alone."""
    if only is not None:
        return [only] if only in seen or only in kept.declared else []
    if seen.keys() <= kept.declared.keys():
        return kept.names
    return sorted({*seen, *kept.declared})


def _text(declared: Declared) -> str:
    """All that is said of a type, for words in lower case; parted by what no word holds."""
    said = (
        declared.type,
        declared.owner,
        declared.domain,
        declared.group,
        declared.name,
        declared.description,
    )
    labels = (*declared.labels.keys(), *declared.labels.values())
    return "\n".join((*said, *declared.producers, *declared.consumers, *labels)).casefold()


def _has_words(one: Entry, texts: Mapping[str, str], words: Sequence[str]) -> bool:
    text = texts.get(one.declared.type) or one.declared.type.casefold()
    if one.sources:
        text = "\n".join((text, *(source.casefold() for source in one.sources if source)))
    return all(word in text for word in words)


def _fits(one: Entry, wanted: Wanted) -> bool:
    return (
        (wanted.schema is None or _names(one.declared, wanted.schema))
        and (wanted.owner is None or one.declared.owner == wanted.owner)
        and (wanted.domain is None or one.declared.domain == wanted.domain)
        and (wanted.state is None or one.state == wanted.state)
        and (wanted.traffic is None or bool(one.recent) == wanted.traffic)
        and (wanted.invalid is None or bool(one.quarantined) == wanted.invalid)
    )


def _names(declared: Declared, schema: str) -> bool:
    """Whether the payload's schema is the one at an xid, or a version of it."""
    return declared.schema == schema or declared.schema.startswith(f"{schema}/versions/")
