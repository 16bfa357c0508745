"""What an HTTP answer means for a delivery."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.adapters.sinks.http_answers import excerpt, outcome_of, retry_after_s
from chappe.domain.delivery import Delivered, Failed, Gone, Refused

NOW_S = 1_790_000_000.0  # Mon, 21 Sep 2026 14:13:20 GMT


@pytest.mark.parametrize("status", [200, 201, 202, 204, 226, 299])
def test_2_2_every_2xx_is_delivered(status: int) -> None:
    assert outcome_of(status, [], b"", now_s=NOW_S) == Delivered(status)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_2_2_a_redirect_is_refused_and_says_where_it_led(status: int) -> None:
    outcome = outcome_of(status, [(b"Location", b"https://evil.example/")], b"", now_s=NOW_S)
    assert outcome == Refused(
        status, "a redirect to 'https://evil.example/', which is not followed"
    )


def test_a_redirect_without_a_location_is_refused() -> None:
    assert outcome_of(304, [], b"", now_s=NOW_S) == Refused(
        304, "a redirect, which is not followed"
    )


@pytest.mark.parametrize("status", [404, 408, 409, 425, 429, 500, 502, 503, 504, 599])
def test_a_status_that_may_pass_is_failed(status: int) -> None:
    outcome = outcome_of(status, [(b"Retry-After", b"7")], b"", now_s=NOW_S)
    assert isinstance(outcome, Failed)
    assert (outcome.status, outcome.retry_after_s) == (status, 7.0)
    assert outcome.reason.startswith(str(status))


def test_2_2_gone_ends_the_subscription() -> None:
    assert outcome_of(410, [], b"<html>", now_s=NOW_S) == Gone(410, "gone")


@pytest.mark.parametrize("status", [400, 401, 403, 405, 413, 415, 422, 451, 499])
def test_another_4xx_is_refused(status: int) -> None:
    outcome = outcome_of(status, [], b"no such order", now_s=NOW_S)
    assert isinstance(outcome, Refused)
    assert outcome.status == status
    assert outcome.reason.endswith("no such order")


@pytest.mark.parametrize("status", [0, 99, 600, 999])
def test_a_status_that_is_none_of_http_is_failed(status: int) -> None:
    expected = Failed(f"the answer's status {status} is none of HTTP", status)
    assert outcome_of(status, [], b"", now_s=NOW_S) == expected


def test_a_failure_explains_itself_with_phrase_and_body() -> None:
    outcome = outcome_of(503, [], b'{"error":"down"}', now_s=NOW_S)
    assert outcome == Failed('503 Service Unavailable: {"error":"down"}', 503)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"0", 0.0),
        (b"120", 120.0),
        (b" 5 ", 5.0),
        (b"9999999999", 9_999_999_999.0),
        (b"Mon, 21 Sep 2026 14:14:20 GMT", 60.0),
        (b"Monday, 21-Sep-26 14:14:20 GMT", 60.0),
        (b"Mon, 21 Sep 2026 14:12:20 GMT", 0.0),
    ],
)
def test_rfc_9110_10_2_3_retry_after_is_seconds_or_a_date(value: bytes, seconds: float) -> None:
    assert retry_after_s([(b"retry-after", value)], now_s=NOW_S) == seconds


@pytest.mark.parametrize(
    "value",
    [b"", b"-1", b"1.5", b"1e3", b"soon", b"9" * 5000, b"\xd9\xa3", b"Mon, 99 Sep 2026", b"\xff"],
)
def test_a_retry_after_that_is_neither_is_ignored(value: bytes) -> None:
    assert retry_after_s([(b"Retry-After", value)], now_s=NOW_S) is None


def test_without_retry_after_nothing_is_asked() -> None:
    assert retry_after_s([(b"Date", b"x")], now_s=NOW_S) is None


def test_an_excerpt_has_no_control_characters_and_no_broken_text() -> None:
    assert excerpt(b"\x1b[31mred\r\nforged log line\xff\x00 \xe2\x80\xaeend") == (
        "[31mred forged log line� end"
    )


def test_an_excerpt_is_at_most_500_bytes() -> None:
    assert excerpt(b"x" * 10_000) == "x" * 500


@given(
    status=st.integers(0, 999),
    headers=st.lists(st.tuples(st.sampled_from([b"retry-after", b"location"]), st.binary())),
    body=st.binary(max_size=600),
)
def test_every_answer_has_an_outcome(
    status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    outcome = outcome_of(status, headers, body, now_s=NOW_S)
    match outcome:
        case Delivered():
            assert 200 <= status < 300
        case Refused(reason=reason):
            assert reason.isprintable()
        case Failed(reason=reason, retry_after_s=asked_s):
            assert reason.isprintable()
            assert asked_s is None or asked_s >= 0.0


@given(st.text(max_size=60))
def test_any_text_in_retry_after_is_survived(text: str) -> None:
    asked_s = retry_after_s([(b"Retry-After", text.encode())], now_s=NOW_S)
    assert asked_s is None or asked_s >= 0.0
