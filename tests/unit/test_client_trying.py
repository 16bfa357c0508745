"""When the client tries again: properties of the decision, and of the loop in virtual time."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.client.trying import Retry, is_passing, retry_after_s, trying, wait_s
from chappe.domain.errors import (
    CallerError,
    ChappeError,
    InvalidEvent,
    NotFound,
    Overloaded,
    SchemaMismatch,
    Unavailable,
    WrongKey,
)
from chappe.testing.fake_clock import FakeClock

RETRIES = st.builds(
    Retry,
    deadline_s=st.floats(0, 300),
    base_s=st.floats(0.001, 2),
    most_s=st.floats(0.001, 30),
)
UNIT = st.floats(0, 1, exclude_max=True)
OK, FOR_GOOD = "ok", "for good"
FAILURES = st.lists(
    st.tuples(
        # How long the try takes, and what it ends in: the Retry-After, or something else.
        st.floats(0, 20),
        st.one_of(st.floats(0, 40), st.sampled_from([OK, FOR_GOOD, None])),
    ),
    max_size=30,
)


@given(
    RETRIES, st.integers(1, 40), st.integers(1, 5), st.floats(0, 300), st.floats(0, 100), UNIT
)  # fmt: skip
def test_a_wait_is_long_enough_short_enough_and_ends_before_the_deadline(
    retry: Retry, failures: int, nodes: int, elapsed_s: float, asked_s: float, drawn: float
) -> None:
    found = wait_s(
        retry, failures=failures, nodes=nodes, elapsed_s=elapsed_s, asked_s=asked_s, drawn=drawn
    )

    whole_round = failures % nodes == 0
    if found is None:
        most_s = max(asked_s, retry.most_s) if whole_round else 0.0
        assert elapsed_s + most_s >= retry.deadline_s
        return
    assert elapsed_s + found < retry.deadline_s
    if not whole_round:
        assert found == 0
        return
    assert asked_s <= found <= max(asked_s, retry.most_s)
    assert found <= max(asked_s, retry.base_s * 2 ** (failures // nodes - 1))


@given(RETRIES, st.integers(1, 4), st.integers(0, 3), FAILURES, UNIT)
def test_every_node_is_tried_in_turn_until_one_does_or_the_deadline_comes(
    retry: Retry, nodes: int, first: int, ends: list[tuple[float, object]], drawn: float
) -> None:
    first %= nodes
    clock = FakeClock()
    begun: list[tuple[float, int]] = []

    async def once(node: int) -> str:
        begun.append((clock.monotonic_s(), node))
        takes_s, end = ends[len(begun) - 1] if len(begun) <= len(ends) else (0.0, OK)
        await clock.sleep(takes_s)
        if end == OK:
            return OK
        if end == FOR_GOOD:
            raise NotFound("there is none")
        raise Unavailable("no", **({} if end is None else {"retry_after": str(end)}))

    async def run() -> object:
        work = asyncio.ensure_future(
            trying(once, retry, nodes=nodes, first=first, time=clock, drawn=lambda: drawn)
        )
        await clock.until(work.done, limit_s=1e9)
        return work.exception() or work.result()

    ended = asyncio.run(run())

    assert [node for _, node in begun] == [(first + n) % nodes for n in range(len(begun))]
    last = ends[len(begun) - 1][1] if len(begun) <= len(ends) else OK
    # Nothing is tried again after it did, or after it was refused for good; and no try begins late.
    assert all(end not in (OK, FOR_GOOD) for _, end in ends[: len(begun) - 1])
    assert all(at_s < max(retry.deadline_s, 1e-9) or at_s == 0 for at_s, _ in begun)
    match last:
        case "ok":
            assert ended == OK
        case "for good":
            assert isinstance(ended, NotFound)
        case _:
            assert isinstance(ended, Unavailable)
    for number in range(1, len(begun)):
        pause_s = begun[number][0] - begun[number - 1][0] - ends[number - 1][0]
        if number % nodes:
            assert pause_s == pytest.approx(0, abs=1e-6)
        else:
            asked = [float(end or 0) for _, end in ends[number - nodes : number]]  # type: ignore[arg-type]
            assert pause_s >= min(asked) - 1e-6


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (Unavailable("x"), True),
        (Overloaded("x", status=503), True),
        (WrongKey("x"), False),
        (CallerError("x", status=429), True),
        (CallerError("x", status=400), False),
        (SchemaMismatch("x", []), False),
        (InvalidEvent(attribute="id", value="", rule="r", spec="s"), False),
        (ChappeError("x", status=500), True),
        (ChappeError("x", status=304), False),
        (ChappeError("a bug"), False),
    ],
)
def test_only_what_may_do_later_is_tried_again(error: ChappeError, passes: bool) -> None:
    assert is_passing(error) is passes


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7.0), (2, 2.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0), (None, 0.0), ("-3", 0.0)],
)
def test_retry_after_is_read_in_seconds(said: object, seconds: float) -> None:
    details = {} if said is None else {"retry_after": said}

    assert retry_after_s(Unavailable("x", **details)) == seconds
