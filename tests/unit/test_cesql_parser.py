"""CESQL's text: what is read, what is refused and where, and what readers may take for something else."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.cesql.tree import (
    Arithmetic,
    Attribute,
    Comparison,
    Conjunction,
    Disjunction,
    Exclusive,
    Exists,
    Expression,
    In,
    Like,
    Literal,
    Minus,
    Negation,
    text,
)
from chappe.formats.cesql_parser import MAX_DEPTH, MAX_LENGTH, ParseError, parse
from tests.speed import slowness

A, B, C = Attribute("a"), Attribute("b"), Attribute("c")


@pytest.mark.parametrize(
    ("expression", "tree"),
    [
        ("a AND b OR c", Disjunction((Conjunction((A, B)), C))),
        ("a OR b AND c", Conjunction((Disjunction((A, B)), C))),
        ("a XOR b XOR c", Exclusive(Exclusive(A, B), C)),
        ("a AND b AND c", Conjunction((A, B, C))),
        ("(a AND b) AND c", Conjunction((Conjunction((A, B)), C))),
        ("a AND (b AND c)", Conjunction((A, Conjunction((B, C))))),
        ("NOT a = b", Comparison("=", Negation(A), B)),
        ("NOT a LIKE 'x%'", Like(Negation(A), "x%")),
        ("NOT EXISTS a", Negation(Exists("a"))),
        ("EXISTS a LIKE 'x'", Like(Exists("a"), "x")),
        ("-a LIKE '1'", Like(Minus(A), "1")),
        ("NOT -a", Negation(Minus(A))),
        ("-5", Literal(-5)),
        ("-(5)", Minus(Literal(5))),
        ("a = b IN (c)", Comparison("=", A, In(B, (C,)))),
        ("a IN (b) LIKE 'x'", Like(In(A, (B,)), "x")),
        ("a * b IN (c)", Arithmetic("*", A, In(B, (C,)))),
        ("a + b * c", Arithmetic("+", A, Arithmetic("*", B, C))),
        ("a < b = c", Comparison("=", Comparison("<", A, B), C)),
        ("a <> b", Comparison("!=", A, B)),
        ("A not\tin (\nB , 1)", In(A, (B, Literal(1)), negated=True)),
        ("1a = 2", Comparison("=", Attribute("1a"), Literal(2))),
        (r"'a\%b\\' = ''", Comparison("=", Literal(r"a\%b\\"), Literal(""))),
    ],
)
def test_tree(expression: str, tree: Expression) -> None:
    assert parse(expression).expression == tree
    assert parse(text(tree)).expression == tree


@pytest.mark.parametrize(
    ("expression", "offset", "reason"),
    [
        ("", 0, "an attribute, a literal, a function or '(' was expected, found the end"),
        ("   ", 3, "found the end"),
        ("type =", 6, "found the end"),
        ("type = 'a", 7, "the string has no end"),
        ("type = 'a\\'", 7, "the string has no end"),
        ("(a", 2, "',' or ')' was expected, for the '(' at offset 0, found the end"),
        ("a)", 1, "an operator or the end was expected, found ')'"),
        ("a b", 2, "an operator or the end was expected, found 'b'"),
        ("a LIKE b", 7, "a string literal was expected after LIKE, found 'b'"),
        ("a NOT = b", 6, "IN or LIKE was expected after NOT, found '='"),
        ("a IN b", 5, "'(' was expected after IN, found 'b'"),
        ("a IN ()", 6, "found ')'"),
        ("EXISTS 'a'", 7, "the name of an attribute was expected after EXISTS"),
        ("EXISTS not", 7, "the name of an attribute was expected after EXISTS"),
        ("a_b = 1", 0, "'a_b' is no name of an attribute; a-z and 0-9 are allowed"),
        ("ABS1(2)", 0, "'ABS1' is no name of a function; letters and _ are allowed"),
        ("a = 2147483648", 4, "the number is not within 32 bits"),
        ("-2147483649", 0, "the number is not within 32 bits"),
        ("a = 'x' 'y'", 8, "an operator or the end was expected, found \"'y'\""),
        ("+a", 0, "an attribute, a literal, a function or '(' was expected, found '+'"),
        ("a == b", 3, "found '='"),
        ("a && b", 2, "the character '&' has no meaning here"),
        ("a = 'x'\n  and ü", 14, "the character 'ü' has no meaning here"),
        ("a AND", 5, "found the end"),
        ("AND a", 0, "found 'AND'"),
        ("a LIKE '%" + "x" * 64 + "_%'", 7, "between two '%'"),
        ("1.5", 1, "the character '.' has no meaning here"),
        ("CONCAT(a,)", 9, "found ')'"),
    ],
)
def test_what_is_no_expression_is_refused_with_the_place(
    expression: str, offset: int, reason: str
) -> None:
    with pytest.raises(ParseError) as found:
        parse(expression)
    assert found.value.offset == offset
    assert found.value.message.startswith(f"at offset {offset}: ")
    assert reason in found.value.message


def test_the_place_is_marked_in_its_line() -> None:
    with pytest.raises(ParseError) as found:
        parse("type = 'a'\n\tAND subject == 'b'")
    assert found.value.marked == " AND subject == 'b'\n              ^"


def test_the_place_in_a_long_line_is_marked_in_what_stands_around_it() -> None:
    with pytest.raises(ParseError) as found:
        parse(f"{'x' * 200} == 1 AND {'y' * 200} = 2")
    line, caret = found.value.marked.splitlines()
    assert (len(line), line[len(caret) - 1]) == (80, "=")


def test_an_expression_is_bounded_in_length_and_depth() -> None:
    with pytest.raises(ParseError, match=f"at most {MAX_LENGTH} are possible"):
        parse("a" * (MAX_LENGTH + 1))
    for deep in ("(" * 200 + "a", "NOT " * 200 + "a", "-" * 200 + "a", "LOWER(" * 200,
                 "a IN (" * 200, "1" + "+1" * 200, "a" + " AND b OR c" * 200):  # fmt: skip
        with pytest.raises(ParseError, match=f"nested more than {MAX_DEPTH} deep"):
            parse(deep)


def test_what_is_long_need_not_be_deep() -> None:
    assert len(parse(" OR ".join(["a = 'x'"] * 500)).expression.parts) == 500  # type: ignore[union-attr]
    assert len(parse(f"a IN ({', '.join(['1'] * 1000)})").expression.items) == 1000  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "hostile",
    ["'" * (MAX_LENGTH - 1), "'" + "\\" * (MAX_LENGTH - 2), "'" + "a'' " * (MAX_LENGTH // 5),
     " " * MAX_LENGTH, "9" * MAX_LENGTH, "NOT " * (MAX_LENGTH // 4)],
)  # fmt: skip
def test_hostile_text_is_read_in_linear_time(hostile: str) -> None:
    before = time.process_time()
    with pytest.raises(ParseError):
        parse(hostile)
    assert time.process_time() - before < 0.5 * slowness()


@given(st.text("aA1'\"\\%_ ()=<>!+-*/,\t") | st.text())
def test_any_text_is_read_or_refused(some: str) -> None:
    try:
        tree: Expression | None = parse(some).expression
    except ParseError as error:
        place, shown = error.offset, error.marked
        tree = None
    if tree is None:
        assert 0 <= place <= len(some)
        assert shown.endswith("^")
        return
    assert parse(text(tree)).expression == tree


@given(
    st.lists(
        st.sampled_from(
            ["a", "type", "'x'", '"y%"', "1", "-2", "TRUE", "NOT", "EXISTS", "LIKE", "IN", "AND",
             "OR", "XOR", "(", ")", ",", "=", "!=", "<", "+", "-", "*", "CONCAT", "ABS"]
        ),
        max_size=14,
    )
)  # fmt: skip
def test_any_row_of_words_is_read_or_refused(words: list[str]) -> None:
    try:
        tree = parse(" ".join(words)).expression
    except ParseError:
        return
    assert parse(text(tree)).expression == tree


@pytest.mark.parametrize(
    ("expression", "traps"),
    [
        ("a AND b AND c", []),
        ("a AND (b OR c)", []),
        ("(a AND b) OR c", []),
        ("a AND b OR c", [(8, "AND and OR bind alike")]),
        ("a AND (b OR c XOR a)", [(14, "OR and XOR bind alike")]),
        ("NOT a LIKE 'x%'", [(0, "write x NOT LIKE …")]),
        ("NOT a NOT LIKE 'x%'", [(0, "NOT binds tighter than LIKE")]),
        ("NOT a IN (1)", [(0, "write x NOT IN …")]),
        ("b AND NOT a = 1", [(6, "NOT binds tighter than =")]),
        ("NOT (a = 1)", []),
        ("(NOT a) = b", []),
        ("NOT EXISTS a AND NOT b", []),
        ("NOT a AND b", []),
    ],
)  # fmt: skip
def test_what_readers_may_take_for_something_else_is_told(
    expression: str, traps: list[tuple[int, str]]
) -> None:
    found = parse(expression).traps
    assert [at for at, _ in found] == [at for at, _ in traps]
    for (_, told), (_, wanted) in zip(found, traps, strict=True):
        assert wanted in told
