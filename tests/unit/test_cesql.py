"""CESQL: what the tree says, the generated code says."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chappe.domain.cesql import generate
from chappe.domain.cesql.decide import decide
from chappe.domain.cesql.evaluate import Outcome, evaluate
from chappe.domain.cesql.generate import evaluator, predicate
from chappe.domain.cesql.like import like
from chappe.domain.cesql.tree import (
    Attribute,
    Call,
    Comparison,
    Conjunction,
    Exclusive,
    Expression,
    Like,
    Literal,
    text,
)
from chappe.domain.cesql.values import MAX_TEXT
from chappe.domain.event import AttributeValue, Event
from chappe.formats.cesql_parser import MAX_DEPTH, ParseError, parse
from tests.unit.cesql_strategies import events, expressions, thoroughly

EVENT = Event(id="A-1", source="/shop", type="order.paid", extensions={"hop": 5, "flag": True})


def outcome(expression: str, event: Event = EVENT) -> Outcome:
    """What both say, which must be the same."""
    tree = parse(expression).expression
    found = evaluate(tree, event)
    assert evaluator(tree)(event) == Outcome(found.value, found.faults[:1])
    assert predicate(tree)(event) is found.passed
    return found


def kinds(found: Outcome) -> list[str]:
    return [fault.kind for fault in found.faults]


@thoroughly
@given(expressions, events)
@example(Exclusive(Attribute("region"), Attribute("hop")), EVENT)
@example(
    Conjunction(
        (Like(Attribute("region"), "a%"), Comparison("=", Attribute("region"), Literal(1)))
    ),
    EVENT,
)
def test_the_generated_code_answers_as_the_tree_does(tree: Expression, event: Event) -> None:
    walked, run = evaluate(tree, event), evaluator(tree)(event)
    assert (run.value, type(run.value)) == (walked.value, type(walked.value))
    assert run.faults == walked.faults[:1]
    assert predicate(tree)(event) is walked.passed


@given(expressions)
def test_what_is_shown_is_read_as_the_same_tree(tree: Expression) -> None:
    try:
        read = parse(text(tree)).expression
    except ParseError as error:
        # A string may end so that no quote can follow it, and a tree be deeper than is read.
        assert "\\" in text(tree) or "nested" in error.message  # noqa: PT017
        return
    assert "\\" in text(tree) or read == tree


@given(expressions)
def test_only_literals_and_fixed_names_reach_the_generated_source(tree: Expression) -> None:
    code = generate._Writer().write(tree, {}, lax=True).source
    bare = re.sub(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", "''", code)
    words = set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", bare))
    allowed = {"e", "and", "or", "not", "is", "in", "if", "else", "None", "True", "False"}
    allowed |= {"extensions", "get", "startswith", "endswith", "__class__"}
    allowed |= {"id", "source", "type", "subject", "time"}
    assert {word for word in words - allowed if not re.fullmatch("a[0-9]+", word)} <= {
        *generate._GLOBALS
    }


@pytest.mark.parametrize(
    ("deep", "right"),
    [("NOT (", ")"), ("(1 + ", ")"), ("(x XOR ", ")"), ("LOWER(", ")"), ("-(", ")"),
     ("(TRUE AND (x = ", "))"), ("(x NOT IN (", "))"), ("(y IN (1, x) OR ", ")"),
     ("(subject NOT LIKE 'a%b' AND ", ")")],
)  # fmt: skip
def test_the_deepest_expression_that_is_read_can_be_run(deep: str, right: str) -> None:
    levels = MAX_DEPTH
    while True:
        try:
            tree = parse(f"{deep * levels}x{right * levels}").expression
        except ParseError:
            levels -= 1
            continue
        break
    assert levels >= MAX_DEPTH // 3
    assert evaluator(tree)(EVENT).value == evaluate(tree, EVENT).value
    assert predicate(tree)(EVENT) is evaluate(tree, EVENT).passed


def test_writing_code_takes_time_linear_in_the_expression() -> None:
    nested = "x"
    for _ in range(MAX_DEPTH // 3):
        nested = f"(-({nested} = y) AND z)"
    tree = parse(nested).expression
    assert len(generate._Writer().write(tree, {}).source) < 20 * len(nested) + 1000


# --- like

wildcards = st.text("ab%_\\", max_size=8)


def oracle(one: str, wanted: str) -> bool:
    pieces: list[str] = []
    at = 0
    while at < len(wanted):
        if wanted[at] == "\\" and wanted[at + 1 : at + 2] in ("%", "_"):
            at += 1
            pieces.append(re.escape(wanted[at]))
        else:
            pieces.append({"%": ".*", "_": "."}.get(wanted[at]) or re.escape(wanted[at]))
        at += 1
    return re.fullmatch("".join(pieces), one, re.DOTALL) is not None


@thoroughly
@given(st.text("ab%_\\\n", max_size=8), wildcards)
def test_like_answers_as_a_regular_expression_would(one: str, wanted: str) -> None:
    assert like(one, wanted) is oracle(one, wanted)
    tree = Like(Literal(one), wanted)
    assert evaluator(tree)(EVENT).value is oracle(one, wanted)


def test_like_takes_time_linear_in_the_text() -> None:
    # Backtracking would try each of the wildcards at each of the characters: 10^40 steps.
    assert not like("a" * 100_000, "%a_" * 20 + "b")
    assert not like("a" * 100_000, "%a" * 20 + "%b")
    assert not like("a" * 100_000, f"%{'a' * 30}_b%c")


# --- events that came in headers, and in JSON


@pytest.mark.parametrize(
    "expression",
    ["hop = 5", "hop < 6", "NOT (hop = 6)", "flag = TRUE", "NOT flag = FALSE", "flag AND TRUE",
     "hop + 1 = 6", "hop IN (4, 5)", "hop = '5'", "flag = 'true'", "hop LIKE '5'", "EXISTS hop",
     "flag IN (TRUE)", "hop IN ('5')", "LENGTH(flag) = 4", "5 = hop", "TRUE = flag"],
)  # fmt: skip
def test_an_attribute_filters_alike_whether_typed_or_a_header(expression: str) -> None:
    """HTTP's headers hold strings; JSON holds Integers and Booleans."""
    typed: dict[str, AttributeValue] = {"hop": 5, "flag": True}
    strings: dict[str, AttributeValue] = {"hop": "5", "flag": "true"}
    for extensions in (typed, strings):
        event = Event(id="1", source="/a", type="a", extensions=extensions)
        assert outcome(expression, event) == Outcome(True)  # noqa: FBT003


