"""Verdicts in the forms that CI systems read: SARIF 2.1.0, JUnit's XML, GitHub's workflow commands.

Each thing that was checked has the findings about it; none means that it passed. Nothing but text comes
out of here: `written("sarif", "chappe schema check", [Checked("order.paid", findings)])`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape  # xml.sax would load urllib and http
from typing import Any, Final, Literal, TypeAlias, TypeVar
from urllib.parse import quote

import click

from chappe import __version__
from chappe.cli.render import printable

Format: TypeAlias = Literal["sarif", "junit", "github"]
Level: TypeAlias = Literal["error", "warning", "note"]

FORMATS: Final[tuple[Format, ...]] = ("sarif", "junit", "github")
_SARIF: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_COMMANDS: Final[Mapping[Level, str]] = {"error": "error", "warning": "warning", "note": "notice"}

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong: the rule, in words, and where.

    `file` is a path as the user named it; `line` and `column` count from 1, in code points; `where`
    is a pointer or an xid.
    """

    rule: str
    message: str
    file: str | None = None
    line: int | None = None
    where: str = ""
    fix: str = ""
    level: Level = "error"
    column: int | None = None

    @property
    def text(self) -> str:
        """All that a person is told of it, on one line."""
        told = not self.where or self.message.startswith(self.where)
        place = "" if told else f"{self.where}: "
        fix = f" (fix: {self.fix})" if self.fix else ""
        return f"{place}{self.message}{fix}"


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that was checked, and what was found; nothing: it is well."""

    name: str
    findings: Sequence[Finding] = ()


def report_option(command: F) -> F:
    """The option --format of a command that judges; the command is given it as `report`."""
    return click.option(
        "--format",
        "report",
        type=click.Choice(FORMATS),
        help="Print the verdict for a CI system instead: as SARIF, JUnit's XML or GitHub annotations.",
    )(command)


def written(format: Format, tool: str, checked: Sequence[Checked]) -> str:
    """The report, with a line end; GitHub's form is empty where nothing was found."""
    match format:
        case "sarif":
            return json.dumps(_sarif(checked), indent=2, ensure_ascii=False) + "\n"
        case "junit":
            return "".join(f"{line}\n" for line in _junit(tool, checked))
        case "github":
            return "".join(f"{line}\n" for line in _github(tool, checked))


def _all(checked: Sequence[Checked]) -> list[Finding]:
    return [finding for one in checked for finding in one.findings]


def _sarif(checked: Sequence[Checked]) -> dict[str, Any]:
    found = _all(checked)
    rules = list(dict.fromkeys(one.rule for one in found))
    driver = {
        "name": "chappe",
        "semanticVersion": __version__,
        "rules": [{"id": rule} for rule in rules],
    }
    results = [
        {
            "ruleId": one.rule,
            "ruleIndex": rules.index(one.rule),
            "level": one.level,
            "message": {"text": one.text},
            **_locations(one),
        }
        for one in found
    ]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SARIF, "version": "2.1.0", "runs": [run]}


def _locations(one: Finding) -> dict[str, Any]:
    location: dict[str, Any] = {}
    if one.file is not None:
        # A URI reference (SARIF 3.4.3): relative, so that the reader's root counts.
        uri = quote(one.file.replace("\\", "/").removeprefix("./"))
        column = {"startColumn": one.column} if one.column else {}
        region = {"region": {"startLine": one.line, **column}} if one.line else {}
        location["physicalLocation"] = {"artifactLocation": {"uri": uri}, **region}
    if one.where:
        location["logicalLocations"] = [{"fullyQualifiedName": one.where}]
    return {"locations": [location]} if location else {}


def _junit(tool: str, checked: Sequence[Checked]) -> Iterator[str]:
    failed = sum(1 for one in checked if one.findings)
    counts = f'tests="{len(checked)}" failures="{failed}" errors="0"'
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f"<testsuites {counts}>"
    yield f"  <testsuite name={_attribute(tool)} {counts}>"
    for one in checked:
        case = f"    <testcase classname={_attribute(tool)} name={_attribute(one.name)}"
        if not one.findings:
            yield f"{case}/>"
            continue
        yield f"{case}>"
        first = one.findings[0]
        yield f"      <failure type={_attribute(first.rule)} message={_attribute(first.text)}>"
        for finding in one.findings:
            yield escape(_xml(f"{place(finding)}{finding.rule}: {finding.text}"))
        yield "</failure>"
        yield "    </testcase>"
    yield "  </testsuite>"
    yield "</testsuites>"


def place(finding: Finding) -> str:
    """Where it is, as compilers say it: "orders.json:3:14: "; nothing where no file is known."""
    if finding.file is None:
        return ""
    known = [str(one) for one in (finding.file, finding.line, finding.column) if one]
    return f"{':'.join(known)}: "


def _attribute(text: str) -> str:
    return f'"{escape(_xml(text))}"'


def _xml(text: str) -> str:
    """The text without what XML 1.0 cannot hold (2.2 Char), and on one line."""
    return printable(text)


def _github(tool: str, checked: Sequence[Checked]) -> Iterator[str]:
    for one in _all(checked):
        given = {
            "file": one.file.removeprefix("./") if one.file else None,
            "line": str(one.line) if one.file and one.line else None,
            "col": str(one.column) if one.file and one.line and one.column else None,
            "title": f"{tool}: {one.rule}",
        }
        properties = ",".join(
            f"{name}={_escaped(value, more=True)}" for name, value in given.items() if value
        )
        yield f"::{_COMMANDS[one.level]} {properties}::{_escaped(one.text)}"


def _escaped(text: str, *, more: bool = False) -> str:
    # A line end would begin another command; in a property, so would "," and ":" another property.
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if more else text
