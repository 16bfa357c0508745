"""CESQL: how fast an expression is read, compiled and evaluated, beside Python written by hand.

    python -m bench.cesql

CPU time of one process, medians of interleaved rounds. By hand: a lambda that a Python programmer would
write for the same question, knowing which attributes there are and of which types. tree: the reference.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any, Final

from chappe.domain.cesql import generate
from chappe.domain.cesql.evaluate import evaluate
from chappe.domain.event import Event
from chappe.formats.cesql_parser import parse

ROUNDS: Final = 5
PARSE_AIM: Final = 30_000
EVALUATE_AIM: Final = 500_000

EVENT: Final = Event(
    id="A-1017",
    source="https://shop.example/tills/7",
    type="com.example.order.paid",
    subject="eu-1017",
    extensions={"region": "eu", "hop": 4, "urgent": True},
)
FILTERS: Final[tuple[tuple[str, Callable[[Any], object]], ...]] = (
    ("type = 'com.example.order.paid'", lambda e: e.type == "com.example.order.paid"),
    ("type LIKE 'com.example.%'", lambda e: e.type.startswith("com.example.")),
    (
        "source LIKE 'https://shop.example/%' AND subject LIKE 'eu-%'",
        lambda e: e.source.startswith("https://shop.example/") and e.subject.startswith("eu-"),
    ),
    (
        "EXISTS region AND region IN ('eu', 'us', 'ap')",
        lambda e: e.extensions.get("region") in {"eu", "us", "ap"},
    ),
    (
        "region = 'eu' AND hop < 5 AND urgent = TRUE",
        lambda e: (
            e.extensions["region"] == "eu"
            and e.extensions["hop"] < 5
            and e.extensions["urgent"] is True
        ),
    ),
    (
        "(id = 'A-1' AND type LIKE '%.created') OR (id = 'A-1017' AND source LIKE 'http%' AND type LIKE '%.paid')",
        lambda e: (e.id == "A-1" and e.type.endswith(".created")) or (
            e.id == "A-1017" and e.source.startswith("http") and e.type.endswith(".paid")
        ),
    ),
    (
        "LOWER(LEFT(subject, 2)) = 'eu' AND LENGTH(type) > 10",
        lambda e: e.subject[:2].lower() == "eu" and len(e.type) > 10,
    ),
)  # fmt: skip


def main() -> None:
    print("\nCESQL: expressions a second, on one core")
    print("    read/s  compiled/s |  evaluated/s   by hand/s  of it |    tree/s | expression")
    reads, runs = [], []
    for text, by_hand in FILTERS:
        tree = parse(text).expression
        fast = generate.predicate(tree)
        assert fast(EVENT) is True
        assert by_hand(EVENT) is True
        assert evaluate(tree, EVENT).passed
        rounds = [
            (
                rate(lambda: parse.__wrapped__(text), 5_000),  # noqa: B023 - called here
                rate(lambda: _compiled(tree), 500),  # noqa: B023 - called here
                rate_of(fast, 200_000),
                rate_of(by_hand, 200_000),
                rate_of(lambda event: evaluate(tree, event), 10_000),  # noqa: B023 - called here
            )
            for _ in range(ROUNDS)
        ]
        read, made, run, hand, walked = (
            statistics.median(column) for column in zip(*rounds, strict=True)
        )
        share = statistics.median(one[2] / one[3] for one in rounds)
        reads.append(read)
        runs.append(run)
        print(
            f"  {read:8,.0f} {made:11,.0f} | {run:12,.0f} {hand:11,.0f} {share:6.0%} |"
            f" {walked:9,.0f} | {text}"
        )
    print(f"  aims: read >= {PARSE_AIM:,} (least here {min(reads):,.0f}), ")
    print(f"        evaluated >= {EVALUATE_AIM:,} (least here {min(runs):,.0f})")


def rate(work: Callable[[], object], times: int) -> float:
    """Calls in a second of CPU time."""
    before = time.process_time()
    for _ in range(times):
        work()
    return times / (time.process_time() - before)


def rate_of(test: Callable[[Event], object], times: int) -> float:
    """Events in a second of CPU time."""
    event = EVENT
    before = time.process_time()
    for _ in range(times):
        test(event)
    return times / (time.process_time() - before)


def _compiled(tree: Any) -> object:
    generate._function.cache_clear()
    return generate.predicate(tree)


if __name__ == "__main__":
    main()
