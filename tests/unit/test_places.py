"""Where values stand in a text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.cli.places import Place, Unreadable, values
from chappe.formats.yaml_text import write_yaml

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "pointer", "line", "column"),
    [
        ('{"a": 1}', "", 1, 1),
        ('{"a": 1}', "/a", 1, 7),
        ('\n\n  {"a":\n\t{"b/c": [1,\n 22]}}', "/a/b~1c/1", 5, 2),
        ('{"é": {"x~y": "z"}}', "/é/x~0y", 1, 15),
        ('{"a": {"b": 1}}', "/a/missing/deeper", 1, 7),
        ('{"a": "x"}', "/a/0", 1, 7),
        ('{"a\\u0062" : 1}', "/ab", 1, 14),
        ("a:\n  b: [x,\n    y]\n", "/a/b/1", 3, 5),
        ("# a remark\na: 1\n", "/a", 2, 4),
        ("a: 1\n", "/b", 1, 1),
    ],
)
def test_a_pointer_leads_to_line_and_column(
    text: str, pointer: str, line: int, column: int
) -> None:
    (one,) = values(text)
    assert one.at(pointer) == Place(line, column)


def test_each_value_of_an_array_and_of_lines_has_its_own_place() -> None:
    array = list(values('[{"a": 1},\n {"a": 2}]'))
    lines = list(values('{"a": 1}\n{"a": 2}\n'))
    documents = list(values("a: 1\n---\na: 2\n---\n"))
    for found, places in ((array, "1:8 2:8"), (lines, "1:7 2:7"), (documents, "1:4 3:4")):
        assert [json.loads(one.body) for one in found] == [{"a": 1}, {"a": 2}]
        assert " ".join(str(one.at("/a")) for one in found) == places


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ('{"a": 1}\n{"a": }', Place(2, 7), "expecting value"),
        ("[" * 100_000, Place(1, 1), "nested too deeply"),
        ("a: !!python/object:os.system x", Place(1, 1), "no form in JSON"),
        ("a: [\n", Place(2, 1), "no YAML"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text: str, place: Place, said: str) -> None:
    with pytest.raises(Unreadable) as told:
        list(values(text))
    assert told.value.place == place
    assert said in told.value.message


@given(JSON.filter(lambda one: isinstance(one, dict)), st.sampled_from([None, 1, 4]))
def test_the_text_at_each_pointer_is_the_value_there(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    lines = text.split("\n")
    (one,) = values(text)
    assert json.loads(one.body) == value
    for pointer, there in _all(value, ""):
        place = one.at(pointer)
        rest = "\n".join([lines[place.line - 1][place.column - 1 :], *lines[place.line :]])
        assert json.JSONDecoder().raw_decode(rest)[0] == there


@given(JSON.filter(lambda one: isinstance(one, dict) and one))
def test_yaml_says_the_same_as_json(value: Any) -> None:
    text = write_yaml(value)
    (one,) = values(text, yaml=True)
    assert json.loads(one.body) == value


def _all(value: Any, pointer: str) -> Any:
    yield pointer, value
    inner = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )  # fmt: skip
    for name, one in inner:
        yield from _all(one, f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}")
