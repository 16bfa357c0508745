from __future__ import annotations

import pytest

from chappe.registry.dot import (
    ANY_ITEM,
    ANY_MEMBER,
    MAX_DEPTH,
    DotError,
    Part,
    is_any_item,
    is_any_member,
    parse_dot,
)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("name", ("name",)),
        ("['my.name']", ("my.name",)),
        ('["birth.date"]', ("birth.date",)),
        ('["2"]', ("2",)),
        ("[2]", (2,)),
        ("employee.name", ("employee", "name")),
        ("stack[3]", ("stack", 3)),
        (
            "employee['joe'].addresses[0].state",
            ("employee", "joe", "addresses", 0, "state"),
        ),
        ("labels['a'].b", ("labels", "a", "b")),
        ("labels.['a.b']", ("labels", "a.b")),
        ("labels.a-b:c", ("labels", "a-b:c")),
        ("a['it\"s']", ("a", 'it"s')),
    ],
)
def test_dot_notation_is_parted(text: str, parts: tuple[Part, ...]) -> None:
    assert parse_dot(text) == parts


def test_wildcards_of_filters_are_told_from_names_in_quotes() -> None:
    parts = parse_dot("a.*[*]['*']", wildcards=True)
    assert parts == ("a", ANY_MEMBER, ANY_ITEM, "*")
    assert [is_any_member(one) for one in parts] == [False, True, False, False]
    assert [is_any_item(one) for one in parts] == [False, False, True, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "missing"),
        ("dirs..dirid", 'Unexpected "." in "dirs..dirid" at pos 6'),
        (".name", 'Unexpected "." in ".name" at pos 1'),
        ("name.", 'ends in "."'),
        ("a[", 'broken "["'),
        ("a[-1]", 'broken "["'),
        ("a[x]", 'broken "["'),
        ("a['x]", 'broken "["'),
        ("a['']", "empty name"),
        ("a]", 'Unexpected "]"'),
        ("x*", 'Unexpected "*" in "x*"'),
        ("a.*", 'Unexpected "*" in "*"'),
        ("a[*]", 'Unexpected "*"'),
        (".".join("a" * (MAX_DEPTH + 1)), f"more than {MAX_DEPTH} parts"),
    ],
)
def test_what_is_no_dot_notation_is_refused(text: str, message: str) -> None:
    with pytest.raises(DotError) as refused:
        parse_dot(text)
    assert message in str(refused.value)
