"""Did it arrive? What became of one event, for every subscription of its channel."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from msgspec import structs

from chappe.domain import dead_letter
from chappe.domain.attempt import AttemptRow
from chappe.domain.channel import ATTEMPTS, DEADLETTERS, OWN, Channel
from chappe.domain.event import Event
from chappe.domain.matching import explain
from chappe.domain.position import Position
from chappe.domain.replay import REDRIVES
from chappe.domain.subscription import Subscription
from chappe.formats.schema_language import Verdict, Violation
from chappe.ports.event_index import EventIndex, Query
from chappe.ports.event_log import EventLog
from chappe.ports.stored_events import Stored
from chappe.registry.declaration import Mode

LaneState: TypeAlias = Literal[
    "delivered",
    "retrying",
    "pending",
    "dead-lettered",
    "expired",
    "not matched",
    "not offered",
]


@dataclass(frozen=True, slots=True)
class SchemaVerdict:
    """What the schema that is declared for the type says to the payload."""

    mode: Mode
    declaration: str
    violations: Sequence[Violation]

    @property
    def valid(self) -> bool:
        """Whether the payload keeps the schema."""
        return not self.violations


@dataclass(frozen=True, slots=True)
class LaneTrace:
    """The event on its way to one subscription.

    `sink` is empty when the subscription has ended since. `decided_by` is the test that let the event
    pass or not, `found` the value that it saw.
    """

    subscription: str
    sink: str
    matched: bool
    state: LaneState
    decided_by: str | None
    found: str | None
    attempts: Sequence[AttemptRow]


@dataclass(frozen=True, slots=True)
class Traced:
    """One event's way through the hub; `at_ms` is when it was accepted (Unix, ms).

    `first` is where the event stands that this one repeats; the lanes are those of that one.
    """

    position: Position
    channel: str
    event: Event
    at_ms: int
    node: str
    schema: SchemaVerdict | None
    lanes: Sequence[LaneTrace]
    first: Position | None = None


class Trace:
    """Tells what became of an event."""

    def __init__(
        self,
        log: EventLog,
        index: EventIndex,
        one: Callable[[str, str], Awaitable[Stored]],
        attempts_known: Callable[[], Awaitable[None]],
        channels: Callable[[], Mapping[str, Channel]],
        subscriptions: Callable[[], Mapping[str, Subscription]],
        check: Callable[[Event], Verdict | None],
        first: Callable[[str, Event], Awaitable[Stored | None]],
        window_ms: int,
    ) -> None:
        """`window_ms`: how long after an event one of its source and id is a repeat; 0: never."""
        self._log = log
        self._index = index
        self._one = one
        self._attempts_known = attempts_known
        self._channels = channels
        self._subscriptions = subscriptions
        self._check = check
        self._first = first
        self._window_ms = window_ms

    async def __call__(self, channel: str, reference: str) -> Traced:
        """Trace the event of a position, an id, or source#id.

        A repeat was not delivered: what became of it is what became of its first copy.

        Raises:
            NotFound, Ambiguous, Unavailable: as Find.one.
        """
        item = await self._one(channel, reference)
        block = await self._log.block(self._channels()[channel], item.position.block)
        await self._attempts_known()
        rows = await self._index.attempts(channel, item.position)
        traced, first = item, None
        if not rows:
            first = await self._repeated(channel, item)
            if first is not None:
                traced = first
                rows = await self._index.attempts(channel, first.position)
        rows = [*rows, *await self._redrives(channel, traced, rows)]
        return Traced(
            item.position,
            channel,
            item.event,
            item.at_ms,
            "" if block is None else block.node,
            self._schema(item.event),
            self._lanes(channel, traced, rows),
            None if first is None else first.position,
        )

    async def _redrives(
        self, channel: str, item: Stored, rows: Sequence[AttemptRow]
    ) -> Sequence[AttemptRow]:
        """What redrives did about the event's dead letters, as attempts of whose letters they are."""
        letters = self._channels().get(DEADLETTERS)
        if letters is None or not any(row.result == "dead-letter" for row in rows):
            return ()
        found: list[AttemptRow] = []
        query = Query(
            channel=DEADLETTERS, source=item.event.source, id=item.event.id, newest_first=False
        )
        for one in await self._index.find(query):
            letter = await self._log.get(letters, one.position)
            said = {} if letter is None else letter.extensions
            if said.get(dead_letter.POSITION) == str(item.position) and (
                said.get(dead_letter.CHANNEL) == channel
            ):
                found += [
                    structs.replace(row, subscription=str(said[dead_letter.SUBSCRIPTION]))
                    for row in await self._index.attempts(DEADLETTERS, one.position)
                    if row.subscription.startswith(REDRIVES)
                ]
        return found

    async def _repeated(self, channel: str, item: Stored) -> Stored | None:
        """The event that this one repeats, so that its shard's reader has dropped it; or None."""
        if channel in OWN or not self._window_ms:
            return None
        first = await self._first(channel, item.event)
        if first is None or item.at_ms - first.at_ms >= self._window_ms:
            return None
        return first if first.position[1:] < item.position[1:] else None

    def _schema(self, event: Event) -> SchemaVerdict | None:
        verdict = self._check(event)
        if verdict is None:
            return None
        return SchemaVerdict(verdict.mode, verdict.declaration.path, verdict.violations)

    def _lanes(self, channel: str, item: Stored, rows: Sequence[AttemptRow]) -> list[LaneTrace]:
        by_subscription: dict[str, list[AttemptRow]] = {}
        for row in rows:
            by_subscription.setdefault(row.subscription, []).append(row)
        lanes: list[LaneTrace] = []
        for subscription in self._subscriptions().values():
            if subscription.channel == channel and channel != ATTEMPTS:
                attempts = by_subscription.pop(subscription.id, [])
                lanes.append(_lane(subscription, item, attempts))
        lanes.extend(
            LaneTrace(ended, "", True, _state(attempts), None, None, attempts)  # noqa: FBT003
            for ended, attempts in by_subscription.items()
        )
        return lanes


def _lane(subscription: Subscription, item: Stored, attempts: Sequence[AttemptRow]) -> LaneTrace:
    decision = explain(subscription, item.event)
    state: LaneState
    if attempts:
        state = _state(attempts)
    elif not decision.passed:
        state = "not matched"
    elif subscription.starts_after >= item.position.block:
        state = "not offered"
    else:
        state = "pending"
    return LaneTrace(
        subscription.id,
        subscription.sink,
        decision.passed or bool(attempts),
        state,
        decision.leaf,
        decision.found,
        attempts,
    )


def _state(attempts: Sequence[AttemptRow]) -> LaneState:
    match attempts[-1].result:
        case "delivered":
            return "delivered"
        case "retry":
            return "retrying"
        case "dead-letter":
            return "dead-lettered"
        case "expired" | "discarded":
            return "expired"
