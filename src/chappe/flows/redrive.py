"""Dead letters: found, told apart by what became of them, delivered again, and put away.

The channel `deadletters` is a log like any other, and is never changed. What became of a letter stands
in the delivery log: the attempts of the redrive that took it, or the row that says it was discarded.

    open ─► redriving ─► redriven        (delivered; or failed once more, then there is another letter)
      └───► discarded
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias, get_args

from chappe.domain import dead_letter
from chappe.domain.attempt import AttemptRow
from chappe.domain.channel import DEADLETTERS, Channel
from chappe.domain.errors import Conflict, NotFound
from chappe.domain.event import Event
from chappe.domain.position import Position
from chappe.domain.replay import REDRIVES
from chappe.domain.subscription import Subscription
from chappe.formats.companions import redrive_document
from chappe.formats.replay_json import KeptReplay, Makes
from chappe.ports.clock import Clock
from chappe.ports.event_index import EventIndex, Query
from chappe.ports.event_log import EventLog

LetterState: TypeAlias = Literal["open", "redriving", "redriven", "discarded"]
STATES: Final[tuple[LetterState, ...]] = get_args(LetterState)

MOST: Final = 5_000
"""Letters in one redrive or purge: the registry names each that a redrive takes."""
MOST_LOOKED_AT: Final = 20_000
"""Letters that one page looks at, however few of them fit."""
_PIECE: Final = 200


@dataclass(frozen=True, slots=True)
class LetterQuery:
    """Which letters; every part that is given must hold.

    Times are Unix ms of the burial: `from_ms` belongs to the span, `until_ms` does not. `reason` is a
    part of the reason's text, in any case. `after` is the block and index of the page before.
    """

    subscription: str | None = None
    type: str | None = None
    source: str | None = None
    reason: str | None = None
    states: frozenset[LetterState] = frozenset({"open", "redriving", "redriven"})
    from_ms: int | None = None
    until_ms: int | None = None
    after: tuple[int, int] | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter and what became of it; `event` is as it stands in the channel.

    `attempts` are those of redrives, and the row that discarded it.
    """

    position: Position
    at_ms: int
    event: Event
    state: LetterState
    attempts: Sequence[AttemptRow]

    @property
    def subscription(self) -> str:
        """Whose delivery failed."""
        return str(self.event.extensions.get(dead_letter.SUBSCRIPTION, ""))

    @property
    def reason(self) -> str:
        """Why, with the beginning of the last answer."""
        return str(self.event.extensions.get(dead_letter.REASON, ""))


@dataclass(frozen=True, slots=True)
class LetterPage:
    """Some letters; `next` is the block and index to go on after, None at the end."""

    letters: Sequence[Letter]
    next: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Redriven:
    """What a redrive takes: letters by subscription, and the companions that deliver them.

    `ended` are letters whose subscription is there no more; `more`: there are further ones that fit.
    """

    letters: Mapping[str, int]
    ended: Mapping[str, int]
    companions: Sequence[Subscription] = field(default_factory=list)
    more: bool = False