def test_bytes_are_read_as_base64() -> None:
    event = Event(id="1", source="/a", type="a", extensions={"digest": b"\x00\xff"})
    assert outcome("digest", event).value == "AP8="
    assert outcome("digest LIKE 'AP8%'", event).passed


# --- what the kit does not ask


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("4-1", 3), ("hop-1", 4), ("4 -1", 3), ("2 - -1", 3), ("10 - 3 - 2", 5), ("2*-3", -6),
        ("-7 / 2", -3), ("7 / -2", -3), ("-7 % 3", -1), ("7 % -3", 1),
        ("FALSE AND TRUE OR TRUE", True), ("TRUE OR TRUE AND FALSE", False),
        ("TRUE XOR TRUE OR TRUE", True),
        ("'it''s' = \"it's\"", True), ("LENGTH('é😀')", 2), ("TRIM(' \t a \u3000')", "a"),
        ("TRIM('\x1fa')", "\x1fa"), ("SUBSTRING('abc', 0)", ""), ("RIGHT('abc', 0)", ""),
        ("SUBSTRING('abc', -2, 1)", "b"), ("'+07' = 7", True), ("ID = id", True),
        ("1 IN (2, '1', TRUE)", True), ("'a' NOT IN ('b')", True), ("-TRUE", -1),
        ("NOT FALSE = TRUE", True), ("'A' = 'a'", False), ("CONCAT(1, TRUE)", "1true"),
        ("EXISTS data", False),
    ],
)  # fmt: skip
def test_value(expression: str, value: object) -> None:
    found = outcome(expression)
    assert (found.value, type(found.value), kinds(found)) == (value, type(value), [])


@pytest.mark.parametrize(
    ("expression", "value", "kind"),
    [
        ("2147483647 + 1", 0, "math"), ("-2147483648 - 1", 0, "math"), ("65536 * 65536", 0, "math"),
        ("-(-2147483648)", 0, "math"), ("-2147483648 / -1", 0, "math"), ("7 % 0", 0, "math"),
        ("ABS(-2147483648) = 2147483647", False, "math"),
        ("LOWER(LEFT('A', -1))", "", "functionEvaluation"), ("RIGHT('A', -1)", "A", "functionEvaluation"),
        ("SUBSTRING('abc', 1, -1)", "", "functionEvaluation"),
        ("'2147483648' = 1", False, "cast"), ("'1 ' = 1", False, "cast"), ("'' + 1", 0, "cast"),
        ("1 IN (1, 'x')", False, "cast"), ("'x' AND TRUE", False, "cast"),
        ("nosuch", False, "missingAttribute"), ("nosuch = 'a' OR TRUE", False, "missingAttribute"),
        ("NOSUCH(1 / 0)", False, "missingFunction"), ("LENGTH()", False, "missingFunction"),
        ("CONCAT(1 / 0)", "", "math"), ("nosuch LIKE '%'", False, "missingAttribute"),
    ],
)  # fmt: skip
def test_error(expression: str, value: object, kind: str) -> None:
    found = outcome(expression)
    assert (found.value, kinds(found)) == (value, [kind])


def test_what_stands_behind_a_false_and_or_a_true_or_is_not_evaluated() -> None:
    assert outcome("FALSE AND 1 / 0 = 1") == Outcome(False)  # noqa: FBT003
    assert outcome("TRUE OR 1 / 0 = 1") == Outcome(True)  # noqa: FBT003


def test_all_errors_are_told_in_their_order() -> None:
    assert kinds(evaluate(parse("nosuch + 1 / 0").expression, EVENT)) == [
        "missingAttribute",
        "math",
    ]


def test_a_function_cannot_fill_the_memory() -> None:
    event = Event(id="x" * (MAX_TEXT // 2 + 1), source="/a", type="a")
    assert kinds(outcome("CONCAT(id, id)", event)) == ["functionEvaluation"]
    assert kinds(outcome("CONCAT_WS(id, 1, 2, 3)", event)) == ["functionEvaluation"]


def test_a_call_of_an_unknown_function_is_an_error_with_its_name() -> None:
    (fault,) = evaluate(Call("NOSUCH", ()), EVENT).faults
    assert fault.message == "there is no function NOSUCH"
    (fault,) = evaluate(Call("ABS", ()), EVENT).faults
    assert fault.message == "ABS does not take 0 arguments"


def test_values_of_different_types_are_different_literals() -> None:
    assert len({Literal(1), Literal(True), Literal("1"), Literal(1)}) == 3  # noqa: FBT003


def test_what_is_shown_of_a_long_part_is_cut() -> None:
    tree = parse(
        f"type IN ({', '.join(repr(f'order-{number}') for number in range(100))})"
    ).expression
    decided = decide(tree, EVENT)
    assert (len(decided.part), decided.part[-1]) == (201, "…")
