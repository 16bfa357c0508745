"""The verdicts of `chappe check`, and the forms that they are told in."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from chappe.cli import check_forms
from chappe.cli.check_measures import (
    MEASURES,
    Checked,
    Kind,
    Measure,
    judged,
    limits,
    number,
    shown,
    worst,
)
from chappe.cli.check_read import Asked, samples

SUB = MEASURES["sub"]
HUB = MEASURES["hub"]
DOCS = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("measure", "text", "value"),
    [
        (SUB["age"], "90", 90.0),
        (SUB["age"], "90s", 90.0),
        (SUB["age"], "500ms", 0.5),
        (SUB["age"], "2h", 7200.0),
        (SUB["age"], "1d", 86_400.0),
        (SUB["failures"], "10%", 10.0),
        (SUB["failures"], "0.5", 0.5),
        (SUB["lag"], "1000", 1000.0),
        (HUB["free"], "5GB", 5e9),
        (HUB["free"], "5GiB", 5 * 2**30),
        (HUB["free"], "1024", 1024.0),
    ],
)
def test_a_limit_has_the_unit_of_its_measure(measure: Measure, text: str, value: float) -> None:
    assert number(measure, text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("sub", "lag"), ("sub", "lagg=1"), ("sub", "lag=1x"), ("sub", "lag=-1"), ("sub", "lag="),
        ("sub", "age=5 minutes"), ("sub", "failures=5s"), ("hub", "free=5PB"), ("hub", "lag=1"),
        ("sub", "lag=1e99"), ("sub", "age=" + "9" * 40),
    ],
)  # fmt: skip
def test_what_is_no_limit_is_refused(kind: Kind, text: str) -> None:
    with pytest.raises(ValueError, match=r"measures of a|no limit, such as"):
        limits(kind, [text])


@pytest.mark.parametrize(
    ("value", "status"), [(0.0, "ok"), (299.9, "ok"), (300.0, "warn"), (3600.0, "crit")]
)
def test_a_number_is_too_much_from_its_limit_on(value: float, status: str) -> None:
    assert judged(SUB["age"], value).status == status


@pytest.mark.parametrize(("value", "status"), [(2e9, "ok"), (1e9, "crit"), (0.0, "crit")])
def test_of_a_floor_too_little_is_bad(value: float, status: str) -> None:
    assert judged(HUB["free"], value).status == status


@pytest.mark.parametrize(
    ("state", "status"),
    [("active", "ok"), ("catching-up", "ok"), ("retrying", "ok"), ("paused", "warn"),
     ("awaiting grant", "warn"), ("disabled", "crit"), ("behind-retention", "crit"),
     ("unknown", "unknown")],
)  # fmt: skip
def test_a_state_has_a_verdict_of_its_own(state: str, status: str) -> None:
    assert judged(SUB["state"], state).status == status


def test_limits_that_are_given_stand_for_the_measure_s_own() -> None:
    assert judged(SUB["state"], "paused", warn="off").status == "ok"
    assert judged(SUB["state"], "paused", crit="paused, retrying").status == "crit"
    assert judged(SUB["dead"], 5.0, warn="off").status == "ok"
    assert judged(SUB["dead"], 5.0, crit="5").status == "crit"


@given(value=st.floats(0, 1e9), warn=st.integers(0, 10**9), crit=st.integers(0, 10**9))
def test_what_is_critical_is_never_told_as_a_warning(value: float, warn: int, crit: int) -> None:
    one = judged(SUB["lag"], value, warn=str(warn), crit=str(crit))

    assert (one.status == "crit") == (value >= crit)
    assert (one.status == "ok") == (value < crit and value < warn)


def test_it_is_counted_as_far_as_the_highest_limit() -> None:
    asked = Asked({"dead": "off"}, {"dead": "5000"}, timedelta())

    assert asked.highest("sub", "dead") == 5000
    assert Asked({}, {"dead": "off"}, timedelta()).highest("sub", "dead") == 0


def test_the_gravest_counts() -> None:
    assert worst([]) == "ok"
    assert worst(["ok", "warn"]) == "warn"
    assert worst(["unknown", "warn"]) == "unknown"
    assert worst(["unknown", "crit", "ok"]) == "crit"


BILLING = Checked(
    "sub",
    "billing",
    [
        judged(SUB["state"], "active"),
        judged(SUB["lag"], 12.0, warn="10"),
        judged(SUB["age"], 4000.0),
    ],
    note="503 | upstream\ntimeout",
)
CRM = Checked("sub", 'c"r=m', [judged(SUB["lag"], 0.0)])
GONE = Checked("sub", "gone", error="subscription 'gone': there is none", code=3)
# https://www.monitoring-plugins.org/doc/guidelines.html#AEN197
DATUM = re.compile(r"'(?:[^'=]|'')+'=-?[\d.]+(s|%|B|)(;[\d.]*:?){2}")


def test_a_plugin_says_one_line_and_its_performance_data() -> None:
    (line,) = check_forms.nagios([BILLING])
    said, _, data = line.partition(" | ")

    assert said.startswith("CHAPPE CRITICAL - sub billing: lag 12 events, age 1 h 6 min")
    assert "|" not in said
    assert data == "'lag'=12;10; 'age'=4000s;300;3600"


def test_of_several_the_plugin_names_the_gravest_and_lists_all() -> None:
    first, *others = check_forms.nagios([CRM, BILLING, GONE])

    assert first.startswith("CHAPPE CRITICAL - sub billing:")
    assert [one.partition(":")[0] for one in others] == ["OK", "CRITICAL", "UNKNOWN"]
    for datum in re.findall(r"'[^']*'=\S+", first.partition(" | ")[2]):
        assert DATUM.fullmatch(datum), datum


@pytest.mark.parametrize(
    ("checked", "code"), [([CRM], 0), ([BILLING], 2), ([GONE], 3), ([GONE, BILLING], 2), ([], 0)]
)
def test_a_plugin_s_exit_code_is_the_guidelines(checked: list[Checked], code: int) -> None:
    assert check_forms.NAGIOS[worst([one.status for one in checked])] == code


def test_a_hub_that_does_not_answer_is_critical_itself() -> None:
    assert Checked("hub", "x", error="no answer", code=6, answers=False).status == "crit"


def test_prometheus_can_read_its_form() -> None:
    text = "\n".join([*check_forms.prometheus([BILLING, CRM, GONE]), ""])
    found = {
        (one.name, *one.labels.values()): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }

    assert found["chappe_check_status", "sub", "billing"] == 2
    assert found["chappe_check_status", "sub", 'c"r=m'] == 0
    assert found["chappe_check_status", "sub", "gone"] == 3
    assert found["chappe_check_value", "sub", "billing", "lag"] == 12
    assert ("chappe_check_value", "sub", "billing", "state") not in found


def test_people_read_each_measure_with_its_limits() -> None:
    lines = list(check_forms.text([BILLING, GONE]))

    assert lines[0].startswith("CRITICAL  sub billing")
    assert "  crit    age    1 h 6 min  (warn 5 min, crit 1 h)" in lines
    assert lines[-1] == "UNKNOWN   sub gone  subscription 'gone': there is none"


def test_programs_read_json() -> None:
    (line,) = check_forms.as_json([BILLING, GONE])
    told = json.loads(line)

    assert (told["status"], told["checks"][1]["error"]) == ("crit", GONE.error)
    assert told["checks"][0]["measures"][1] == {
        "name": "lag", "status": "warn", "value": 12.0, "unit": "count", "warn": 10.0, "crit": None,
    }  # fmt: skip


def test_numbers_are_shown_with_their_units() -> None:
    assert shown(SUB["lag"], 1.0) == "1 event"
    assert shown(HUB["answer"], 0.031) == "31 ms"
    assert shown(HUB["free"], 69.6e9) == "69.6 GB"


def test_samples_are_read_by_name_and_by_the_one_label() -> None:
    text = (
        "# HELP chappe_x y\nchappe_disk_free_bytes 6.9e+10\nprocess_x 1\n"
        'chappe_channel_size_bytes{channel="a b"} 311.0\nchappe_two{a="1",b="2"} 3\n'
    )

    assert samples(text) == {("disk_free_bytes", ""): 6.9e10, ("channel_size_bytes", "a b"): 311.0}


@pytest.mark.parametrize("kind", ["hub", "sub"])
def test_the_page_tells_the_measures_with_their_limits(kind: Kind) -> None:
    section = DOCS.split(f"### `chappe check {kind}`")[1].split("\n### ")[0]
    rows = [
        [cell.strip(" `") for cell in line.strip("|").split("|")]
        for line in re.findall(r"^\| `[\w-]+` \|.*$", section, re.M)
    ]
    plain = [(row[0], row[2], row[3]) for row in rows if len(row) == 4]

    assert plain == [(one.name, one.warn or "", one.crit or "") for one in MEASURES[kind].values()]
