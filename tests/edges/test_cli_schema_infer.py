"""`chappe schema infer` and `gen`: processes against a real hub, started by `chappe dev`."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest
from cli_process import Cli, chappe, name

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]

__all__ = ["chappe", "name"]  # fixtures


def publish(chappe: Cli, type_: str, *payloads: object) -> None:
    events = [
        {"specversion": "1.0", "id": uuid4().hex, "source": "/s", "type": type_, "data": data}
        for data in payloads
    ]
    ran = chappe("event", "send", "-", "-q", stdin="\n".join(map(json.dumps, events)))
    assert ran.code == 0, ran.err


def orders(chappe: Cli, type_: str) -> None:
    publish(chappe, type_, {"id": 1, "total": 2.5}, {"id": 2, "note": None})


def test_a_draft_is_printed_and_says_what_it_is_made_of(chappe: Cli, name: str) -> None:
    orders(chappe, name)
    ran = chappe("schema", "infer", name)
    assert ran.code == 0, ran.err
    assert ran.json == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name,
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "note": {"type": "null"},
            "total": {"type": "number"},
        },
        "required": ["id"],
    }
    assert ran.err.startswith("drafted from 2 of 2 events, ")
    quiet = chappe("schema", "infer", name, "-q")
    assert (quiet.out, quiet.err) == (ran.out, "")


def test_json_is_the_answer_of_the_hub(chappe: Cli, name: str) -> None:
    orders(chappe, name)
    ran = chappe("schema", "infer", name, "--last", "1", "-o", "json")
    assert ran.out.encode() == chappe.body(f"/channels/default/types/{name}/schema?last=1")
    assert (ran.json["events"]["read"], ran.json["events"]["stopped"]) == (1, "last")


def test_a_draft_in_a_file_can_be_declared(chappe: Cli, name: str, tmp_path: Path) -> None:
    orders(chappe, name)
    file = tmp_path / "draft.json"
    ran = chappe("schema", "infer", name, "--file", str(file))
    assert (ran.code, ran.lines) == (0, [str(file)])
    assert json.loads(file.read_bytes())["required"] == ["id"]
    assert chappe("schema", "add", name, str(file), "--group", name).code == 0
    refused = chappe("event", "send", "--type", name, "-d", '{"total": 1}')
    assert refused.code == 1


def test_a_draft_is_registered_and_declared_with_warnings(chappe: Cli, name: str) -> None:
    orders(chappe, name)
    ran = chappe("schema", "infer", name, "--apply", "--group", name, "-o", "json")
    schema, message = (
        f"/schemagroups/{name}/schemas/{name}",
        f"/messagegroups/{name}/messages/{name}",
    )
    assert ran.code == 0, ran.err
    assert (ran.actions()[schema], ran.actions()[message]) == ("created", "created")
    judged = chappe("event", "send", "--type", name, "-d", '{"id": "x"}')
    assert judged.code == 0
    assert "/id" in judged.err
    shown = chappe("schema", "get", schema, "--document")
    assert shown.json["properties"]["id"] == {"type": "integer"}
    check = chappe("schema", "check", "-", "--against", schema, stdin=shown.out)
    assert f"replay: 1 of 3 stored events of {name} fail" in check.out, check.out


def test_what_is_there_is_not_replaced(chappe: Cli, name: str) -> None:
    orders(chappe, name)
    apply = ("schema", "infer", name, "--apply", "--group", name)
    assert chappe(*apply).code == 0
    again = chappe(*apply)
    assert (again.code, "created" in again.out) == (0, False)
    publish(chappe, name, *({"id": str(n)} for n in range(2, 5)))
    changed = chappe(*apply)
    assert changed.code == 5
    assert f"/schemagroups/{name}/schemas/{name}" in changed.err
    assert "schema check" in changed.err
    declared = json.loads(chappe.body(f"/schemagroups/{name}/schemas/{name}"))
    assert declared["properties"]["id"] == {"type": "integer"}


def test_a_type_that_is_no_id_gets_one(chappe: Cli, name: str) -> None:
    type_ = f"{name}/paid now"
    orders(chappe, type_)
    refused = chappe("schema", "infer", type_, "--apply", "--group", name)
    assert refused.code == 2
    assert "--id" in refused.err
    ran = chappe("schema", "infer", type_, "--apply", "--group", name, "--id", "paid", "-o", "name")
    assert f"/messagegroups/{name}/messages/paid" in ran.lines
    warned = chappe("event", "send", "--type", type_, "-d", '{"id": "x"}')
    assert "/id" in warned.err


def test_of_a_type_without_events_nothing_can_be_drafted(chappe: Cli, name: str) -> None:
    ran = chappe("schema", "infer", name)
    assert (ran.code, ran.out) == (3, "")
    assert f"type '{name}': channel default has no event of it" in ran.err
    assert chappe("schema", "infer", name, "--last", "0").code == 2


def test_a_draft_that_cannot_be_written_is_not_registered(chappe: Cli, name: str) -> None:
    orders(chappe, name)
    apply = ("--apply", "--group", name)
    ran = chappe("schema", "infer", name, "--file", "nowhere/draft.json", *apply)
    assert (ran.code, ran.out) == (2, "")
    assert "nowhere/draft.json: No such file or directory" in ran.err
    assert chappe("schema", "get", name, "--group", name).code == 3
