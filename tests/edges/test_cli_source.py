"""`chappe source` against a real hub."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from cli_process import Cli, chappe

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]

__all__ = ["chappe"]  # a fixture


@pytest.fixture
def id_() -> str:
    """An id that no other test uses."""
    return f"r-{uuid4().hex[:12]}"


def test_a_source_is_made_paused_resumed_listed_and_ended(chappe: Cli, id_: str) -> None:
    made = chappe(
        *("source", "create", id_, "--from", "nats://127.0.0.1:1", "--subject", "plant.>"),
        *("--jetstream", "--group", "hub", "--user", "me", "--password", "pa55", "--paused"),
    )
    assert (made.code, made.out.strip()) == (0, id_)

    shown = json.loads(chappe("source", "get", id_, "-o", "json").out)
    assert shown["protocolsettings"] == {"subject": "plant.>", "jetstream": True, "queue": "hub"}
    assert shown["credential"] == {"credentialtype": "PLAIN", "identifier": "me"}
    assert (shown["paused"], shown["channel"], shown["protocol"]) == (True, "default", "NATS")

    assert chappe("source", "resume", id_).out.strip() == id_
    assert json.loads(chappe("source", "get", id_, "-o", "json").out)["paused"] is False
    assert chappe("source", "pause", id_).code == 0
    assert json.loads(chappe("source", "get", id_, "-o", "json").out)["paused"] is True

    assert id_ in chappe("source", "ls", "-o", "name").out.split()
    table = chappe("source", "ls").out
    assert "nats://127.0.0.1:1" in table
    assert chappe("source", "rm", id_, "--yes").out.strip() == id_
    assert chappe("source", "get", id_).code != 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--subject", "a", "--user", "me"), "--user and --password go together"),
        (("--subject", "a", "--settings", "[]"), "--settings is no JSON object"),
        ((), "protocolsettings/subject: is missing and is required"),
        (("--topic", "orders"), "protocolsettings/topics: unknown field"),
        (("--subject", "a", "--channel", "none"), "channel: 'none' does not exist"),
    ],
)
def test_what_is_wrong_is_said(
    chappe: Cli, id_: str, arguments: tuple[str, ...], said: str
) -> None:
    made = chappe("source", "create", id_, "--from", "nats://127.0.0.1:1", *arguments)
    assert made.code != 0
    assert said in made.err
    assert made.out == ""
