"""Finding the subscriptions of an event among 10, 1,000 and 10,000 that use all dialects.

    python -m bench.matching

Subscriptions and events are made as those of a shop with many customers: each dialect has its share,
and an event finds a few subscriptions whatever their number. CPU time of one process, medians of
interleaved rounds. The limit beside it: the subscriptions that were found, tried alone by their
predicates, as if an oracle had named them; and a scan that tries all.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from chappe.domain.event import Event
from chappe.domain.matching import SubscriptionIndex, wants
from chappe.domain.subscription import Subscription
from chappe.formats.filters_json import parse_filters

COUNTS: Final = (10, 1_000, 10_000)
EVENTS: Final = 2_000
SCANNED: Final = 20
ROUNDS: Final = 5
AIM: Final = 0.5

KINDS: Final = ("paid", "created", "sent", "returned", "cancelled")
REGIONS: Final = ("eu", "us", "ap", "sa", "af")


def subscriptions(count: int) -> list[Subscription]:
    """A tenth each of ten shapes; number n is about customer n."""
    return [_made(f"s-{number}", number) for number in range(count)]


def _made(id_: str, n: int) -> Subscription:
    kind, region = KINDS[n % 5], REGIONS[n % 5]
    shapes: tuple[tuple[frozenset[str], list[Any]], ...] = (
        (frozenset({f"order.{kind}.{n}", f"invoice.{kind}.{n}"}), []),
        (frozenset(), [{"exact": {"subject": f"customer/{n}/order"}}]),
        (frozenset({f"order.{kind}"}), [{"prefix": {"subject": f"customer/{n}/"}}]),
        (frozenset(), [{"suffix": {"subject": f"/invoice-{n}"}}]),
        (frozenset(), [{"all": [{"exact": {"region": region}}, {"exact": {"customer": f"c-{n}"}}]}]),
        (frozenset(), [{"any": [{"exact": {"customer": f"c-{n}"}}, {"suffix": {"type": f".{n}"}}]}]),
        (frozenset({f"order.{kind}"}), [{"not": {"exact": {"region": region}}},
                                        {"exact": {"customer": f"c-{n}"}}]),
        (frozenset(), [{"sql": f"type LIKE 'order.%' AND customer = 'c-{n}' AND hop < 5"}]),
        (frozenset(), [{"sql": f"customer IN ('c-{n}', 'c-{n + 1}') AND NOT (region = '{region}')"}]),
        (frozenset(), [{"sql": f"EXISTS region AND subject LIKE 'customer/{n}/%' OR id = 'id-{n}'"}]),
    )  # fmt: skip
    types, filters = shapes[n % 10]
    return Subscription(id_, "http://sink/", types=types, filter=parse_filters(filters))


def events(customers: int) -> list[Event]:
    """Events of the first customers, so that those of few subscriptions find as much as of many."""
    draw = random.Random(7)
    made = []
    for number in range(EVENTS):
        n = draw.randrange(customers)
        kind, region = draw.choice(KINDS), draw.choice(REGIONS)
        type_ = draw.choice((f"order.{kind}", f"order.{kind}.{n}", f"invoice.{kind}"))
        made.append(
            Event(
                id=f"id-{number}-{n}",
                source=f"https://shop.example/tills/{n % 50}",
                type=type_,
                subject=draw.choice((f"customer/{n}/order", f"customer/{n}/invoice-{n}")),
                extensions={"region": region, "customer": f"c-{n}", "hop": draw.randrange(8)},
            )
        )
    return made


def main() -> None:
    print(
        "\nMatching: events a second that find their subscriptions, on one core, all dialects mixed"
    )
    print("  subscriptions   found/event |   events/s   us/event  of 10's |     limit/s   scan/s")
    sides = [_side(count) for count in COUNTS]
    rounds = [[side[1]() for side in sides] for _ in range(ROUNDS)]
    base = [one[0] for one in rounds]
    for at, (count, (found, _, limit, scan)) in enumerate(zip(COUNTS, sides, strict=True)):
        rates = [one[at] for one in rounds]
        rate = statistics.median(rates)
        ratio = statistics.median(mine / ten for mine, ten in zip(rates, base, strict=True))
        print(
            f"  {count:13,}  {found:12.2f} | {rate:10,.0f} {1e6 / rate:10.2f} {ratio:8.0%} |"
            f" {limit():11,.0f} {scan():8,.0f}"
        )
    print(f"  aim: with 1,000 at least {AIM:.0%} of the events that go with 10")


def _side(
    count: int,
) -> tuple[float, Callable[[], float], Callable[[], float], Callable[[], float]]:
    index = SubscriptionIndex()
    kept = subscriptions(count)
    for one in kept:
        index.put(one)
    offered = events(min(count, 10) if count == COUNTS[0] else count)
    found = [index.matches(event) for event in offered]
    predicates = {one.id: wants(one) for one in kept}
    pairs = [
        (event, [predicates[one.id] for one in hits])
        for event, hits in zip(offered, found, strict=True)
    ]

    def limit() -> float:
        def tried(pair: tuple[Event, Sequence[Callable[[Event], bool]]]) -> None:
            for predicate in pair[1]:
                predicate(pair[0])

        return _rate(tried, pairs)

    def scan() -> float:
        def tried(event: Event) -> list[Subscription]:
            return [one for one in kept if predicates[one.id](event)]

        return _rate(tried, offered[:SCANNED])

    average = sum(map(len, found)) / len(found)
    return average, lambda: _rate(index.matches, offered), limit, scan


def _rate(work: Callable[[Any], object], over: Sequence[Any]) -> float:
    """Calls in a second of CPU time."""
    before = time.process_time()
    for one in over:
        work(one)
    return len(over) / (time.process_time() - before)


if __name__ == "__main__":
    main()
