"""The last hour of a node: what each look at the counters tells."""

from __future__ import annotations

from chappe.kit.counters import Counters
from chappe.kit.past import Past


def test_a_moment_tells_what_went_on_since_the_one_before() -> None:
    counters, past = Counters(), Past()
    counters.channels.of("default").events = 100
    counters.accept_s.observe(5.0)
    past.note(counters, 1_000, cpu_s=1.0)
    assert list(past.moments) == []  # nothing to compare with
    counters.channels.of("default").events = 130
    counters.accept_s.observe(0.002)
    one = counters.attempts.of("s")
    one.ended["delivered"] = 20
    one.ended["retry"] = 10
    past.note(counters, 11_000, cpu_s=6.0)
    (moment,) = past.moments
    assert (moment.accepted, moment.delivered, moment.failed, moment.cpu) == (3.0, 2.0, 1.0, 0.5)
    assert (moment.accept_p99_s, moment.delivery_p99_s) == (0.002, None)


def test_the_oldest_moments_make_room() -> None:
    counters, past = Counters(), Past(most=3)
    for second in range(10):
        past.note(counters, second * 1_000, cpu_s=0.0)
    assert [one.at_ms for one in past.moments] == [7_000, 8_000, 9_000]
