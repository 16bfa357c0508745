"""Log lines, sums, caps and counters."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from chappe.kit.any_json import encode_json
from chappe.kit.counters import Histogram
from chappe.kit.wide_event import Cap, Format, Summary, setup, wide


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], level = before
    root.setLevel(level)


def lines(format_: Format, level: str = "info") -> io.StringIO:
    out = io.StringIO()
    setup(format_, level, stream=out)
    return out


def test_a_json_line_holds_every_field() -> None:
    out = lines("json")
    logging.getLogger("chappe.x").info("request", extra=wide(path="/e", status=200, by=None))
    line = json.loads(out.getvalue())
    assert line.pop("at").endswith("Z")
    assert line == {
        "level": "info", "logger": "chappe.x", "event": "request", "path": "/e", "status": 200,
    }  # fmt: skip


def test_what_is_no_terminal_gets_json() -> None:
    out = lines("auto")
    logging.getLogger("chappe.x").warning("w")
    assert json.loads(out.getvalue())["event"] == "w"


def test_a_text_line_is_short() -> None:
    out = lines("text")
    logging.getLogger("chappe.x").info("request", extra=wide(path="/e", why="a b", ms=1.23456))
    assert out.getvalue()[9:] == 'info    request path=/e why="a b" ms=1.235\n'


@pytest.mark.parametrize("format_", ["json", "text"])
def test_a_traceback_is_kept(format_: Format) -> None:
    out = lines(format_)
    try:
        raise KeyError("deep")
    except KeyError:
        logging.getLogger("chappe.x").exception("failed")
    assert "Traceback" in out.getvalue()
    assert "deep" in out.getvalue()


def test_a_level_keeps_lower_ones_out() -> None:
    out = lines("json", "warning")
    logging.getLogger("chappe.x").info("quiet")
    assert out.getvalue() == ""


def test_text_that_is_no_unicode_is_logged_all_the_same() -> None:
    assert json.loads(encode_json({"a": "\ud800", "b": object})) is not None


def test_a_cap_counts_what_it_leaves_out() -> None:
    cap = Cap(limit=2)
    assert [cap.take(1.0), cap.take(1.1), cap.take(1.2), cap.take(1.9)] == [0, 0, None, None]
    assert [cap.take(2.0), cap.take(2.1)] == [2, 0]


def test_a_summary_tells_numbers_and_quantiles() -> None:
    summary = Summary()
    for _ in range(99):
        summary.accepted(1, 0, 100, 0.004)
    summary.accepted(2, 1, 50, 0.9)
    summary.refused("invalid_event")
    assert summary.fields() == wide(
        events=101, duplicates=1, bytes=9950, rejected={"invalid_event": 1}, p50_ms=5.0, p99_ms=5.0
    )


def test_a_histogram_without_values_has_no_quantile() -> None:
    assert Histogram().quantile_s(0.5) is None


def test_a_value_on_a_bound_belongs_to_its_bucket_and_one_beyond_all_to_the_last() -> None:
    histogram = Histogram((1.0, 2.0))
    for seconds in (1.0, 1.5, 99.0):
        histogram.observe(seconds)
    assert (histogram.counts, histogram.total, histogram.sum_s) == ([1, 1, 1], 3, 101.5)
    assert histogram.quantile_s(1.0) == 2.0