class Redrive:
    """Reads, redrives and discards dead letters."""

    def __init__(
        self,
        log: EventLog,
        index: EventIndex,
        caught_up: Callable[[str], Awaitable[None]],
        channels: Callable[[], Mapping[str, Channel]],
        subscriptions: Callable[[], Mapping[str, Subscription]],
        make: Makes,
        record: Callable[[AttemptRow], None],
        attempts_known: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        """`make` makes a companion; `record` puts a row into the delivery log.

        `attempts_known` waits until all rows are indexed.
        """
        self._log = log
        self._index = index
        self._caught_up = caught_up
        self._channels = channels
        self._subscriptions = subscriptions
        self._make = make
        self._record = record
        self._attempts_known = attempts_known
        self._clock = clock

    async def page(self, query: LetterQuery) -> LetterPage:
        """Letters that fit, the newest first."""
        letters: list[Letter] = []
        looked_at = 0
        async for letter, place in self._letters(query, newest_first=True):
            looked_at += 1
            if letter is not None:
                letters.append(letter)
            if len(letters) >= query.limit or looked_at >= MOST_LOOKED_AT:
                return LetterPage(letters, place)
        return LetterPage(letters, None)

    async def one(self, position: Position) -> Letter:
        """The letter that stands there.

        Raises:
            NotFound: there is none.
        """
        await self._caught_up(DEADLETTERS)
        await self._attempts_known()
        channel = self._channels()[DEADLETTERS]
        block = await self._log.block(channel, position.block)
        if block is None or block.shard != position.shard or position.index >= len(block.events):
            raise NotFound(f"dead letter {str(position)!r}: there is none")
        event = block.events[position.index]
        return await self._letter(position, block.at_ms, event, self._redriving())

    async def redrive(
        self,
        chosen: LetterQuery | Position,
        *,
        to: str | None = None,
        rate: float | None = None,
        dry_run: bool = False,
        by: str = "",
    ) -> Redriven:
        """Deliver letters again, to the subscriptions that failed or to the one named.

        Each subscription gets a companion, which ends when all that it has to deliver is settled.

        Raises:
            NotFound: there is no such letter, or no subscription `to`.
            Conflict: the one letter's subscription has ended, or it is being redriven.
        """
        letters, more = await self._chosen(chosen, "open")
        known = self._subscriptions()
        if to is not None and to not in known:
            raise NotFound(f"subscription {to!r}: there is none")
        taken: defaultdict[str, list[Letter]] = defaultdict(list)
        ended: defaultdict[str, int] = defaultdict(int)
        for letter in letters:
            name = letter.subscription if to is None else to
            if name in known:
                taken[name].append(letter)
            else:
                ended[name] += 1
        if ended and isinstance(chosen, Position):
            raise Conflict(
                f"dead letter {str(chosen)!r}: its subscription {letters[0].subscription!r} has ended;"
                " name another one with `to`"
            )
        counts = {name: len(some) for name, some in taken.items()}
        companions: list[Subscription] = []
        if not dry_run:
            for name, some in taken.items():
                companions.append(await self._companion(known[name], some, rate, by))
        return Redriven(counts, dict(ended), companions, more)

    async def discard(
        self, chosen: LetterQuery | Position, *, dry_run: bool = False, by: str = ""
    ) -> tuple[int, bool]:
        """Put letters away: lists show them no more; how many, and whether there are further ones.

        Raises:
            NotFound: there is no such letter.
        """
        letters, more = await self._chosen(chosen, "open", "redriven")
        if not dry_run and letters:
            for letter in letters:
                shard, block, index = letter.position
                at_ms = self._clock.now_ms()
                reason = f"by {by}" if by else None
                self._record(
                    AttemptRow(
                        DEADLETTERS, shard, block, index, letter.subscription, 0, at_ms, 0, None,
                        "discarded", reason,
                    )
                )  # fmt: skip
            await self._attempts_known()
        return len(letters), more

    async def _chosen(
        self, chosen: LetterQuery | Position, *states: LetterState
    ) -> tuple[list[Letter], bool]:
        """The letters in one of the states, the oldest first, and whether there are more than taken."""
        if isinstance(chosen, Position):
            letter = await self.one(chosen)
            if letter.state == "redriving":
                raise Conflict(f"dead letter {str(chosen)!r}: it is being redriven")
            return [letter], False
        query = replace(chosen, states=chosen.states & frozenset(states))
        letters: list[Letter] = []
        async for one, _ in self._letters(query, newest_first=False):
            if one is not None and len(letters) == MOST:
                return letters, True
            if one is not None:
                letters.append(one)
        return letters, False

    async def _companion(
        self, origin: Subscription, letters: Sequence[Letter], rate: float | None, by: str
    ) -> Subscription:
        last = letters[-1].position
        kept = KeptReplay(
            kind="redrive",
            of=origin.id,
            for_=origin.id,
            end=(last.block, last.index),
            only=tuple(str(letter.position) for letter in letters),
            events=len(letters),
        )
        document = redrive_document(
            origin, channel=DEADLETTERS, start=str(letters[0].position), rate=rate
        )
        return await self._make("redrive", document, kept, by)

    async def _letters(
        self, query: LetterQuery, *, newest_first: bool
    ) -> AsyncIterator[tuple[Letter | None, tuple[int, int]]]:
        """Each letter that may fit, None where it does not, and its place."""
        await self._caught_up(DEADLETTERS)
        await self._attempts_known()
        redriving = self._redriving()
        channel, after = self._channels()[DEADLETTERS], query.after
        while True:
            found = await self._index.find(
                Query(
                    channel=DEADLETTERS,
                    type=query.type,
                    source=query.source,
                    from_ms=query.from_ms,
                    until_ms=query.until_ms,
                    after=after,
                    newest_first=newest_first,
                    limit=_PIECE,
                )
            )
            for one in found:
                place = one.position.block, one.position.index
                event = await self._log.get(channel, one.position)
                letter = None
                if event is not None and _fits(query, event):
                    letter = await self._letter(one.position, one.at_ms, event, redriving)
                    if letter.state not in query.states:
                        letter = None
                yield letter, place
                after = place
            if len(found) < _PIECE:
                return

    async def _letter(
        self, position: Position, at_ms: int, event: Event, redriving: frozenset[Position]
    ) -> Letter:
        rows = [
            row
            for row in await self._index.attempts(DEADLETTERS, position)
            if row.result == "discarded" or row.subscription.startswith(REDRIVES)
        ]
        return Letter(position, at_ms, event, _state(position, rows, redriving), rows)

    def _redriving(self) -> frozenset[Position]:
        """The letters that some companion is about to deliver."""
        return frozenset(
            position
            for one in self._subscriptions().values()
            if one.span is not None and one.span.only is not None
            for position in one.span.only
        )


def _fits(query: LetterQuery, event: Event) -> bool:
    extensions = event.extensions
    if query.subscription not in (None, extensions.get(dead_letter.SUBSCRIPTION)):
        return False
    reason = str(extensions.get(dead_letter.REASON, ""))
    return query.reason is None or query.reason.casefold() in reason.casefold()


def _state(
    position: Position, rows: Sequence[AttemptRow], redriving: frozenset[Position]
) -> LetterState:
    results = {row.result for row in rows}
    if "discarded" in results:
        return "discarded"
    # A companion may take some more letters after this one: what is settled counts.
    if results & {"delivered", "dead-letter"} and rows[-1].result != "retry":
        return "redriven"
    return "redriving" if position in redriving else "open"
