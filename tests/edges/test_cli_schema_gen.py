"""`chappe schema gen`: schemas in programming languages; files, and the registry of a real hub."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cli_process import Cli, chappe, name, schemas, shop
from test_cli_contract import NOBODY
from test_cli_contract import chappe as run

__all__ = ["chappe", "name"]  # fixtures

pytestmark = pytest.mark.timeout(120)

ORDER = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "by": {"type": "string", "format": "email"},
        "status": {"type": "string", "enum": ["open", "paid"]},
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"sku": {"type": "string"}, "qty": {"type": ["integer", "null"]}},
                "required": ["sku"],
            },
        },
        "class": {"type": "string"},
    },
    "required": ["id", "lines"],
}
GOOD = {
    "id": "6f1c1f9e-7c55-4b57-9d53-1e0f2f2f2f2f",
    "by": "ada@example.com",
    "status": "paid",
    "lines": [{"sku": "A", "qty": None}],
    "class": "x",
}
AVRO = {
    "type": "record",
    "name": "OrderPaid",
    "fields": [{"name": "id", "type": "string"}, {"name": "total", "type": ["null", "double"]}],
}
XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="order">
<xs:complexType><xs:sequence><xs:element name="id" type="xs:int"/></xs:sequence></xs:complexType>
</xs:element></xs:schema>"""
PROTO = """syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "google/type/money.proto";
message Order { string id = 1; google.protobuf.Timestamp at = 2; google.type.Money total = 3; }
"""


