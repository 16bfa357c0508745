"""Each verb that writes can be asked beforehand, and none that loses something does so unasked.

A new verb has to be named here: as one that reads, or as one that writes.
"""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner
from test_cli_documented import COMMANDS

from chappe.cli.main import root

READ = frozenset(
    "consumers coverage diff explain export find gen get graph history lag lint ls producers report "
    "sample schema-check show tail test top trace validate verify version whoami check doctor".split()
    # What another verb does, or what changes this machine's own settings alone.
    + "completion config errors help open use add init server stream sub".split()
)
DESTRUCTIVE = {"sub rm", "source rm", "delivery discard", "schema rm", "token rm", "delete"}
NO_DRY_RUN = {
    "dev": "is a hub",
    "serve": "is a hub",
    "mcp": "is a server; what it may write is asked for with --allow-write",
    "api": "is any request; the hub's own ?dryrun is at hand",
    "sub test": "is itself the trial: it sends one test event, and stores nothing",
    "sub pull": "locks events for a minute, as receiving does",
    "event listen": "makes a subscription that ends with it",
    "event forward": "makes a subscription that ends with it, unless a durable one is named",
    "login": "keeps a credential on this machine, and asks the hub whether it is one",
    "logout": "forgets a credential on this machine",
}
NO_WATCH = {
    "event get": "an event never changes",
    "token ls": "a file on this machine",
    "registry get": "any path, any size",
}
WAITS = {
    "event send", "event trace", "event replay", "sub create", "sub pause", "sub replay",
    "source create", "delivery retry",
}  # fmt: skip

SHORT = {path.removeprefix("chappe "): command for path, command in COMMANDS.items()}


def reads(path: str) -> bool:
    verb = path.rpartition(" ")[2]
    of_this_machine = path.startswith(("context ", "config ", "errors ", "check ", "hook "))
    return of_this_machine or (verb in READ and path != "schema add")


def options(path: str) -> set[str]:
    return {
        name
        for one in SHORT[path].params
        if isinstance(one, click.Option)
        for name in one.opts
    }  # fmt: skip


WRITING = sorted(path for path in SHORT if not reads(path) and path not in NO_DRY_RUN)


@pytest.mark.parametrize("path", WRITING)
def test_a_verb_that_writes_can_be_asked_beforehand(path: str) -> None:
    assert "--dry-run" in options(path)


# What delete and apply --prune would lose only a hub can tell: tests/edges/test_cli_registry.py.
@pytest.mark.parametrize("path", sorted(DESTRUCTIVE - {"delete"}))
def test_what_is_lost_is_named_and_nobody_is_asked_who_is_not_there(path: str) -> None:
    done = CliRunner().invoke(root, ["--url", "http://127.0.0.1:1", *path.split(), "precious"])
    assert done.exit_code == 2
    assert "precious" in done.stderr
    assert "nobody is here to be asked, so add --yes" in done.stderr


def test_every_verb_that_takes_yes_is_known_to_lose_something() -> None:
    asking = {path for path in SHORT if "--yes" in options(path)}
    assert asking - {"apply"} >= DESTRUCTIVE
    assert asking - {"apply"} - DESTRUCTIVE <= {"context add", "context rm", "init", "api"}


@pytest.mark.parametrize(
    "path", sorted(one for one in SHORT if one.rpartition(" ")[2] in ("ls", "get"))
)
def test_what_is_listed_or_got_can_be_watched(path: str) -> None:
    if path in NO_WATCH or path.startswith(("context ", "config ", "errors ")):
        return
    assert "--watch" in options(path)


@pytest.mark.parametrize("path", sorted(WAITS))
def test_a_write_after_which_something_happens_can_wait_for_it(path: str) -> None:
    assert "--wait" in options(path)
