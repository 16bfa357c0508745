"""Reports for CI systems, read back as those systems read them."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.cli.report_formats import FORMATS, Checked, Finding, written

TEXT = st.text(max_size=30)
FINDING = st.builds(
    Finding,
    rule=st.text(min_size=1, max_size=12),
    message=TEXT,
    file=st.none() | st.text(min_size=1, max_size=12),
    line=st.none() | st.integers(1, 99),
    column=st.none() | st.integers(1, 99),
    where=TEXT,
    fix=TEXT,
    level=st.sampled_from(["error", "warning", "note"]),
)
CHECKED = st.lists(st.builds(Checked, TEXT, st.lists(FINDING, max_size=3)), max_size=4)
COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")

NARROWED = Finding(
    "TYPE_NARROWED", "number became integer", "s/order paid.json", 7, "/total", "keep number"
)


def unescaped(text: str) -> str:
    for code, character in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n")):
        text = text.replace(code, character)
    return text.replace("%25", "%")


def test_sarif_says_where_and_by_which_rule() -> None:
    log = json.loads(written("sarif", "chappe", [Checked("a"), Checked("b", [NARROWED])]))
    (run,) = log["runs"]
    (result,) = run["results"]
    (location,) = result["locations"]
    assert log["version"] == "2.1.0"
    assert run["tool"]["driver"]["rules"] == [{"id": "TYPE_NARROWED"}]
    assert (result["ruleId"], result["ruleIndex"], result["level"]) == ("TYPE_NARROWED", 0, "error")
    assert result["message"]["text"] == "/total: number became integer (fix: keep number)"
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "s/order%20paid.json"},
        "region": {"startLine": 7},
    }
    assert location["logicalLocations"] == [{"fullyQualifiedName": "/total"}]


def test_junit_has_a_case_for_each_thing_that_was_checked() -> None:
    text = written("junit", "chappe diff", [Checked("a"), Checked("b", [NARROWED, NARROWED])])
    suites = ElementTree.fromstring(text)
    (suite,) = suites
    good, bad = suite
    (failure,) = bad
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == (
        "chappe diff",
        "2",
        "1",
    )
    assert (good.get("name"), len(good), bad.get("name")) == ("a", 0, "b")
    assert failure.get("type") == "TYPE_NARROWED"
    assert (failure.text or "").count("s/order paid.json:7: TYPE_NARROWED") == 2


def test_github_gets_one_command_a_finding() -> None:
    text = written("github", "chappe", [Checked("a", [NARROWED])])
    assert text == (
        "::error file=s/order paid.json,line=7,title=chappe%3A TYPE_NARROWED::"
        "/total: number became integer (fix: keep number)\n"
    )
    assert written("github", "chappe", [Checked("a")]) == ""


def test_no_text_of_others_begins_a_command_of_its_own() -> None:
    finding = Finding("r", "ok\n::set-env name=A::b\r::stop::", "a,line=1::x")
    text = written("github", "chappe", [Checked("a", [finding])])
    assert text.count("\n") == 1
    assert COMMAND.fullmatch(text.rstrip("\n"))
    assert "file=a%2Cline=1%3A%3Ax" in text


@given(CHECKED)
def test_every_finding_is_in_every_report(checked: list[Checked]) -> None:
    found = [finding for one in checked for finding in one.findings]

    (run,) = json.loads(written("sarif", "t", checked))["runs"]
    assert [one["message"]["text"] for one in run["results"]] == [one.text for one in found]

    suites = ElementTree.fromstring(written("junit", "t", checked))
    assert len(suites.findall(".//testcase")) == len(checked)
    assert len(suites.findall(".//failure")) == sum(1 for one in checked if one.findings)

    commands = written("github", "t", checked).split("\n")[:-1]
    matched = [COMMAND.fullmatch(one) for one in commands]
    assert [unescaped(one[3]) for one in matched if one] == [one.text for one in found]


@pytest.mark.parametrize("format_", FORMATS)
def test_a_report_of_nothing_can_be_read(format_: str) -> None:
    text = written(format_, "t", [])  # type: ignore[arg-type]
    assert text == "" or text.endswith("\n")


@given(st.text(min_size=1, max_size=20))
def test_a_file_s_name_is_a_relative_uri(name: str) -> None:
    log = json.loads(written("sarif", "t", [Checked("a", [Finding("r", "m", name)])]))
    uri = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"][
        "uri"
    ]
    assert unquote(uri) == name.replace("\\", "/").removeprefix("./")
    assert ":" not in uri