def gen(
    folder: Path, name: str, schema: object, *options: str, env: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    """Run it on a file; nobody is at the hub's address."""
    (folder / name).write_text(schema if isinstance(schema, str) else json.dumps(schema))
    offline = {"CHAPPE_URL": NOBODY, **(env or {})}
    return run("schema", "gen", name, *options, cwd=folder, env=offline)


def python(folder: Path, script: str) -> str:
    """What a script prints that finds the generated modules beside it."""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_generated_pydantic_models_take_what_the_schema_takes(tmp_path: Path) -> None:
    code, out, err = gen(tmp_path, "order.paid.json", ORDER, "--language", "python", "--dir", ".")
    assert (code, out, err) == (0, "order.py\n", "")
    told = python(
        tmp_path,
        "import json, pydantic, order\n"
        f"one = order.Order.model_validate({GOOD!r})\n"
        "print(one.status.value, one.lines[0].sku, one.class_, one.id.version)\n"
        "try: order.Order.model_validate({'id': 'x', 'lines': [{}]})\n"
        "except pydantic.ValidationError as error:\n"
        "    print([one['loc'] for one in error.errors()])\n",
    )
    assert told.splitlines() == ["paid A x 4", "[('id',), ('lines', 0, 'sku')]"]


def test_generated_msgspec_structs_take_what_the_schema_takes(tmp_path: Path) -> None:
    options = ("--language", "python", "--style", "msgspec", "--class", "Paid", "--dir", "models")
    assert gen(tmp_path, "order.json", ORDER, *options)[0] == 0
    told = python(
        tmp_path / "models",
        "import msgspec, order\n"
        f"one = msgspec.convert({GOOD!r}, order.Paid)\n"
        "print(one.status.value, one.lines[0].sku, one.class_)\n"
        "try: msgspec.convert({'id': 'x', 'lines': [{}]}, order.Paid)\n"
        "except msgspec.ValidationError as error: print(error)\n",
    )
    assert told.splitlines()[0] == "paid A x"
    assert "sku" in told


@pytest.mark.parametrize("style", ["dataclass", "typeddict"])
def test_other_styles_can_be_imported(tmp_path: Path, style: str) -> None:
    options = ("--language", "python", "--style", style, "--dir", ".")
    assert gen(tmp_path, "order.json", ORDER, *options)[0] == 0
    assert python(tmp_path, "import order; print(order.Order.__name__)") == "Order\n"


@pytest.mark.parametrize(
    ("file", "schema", "script", "told"),
    [
        (
            "order.avsc",
            AVRO,
            "print(order.OrderPaid(id='a', total=None).model_dump())",
            "{'id': 'a', 'total': None}\n",
        ),
        ("order.xsd", XSD, "print(order.Order(id=7).id)", "7\n"),
    ],
)
def test_models_of_avro_and_of_xsd(
    tmp_path: Path, file: str, schema: object, script: str, told: str
) -> None:
    assert gen(tmp_path, file, schema, "--language", "python", "--dir", ".")[0] == 0
    assert python(tmp_path, f"import order; {script}") == told


def test_generated_messages_read_what_others_wrote(tmp_path: Path) -> None:
    code, out, err = gen(tmp_path, "order.proto", PROTO, "--language", "python", "--dir", ".")
    assert (code, out.split()) == (0, ["order_pb2.py", "order_pb2.pyi"]), err
    told = python(
        tmp_path,
        "import order_pb2\n"
        "one = order_pb2.Order.FromString(b'\\x0a\\x03A-1\\x12\\x02\\x08\\x07')\n"
        "print(one.id, one.at.seconds, one.HasField('total'))",
    )
    assert told == "A-1 7 False\n"


def test_one_file_goes_to_standard_output_and_several_need_a_directory(tmp_path: Path) -> None:
    code, out, _ = gen(tmp_path, "order.json", ORDER, "--language", "python")
    assert (code, "class Order(BaseModel):" in out) == (0, True)
    code, out, err = gen(tmp_path, "order.proto", PROTO, "--language", "python")
    assert (code, out) == (2, "")
    assert "2 files (order_pb2.py, order_pb2.pyi); add --dir" in err
    code, out, _ = gen(tmp_path, "order.proto", PROTO, "--language", "python", "-o", "json")
    assert [one["path"] for one in json.loads(out)] == ["order_pb2.py", "order_pb2.pyi"]


# What a schema must not do


def test_a_schema_that_refers_to_something_outside_is_refused(tmp_path: Path) -> None:
    schema = {"properties": {"a": {"$ref": "http://127.0.0.1:1/x.json"}}}
    code, out, err = gen(tmp_path, "order.json", schema, "--language", "python")
    assert (code, out) == (1, "")
    assert "'http://127.0.0.1:1/x.json' is not in the schema" in err
    code, out, err = gen(
        tmp_path, "order.proto", 'syntax = "proto3"; import "../x.proto";', "--language", "python"
    )
    assert (code, out) == (1, "")
    assert "../x.proto" in err


@pytest.mark.parametrize(
    "evil",
    [
        {"customBasePath": "os.path.Base"},
        {"properties": {"a": {"type": "string", "customTypePath": "os.system"}}},
        {"properties": {"a": {"type": "string", "x-python-type": "os.PathLike"}}},
    ],
)
def test_a_schema_that_names_python_code_is_refused(tmp_path: Path, evil: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"b": {"type": "integer"}}, **evil}
    code, out, err = gen(tmp_path, "order.json", schema, "--language", "python", "--dir", "made")
    assert (code, out) == (1, "")
    assert "the generated Python is refused" in err
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("style", ["pydantic", "dataclass", "typeddict", "msgspec"])
def test_text_of_a_schema_stays_text(tmp_path: Path, style: str) -> None:
    text = "\"\"\"'''\n\\\nraise SystemExit('out')\n#{}"
    member = "'); raise SystemExit" if style == "msgspec" else text  # it takes no such names
    schema = {
        "type": "object",
        "title": text,
        "description": text,
        "properties": {
            member: {"type": "string", "default": text, "description": text, "enum": [text]},
            "b": {"type": "object", "title": text, "properties": {"c": {"const": text}}},
        },
    }
    options = ("--language", "python", "--style", style, "--dir", ".")
    code, _, err = gen(tmp_path, "order.json", schema, *options)
    assert code == 0, err
    assert python(tmp_path, "import order; print('in')") == "in\n"


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.create_connection(('127.0.0.1', 1))",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1:1/')",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
        "import os; os.posix_spawn('/bin/true', ['true'], {})",
    ],
)
def test_what_generates_code_reaches_nothing(tmp_path: Path, attempt: str) -> None:
    (tmp_path / "attempt.py").write_text(attempt)
    done = subprocess.run(
        [sys.executable, "-m", "chappe.cli.generate.sealed", "attempt"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert b"is refused: what generates code reaches nothing" in done.stderr


# Tools of others


def stand_in(folder: Path, program: str, script: str) -> dict[str, str]:
    """A PATH where a program is that does what a shell script says."""
    folder.mkdir()
    (folder / program).write_text(f"#!/bin/sh\n{script}\n")
    (folder / program).chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


def test_without_the_extra_the_command_that_installs_it_is_named(tmp_path: Path) -> None:
    absent = "import sys; sys.modules['datamodel_code_generator'] = None"
    (tmp_path / "sitecustomize.py").write_text(absent)
    env = {"PYTHONPATH": str(tmp_path)}
    code, out, err = gen(tmp_path, "a.json", ORDER, "--language", "python", env=env)
    assert (code, out) == (3, "")
    assert "datamodel-code-generator: is not installed" in err
    assert "-m pip install 'chappe[gen]'" in err


def test_a_tool_that_is_not_there_is_named_with_how_to_get_it(tmp_path: Path) -> None:
    empty = {"PATH": str(tmp_path)}
    code, out, err = gen(tmp_path, "a.json", ORDER, "--language", "typescript", env=empty)
    assert (code, out) == (3, "")
    assert "quicktype: is not on the PATH" in err
    assert "next:  npm install -g quicktype" in err
    env = stand_in(tmp_path / "bin", "protoc", "exit 1")
    code, _, err = gen(tmp_path, "a.proto", PROTO, "--language", "go", env=env)
    assert code == 3
    assert "protoc-gen-go: is not on the PATH" in err


def test_a_tool_is_given_the_schema_and_its_files_are_handed_out(tmp_path: Path) -> None:
    script = (
        'while [ "$1" != --out ]; do echo "// $1"; shift; done > x; cat x "$4" > "$2" || cp x "$2"'
    )
    env = stand_in(tmp_path / "bin", "quicktype", script)
    options = ("--language", "typescript", "--dir", "out")
    code, out, err = gen(tmp_path, "order-paid.json", ORDER, *options, env=env)
    assert (code, out) == (0, "out/OrderPaid.ts\n"), err
    told = (tmp_path / "out" / "OrderPaid.ts").read_text().split()
    assert told[told.index("--lang") + 2] == "ts"
    assert told[told.index("--top-level") + 2] == "OrderPaid"


def test_a_tool_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    env = stand_in(tmp_path / "bin", "quicktype", "echo first >&2; echo no such luck >&2; exit 3")
    code, out, err = gen(tmp_path, "a.json", ORDER, "--language", "go", env=env)
    assert (code, out) == (1, "")
    assert "quicktype: no such luck" in err
    env = stand_in(tmp_path / "bin2", "quicktype", "exit 0")
    _, _, err = gen(tmp_path, "a.json", ORDER, "--language", "go", env=env)
    assert "quicktype: it made nothing of the schema" in err


@pytest.mark.parametrize(
    ("file", "text", "options", "why"),
    [
        ("a.xsd", XSD, ("--language", "java"), "java from XSD: no tool is known"),
        ("a.avsc", "{}", ("--language", "rust"), "known: go, java, python"),
        ("a.txt", "", ("--language", "go"), "it is no JSON"),
        ("a.json", "{}", ("--language", "go", "--format", "Thrift"), "'Thrift'"),
        ("a.json", "{}", ("--language", "go", "--group", "shop"), "are of the registry"),
        ("a.json", "{}", ("--language", "python", "--class", "a; b"), "no name"),
        ("a.json", "{}", ("--language", "cobol"), "cobol"),
    ],
)
def test_what_cannot_be_made_is_told_before_anything_is_run(
    tmp_path: Path, file: str, text: str, options: tuple[str, ...], why: str
) -> None:
    code, out, err = gen(tmp_path, file, text, *options)
    assert (code, out) == (2, "")
    assert why in err


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    code, _, err = run("schema", "gen", "./a.json", "--language", "go", cwd=tmp_path)
    assert code == 2
    assert "./a.json: No such file or directory" in err


# The registry


@pytest.mark.engine
def test_code_is_made_of_a_document_of_the_registry(chappe: Cli, name: str) -> None:
    older = {"type": "object", "properties": {"old": {"type": "integer"}}}
    order = {key: value for key, value in ORDER.items() if key != "$schema"}
    chappe.apply(schemas(name, older, order))
    xid = f"/schemagroups/{name}/schemas/order"
    ran = chappe("schema", "gen", xid, "--language", "python")
    assert ran.code == 0, ran.err
    assert "class Order(BaseModel):" in ran.lines
    assert "    status: Status | None = None" in ran.lines
    options = ("--group", name, "--version", "1", "--language", "python")
    first = chappe("schema", "gen", "order", *options)
    assert "    old: int | None = None" in first.lines
    assert chappe("schema", "gen", f"{xid}x", "--language", "python").code == 3


@pytest.mark.engine
def test_code_is_made_of_the_payload_of_a_type(chappe: Cli, name: str) -> None:
    type_ = f"{name}.paid"
    sent = chappe("event", "send", "--type", type_, "-d", '{"id": 1, "total": 2.5}')
    assert sent.code == 0
    assert chappe("schema", "infer", type_, "--apply", "--group", name).code == 0
    xid = f"/messagegroups/{name}/messages/{type_}"
    ran = chappe("schema", "gen", xid, "--language", "python")
    assert ran.code == 0, ran.err
    assert f"class {name.capitalize()}Paid(BaseModel):" in ran.lines
    assert ran.lines[-2:] == ["    id: int", "    total: float"]
    inline = {
        "envelope": "CloudEvents/1.0",
        "dataschemaformat": "JSONSchema/draft-07",
        "dataschema": {"type": "object", "properties": {"x": {"type": "boolean"}}},
    }
    chappe.apply(shop(name, inline=inline))
    ran = chappe("schema", "gen", "inline", "--group", name, "--language", "python")
    assert "    x: bool | None = None" in ran.lines
