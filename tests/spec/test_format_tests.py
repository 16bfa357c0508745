"""The format tests of cloudevents/conformance (branch format-tests), each against its codec.

CHAPPE_CE_CONFORMANCE names a checkout of that branch. What comes out otherwise than there is told,
with its reason and section, stands in format_tests_divergences.json.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from google.protobuf import json_format
from lxml import etree

from chappe.domain.errors import CallerError
from chappe.domain.event import Event
from chappe.formats.event_formats import Format, named
from tests.spec.conformance_checkout import folder
from tests.spec.golden_events import BATCHES, EVENTS, seen
from tests.spec.official_proto import classes

COUNTS: Final = {
    ("json", "ValidSingleEvent"): 10,
    ("json", "InvalidSingleEvent"): 25,
    ("json", "ValidBatch"): 5,
    ("json", "InvalidBatch"): 3,
    ("xml", "ValidSingleEvent"): 10,
    ("xml", "InvalidSingleEvent"): 53,
    ("xml", "ValidBatch"): 8,
    ("xml", "InvalidBatch"): 7,
    ("protobuf", "ValidSingleEvent"): 6,
    ("protobuf", "InvalidSingleEvent"): 20,
    ("protobuf", "ValidBatch"): 5,
    ("protobuf", "InvalidBatch"): 2,
}
"""How many there are: 154."""

_FILES: Final = ("valid-events", "invalid-events", "valid-batches", "invalid-batches")
_DIVERGENCES: Final = Path(__file__).with_name("format_tests_divergences.json")


@dataclass(frozen=True, slots=True)
class Case:
    """One test: what it is called, what it is about, and the body."""

    id: str
    kind: str
    sample: str | None
    body: bytes


def _cases(name: str) -> list[Case]:
    cases_of = folder("format") / name
    read = {"json": _json_cases, "xml": _xml_cases, "protobuf": _protobuf_cases}[name]
    suffix = "xml" if name == "xml" else "json"
    return [case for file in _FILES for case in read((cases_of / f"{file}.{suffix}").read_bytes())]


def _json_cases(text: bytes) -> list[Case]:
    whole = json.loads(text.decode("utf-8-sig"))
    return [
        Case(
            one["id"],
            one.get("testType", whole["testType"]),
            one.get("sampleId"),
            json.dumps(one["event"] if "event" in one else one["batch"]).encode(),
        )
        for one in whole["tests"]
    ]


def _xml_cases(text: bytes) -> list[Case]:
    root = etree.fromstring(text, etree.XMLParser(strip_cdata=False))
    return [
        Case(
            test.attrib["id"],
            test.get("testType", root.attrib["testType"]),
            test.get("sampleId"),
            etree.tostring(next(test.iterchildren("*")), with_tail=False),
        )
        for test in root.iterchildren("test")
    ]


def _protobuf_cases(text: bytes) -> list[Case]:
    event_class, batch_class = classes()
    kinds: dict[str, tuple[str, Any]] = {
        "validSingle": ("ValidSingleEvent", event_class),
        "invalidSingle": ("InvalidSingleEvent", event_class),
        "validBatch": ("ValidBatch", batch_class),
        "invalidBatch": ("InvalidBatch", batch_class),
    }
    cases: list[Case] = []
    for one in json.loads(text.decode("utf-8-sig"))["tests"]:
        key = next(key for key in kinds if key in one)
        kind, message_class = kinds[key]
        message = json_format.ParseDict(one[key], message_class())
        cases.append(Case(one["id"], kind, one.get("sampleId"), message.SerializeToString()))
    return cases


def _outcome(format: Format, case: Case) -> str:
    """What happened, where it is not "as told"."""
    read = format.decode_batch if case.kind.endswith("Batch") else format.decode
    try:
        found = read(case.body)
    except CallerError as error:
        return f"refused: {error.message}" if case.kind.startswith("Valid") else "as told"
    if case.kind.startswith("Invalid"):
        return "accepted"
    if case.sample is None:
        return "as told"
    if isinstance(found, Event):
        got: Sequence[Event] = [found]
        expected: Sequence[Event] = [EVENTS[case.sample]]
    else:
        got, expected = found, BATCHES[case.sample]
    typed = format.name != "json"
    same = [seen(one, typed=typed) for one in got] == [seen(one, typed=typed) for one in expected]
    return "as told" if same else f"read as {found}"


@pytest.mark.parametrize("name", ["json", "xml", "protobuf"])
def test_the_format_tests_come_out_as_told(name: str) -> None:
    cases = _cases(name)
    counts = {(name, kind): 0 for of, kind in COUNTS if of == name}
    for case in cases:
        counts[name, case.kind] += 1
    assert counts == {key: count for key, count in COUNTS.items() if key[0] == name}

    outcomes = {case.id: _outcome(named(name), case) for case in cases}
    reviewed = json.loads(_DIVERGENCES.read_text())[name]
    otherwise = {id: outcome for id, outcome in outcomes.items() if outcome != "as told"}
    assert otherwise == {id: one["outcome"] for id, one in reviewed.items()}
