"""`chappe errors`: by code, type, status, or a whole answer; no hub is asked."""

from __future__ import annotations

import ast
import json
from importlib import import_module
from inspect import getsource
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chappe.cli.errors import explained
from chappe.cli.failures import exit_code, lines
from chappe.cli.main import root
from chappe.cli.session import Failed
from chappe.domain.error_guide import HUB
from chappe.domain.error_guide_registry import REGISTRY
from chappe.domain.errors import NotFound
from chappe.domain.lint_guide import LINTERS
from chappe.http.problems import problem
from chappe.registry.errors import RegistryError, document

XREGISTRY = "https://github.com/xregistry/spec/blob/main/core/"


def errors(*arguments: str, stdin: object = None) -> Result:
    given = None if stdin is None else stdin if isinstance(stdin, str) else json.dumps(stdin)
    return CliRunner().invoke(
        root, ["errors", *arguments], input=given, prog_name="chappe", standalone_mode=False
    )


@pytest.mark.parametrize(
    ("name", "apis"),
    [
        ("schema_mismatch", ["hub"]),
        ("urn:chappe:error:schema_mismatch", ["hub"]),
        (f"{XREGISTRY}spec.md#mismatched_epoch", ["registry"]),
        (f"{XREGISTRY}http.md#missing_body", ["registry"]),
        (f"{XREGISTRY}spec.md#not_found", ["registry"]),
        ("not_found", ["hub", "registry"]),
        ("40401", ["confluent"]),
        ("422", ["hub", *["confluent"] * 11]),
        ("409", ["hub", "hub", *["confluent"] * 6]),
        ("no-owner", ["lint"]),
        ("no-schema", ["lint", "lint"]),
    ],
)
def test_a_code_a_type_and_a_status_are_explained_of_each_api(name: str, apis: list[str]) -> None:
    assert [one.api for one in explained(name)] == apis


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("schema_missmatch", "did you mean schema_mismatch"),
        ("Schema-Mismatch", "did you mean schema_mismatch"),
        ("mismatched_epok", "did you mean mismatched_epoch"),
        ("no_ownr", "did you mean no-owner"),
        ("No Owner", "did you mean no-owner"),
        ("", "all of them: chappe errors ls"),
        ("qqqqqqq", "all of them: chappe errors ls"),
    ],
)
def test_of_a_code_that_there_is_not_it_names_what_is_like_it(name: str, meant: str) -> None:
    with pytest.raises(NotFound) as refused:
        explained(name)

    assert exit_code(refused.value) == 3
    assert meant in list(lines(refused.value))[-1]


def test_a_whole_answer_is_explained_with_what_it_says_itself() -> None:
    answer = problem(NotFound("there is no event 'none'")).body
    told = errors("explain", "-", stdin=answer.decode()).stdout

    assert "detail    there is no event 'none'" in told
    assert f"cure   {HUB['not_found'].cure}" in told


def test_an_answer_of_the_registry_is_explained_by_its_type() -> None:
    answer = document(RegistryError("mismatched_epoch", "/dirs/d1", bad_epoch=1, epoch=3))
    told = errors("explain", "-", stdin=answer).stdout

    assert "subject   /dirs/d1" in told
    assert f"cause  {REGISTRY['mismatched_epoch'].cause}" in told


def test_an_answer_of_the_confluent_api_is_explained_by_its_number() -> None:
    told = errors("explain", "-", stdin={"error_code": 40401, "message": "no such subject"}).stdout

    assert "message   no such subject" in told
    assert "40401  404  an error below /confluent" in told


def test_an_answer_of_a_stranger_does_not_move_the_cursor() -> None:
    told = errors("explain", "-", stdin={"code": "not_found", "detail": "a\x1b[2Jb"}).stdout

    assert "\x1b" not in told


@pytest.mark.parametrize("stdin", ["", "no json", "[]", "{}", '{"status": 404}', '"not_found"'])
def test_what_is_no_problem_is_refused(stdin: str) -> None:
    outcome = errors("explain", "-", stdin=stdin)

    assert isinstance(outcome.exception, Failed)
    assert exit_code(outcome.exception.error) == 2


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_for_programs_it_is_json(form: str) -> None:
    told = [
        json.loads(line)
        for line in errors("explain", "too_large", "-o", form).stdout.split("\n")
        if line
    ]
    wanted: dict[str, Any] = {"code": "too_large", "api": "hub", "status": 413}

    assert {name: told[0][name] for name in wanted} == wanted
    assert len(told) == 2


def test_the_list_has_every_code_once_and_narrows_by_api() -> None:
    listed = json.loads(errors("ls", "-o", "json").stdout)
    names = errors("ls", "--api", "registry", "-o", "name").stdout.split()

    assert len({(one["api"], one["linter"], one["code"]) for one in listed}) == len(listed)
    assert names == list(REGISTRY)
    assert errors("ls", "--api", "hub").stdout.splitlines()[0].split() == [
        "CODE", "API", "STATUS", "MEANING",
    ]  # fmt: skip


def test_a_rule_of_a_linter_is_explained_with_its_level_and_its_command() -> None:
    told = errors("explain", "no-schema").stdout

    assert "no-schema  error  a rule of chappe type lint\n" in told
    assert "no-schema  error  a rule of chappe schema lint\n" in told
    assert f"  why    {LINTERS['type lint']['no-schema'].why}\n" in told
    assert f"  cure   {LINTERS['type lint']['no-schema'].cure}\n" in told


def test_the_rules_of_linters_are_a_group_of_the_list() -> None:
    listed = [
        json.loads(x) for x in errors("ls", "--api", "lint", "-o", "jsonl").stdout.split("\n") if x
    ]

    assert [(one["linter"], one["code"], one["level"], one["status"]) for one in listed] == [
        (linter, code, one.level, None)
        for linter, rules in LINTERS.items()
        for code, one in rules.items()
    ]
    assert "type lint" in errors("ls", "--api", "lint").stdout


# Where a rule is named, in each module that finds something: function, number of the argument.
_NAMED = {
    "type lint": ("chappe.cli.type_lint", {"_found": 1}),
    "schema lint": ("chappe.cli.schema_lint", {"_remark": 2}),
    "hook lint": ("chappe.cli.hook_files", {"_told": 1, "Finding": 0}),
}


@pytest.mark.parametrize("linter", LINTERS)
def test_each_rule_that_a_linter_knows_is_explained(linter: str) -> None:
    module, functions = _NAMED[linter]
    named: set[str] = set()
    for node in ast.walk(ast.parse(getsource(import_module(module)))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in functions
        ):
            rule = node.args[functions[node.func.id]]
        elif isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
            rule = node.value.elts[1]
        else:
            continue
        if isinstance(rule, ast.Constant) and isinstance(rule.value, str):
            named.add(rule.value)

    assert named == set(LINTERS[linter])
