"""Tables as they are asked for, YAML of JSON, and what --debug-http must not show."""

from __future__ import annotations

import io
import json
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.cli.as_yaml import as_yaml
from chappe.cli.columns import Columns, arranged
from chappe.cli.http_told import MASK, masked_body, masked_text, masked_value
from chappe.cli.progress import Bar
from chappe.cli.render import mark
from chappe.cli.session import Session
from chappe.formats.yaml_text import read_yaml

COLUMNS = Columns(("ID", "SET ASIDE"), wide=("EPOCH",))
ROWS = [("b", "9", "1"), ("a", "1,200", "2"), ("C", "", "3")]


def test_a_table_has_its_usual_columns() -> None:
    assert arranged(Session(), COLUMNS, ROWS)[0] == ("ID", "SET ASIDE")


def test_wide_shows_all() -> None:
    shown, rows = arranged(Session(wide=True), COLUMNS, ROWS)

    assert shown == ("ID", "SET ASIDE", "EPOCH")
    assert rows[0] == ["b", "9", "1"]


def test_columns_come_as_they_are_named() -> None:
    session = Session(columns=("EPOCH", "ID"))

    assert arranged(session, COLUMNS, ROWS) == (
        ("EPOCH", "ID"),
        [["1", "b"], ["2", "a"], ["3", "C"]],
    )


@pytest.mark.parametrize(
    ("key", "ids"),
    [("ID", "abC"), ("-ID", "Cba"), ("SET ASIDE", "baC"), ("-SET ASIDE", "Cab"), ("EPOCH", "baC")],
)
def test_rows_are_sorted_by_what_their_cells_are_worth(key: str, ids: str) -> None:
    _, rows = arranged(Session(sort_by=key), COLUMNS, ROWS)

    assert "".join(row[0] for row in rows) == ids


@pytest.mark.parametrize("written", ["set-aside", "SET_ASIDE", "Set Aside"])
def test_a_column_is_named_in_any_case(written: str) -> None:
    assert COLUMNS.named(written) == "SET ASIDE"


def test_an_unknown_column_is_told_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"did you mean epoch.* id, set-aside, epoch"):
        COLUMNS.named("epcoh")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.lists(JSON.filter(lambda one: isinstance(one, list | dict | str)), max_size=3), st.data())
def test_json_goes_on_as_yaml_in_whatever_parts_it_comes(
    values: list[object], data: st.DataObject
) -> None:
    written = "\n".join(json.dumps(one, ensure_ascii=False) for one in values).encode(
        "utf-8", "replace"
    )
    values = [json.loads(json.dumps(one).encode("utf-8", "replace")) for one in values]
    out = _Out()
    real, sys.stdout = sys.stdout, out
    try:
        with as_yaml():
            rest = written
            while rest:
                size = data.draw(st.integers(1, len(rest)))
                sys.stdout.buffer.write(rest[:size])
                rest = rest[size:]
    finally:
        sys.stdout = real

    assert list(read_yaml(out.text)) == values


def test_numbers_stay_exact_in_yaml() -> None:
    out = _Out()
    real, sys.stdout = sys.stdout, out
    try:
        with as_yaml():
            sys.stdout.write('{"total": 12345678901234567890.10}\n')
    finally:
        sys.stdout = real

    assert list(read_yaml(out.text)) == [{"total": Decimal("12345678901234567890.10")}]


def test_what_is_no_json_is_passed_on() -> None:
    out = _Out()
    real, sys.stdout = sys.stdout, out
    try:
        with as_yaml():
            sys.stdout.write("hub/shop.yaml\n")
    finally:
        sys.stdout = real

    assert out.text == "hub/shop.yaml\n"


class _Out(io.TextIOWrapper):
    def __init__(self) -> None:
        self.raw_bytes = io.BytesIO()
        super().__init__(self.raw_bytes, "utf-8", write_through=True)

    @property
    def text(self) -> str:
        return self.raw_bytes.getvalue().decode()


@pytest.mark.parametrize(
    ("name", "value"),
    [("Authorization", "Bearer x"), ("cookie", "a=b"), ("set-cookie", "s"), ("x-api-key", "k")],
)
def test_headers_that_say_who_one_is_are_masked(name: str, value: str) -> None:
    assert masked_value(name, value) == MASK


@pytest.mark.parametrize(
    "text",
    [
        "chp_S3CRET", "whsec_S3CRET==", "Bearer S3CRET", "http://user:S3CRET@hub/",
        "/events?access_token=S3CRET&limit=1", "x eyJS3CRET.S3CRET.S3CRET y",
    ],
)  # fmt: skip
def test_what_looks_like_a_secret_is_masked_anywhere(text: str) -> None:
    assert "S3CRET" not in masked_text(text)


@pytest.mark.parametrize("name", ["token", "sinkcredential", "password", "clientSecret", "keys"])
@given(secret=st.text("S3CRET0123456789", min_size=8), depth=st.integers(0, 4))
def test_no_secret_of_a_body_is_shown(name: str, secret: str, depth: int) -> None:
    body: object = {name: {"inner": [secret]}, "state": "active"}
    for _ in range(depth):
        body = [{"one": body}]
    encoded = json.dumps(body).encode()

    assert secret not in masked_body(encoded)
    assert '"state": "active"' in masked_body(encoded)


def test_a_body_that_is_cut_off_shows_no_secret_either() -> None:
    encoded = json.dumps({"token": "S3CRET", "pad": "x" * 100_000}).encode()

    assert "S3CRET" not in masked_body(encoded + b"{")
    assert "more" in masked_body(encoded + b"{")


def test_bytes_are_told_by_their_number() -> None:
    assert masked_body(b"\xff\xfe\x00") == "(3 bytes)"


def test_accessible_output_has_no_glyphs() -> None:
    assert mark("✓", "green", Session(accessible=True)) == "ok"


def test_accessible_progress_moves_no_cursor(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    now = iter((0.0, 11.0, 11.0, 11.0))
    bar = Bar(Session(accessible=True), 10, "letters", lambda: next(now))

    bar.show(5)
    bar.end()

    said = capsys.readouterr().err
    assert "5 of 10 letters" in said
    assert "\r" not in said
    assert "\x1b" not in said
