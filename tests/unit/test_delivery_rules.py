"""The pure rules of delivery: breaker, slow start, rate, dead time, statuses, schedules, order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.breaker import Breaker
from chappe.domain.dead_time import DeadTime
from chappe.domain.delivery import (
    DeadLetter,
    Delivered,
    Disable,
    Failed,
    Gone,
    Outcome,
    Refused,
    Retry,
    Split,
    Wait,
    pause_s,
    ruled,
    settle,
)
from chappe.domain.event import Event
from chappe.domain.options import Breaker as Settings
from chappe.domain.options import Options, StatusAction
from chappe.domain.ordering import key_of, not_in_order
from chappe.domain.pace import TokenBucket, Window
from chappe.domain.retry import DEFAULT_STATUSES, RetryPolicy, backoff_s

draws = st.floats(0.0, 1.0, exclude_max=True)


# ---- the breaker


@given(
    st.builds(
        Settings,
        failures=st.integers(1, 10),
        open_s=st.floats(0.1, 100),
        max_open_s=st.floats(0.1, 1000),
    ),
    st.lists(st.tuples(st.booleans(), st.floats(0, 500), draws), max_size=60),
)
def test_a_breaker_against_its_description(
    settings: Settings, steps: list[tuple[bool, float, float]]
) -> None:
    """It opens at the n-th failure in a row, any success closes it, pauses grow and stay bounded."""
    breaker, now_s, in_a_row, longest_s = Breaker(settings), 0.0, 0, 0.0
    for success, later_s, drawn in steps:
        now_s += later_s
        was_open, could_probe = breaker.is_open, breaker.allows_probe(now_s)
        if success:
            assert breaker.succeeded() == was_open
            assert not breaker.is_open
            in_a_row = 0
            continue
        opened = breaker.failed(now_s, drawn)
        if was_open:
            assert opened == could_probe
        else:
            in_a_row += 1
            assert opened == (in_a_row >= settings.failures)
        assert breaker.is_open == (in_a_row >= settings.failures)
        if opened:
            assert breaker.until_s is not None
            pause = breaker.until_s - now_s
            assert pause <= max(settings.open_s, settings.max_open_s) + 1e-6
            assert pause <= settings.max_open_s * (1 + 1e-9) + 1e-6
            assert not breaker.allows_probe(breaker.until_s - pause / 2 - 1e-6) or pause < 1e-5
            longest_s = max(longest_s, pause)


def test_a_failed_probe_doubles_the_pause_up_to_its_limit() -> None:
    breaker = Breaker(Settings(failures=1, open_s=5, max_open_s=15))
    pauses: list[float] = []
    now_s = 0.0
    for _ in range(4):
        assert breaker.failed(now_s, 1.0)
        assert breaker.until_s is not None
        pauses.append(breaker.until_s - now_s)
        now_s = breaker.until_s
    assert pauses == [5, 10, 15, 15]


def test_what_fails_late_does_not_lengthen_the_pause() -> None:
    breaker = Breaker(Settings(failures=1, open_s=10))
    breaker.failed(0.0, 0.5)
    until_s = breaker.until_s
    assert not breaker.failed(1.0, 0.5)
    assert breaker.until_s == until_s


# ---- slow start and rate


def test_the_window_doubles_with_every_round_of_successes() -> None:
    window, sizes = Window(limit=20, size=1), []
    while window.size < 20:
        sizes.append(window.size)
        for _ in range(window.size):
            window.grew()
    assert sizes == [1, 2, 4, 8, 16]


@given(st.integers(1, 100), st.lists(st.sampled_from(["grew", "halve", "restart"]), max_size=300))
def test_the_window_stays_between_one_and_its_limit(limit: int, steps: list[str]) -> None:
    window = Window(limit)
    for step in steps:
        getattr(window, step)()
        assert 1 <= window.size <= limit


@given(
    st.floats(0.01, 1000),
    st.integers(1, 50),
    st.lists(st.floats(0, 10), min_size=1, max_size=200),
)
def test_a_bucket_gives_no_more_than_its_rate_and_its_burst(
    per_second: float, burst: int, waits_s: list[float]
) -> None:
    bucket = TokenBucket.full(per_second, burst, 0.0)
    now_s, taken = 0.0, 0
    for wait_s in waits_s:
        now_s += wait_s
        needed_s = bucket.take(now_s)
        taken += not needed_s
        assert taken <= burst + now_s * per_second + 1e-6
        if needed_s:
            assert bucket.take(now_s + needed_s + 1e-6) == 0.0
            now_s += needed_s + 1e-6
            taken += 1


# ---- dead time


def test_warnings_come_once_each_and_then_the_end() -> None:
    dead = DeadTime()
    told = [dead.failed(at_s * 1000, 100.0) for at_s in range(0, 101, 5)]
    assert [one for one in told if one is not None] == [50, 70, 90, 100]
    assert told.index(50) == 10


def test_one_success_begins_the_dead_time_anew() -> None:
    dead = DeadTime()
    dead.failed(0, 100.0)
    dead.succeeded()
    assert dead.failed(99_000, 100.0) is None
    assert dead.failed(150_000, 100.0) == 50


def test_without_a_limit_the_dead_time_never_ends() -> None:
    dead = DeadTime()
    assert [dead.failed(at_ms, 0.0) for at_ms in (0, 10**12)] == [None, None]


# ---- statuses


def outcome_for(status: int) -> Outcome:
    action = DEFAULT_STATUSES.get(str(status)) or DEFAULT_STATUSES.get(f"{status // 100}xx")
    match action:
        case "deliver":
            return Delivered(status)
        case "refuse":
            return Refused(status, "no")
        case "disable":
            return Gone(status, "gone")
        case _:
            return Failed("busy", status)


def meaning(outcome: Outcome) -> StatusAction:
    match outcome:
        case Delivered():
            return "deliver"
        case Refused():
            return "refuse"
        case Failed():
            return "retry"
        case Gone():
            return "disable"


@pytest.mark.parametrize(
    ("statuses", "status", "action"),
    [
        ({}, 404, "retry"),
        ({"404": "refuse"}, 404, "refuse"),
        ({"404": "refuse"}, 405, "refuse"),
        ({"4xx": "retry"}, 400, "retry"),
        # What the defaults say of one status stands before what is said of its class.
        ({"4xx": "retry"}, 410, "disable"),
        ({"5xx": "refuse", "503": "retry"}, 503, "retry"),
        ({"5xx": "refuse", "503": "retry"}, 500, "refuse"),
        ({"302": "deliver"}, 302, "deliver"),
        ({"2xx": "retry", "204": "deliver"}, 200, "retry"),
        ({"403": "disable"}, 403, "disable"),
    ],
)
def test_a_status_means_what_the_subscription_says(
    statuses: dict[str, StatusAction], status: int, action: StatusAction
) -> None:
    assert meaning(ruled(outcome_for(status), RetryPolicy(statuses=statuses))) == action


def test_what_never_came_has_no_status_and_is_tried_again() -> None:
    policy = RetryPolicy(statuses={"5xx": "refuse"})
    assert ruled(Failed("no answer"), policy) == Failed("no answer")


@pytest.mark.parametrize(
    ("outcome", "events", "known_dead", "kind"),
    [
        (Gone(410, "gone"), 1, False, Disable),
        (Refused(400, "bad"), 1, False, DeadLetter),
        (Refused(400, "bad"), 2, False, Split),
        (Refused(413, "big"), 2, False, Split),
        (Refused(401, "who"), 2, False, DeadLetter),
        (Failed("down"), 1, True, Wait),
        (Failed("down"), 1, False, Retry),
    ],
)
def test_what_follows_from_an_outcome(
    outcome: Outcome, events: int, known_dead: bool, kind: type
) -> None:
    found = settle(
        outcome,
        attempt=1,
        age_s=0.0,
        policy=RetryPolicy(),
        random=lambda: 0.5,
        events=events,
        known_dead=known_dead,
    )
    assert isinstance(found, kind)


@pytest.mark.parametrize(
    ("outcome", "seconds"),
    [
        (Failed("429", 429, 60.0), 60.0),
        (Failed("503", 503, 60.0), 60.0),
        (Failed("503", 503, 1e9), 3600.0),
        (Failed("503", 503), 0.0),
        (Failed("500", 500, 60.0), 0.0),
        (Refused(400, "no"), 0.0),
    ],
)
def test_an_overloaded_sink_pauses_the_subscription(outcome: Outcome, seconds: float) -> None:
    assert pause_s(outcome, RetryPolicy()) == seconds


# ---- schedules


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=20), draws)
def test_a_schedule_names_the_waits_and_how_many(waits: list[float], drawn: float) -> None:
    policy = RetryPolicy(max_attempts=1000, schedule_s=tuple(waits))
    assert policy.attempts == len(waits) + 1
    for attempt, wait_s in enumerate(waits, start=1):
        assert 0.8 * wait_s <= backoff_s(attempt, policy, drawn) <= 1.2 * wait_s + 1e-9


def test_max_attempts_bounds_a_schedule() -> None:
    assert RetryPolicy(max_attempts=2, schedule_s=(1, 2, 3)).attempts == 2


# ---- order


@pytest.mark.parametrize(
    ("orderingkey", "one", "other", "same"),
    [
        (("partitionkey", "subject"), {"subject": "a"}, {"subject": "a"}, True),
        (("partitionkey", "subject"), {"subject": "a"}, {"subject": "b"}, False),
        (
            ("partitionkey", "subject"),
            {"subject": "a", "extensions": {"partitionkey": "p"}},
            {"subject": "b", "extensions": {"partitionkey": "p"}},
            True,
        ),
        (("tenant",), {"extensions": {"tenant": 7}}, {"extensions": {"tenant": "7"}}, True),
    ],
)
def test_the_first_attribute_that_is_set_is_the_key(
    orderingkey: tuple[str, ...], one: dict[str, object], other: dict[str, object], same: bool
) -> None:
    options = Options(ordering="key", orderingkey=orderingkey)
    first = Event(id="1", source="/s", type="t", **one)  # type: ignore[arg-type]
    second = Event(id="2", source="/s", type="t", **other)  # type: ignore[arg-type]
    assert key_of(first, options) is not None
    assert (key_of(first, options) == key_of(second, options)) == same


def test_an_event_without_a_key_waits_for_nothing() -> None:
    event = Event(id="1", source="/s", type="t")
    assert key_of(event, Options(ordering="key")) is None
    assert key_of(event, Options()) is None
    assert key_of(event, Options(ordering="subscription")) is not None


@pytest.mark.parametrize(
    ("options", "shards", "refused"),
    [
        (Options(ordering="key"), 4, None),
        (Options(ordering="key", orderingkey=("partitionkey",)), 4, None),
        (Options(ordering="key", orderingkey=("subject",)), 4, "orderingkey"),
        (Options(ordering="key", orderingkey=("subject",)), 1, None),
        (Options(ordering="subscription"), 4, "ordering"),
        (Options(ordering="subscription"), 1, None),
        (Options(orderingkey=("subject",)), 4, None),
    ],
)
def test_an_order_that_shards_would_break_is_refused(
    options: Options, shards: int, refused: str | None
) -> None:
    said = not_in_order(options, shards)
    assert (said is None) == (refused is None)
    if refused is not None:
        assert said is not None
        assert said.startswith(f"{refused}: ")
        assert "shards 1" in said
