"""`chappe sub explain`, and what `chappe sub create` says of filters."""

from __future__ import annotations

import json
import time

import pytest
from cli_process import Cli, chappe, name

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]

__all__ = ["chappe", "name"]  # fixtures

SINK = ("--to", "http://127.0.0.1:9/")


def event(type_: str, **attributes: object) -> str:
    one = {"specversion": "1.0", "id": "A-1", "source": "/shop", "type": type_, **attributes}
    return json.dumps(one)


def test_who_would_get_an_event_is_told_with_the_reason(chappe: Cli, name: str) -> None:
    made = chappe("sub", "create", "--no-test", *SINK, "--sql", f"type = '{name}' AND hop < 5")
    near = made.out.strip()
    other = chappe(
        "sub", "create", "--no-test", *SINK, "--type", name, "--filter", "exact:subject=eu"
    ).out.strip()
    only = ("--sub", near, "--sub", other)
    (chappe.home / "event.json").write_text(event(name, hop=4, subject="us"))
    screen = chappe("sub", "explain", "event.json", *only)
    assert (made.code, made.err, screen.code) == (0, "", 0)
    assert screen.lines[0] == f"{name}  A-1  from /shop   channel default"
    told = {line.split()[0]: line for line in screen.lines[1:]}
    assert "✓ gets it   sql(hop < 5) decided; the event has '4'" in told[near]
    assert "- does not  exact(subject)='eu' decided; the event has 'us'" in told[other]
    names = chappe("sub", "explain", "-", *only, "-o", "name", stdin=event(name, hop=4))
    assert names.lines == [near]
    lines = chappe("sub", "explain", "event.json", *only, "-o", "jsonl").lines
    assert [json.loads(line)["subscription"] for line in lines] == [near, other]
    for id_ in (near, other):
        chappe("sub", "rm", id_, "--yes")


def test_a_stored_event_is_explained_by_its_position_and_a_clear_no_is_1(
    chappe: Cli, name: str
) -> None:
    id_ = chappe(
        "sub", "create", "--no-test", *SINK, "--sql", f"type = '{name}' AND EXISTS hop"
    ).out.strip()
    position = chappe("event", "send", "--type", name).out.strip()
    found = chappe("sub", "explain", position, "--sub", id_)
    assert found.code == 1
    assert "- does not  sql(EXISTS hop) decided; the event has no such attribute" in found.out
    assert chappe("sub", "explain", position, "--sub", "none").code == 3
    assert chappe("sub", "explain", "0-999999-0", "--sub", id_).code == 3
    chappe("sub", "rm", id_, "--yes")


def test_more_than_one_event_is_wrong_usage(chappe: Cli) -> None:
    found = chappe("sub", "explain", "-", stdin=f"{event('a')}\n{event('b')}\n")
    assert (found.code, "- holds 2 events" in found.err) == (2, True)


def test_an_expression_that_is_none_is_shown_with_a_mark(chappe: Cli) -> None:
    refused = chappe("sub", "create", "--no-test", *SINK, "--sql", "type = 'a' AND")
    assert refused.code == 1
    assert "filters/0/sql: at offset 14: " in refused.err
    assert "       type = 'a' AND\n                     ^" in refused.err


def test_warnings_go_to_standard_error_and_the_subscription_is_made(chappe: Cli) -> None:
    made = chappe(
        "sub", "create", "--no-test", *SINK, "--sql", "NOT type = 'a' OR type = 'b' AND id = 'c'"
    )
    assert made.code == 0
    assert [line.partition(": at ")[0] for line in made.err.splitlines()] == [
        "warning: filters/0/sql",
        "warning: filters/0/sql",
    ]
    chappe("sub", "rm", made.out.strip(), "--yes")


def test_events_are_offered_to_those_whose_expression_is_true(chappe: Cli, name: str) -> None:
    near = chappe(
        "sub", "create", "--no-test", *SINK, "--sql", f"type = '{name}' AND hop < 5"
    ).out.strip()
    far = chappe(
        "sub", "create", "--no-test", *SINK, "--sql", f"type = '{name}' AND hop >= 5"
    ).out.strip()
    position = chappe("event", "send", "--type", name, "--ext", "hop=4").out.strip()
    until = time.monotonic() + 30
    while True:
        traced = chappe("event", "trace", position, "-o", "json").json
        states = {one["subscription"]: one for one in traced["subscriptions"]}
        if states[near]["attempts"]:
            break
        assert time.monotonic() < until, traced
    assert (states[far]["state"], states[far]["decided_by"], states[far]["found"]) == (
        "not matched",
        "sql(hop >= 5)",
        "4",
    )
    for id_ in (near, far):
        chappe("sub", "rm", id_, "--yes")
