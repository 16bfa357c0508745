"""Collections: ids without regard to case, in order, over many writes of which some are dropped."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chappe.registry.entity import Collection

IDS = st.sampled_from(["a", "A", "ab", "Ab", "aB", "b", "C", "c1"])
WRITES = st.lists(
    st.tuples(st.dictionaries(IDS, st.none() | st.integers(), max_size=3), st.booleans()),
    max_size=12,
)


@given(WRITES)
def test_ids_are_told_apart_and_ordered_as_in_a_collection_made_anew(
    writes: list[tuple[dict[str, int | None], bool]],
) -> None:
    present: Collection[int] = Collection()
    for changes, is_kept in writes:
        allowed: dict[str, int | None] = {}
        for id, value in changes.items():
            # A write drops or adds what does not clash, as the engine does.
            if value is None or (present.clash(id) is None and not _clashes(id, allowed)):
                allowed[id] = value
        present.ordered()
        after = present.changed(allowed)
        fresh: Collection[int] = Collection(dict(after.items()))
        for id in ("a", "A", "ab", "AB", "aB", "b", "B", "c", "C", "c1"):
            assert after.clash(id) == fresh.clash(id)
            assert present.clash(id) == Collection(dict(present.items())).clash(id)
        assert after.ordered() == fresh.ordered()
        if is_kept:
            present = after


def _clashes(id: str, among: dict[str, int | None]) -> bool:
    return any(one.lower() == id.lower() for one in among)


def test_a_change_leaves_the_collection_as_it_was() -> None:
    before = Collection({"a": 1, "b": 2})
    before.ordered()
    after = before.changed({"c": 3, "a": None})
    assert dict(before) == {"a": 1, "b": 2}
    assert before.ordered() == ("a", "b")
    assert dict(after) == {"b": 2, "c": 3}
    assert after.ordered() == ("b", "c")
