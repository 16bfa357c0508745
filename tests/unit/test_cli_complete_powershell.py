"""PowerShell's words: what it makes of what is typed, and what is written for it to make a word of."""

from __future__ import annotations

import json

import pytest
from click import Command
from click.shell_completion import CompletionItem
from hypothesis import given
from hypothesis import strategies as st

from chappe.cli.complete_powershell import PowerShellComplete, quoted, unquoted


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("order.paid", "order.paid"),
        ("--type", "--type"),
        ("https://shop.example/a", "https://shop.example/a"),
        ("order paid", "'order paid'"),
        ("it's", "'it''s'"),
        ("it\u2019s", "'it\u2019\u2019s'"),
        ("a;b", "'a;b'"),
        ("$home", "'$home'"),
        ("@all", "'@all'"),
        ("a,b", "'a,b'"),
        ("-a.b", "'-a.b'"),
        ("1kb", "'1kb'"),
        ("bestellung.gr\u00f6\u00dfe", "'bestellung.gr\u00f6\u00dfe'"),
        ("", "''"),
    ],
)
def test_a_word_is_quoted_where_powershell_would_make_something_else_of_it(
    word: str, written: str
) -> None:
    assert quoted(word) == written


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("'order p", "order p"),
        ('"a ""b"" `"c`""', 'a "b" "c"'),
        ("--type='order paid'", "--type=order paid"),
        ("'a `b'", "a `b"),
        ("a` b", "a b"),
        ('"tab`tend"', "tab\tend"),
        ('"it\'s"', "it's"),
        ("\u201corder\u201d", "order"),
        ("$name", "$name"),
        ("end`", "end"),
    ],
)
def test_what_is_typed_is_read_as_powershell_reads_it(typed: str, word: str) -> None:
    assert unquoted(typed) == word


@given(st.text())
def test_what_is_quoted_is_read_as_what_it_was(word: str) -> None:
    assert unquoted(quoted(word)) == word


@given(st.text(), st.one_of(st.none(), st.text()))
def test_an_answer_is_one_line_of_ascii_with_a_tip_that_is_not_empty(
    value: str, help_text: str | None
) -> None:
    shell = PowerShellComplete(Command("chappe"), {}, "chappe", "_CHAPPE_COMPLETE")

    line = shell.format_completion(CompletionItem(value or "x", help=help_text))

    assert line.isascii()
    assert len(line.splitlines()) == 1
    answer = json.loads(line)
    assert unquoted(answer["text"]) == answer["shown"] == (value or "x")
    assert answer["tip"]
