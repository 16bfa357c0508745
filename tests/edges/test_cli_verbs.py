"""`chappe check`, `init` and near names, against a real hub."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest
from cli_process import Cli, chappe, name

from chappe.testing.http_sink import Reply, SinkServer

__all__ = ["chappe", "name"]

NOBODY = "http://127.0.0.1:1"


def test_a_hub_that_is_well_is_well_in_every_form(chappe: Cli) -> None:
    people = chappe("check", "hub", "--crit", "free=1")
    plugin = chappe("check", "hub", "--crit", "free=1", "--format", "nagios")
    program = chappe("check", "hub", "--crit", "free=1", "-o", "json")

    assert (people.code, plugin.code, program.code) == (0, 0, 0)
    assert plugin.out.startswith("CHAPPE OK - hub")
    assert {one["name"] for one in program.json["checks"][0]["measures"]} == {
        "state", "answer", "free", "disabled", "dead-sinks", "streams",
    }  # fmt: skip


def test_a_subscription_whose_sink_fails_is_critical(chappe: Cli, name: str) -> None:
    # Nobody listens there: each attempt fails at once.
    made = chappe("sub", "create", name, "--type", name, "--to", f"{NOBODY}/", "--no-test")
    assert made.code == 0, made.err
    sent = chappe("event", "send", "--type", name, "-d", "{}")
    assert sent.code == 0, sent.err
    until = time.monotonic() + 60
    while (ran := chappe("check", "sub", name, "-o", "json")).code != 1:
        assert time.monotonic() < until, ran.out
    plugin = chappe("check", "sub", name, "--format", "nagios")
    off = chappe(
        "check", "sub", name, "--crit", "failures=off", "--warn", "lag=1", "--format", "nagios"
    )
    chappe("sub", "pause", name)
    paused = chappe(
        "check", "sub", name, "--crit", "failures=off", "--crit", "state=paused", "-o", "json"
    )
    chappe("sub", "rm", name, "--yes")
    gone = chappe("check", "sub", name)
    gone_plugin = chappe("check", "sub", name, "--format", "nagios")

    found = {one["name"]: one for one in ran.json["checks"][0]["measures"]}
    assert (found["failures"]["value"], found["lag"]["value"]) == (100.0, 1.0)
    assert (plugin.code, off.code) == (2, 1)
    assert "'failures'=100%;10;50" in plugin.out
    assert (paused.code, paused.json["checks"][0]["measures"][0]["status"]) == (1, "crit")
    assert (gone.code, gone_plugin.code) == (3, 3)


def test_a_channel_is_checked_by_what_it_keeps_and_since_when_nothing_came(
    chappe: Cli, name: str
) -> None:
    chappe("event", "send", "--type", name, "-d", "{}")
    kept = chappe("check", "channel", "default", "--crit", "size=1", "-o", "json")
    fresh = chappe("check", "channel", "default", "--crit", "silent=1d")
    every = chappe("check", "channel", "--format", "prometheus")
    none = chappe("check", "channel", "nowhere", "--format", "nagios")

    assert (kept.code, fresh.code, every.code, none.code) == (1, 0, 0, 3)
    assert 'chappe_check_status{check="channel",name="deadletters"} 0' in every.lines
    assert "channel 'nowhere': there is none" in none.out


def test_a_source_that_rests_is_a_warning(chappe: Cli, name: str) -> None:
    made = chappe("source", "webhook", name, "github", "--secret", "s" * 16)
    assert made.code == 0, made.err
    well = chappe("check", "source", name, "--format", "nagios")
    chappe("source", "pause", name)
    rests = chappe("check", "source", name, "--format", "nagios")
    people = chappe("check", "source", name)
    chappe("source", "rm", name, "--yes")

    assert (well.code, rests.code, people.code) == (0, 1, 0)
    assert "state paused" in rests.out


def test_without_a_hub_it_cannot_be_told_but_of_the_hub_itself(chappe: Cli) -> None:
    env = {"CHAPPE_URL": NOBODY}
    codes = [
        chappe("check", what, *form, env=env).code
        for what in ("hub", "sub")
        for form in ([], ["--format", "nagios"])
    ]

    assert codes == [6, 2, 6, 3]


def test_wrong_usage_is_no_alarm_for_a_plugin(chappe: Cli) -> None:
    plugin = chappe("check", "sub", "--warn", "lagg=1", "--format", "nagios")
    option = chappe("check", "sub", "--format=nagios", "--lag", "1")
    people = chappe("check", "sub", "--warn", "lagg=1")

    assert (plugin.code, option.code, people.code) == (3, 3, 2)
    assert plugin.out.startswith("CHAPPE UNKNOWN - ")
    assert "state, lag, age, dead, failures" in people.err


def test_the_names_that_were_meant_are_told_after_a_failure(chappe: Cli, name: str) -> None:
    schema = '{"type": "object", "properties": {"n": {"type": "integer"}}}'
    assert (
        chappe("sub", "create", name, "--type", name, "--to", f"{NOBODY}/", "--no-test").code == 0
    )
    assert chappe("schema", "add", f"{name}.paid", "-", stdin=schema).code == 0
    assert chappe("source", "webhook", name, "github", "--secret", "s" * 16).code == 0
    wrong = f"{name}x"
    told = [
        chappe(*command)
        for command in (
            ["sub", "get", wrong],
            ["sub", "pause", name, wrong],
            ["source", "get", wrong],
            ["event", "ls", "--channel", "defaultt"],
            ["schema", "get", f"{name}.payd"],
            ["schema", "rm", f"{name}.payd", "--yes"],
            ["type", "get", f"{name}.payd"],
        )
    ]
    program = chappe("sub", "get", wrong, "-o", "json")
    nothing = chappe("sub", "get", "qqqqqqqqqqqq")
    chappe("sub", "rm", name, "--yes")
    chappe("source", "rm", name, "--yes")

    assert [one.code for one in told] == [3] * 7
    assert [one.err for one in told if "did you mean" not in one.err] == []
    assert repr(name) in told[0].err
    assert json.loads(program.err)["near"] == [name]
    assert (nothing.code, "did you mean" in nothing.err) == (3, False)


def test_an_attribute_of_a_file_that_there_is_not_is_told_with_the_one_that_was_meant(
    chappe: Cli, name: str
) -> None:
    misspelt = {"messagegroups": {name: {"messages": {"a": {"dataschemafromat": "x"}}}}}
    ran = chappe.apply(misspelt)

    assert ran.code == 1
    assert "Did you mean 'dataschemaformat'?" in ran.err


@pytest.mark.parametrize(
    ("command", "code", "of_a_plugin"),
    [(["check", "hub"], 7, 3), (["check", "sub"], 7, 3), (["check", "sub", "x"], 7, 3),
     (["check", "channel"], 7, 3), (["check", "source", "x"], 7, 3)],
)  # fmt: skip
async def test_what_is_no_hub_is_unknown_and_no_crash(
    command: list[str], code: int, of_a_plugin: int, tmp_path: Path
) -> None:
    junk = Reply(200, headers=(("content-type", "application/json"),), body=b'{"checks": 7}')
    async with SinkServer([junk] * 8) as server:
        cli = Cli(server.url, tmp_path)
        plain = await asyncio.to_thread(cli, *command)
        plugin = await asyncio.to_thread(cli, *command, "--format", "nagios")

    assert (plain.code, plugin.code) == (code, of_a_plugin), plain.err
    assert "Traceback" not in plain.err + plugin.err
    assert plugin.out.startswith("CHAPPE UNKNOWN - ")


async def test_a_hub_that_cannot_be_asked_for_names_leaves_the_error_as_it_is(
    tmp_path: Path,
) -> None:
    none = Reply(
        404,
        headers=(("content-type", "application/problem+json"),),
        body=b'{"code": "not_found", "status": 404, "detail": "there is none"}',
    )
    async with SinkServer([none, Reply(200, body=b"<h1>junk")]) as server:
        ran = await asyncio.to_thread(Cli(server.url, tmp_path), "sub", "get", "billing")

    assert ran.code == 3
    assert "there is none" in ran.err
    assert "Traceback" not in ran.err
