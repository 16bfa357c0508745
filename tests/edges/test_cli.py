"""The command line as a user has it: processes against a real hub, started by `chappe dev`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cli_process import Cli, chappe

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]

__all__ = ["chappe"]  # a fixture

SCHEMA = {"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}}


@pytest.fixture
def type_() -> str:
    """A type that no other test uses."""
    return f"t{uuid4().hex}"


def event(type_: str, id_: str, **members: object) -> dict[str, Any]:
    return {"specversion": "1.0", "id": id_, "source": f"/{type_}", "type": type_, **members}


def test_an_event_made_of_options_can_be_fetched_by_its_position(chappe: Cli, type_: str) -> None:
    sent = chappe(
        *("event", "send", "--type", type_, "--source", "/shop", "--id", type_, "--subject", "eu"),
        *("-d", '{"total": 1.50}', "--ext", "traceid=x7", "--time", "2026-11-22T10:00:00Z"),
    )
    got = chappe("event", "get", sent.out.strip(), "-o", "json")

    assert (sent.code, sent.err) == (0, "")
    assert '"data":{"total": 1.50}' in got.out
    assert json.loads(got.out) == event(
        type_, type_, source="/shop", subject="eu", time="2026-11-22T10:00:00Z", traceid="x7",
        datacontenttype="application/json", data={"total": 1.5},
    )  # fmt: skip


def test_what_is_not_given_is_filled_in(chappe: Cli, type_: str) -> None:
    sent = chappe("event", "send", "--type", type_)
    made = json.loads(chappe("event", "get", sent.out.strip(), "-o", "json").out)

    assert sorted(made) == ["id", "source", "specversion", "time", "type"]
    assert made["source"] == "/chappe/cli"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-d", "hello", "--content-type", "text/plain"], {"data": "hello"}),
        (["-d", "7"], {"data": 7}),
        (["--data-file", "-"], {"data": {"from": "stdin"}}),
    ],
)
def test_payloads_come_from_where_the_options_say(
    chappe: Cli, type_: str, arguments: list[str], expected: Mapping[str, object]
) -> None:
    sent = chappe("event", "send", "--type", type_, *arguments, stdin='{"from": "stdin"}')
    made = json.loads(chappe("event", "get", sent.out.strip(), "-o", "json").out)

    assert {"data": made["data"]} == expected


def test_a_binary_file_arrives_byte_for_byte(chappe: Cli, type_: str, tmp_path: Path) -> None:
    file = tmp_path / "payload"
    file.write_bytes(bytes(range(256)))
    sent = chappe(
        "event", "send", "--type", type_, "--data-file", str(file),
        "--content-type", "application/octet-stream",
    )  # fmt: skip
    made = json.loads(chappe("event", "get", sent.out.strip(), "-o", "json").out)

    import base64

    assert base64.b64decode(made["data_base64"]) == bytes(range(256))


def test_a_burst_has_an_id_for_each_event(chappe: Cli, type_: str) -> None:
    sent = chappe("event", "send", "--type", type_, "--id", type_, "--count", "150")
    listed = chappe("event", "ls", "--type", type_, "--all", "-o", "jsonl")

    assert (sent.code, len(set(sent.lines))) == (0, 150)
    ids = {json.loads(line)["id"] for line in listed.lines}
    assert ids == {f"{type_}-{number}" for number in range(1, 151)}


def test_a_rate_is_kept(chappe: Cli, type_: str) -> None:
    begun = time.monotonic()
    sent = chappe("event", "send", "--type", type_, "--count", "5", "--rate", "10")

    assert len(sent.lines) == 5
    assert time.monotonic() - begun >= 0.4


FORMS: Mapping[str, Callable[[list[dict[str, Any]]], str]] = {
    "one": lambda events: json.dumps(events[0]),
    "one, pretty": lambda events: json.dumps(events[0], indent=2),
    "array": json.dumps,
    "lines": lambda events: "\n".join(map(json.dumps, events)) + "\n",
    "lines with gaps": lambda events: "\n\n".join(map(json.dumps, events)),
    "pretty, one after another": lambda events: "\n".join(json.dumps(e, indent=2) for e in events),
}


@pytest.mark.parametrize("form", FORMS)
def test_events_are_told_apart_by_content(chappe: Cli, type_: str, form: str) -> None:
    events = [event(type_, f"{number}") for number in range(3)]
    sent = chappe("event", "send", "-", stdin=FORMS[form](events))

    assert (sent.code, len(sent.lines)) == (0, 1 if form.startswith("one") else 3)


def test_listing_as_lines_and_sending_them_again_is_the_identity(chappe: Cli, type_: str) -> None:
    events = [
        event(type_, f"{type_}-1", datacontenttype="application/json", data={"n": 1}, ext=True),
        event(type_, f"{type_}-2", data="<a/>\n", datacontenttype="text/xml", n=-7),
        event(type_, f"{type_}-3", data_base64="AAEC", datacontenttype="image/png"),
    ]
    chappe("event", "send", "-", stdin=json.dumps(events))
    listed = chappe("event", "ls", "--type", type_, "--order", "asc", "-o", "jsonl")
    again = chappe("event", "send", "--channel", "default", "-", stdin=listed.out)

    by_id = {one["id"]: one for one in events}
    assert {one["id"]: one for one in map(json.loads, listed.lines)} == by_id
    assert [line.split()[1] for line in again.lines] == ["duplicate"] * 3
    assert chappe("event", "ls", "--type", type_, "--order", "asc", "-o", "jsonl") == listed


def test_a_payload_over_several_lines_is_listed_on_one(chappe: Cli, type_: str) -> None:
    chappe("event", "send", "--type", type_, "-d", '{\n "n": 1.0\n}')
    listed = chappe("event", "ls", "--type", type_, "-o", "jsonl")

    assert len(listed.lines) == 1
    assert '"data":{"n":1.0}' in listed.out


def test_json_is_the_answer_of_the_api_byte_for_byte(chappe: Cli, type_: str) -> None:
    position = chappe("event", "send", "--type", type_, "-d", "{ }").out.strip()
    id_ = chappe(
        "sub", "create", "--no-test", "--to", "http://127.0.0.1:9/", "--type", f"x{type_}"
    ).out.strip()

    for arguments, path in (
        (["event", "get", position], f"/events/{position}"),
        (["event", "ls", "--type", type_], f"/events?type={type_}&order=desc&limit=100"),
        (["event", "trace", position], f"/events/{position}/trace"),
        (["sub", "get", id_], f"/subscriptions/{id_}"),
        (["sub", "ls"], "/subscriptions"),
    ):
        assert chappe(*arguments, "-o", "json").out.encode() == chappe.body(path)


def test_a_table_in_a_pipe_is_plain_columns(chappe: Cli, type_: str) -> None:
    chappe("event", "send", "--type", type_, "--subject", "a b", "--id", "A-1")
    table = chappe("event", "ls", "--type", type_)

    assert table.lines[0].split() == ["POSITION", "ACCEPTED", "TYPE", "ID", "SOURCE", "SUBJECT"]
    assert table.lines[1].split()[3:] == [type_, "A-1", "/chappe/cli", "a", "b"]
    assert table.out.isascii()
    assert table.err == ""


def test_names_feed_the_next_command(chappe: Cli, type_: str) -> None:
    sent = chappe("event", "send", "--type", type_, "--count", "2")
    names = chappe("event", "ls", "--type", type_, "-o", "name", "--order", "asc")

    assert sorted(names.lines) == sorted(sent.lines)


def test_limits_bound_a_list(chappe: Cli, type_: str) -> None:
    chappe("event", "send", "--type", type_, "--count", "5")

    assert len(chappe("event", "ls", "--type", type_, "--limit", "2", "-o", "name").lines) == 2
    assert len(chappe("event", "ls", "--type", type_, "--limit", "2").lines) == 3


def test_an_event_that_breaks_the_spec_is_a_clear_no(chappe: Cli, type_: str) -> None:
    refused = chappe("event", "send", "--type", type_, "--source", "")

    assert (refused.code, refused.out) == (1, "")
    assert [line.split(":")[0] for line in refused.err.splitlines()] == ["error", "why", "next"]
    assert "source" in refused.err


def test_of_lines_those_before_the_bad_one_are_stored_and_the_bad_one_is_named(
    chappe: Cli, type_: str
) -> None:
    events = [event(type_, "1"), event(type_, "2"), event(type_, ""), event(type_, "4")]
    refused = chappe("event", "send", "-", stdin="\n".join(map(json.dumps, events)))

    assert (refused.code, len(refused.lines)) == (1, 2)
    assert "line 3: id" in refused.err
    assert len(chappe("event", "ls", "--type", type_, "-o", "name").lines) == 2


def test_of_an_array_nothing_is_stored_when_one_is_bad(chappe: Cli, type_: str) -> None:
    events = [event(type_, "1"), event(type_, "")]
    refused = chappe("event", "send", "-", stdin=json.dumps(events))

    assert (refused.code, refused.out) == (1, "")
    assert "event 1: id" in refused.err
    assert chappe("event", "ls", "--type", type_, "-o", "name").out == ""


def test_a_problem_is_an_object_for_programs(chappe: Cli) -> None:
    missing = chappe("event", "get", "no-such-event", "-o", "json")

    assert (missing.code, missing.out) == (3, "")
    problem = json.loads(missing.err)
    assert (problem["code"], problem["status"]) == ("not_found", 404)


def test_an_id_that_two_events_have_is_ambiguous(chappe: Cli, type_: str) -> None:
    for source in ("/a", "/b"):
        chappe("event", "send", "--type", type_, "--id", type_, "--source", source)
    ambiguous = chappe("event", "get", type_)
    one = chappe("event", "get", f"/b#{type_}", "-o", "json")

    assert ambiguous.code == 5
    assert json.loads(one.out)["source"] == "/b"


def test_a_subscription_is_made_shown_listed_and_ended(chappe: Cli, type_: str) -> None:
    made = chappe(
        *(
            "sub",
            "create",
            "--no-test",
            "--to",
            "http://127.0.0.1:9/",
            "--type",
            type_,
            "--source",
            "/shop",
        ),
        *("--filter", "prefix:subject=eu-", "--filter-json", '{"not": {"exact": {"id": "x=y"}}}'),
        *("--header", "x-team=billing", "--bearer", "s3cret", "--concurrency", "2"),
        *("--timeout", "5", "--max-attempts", "3"),
    )
    id_ = made.out.strip()
    shown = chappe("sub", "get", id_, "-o", "json")
    names = chappe("sub", "ls", "-o", "name")
    ended = chappe("sub", "rm", id_, "--yes")

    assert made.code == 0
    kept = json.loads(shown.out)
    assert kept["types"] == [type_]
    assert kept["filters"] == [{"prefix": {"subject": "eu-"}}, {"not": {"exact": {"id": "x=y"}}}]
    assert (kept["concurrency"], kept["timeout_s"], kept["retry"]["max_attempts"]) == (2, 5, 3)
    assert kept["protocolsettings"]["headers"] == {"x-team": "billing"}
    assert "s3cret" not in shown.out
    assert id_ in names.lines
    assert (ended.code, ended.out.strip()) == (0, id_)
    assert chappe("sub", "get", id_).code == 3


def test_nothing_is_ended_without_yes_where_nobody_can_be_asked(chappe: Cli, type_: str) -> None:
    id_ = chappe(
        "sub", "create", "--no-test", "--to", "http://127.0.0.1:9/", "--type", type_
    ).out.strip()
    refused = chappe("sub", "rm", id_)

    assert (refused.code, "--yes" in refused.err) == (2, True)
    assert chappe("sub", "get", id_).code == 0


def test_a_trace_tells_what_was_delivered_and_what_kept_the_others(chappe: Cli, type_: str) -> None:
    sink = "http://127.0.0.1:9/"
    tried = chappe("sub", "create", "--no-test", "--to", sink, "--type", type_).out.strip()
    other = chappe(
        "sub", "create", "--no-test", "--to", sink, "--type", type_, "--filter", "exact:subject=eu"
    ).out.strip()  # fmt: skip
    position = chappe("event", "send", "--type", type_, "--subject", "us").out.strip()
    traced = chappe("event", "trace", position, "--wait", "1")

    by_name = {line.split()[0]: line for line in traced.lines[1:]}
    assert traced.lines[0].split()[1] == type_
    assert "retrying" in by_name[tried]
    assert "exact(subject)='eu' decided; the event has 'us'" in by_name[other]
    assert traced.code == 1
    for id_ in (tried, other):
        chappe("sub", "rm", id_, "--yes")


def test_a_schema_is_declared_enforced_shown_and_taken_away(chappe: Cli, type_: str) -> None:
    group = ["--group", "shop"]
    declared = chappe("schema", "add", type_, "-", *group, stdin=json.dumps(SCHEMA))
    refused = chappe("event", "send", "--type", type_, "-d", '{"total": "x"}')
    taken = chappe("event", "send", "--type", type_, "-d", '{"total": 1}')
    shown = chappe("schema", "get", type_, *group, "-o", "json")
    names = chappe("schema", "ls", *group, "-o", "name")
    removed = chappe("schema", "rm", type_, *group, "--yes")

    assert (declared.code, taken.code, removed.code) == (0, 0, 0)
    assert refused.code == 1
    assert 'at /total  rule type  value "x"' in refused.err
    assert json.loads(shown.out)["dataschema"] == SCHEMA
    assert type_ in names.lines
    assert chappe("schema", "get", type_, *group).code == 3


def test_a_warning_goes_to_standard_error_and_the_event_in(chappe: Cli, type_: str) -> None:
    chappe("schema", "add", type_, "-", "--mode", "warn", stdin=json.dumps(SCHEMA))
    sent = chappe("event", "send", "--type", type_, "-d", '{"total": "x"}')
    quiet = chappe("event", "send", "--type", type_, "-d", '{"total": "x"}', "-q")

    assert (sent.code, len(sent.lines)) == (0, 1)
    assert sent.err.startswith("warning: ")
    assert "/total" in sent.err
    assert quiet.err == ""


def test_a_follower_sees_events_as_they_come_and_ends_quietly(chappe: Cli, type_: str) -> None:
    chappe("event", "send", "--type", type_, "--id", "before")
    tail = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "chappe",
            "event",
            "tail",
            "--type",
            type_,
            "-n",
            "5",
            "-o",
            "jsonl",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=chappe.home,
        env=chappe.environment(),
    )
    assert tail.stdout is not None
    first = json.loads(tail.stdout.readline())
    chappe("event", "send", "--type", type_, "--id", "after")
    second = json.loads(tail.stdout.readline())
    tail.send_signal(signal.SIGINT)
    _, complaint = tail.communicate(timeout=10)

    assert [first["id"], second["id"]] == ["before", "after"]
    assert (tail.returncode, complaint.strip()) == (130, b"")


def test_a_pipe_that_is_fed_slowly_is_sent_at_once(chappe: Cli, type_: str) -> None:
    send = subprocess.Popen(
        [sys.executable, "-m", "chappe", "event", "send", "-", "-o", "name"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=chappe.home,
        env=chappe.environment(),
    )
    assert send.stdin is not None
    assert send.stdout is not None
    send.stdin.write(json.dumps(event(type_, "1")).encode() + b"\n")
    send.stdin.flush()
    position = send.stdout.readline()
    send.stdin.close()
    send.stdout.close()

    assert position.strip().decode() in chappe("event", "ls", "--type", type_, "-o", "name").out
    assert send.wait(10) == 0


def test_a_reader_that_has_seen_enough_is_no_error(chappe: Cli, type_: str) -> None:
    chappe("event", "send", "--type", type_, "--count", "300", "-d", json.dumps("x" * 2000))
    ls = subprocess.Popen(
        [sys.executable, "-m", "chappe", "event", "ls", "--type", type_, "--all", "-o", "jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=chappe.home,
        env=chappe.environment(),
    )
    assert ls.stdout is not None
    assert ls.stderr is not None
    ls.stdout.readline()
    ls.stdout.close()
    complaint = ls.stderr.read()
    ls.stderr.close()

    assert (ls.wait(10), complaint) == (0, b"")


def test_the_nodes_are_listed_in_each_form(chappe: Cli) -> None:
    told = json.loads(chappe("node", "ls", "-o", "json").out)
    (node,) = told["nodes"]
    lines = chappe("node", "ls", "-o", "jsonl").out.splitlines()
    table = chappe("node", "ls", "--columns", "node,state,version,revision")
    wide = chappe("node", "ls", "-o", "wide").out

    assert (node["answers"], node["url"], node["status"]) == (True, chappe.url, "ready")
    assert [json.loads(line)["node"] for line in lines] == [node["node"]]
    assert chappe("node", "ls", "-o", "name").out == f"{node['node']}\n"
    assert f"node: {node['node']}" in chappe("node", "ls", "-o", "yaml").out
    assert table.code == 0
    head, row = (line.split("  ") for line in table.out.splitlines())
    assert [one for one in head if one] == ["NODE", "STATE", "VERSION", "REVISION"]
    assert row[0] == f"{node['node']} *"
    assert row[1].strip() == "ready"
    assert f"{node['pid']}" in wide
    assert "default 0" in wide


def test_a_doctor_finds_a_healthy_hub_healthy(chappe: Cli) -> None:
    found = chappe("doctor")
    as_json = json.loads(chappe("doctor", "-o", "json").out)

    assert found.code == 0, found.out
    assert {one["name"] for one in as_json} >= {
        "hub",
        "version",
        "engine",
        "clock",
        "nats-server",
        "nodes",
    }
    (confluent,) = [one["detail"] for one in as_json if one["name"] == "confluent"]
    file = json.loads((chappe.home / "data" / "hub.json").read_bytes())
    assert confluent == f"Kafka clients use {chappe.url}/confluent, and {file['confluent']}"
    assert all(one["verdict"] != "fail" for one in as_json)
