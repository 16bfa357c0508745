"""The delivery policy: what follows from an attempt, for every outcome, attempt and policy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.delivery import (
    Ack,
    DeadLetter,
    Delivered,
    Failed,
    Outcome,
    Refused,
    Retry,
    Settlement,
    settle,
)
from chappe.domain.retry import RetryPolicy, backoff_s

texts = st.text(max_size=20)
seconds = st.floats(0.001, 100_000.0)
policies = st.builds(
    RetryPolicy,
    max_attempts=st.integers(1, 1000),
    base_s=st.floats(0.001, 3600.0),
    max_backoff_s=st.floats(0.001, 86_400.0),
    max_age_s=st.floats(0.1, 2_592_000.0),
)
delivered = st.builds(Delivered, st.integers(200, 299))
refused = st.builds(Refused, st.integers(400, 499), texts)
failed = st.builds(Failed, texts, st.none() | st.integers(100, 599), st.none() | seconds)
attempts = st.integers(1, 2000)
draws = st.floats(0.0, 1.0, exclude_max=True)
ages = st.floats(0.0, 3_000_000.0)


def settled(
    outcome: Outcome, attempt: int, age_s: float, policy: RetryPolicy, drawn: float
) -> Settlement:
    return settle(outcome, attempt=attempt, age_s=age_s, policy=policy, random=lambda: drawn)


@given(delivered | refused | failed, attempts, ages, policies, draws)
def test_every_attempt_comes_to_exactly_one_end(
    outcome: Outcome, attempt: int, age_s: float, policy: RetryPolicy, drawn: float
) -> None:
    match settled(outcome, attempt, age_s, policy, drawn):
        case Ack():
            assert isinstance(outcome, Delivered)
        case DeadLetter(reason):
            assert not isinstance(outcome, Delivered)
            assert reason
        case Retry(after_s):
            assert isinstance(outcome, Failed)
            assert after_s >= 0
            assert attempt < policy.max_attempts
            assert age_s + after_s <= policy.max_age_s


@given(attempts, policies, draws)
def test_a_wait_is_drawn_below_the_cap_and_the_cap_doubles(
    attempt: int, policy: RetryPolicy, drawn: float
) -> None:
    wait_s = backoff_s(attempt, policy, drawn)
    assert 0 <= wait_s <= policy.max_backoff_s
    assert wait_s <= policy.base_s * 2.0 ** min(attempt - 1, 60)


@given(st.integers(1, 100), policies, draws, seconds)
def test_a_wait_that_the_sink_asks_for_is_kept_up_to_its_limit(
    attempt: int, policy: RetryPolicy, drawn: float, asked_s: float
) -> None:
    found = settled(Failed("429", 429, asked_s), attempt, 0.0, policy, drawn)
    if isinstance(found, Retry):
        assert found.after_s >= min(asked_s, policy.max_retry_after_s)
        assert found.after_s <= max(policy.max_backoff_s, policy.max_retry_after_s)


@given(failed, policies, draws)
def test_the_last_attempt_of_a_failure_is_a_dead_letter_that_tells_how_many_there_were(
    outcome: Failed, policy: RetryPolicy, drawn: float
) -> None:
    found = settled(outcome, policy.max_attempts, 0.0, policy, drawn)
    assert isinstance(found, DeadLetter)
    assert f"after {policy.max_attempts} attempts" in found.reason


@pytest.mark.parametrize(
    ("attempt", "below_s"), [(1, 1), (2, 2), (5, 16), (10, 512), (11, 600), (12, 600), (5000, 600)]
)
def test_the_default_backoff_is_that_of_the_table(attempt: int, below_s: float) -> None:
    assert backoff_s(attempt, RetryPolicy(), 1.0) == below_s


def test_an_event_that_would_be_too_old_at_its_next_try_is_given_up() -> None:
    policy = RetryPolicy(max_age_s=10.0, base_s=4.0)
    assert settled(Failed("503", 503), 1, 6.0, policy, 0.5) == Retry(2.0)
    assert isinstance(settled(Failed("503", 503), 1, 8.1, policy, 0.5), DeadLetter)
