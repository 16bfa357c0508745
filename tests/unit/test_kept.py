"""Values that are kept as long as there is room."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from chappe.kit.kept import Kept

KEEPS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40)), max_size=40)


def test_the_oldest_go_when_there_are_too_many() -> None:
    kept: Kept[str, int] = Kept(2, 100)
    for number, key in enumerate("abc"):
        kept.keep(key, number, 1)
    assert [kept.find(key) for key in "abc"] == [None, 1, 2]


def test_the_oldest_go_when_all_weigh_too_much() -> None:
    kept: Kept[str, int] = Kept(10, 10)
    for key in "abc":
        kept.keep(key, 1, 4)
    assert (kept.find("a"), kept.find("b"), kept.weight) == (None, 1, 8)


def test_the_newest_stays_however_much_it_weighs() -> None:
    kept: Kept[str, int] = Kept(10, 10)
    kept.keep("a", 1, 5)
    kept.keep("b", 2, 500)
    assert (kept.find("a"), kept.find("b")) == (None, 2)


def test_a_value_that_is_kept_again_weighs_once() -> None:
    kept: Kept[str, int] = Kept(10, 10)
    kept.keep("a", 1, 6)
    kept.keep("a", 2, 7)
    assert (kept.find("a"), kept.weight, len(kept)) == (2, 7, 1)


@given(KEEPS)
def test_whatever_is_kept_there_is_room_for(keeps: list[tuple[int, int]]) -> None:
    kept: Kept[int, int] = Kept(3, 50)
    weights: dict[int, int] = {}
    for key, weight in keeps:
        kept.keep(key, weight, weight)
        weights[key] = weight
        assert kept.find(key) == weight
        left = [weights[one] for one in weights if kept.find(one) is not None]
        assert kept.weight == sum(left)
        assert len(kept) == len(left) <= 3
        assert len(left) == 1 or sum(left) <= 50


def test_threads_may_keep_at_once() -> None:
    kept: Kept[int, int] = Kept(20, 1_000)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: kept.keep(number % 50, number, number % 7), range(20_000)))
    assert len(kept) == 20
    assert kept.weight == sum(kept.find(one) % 7 for one in range(50) if kept.find(one) is not None)  # type: ignore[operator]
