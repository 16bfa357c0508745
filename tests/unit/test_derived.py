"""What is derived is made once for each object."""

from __future__ import annotations

from chappe.kit.derived import Derived


def test_it_is_made_anew_for_another_object_even_an_equal_one() -> None:
    made: list[list[int]] = []

    def count(numbers: list[int]) -> int:
        made.append(numbers)
        return sum(numbers)

    derived = Derived(count)
    first, equal = [1, 2], [1, 2]
    assert [derived.of(first), derived.of(first), derived.of(equal), derived.of(equal)] == [3] * 4
    assert len(made) == 2
    assert made[0] is first
    assert made[1] is equal
