"""CESQL 1.0: the specification's conformance kit (cesql_tck), through both ways of evaluating.

The kit's files stand in ../shared/vectors/cesql, or where CHAPPE_CESQL_TCK says. What differs from
it on purpose is listed, with the reason, in cesql_divergences.json.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from chappe.domain.cesql.evaluate import Outcome, evaluate
from chappe.domain.cesql.generate import evaluator, predicate
from chappe.domain.event import Event
from chappe.formats import cloudevents_json
from chappe.formats.cesql_parser import ParseError, parse

KIT = Path(
    os.environ.get("CHAPPE_CESQL_TCK")
    or Path(__file__).parents[2].parent / "shared" / "vectors" / "cesql"
)
CASES = 275
ANY = {"specversion": "1.0", "id": "A-1", "source": "/any", "type": "any.event"}
DIVERGENCES = json.loads(Path(__file__).with_name("cesql_divergences.json").read_text())


class _Loader(yaml.SafeLoader):
    """YAML whose timestamps are strings, as those of JSON are."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, fits) for tag, fits in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Case:
    file: str
    name: str
    expression: str
    result: Any
    error: str | None
    event: Event

    def __str__(self) -> str:
        return f"{self.file.removesuffix('.yaml')}: {self.name}"


def _cases() -> list[Case]:
    return [case for file in sorted(KIT.glob("*.yaml")) for case in _of(file)]


def _of(file: Path) -> list[Case]:
    text = file.read_text()
    found = yaml.load(text, _Loader)["tests"]
    # A plain load would make a Boolean of the expression TRUE: take it as it is written.
    raw = yaml.load(text, yaml.BaseLoader)["tests"]
    return [
        Case(
            file.name,
            one["name"] if isinstance(one["name"], str) else as_written["name"],
            as_written["expression"],
            one.get("result"),
            one.get("error"),
            _event({**(one.get("event") or ANY), **one.get("eventOverrides", {})}),
        )
        for one, as_written in zip(found, raw, strict=True)
    ]


def _event(attributes: dict[str, Any]) -> Event:
    event = cloudevents_json.decode(json.dumps(attributes).encode())
    assert isinstance(event, Event)
    return event


def _walked(text: str, event: Event) -> Outcome:
    return evaluate(parse(text).expression, event)


def _generated(text: str, event: Event) -> Outcome:
    return evaluator(parse(text).expression)(event)


def _answer(case: Case, run: Callable[[str, Event], Outcome]) -> dict[str, Any]:
    try:
        outcome = run(case.expression, case.event)
    except ParseError:
        return {"error": "parse"}
    kinds = {fault.kind for fault in outcome.faults}
    assert len(kinds) <= 1
    return {"result": outcome.value, **({"error": kinds.pop()} if kinds else {})}


def _wanted(case: Case) -> dict[str, Any]:
    for one in DIVERGENCES:
        if (one["file"], one["name"], one["expression"]) == (case.file, case.name, case.expression):
            assert one["kit"] == {"result": case.result, "error": case.error}
            return dict(one["ours"])
    if case.error == "parse":
        return {"error": "parse"}
    wanted = {"error": case.error} if case.error else {}
    return wanted if case.result is None else {"result": case.result, **wanted}


needs_kit = pytest.mark.skipif(
    not KIT.is_dir(), reason=f"{KIT} is not there: the CESQL kit is not run (CHAPPE_CESQL_TCK)"
)


@needs_kit
def test_the_kit_is_whole() -> None:
    cases = _cases()
    assert len(cases) == CASES
    listed = {(one["file"], one["name"]) for one in DIVERGENCES}
    assert listed <= {(case.file, case.name) for case in cases}
    assert len(DIVERGENCES) == 1


@needs_kit
@pytest.mark.parametrize("run", [_walked, _generated], ids=["tree", "generated"])
@pytest.mark.parametrize("case", _cases() if KIT.is_dir() else [], ids=str)
def test_kit(case: Case, run: Callable[[str, Event], Outcome]) -> None:
    answer, wanted = _answer(case, run), _wanted(case)
    if "result" not in wanted:
        answer.pop("result", None)
    assert answer == wanted
    assert type(answer.get("result")) is type(wanted.get("result"))


@needs_kit
@pytest.mark.parametrize("case", _cases() if KIT.is_dir() else [], ids=str)
def test_kit_as_a_filter(case: Case) -> None:
    """cesql/spec.md 1.2: TRUE without an error passes, nothing else does."""
    wanted = _wanted(case)
    if wanted.get("error") == "parse":
        with pytest.raises(ParseError):
            parse(case.expression)
    else:
        passes = wanted.get("result") is True and "error" not in wanted
        assert predicate(parse(case.expression).expression)(case.event) is passes
