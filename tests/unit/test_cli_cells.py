"""Columns stand under each other, whatever their cells are written in, and however narrow it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.cli.cells import aligned, cells, padded, shortened
from chappe.cli.render import printable


@pytest.mark.parametrize(
    ("text", "wide"),
    [
        ("order.paid", 10),
        ("注文.支払済", 11),
        ("\uff57\uff49\uff44\uff45", 8),
        ("😀", 2),
        ("cafe\u0301", 4),
        ("\u0645\u0644\u0641", 3),
        ("größe", 5),
        ("", 0),
    ],
)
def test_a_text_is_as_wide_as_a_terminal_draws_it(text: str, wide: int) -> None:
    assert cells(text) == wide
    assert cells(padded(text, 12)) == 12


def test_columns_of_wide_names_stand_under_each_other() -> None:
    lines = aligned([("TYPE", "STATE"), ("注文.支払済", "active"), ("a", "paused")])

    assert lines == ["TYPE         STATE", "注文.支払済  active", "a            paused"]


def test_with_no_room_the_widest_column_gives_way() -> None:
    lines = aligned([("TYPE", "STATE", "EVENTS"), ("a." * 100, "active", "12,345")], 60)

    assert [cells(line) for line in lines] == [60, 60]
    assert lines[1].endswith("…  active  12,345")
    assert lines[0].endswith("   STATE   EVENTS")


rows_of_text = st.integers(1, 5).flatmap(
    lambda width: st.lists(
        st.lists(st.text(max_size=30).map(printable), min_size=width, max_size=width),
        min_size=1,
        max_size=6,
    )
)


@given(rows_of_text, st.integers(60, 120))
def test_no_line_has_more_cells_than_there_is_room(rows: list[list[str]], room: int) -> None:
    assert all(cells(line) <= room for line in aligned(rows, room))


@given(st.text(max_size=40).map(printable), st.integers(1, 40))
def test_what_is_cut_fits_and_is_the_beginning(text: str, width: int) -> None:
    cut = shortened(text, width)

    assert cells(cut) <= width
    assert cut == text or (cut.endswith("…") and text.startswith(cut[:-1]))
