"""`chappe event validate --schema FILE`: line, column, rule and value, and no hub is asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli_process import Ran
from click.testing import CliRunner

from chappe.cli.main import root

AVRO = {"type": "record", "name": "Paid", "fields": [{"name": "total", "type": "double"}]}
XSD = (
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="paid"><xs:complexType>'
    '<xs:attribute name="total" type="xs:decimal"/></xs:complexType></xs:element></xs:schema>'
)
PROTO = 'syntax = "proto3"; message Paid { double total = 1; }'
JSON_SCHEMA = {"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]}

NOBODY = "http://127.0.0.1:1"


def validate(where: Path, *arguments: str, stdin: str = "") -> Ran:
    command = ["--url", NOBODY, "event", "validate", *arguments]
    done = CliRunner().invoke(root, command, input=stdin, env={"CHAPPE_URL": NOBODY})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Ran(done.stdout, done.stderr, done.exit_code)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "paid.schema.json").write_text(json.dumps(JSON_SCHEMA))
    return tmp_path


def event(total: object, **more: object) -> dict[str, object]:
    held = {"specversion": "1.0", "id": "1", "source": "/s", "type": "paid", **more}
    return {**held, "data": {"total": total}}


@pytest.mark.parametrize(
    ("file", "text", "lines"),
    [
        ("one.json", json.dumps(event("12"), indent=2), ["7:14"]),
        ("some.jsonl", f"{json.dumps(event(1))}\n{json.dumps(event('x'))}\n", ["2:85"]),
        ("batch.json", json.dumps([event(None), event(2)], indent=1), ["8:13"]),
        ("one.yaml", "specversion: '1.0'\nid: a\nsource: /s\ntype: paid\ndata:\n  total: x\n", ["6:10"]),
        ("payload.json", '\n{"total": []}', ["2:11"]),
        ("missing.json", '{"specversion": "1.0", "id": "1", "source": "/s", "type": "paid", "data": {}}', ["1:75"]),
        ("attribute.json", '{"specversion": "1.0",\n "id": "", "source": "/s", "type": "paid"}', ["2:8"]),
        ("broken.json", '{"specversion": "1.0",\n "id" "1"}', ["2:7"]),
    ],
)  # fmt: skip
def test_each_error_has_its_line_and_column(
    here: Path, file: str, text: str, lines: list[str]
) -> None:
    (here / file).write_text(text)
    told = validate(here, file, "--schema", "paid.schema.json")
    places = [line.split()[0] for line in told.out.splitlines() if line.startswith("    ")]
    assert (told.code, places) == (1, [f"{file}:{place}" for place in lines]), told.err


@pytest.mark.parametrize(
    ("file", "schema", "payload", "content_type"),
    [
        ("paid.avsc", json.dumps(AVRO), '{"total": "x"}', "application/json"),
        ("paid.proto", PROTO, '{"total": "x"}', "application/json"),
        ("paid.xsd", XSD, '<paid total="x"/>', "application/xml"),
        ("paid.schema.json", json.dumps(JSON_SCHEMA), '{"total": "x"}', "application/json"),
    ],
)
def test_each_schema_language_is_judged_without_a_hub(
    here: Path, file: str, schema: str, payload: str, content_type: str
) -> None:
    (here / file).write_text(schema)
    (here / "bad").write_text(payload)
    (here / "good").write_text(payload.replace('"x"', '"12"' if "xml" in content_type else "12"))
    options = ("--schema", file, "--content-type", content_type)
    bad, good = validate(here, "bad", *options), validate(here, "good", *options)
    assert (bad.code, good.code) == (1, 0), bad.err + good.out
    assert f"not valid against {file}" in bad.out


def test_several_files_are_judged_at_once(here: Path) -> None:
    (here / "a.json").write_text(json.dumps(event(1)))
    (here / "b.json").write_text(json.dumps(event("x")))
    told = validate(here, "a.json", "b.json", "--schema", "paid.schema.json")
    assert told.code == 1
    assert told.lines[:2] == [
        "✓ a.json event 1 (paid): valid against paid.schema.json",
        "✗ b.json event 1 (paid): not valid against paid.schema.json",
    ]


def test_reports_carry_line_and_column(here: Path) -> None:
    (here / "a.json").write_text(json.dumps(event("x")))
    sarif, junit, github = (
        validate(here, "a.json", "--schema", "paid.schema.json", "--format", one).out
        for one in ("sarif", "junit", "github")
    )
    (result,) = json.loads(sarif)["runs"][0]["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 1, "startColumn": 85}
    assert "a.json:1:85: type:" in junit
    assert github.startswith("::error file=a.json,line=1,col=85,title=")


@pytest.mark.parametrize(
    ("schema", "said"),
    [("none.json", "there is no such file"), ("broken.schema.json", "broken.schema.json: ")],
)
def test_a_schema_that_is_none_is_a_wrong_usage(here: Path, schema: str, said: str) -> None:
    (here / "broken.schema.json").write_text('{"type": 1}')
    (here / "a.json").write_text(json.dumps(event(1)))
    done = CliRunner().invoke(root, ["event", "validate", "a.json", "--schema", schema])
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_judgement_here_loads_nothing_that_talks(here: Path) -> None:
    (here / "a.json").write_text(json.dumps(event(1)))
    code = (
        "import sys\n"
        "from chappe.cli.main import main\n"
        "try: main(['event', 'validate', 'a.json', '--schema', 'paid.schema.json'])\n"
        "except SystemExit: print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, check=True)
    loaded = set(done.stderr.decode().split())
    assert "chappe.formats.json_language" in loaded
    assert not loaded & {"asyncio", "http.client", "rich", "lxml", "grpc_tools", "yaml", "ssl"}
