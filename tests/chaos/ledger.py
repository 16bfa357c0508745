"""What the world outside knows: which events the hub has acknowledged, and what came to each sink."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sent:
    """One event of the load: `number` makes its id, `type` and `subject` what filters look at."""

    number: int
    type: str
    subject: str

    @property
    def id(self) -> str:
        """Unique over the whole run."""
        return f"e-{self.number}"


@dataclass(slots=True)
class Acknowledgement:
    """A 202, and the position that it named."""

    event: Sent
    position: str
    duplicate: bool


@dataclass(slots=True)
class Tally:
    """What one subscription got: how often each event was taken, and under which webhook-id."""

    wants: Callable[[Sent], bool]
    taken: Counter[str] = field(default_factory=Counter)
    refused: set[str] = field(default_factory=set)
    order: list[str] = field(default_factory=list)
    """Ids in the order in which they were first taken or refused."""
    webhook_ids: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    arrived: int = 0
    since: int = 0
    """Events with a smaller number were sent before the subscription was there: it may get them."""

    @property
    def duplicates(self) -> int:
        """How many times an event was taken that had been taken before."""
        return self.taken.total() - len(self.taken)

    def settle(self, id_: str, *, taken: bool) -> None:
        """The sink took the event, or refused it for good."""
        if id_ not in self.taken and id_ not in self.refused:
            self.order.append(id_)
        if taken:
            self.taken[id_] += 1
        else:
            self.refused.add(id_)

    def settled(self) -> set[str]:
        """Ids that were taken, or refused for good."""
        return self.taken.keys() | self.refused


@dataclass(slots=True)
class Ledger:
    """Everything that the harness has seen."""

    next_number: int = 1
    acknowledged: dict[str, Acknowledgement] = field(default_factory=dict)
    sent: dict[str, Sent] = field(default_factory=dict)
    newest: int = 0
    sent_again: int = 0
    internal_errors: list[str] = field(default_factory=list)
    """Answers 500: the hub has no word for what happened. None is expected."""
    tallies: dict[str, Tally] = field(default_factory=dict)
    declarations: set[str] = field(default_factory=set)
    subscriptions: set[str] = field(default_factory=set)

    def number(self) -> int:
        """The next event's number."""
        given, self.next_number = self.next_number, self.next_number + 1
        return given

    def acknowledge(self, event: Sent, position: str, *, duplicate: bool) -> None:
        """The hub has answered 202."""
        self.acknowledged[event.id] = Acknowledgement(event, position, duplicate)
        self.newest = max(self.newest, event.number)

    def refused(self, status: int, body: bytes) -> None:
        """The hub did not do it: 503 while it cannot, and nothing else for requests that are right."""
        assert status in (500, 503), f"answered {status}: {body[:500]!r}"
        if status == 500:
            self.internal_errors.append(body[:500].decode("utf-8", "replace"))

    def wanted_by(self, tally: Tally) -> set[str]:
        """The acknowledged events that the subscription must get."""
        return {
            id_
            for id_, ack in self.acknowledged.items()
            if ack.event.number >= tally.since and tally.wants(ack.event)
        }

    def missing(self) -> dict[str, set[str]]:
        """For each subscription the acknowledged events that it wants and that are not settled."""
        found = {
            name: self.wanted_by(tally) - tally.settled() for name, tally in self.tallies.items()
        }
        return {name: ids for name, ids in found.items() if ids}
