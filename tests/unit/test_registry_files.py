"""Files of registry documents: what is read as what, and what is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.cli.registry_files import form_of, read_documents, written
from chappe.cli.registry_yaml import MAX_ALIASES, BadYaml, read_yaml, write_yaml

GROUP = {"messagegroups": {"shop": {"messages": {"order.paid": {"description": "paid"}}}}}


def one(text: str) -> Any:
    (document,) = read_yaml(text)
    return document


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22", "2026-11-22"),
        ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z"),
        ("yes", "yes"),
        ("on", "on"),
        ("12:30:45", "12:30:45"),
        ("true", True),
        ("~", None),
        ("", None),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("007", 7),
        ("0x1f", 31),
        ("-3", -3),
        ("1.10", Decimal("1.10")),
        ("1e3", Decimal("1e3")),
        ("1_000", "1_000"),
        ("=", "="),
        ("[a, b]", ["a", "b"]),
        ("|\n  two\n  lines", "two\nlines\n"),
    ],
)
def test_a_scalar_of_yaml_is_what_json_would_say(text: str, expected: object) -> None:
    found = one(f"key: {text}\n")

    assert found == {"key": expected}
    assert type(found["key"]) is type(expected)


def test_a_key_is_its_text() -> None:
    assert one("1.0: a\n2026-11-22: b\ntrue: c\n") == {"1.0": "a", "2026-11-22": "b", "true": "c"}


def test_merged_mappings_give_what_is_not_there() -> None:
    text = "base: &base {a: 1, b: 2}\none:\n  <<: *base\n  b: 3\ntwo: {<<: [*base, {c: 4}]}\n"

    assert one(text)["one"] == {"a": 1, "b": 3}
    assert one(text)["two"] == {"a": 1, "b": 2, "c": 4}


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (BOMB, "aliases may be"),
        ("a: &a x\nb: [" + ", ".join(["*a"] * (MAX_ALIASES + 1)) + "]", "aliases may be"),
        ("&a [*a]", "stands inside of what it names"),
        ("a: *b", "names no anchor"),
        ("a: 1\nb: 2\na: 3", "line 3: the key 'a' stands there twice"),
        ("!!python/object/apply:os.system [ls]", "has no form in JSON"),
        ("a: !!timestamp 2026-11-22", "has no form in JSON"),
        ("a: !!binary aGk=", "has no form in JSON"),
        ("a: .nan", "has no form in JSON"),
        ("? [a]\n: b", "a key must be a scalar"),
        ("a: [", "line 2: did not find"),
        ("[" * 5_000, "nested deeper"),
        ("a: \x00", "character"),
    ],
)
def test_yaml_that_is_no_json_or_a_trap_is_refused(text: str, told: str) -> None:
    with pytest.raises(BadYaml, match=told):
        list(read_yaml(text))


def test_an_anchor_of_a_document_is_unknown_in_the_next() -> None:
    with pytest.raises(BadYaml, match="names no anchor"):
        list(read_yaml("a: &a 1\n---\nb: *a\n"))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False, places=4)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x85\u2028\u2029\ufeff")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abcxyz019.-_", min_size=1, max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_as_yaml_reads_back_the_same(value: Any) -> None:
    assert list(read_yaml(write_yaml({"value": value}))) == [{"value": value}]


@given(VALUES)
def test_what_is_written_as_json_reads_back_the_same(value: Any) -> None:
    assert json.loads(written({"value": value}, "json"), parse_float=Decimal) == {"value": value}


@pytest.mark.parametrize(
    "text",
    [
        "since: '2026-11-22'\n",
        "value: 'yes'\n",
        "version: '1.0'\n",
        "text: |\n  two\n  lines\n",
    ],
)
def test_text_that_others_would_misread_is_quoted(text: str) -> None:
    assert write_yaml(one(text)) == text


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("hub.xreg.json", "json"),
        ("hub.cereg", "json"),
        ("hub.cereg.yaml", "yaml"),
        ("HUB.YML", "yaml"),
        ("hub", None),
    ],
)
def test_a_file_s_name_says_its_form(name: str, form: str | None) -> None:
    assert form_of(name) == form


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [
        ("a.json", json.dumps(GROUP), 1),
        ("a", json.dumps(GROUP, indent=2), 1),
        ("a.json", json.dumps([GROUP, GROUP]), 2),
        ("a.jsonl", json.dumps(GROUP) + "\n" + json.dumps(GROUP) + "\n", 2),
        ("a.yaml", "messagegroups:\n  shop: {}\n", 1),
        ("a.yaml", "---\nxid: /a/b\n---\nxid: /a/c\n---\n", 2),
        ("a", "xid: /a/b\n", 1),
        ("a.json", json.dumps({n: {"xid": f"/dirs/{n}"} for n in "abc"}), 3),
    ],
)
def test_documents_are_found_in_each_form(tmp_path: Path, name: str, text: str, count: int) -> None:
    (tmp_path / name).write_text(text)

    assert len(read_documents([str(tmp_path / name)])) == count


def test_a_directory_is_read_with_what_is_below_it_by_name(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".git").mkdir()
    for name in ("b.yaml", "a.json", "sub/c.yml", ".git/x.yaml", "notes.txt", ".hidden.yaml"):
        (tmp_path / name).write_text(f'{{"xid": "/dirs/{name}"}}')

    found = [document.body["xid"] for document in read_documents([str(tmp_path)])]
    assert found == ["/dirs/a.json", "/dirs/b.yaml", "/dirs/sub/c.yml"]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.json", '{"a": 1,}', "a.json: line 1, column"),
        ("a.json", '{"a": 1, "a": 2}', "stands there twice"),
        ("a.json", '{"a": NaN}', "NaN is no JSON"),
        ("a.json", "[" * 100_000, "nested too deeply"),
        ("a.json", '[{"xid": "/a/b"}, 7]', "a.json, document 2: a document is a map"),
        ("a.yaml", "just text", "a document is a map, not text"),
        ("a.yaml", "", "there is no document"),
        ("a.yaml", "a: [", "a.yaml: line"),
        ("missing.yaml/", None, "missing.yaml"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_place(
    tmp_path: Path, name: str, text: str | None, told: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)

    with pytest.raises(click.UsageError) as refused:
        read_documents([str(tmp_path / name)])
    assert told in refused.value.format_message()


def test_numbers_of_json_are_exact(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"xid": "/a/b", "n": 1.10, "big": 12345678901234567890123}')

    (document,) = read_documents([str(tmp_path / "a.json")])
    assert document.body["n"] == Decimal("1.10")
    assert document.body["big"] == 12345678901234567890123
    assert '"n": 1.10' in written(document.body, "json")
