"""The hooks of .pre-commit-hooks.yaml and the GitHub action, run as their runners run them; offline."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli_process import Cli, Ran, chappe, name, shop

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
DRAFT = "http://json-schema.org/draft-07/schema#"

pytestmark = [pytest.mark.timeout(180)]

__all__ = ["chappe", "name"]  # fixtures


def environment(**more: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("CHAPPE_", "GIT_"))}
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com"}
    who |= {one.replace("AUTHOR", "COMMITTER"): value for one, value in who.items()}
    path = f"{PROGRAMS}{os.pathsep}{clean.get('PATH', '')}"
    return {**clean, **who, "PATH": path, "GIT_CONFIG_GLOBAL": os.devnull, **more}


def ran(where: Path, *command: str, **more: str) -> Ran:
    done = subprocess.run(
        command, cwd=where, capture_output=True, timeout=120, env=environment(**more), check=False
    )
    return Ran(done.stdout.decode(), done.stderr.decode(), done.returncode)


def git(where: Path, *arguments: str) -> None:
    done = ran(where, "git", *arguments)
    assert done.code == 0, done.err


def schema(type_: str) -> str:
    return json.dumps({"$schema": DRAFT, "properties": {"total": {"type": type_}}})


def event(total: object, type_: str = "order.paid") -> str:
    held = {"specversion": "1.0", "id": "1", "source": "/s", "type": type_}
    return json.dumps({**held, "data": {"total": total}})


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with a schema, an event and a registry file, all well and committed."""
    where = tmp_path / "repository"
    for folder in ("schemas", "events", "registry"):
        (where / folder).mkdir(parents=True)
    (where / "schemas" / "order.paid.schema.json").write_text(schema("number"))
    (where / "events" / "paid.json").write_text(event(12))
    (where / "registry" / "shop.yaml").write_text("messagegroups: {shop: {messages: {paid: {}}}}\n")
    git(where, "init", "-q", "-b", "main")
    git(where, "add", ".")
    git(where, "commit", "-q", "-m", "First")
    return where


def hook(where: Path, *arguments: str) -> Ran:
    return ran(where, sys.executable, "-m", "chappe", "hook", *arguments)


SCHEMA = "schemas/order.paid.schema.json"
EVENT = "events/paid.json"


def test_what_is_well_is_silent(repository: Path) -> None:
    for command in (
        ["lint", SCHEMA, "registry/shop.yaml"],
        ["schema-check", SCHEMA],
        ["validate", "--schemas", "schemas", EVENT],
    ):
        done = hook(repository, *command)
        assert (done.code, done.out, done.err) == (0, "", "")


def test_a_schema_that_is_narrowed_is_told_with_the_change_and_the_fix(repository: Path) -> None:
    (repository / SCHEMA).write_text(schema("integer"))
    done = hook(repository, "schema-check", SCHEMA)
    wider = hook(repository, "schema-check", "--rule", "forward", SCHEMA)
    assert done.code == 1
    assert done.lines == [
        f"{SCHEMA}: TYPE_NARROWED: /properties/total: number became integer [backward] "
        "(fix: keep the type number)"
    ]
    assert wider.code == 0


def test_a_schema_is_compared_with_the_commit_that_is_named(repository: Path) -> None:
    (repository / SCHEMA).write_text(schema("integer"))
    git(repository, "commit", "-q", "-a", "-m", "Narrow")
    assert hook(repository, "schema-check", SCHEMA).code == 0
    assert hook(repository, "schema-check", "--from", "HEAD~1", SCHEMA).code == 1
    unknown = hook(repository, "schema-check", "--from", "nowhere", SCHEMA)
    assert unknown.code == 2
    assert "'nowhere' is no commit" in unknown.err


def test_a_schema_that_is_new_passes_and_one_outside_of_git_cannot_be_told(
    repository: Path, tmp_path: Path
) -> None:
    (repository / "schemas" / "new.schema.json").write_text(schema("string"))
    assert hook(repository, "schema-check", "schemas/new.schema.json").code == 0
    (tmp_path / "alone.schema.json").write_text(schema("string"))
    alone = ran(
        tmp_path, sys.executable, "-m", "chappe", "hook", "schema-check", "alone.schema.json"
    )
    assert alone.code == 2
    assert "is in no git repository" in alone.err


def test_lint_says_of_each_file_what_is_wrong(repository: Path) -> None:
    bad = {
        "a.schema.json": ('{"type": 7}', "invalid-schema"),
        "a.avsc": ('{"type": "record", "name": "A"}', "invalid-schema"),
        "a.proto": ('syntax = "proto3"; message A { string a = 0; }', "invalid-schema"),
        "a.xsd": ("<schema/>", "invalid-schema"),
        "near.yaml": ("messagegroup: {shop: {}}", "did you mean"),
        "open.yaml": ("messagegroups: {shop: {}\n", "invalid-document"),
        "twice.json": ('{"a": 1,\n"a": 2}', "stands there twice"),
        "within.yaml": (
            "xid: /messagegroups/s/messages/m\ndataschemaformat: Avro/1.12\n"
            "dataschema: {type: record, name: A}\n",
            "/messagegroups/s/messages/m/dataschema",
        ),
    }
    for file, (text, _) in bad.items():
        (repository / file).write_text(text)
    done = hook(repository, "lint", SCHEMA, *bad)
    assert done.code == 1, done.err
    assert len(done.lines) == len(bad)
    for line, (file, (_, said)) in zip(done.lines, bad.items(), strict=True):
        assert line.startswith(f"{file}:")
        assert said in line


def test_lint_lets_good_schemas_pass(repository: Path) -> None:
    texts = {
        "a.schema.json": schema("string"),
        "a.avsc": '{"type": "record", "name": "A", "fields": []}',
        "a.proto": 'syntax = "proto3"; message A { string a = 1; }',
        "b.proto": "message B { optional string a = 1; }",
        "a.xsd": '<schema xmlns="http://www.w3.org/2001/XMLSchema"><element name="a"/></schema>',
    }
    for file, text in texts.items():
        (repository / file).write_text(text)
    done = hook(repository, "lint", *texts)
    assert (done.code, done.out) == (0, ""), done.err


def test_a_hook_loads_only_what_it_needs(repository: Path) -> None:
    code = (
        "import sys\n"
        "from chappe.cli.main import main\n"
        "try: main(['hook', 'lint', 'schemas/order.paid.schema.json'])\n"
        "except SystemExit: print(*sorted(sys.modules))"
    )
    loaded = set(ran(repository, sys.executable, "-c", code).out.split())
    assert "chappe.formats.json_language" in loaded
    assert not loaded & {"asyncio", "http.client", "rich", "lxml", "grpc_tools", "yaml", "mcp"}


def test_events_are_held_against_the_rules_and_the_schemas(repository: Path) -> None:
    lines = [event(1), event("\x1b[2J"), event("1", "unknown.type"), '{"specversion": "1.0"}']
    (repository / "events" / "all.jsonl").write_text("\n".join(lines))
    done = hook(repository, "validate", "--schemas", "schemas", "events/all.jsonl")
    assert done.code == 1
    assert [one.partition(": ")[0] for one in done.lines] == [
        "events/all.jsonl:2:91",
        "events/all.jsonl:4:1",
    ]
    assert "/total" in done.lines[0]
    assert "\x1b" not in done.out


def pre_commit(repository: Path, home: Path, ids: Sequence[str]) -> Ran:
    """Runs the hooks by their own file, of the program that is installed here."""
    source = home / "hooks"
    if not source.exists():
        source.mkdir()
        here = [{**one, "language": "system"} for one in HOOKS]
        (source / ".pre-commit-hooks.yaml").write_text(yaml.safe_dump(here))
        git(source, "init", "-q")
        git(source, "add", ".")
        git(source, "commit", "-q", "-m", "Hooks")
    revision = ran(source, "git", "rev-parse", "HEAD").out.strip()
    wanted: list[dict[str, Any]] = [{"id": one} for one in ids]
    for one in wanted:
        if one["id"] == "chappe-validate":
            one["args"] = ["--schemas", "schemas"]
    config = {"repos": [{"repo": str(source), "rev": revision, "hooks": wanted}]}
    (repository / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    git(repository, "add", ".")
    command = [sys.executable, "-m", "pre_commit", "run", "--color", "never", "--verbose"]
    return ran(repository, *command, PRE_COMMIT_HOME=str(home / "cache"))


def test_pre_commit_lets_pass_what_is_well_and_stops_what_is_not(
    repository: Path, tmp_path: Path
) -> None:
    ids = [str(one["id"]) for one in HOOKS]
    (repository / SCHEMA).write_text(schema("number") + "\n")
    (repository / EVENT).write_text(event(13))
    good = pre_commit(repository, tmp_path, ids)
    assert good.code == 0, good.out + good.err
    assert good.out.count("Passed") == 3

    (repository / SCHEMA).write_text(schema("integer"))
    (repository / EVENT).write_text(event("13"))
    bad = pre_commit(repository, tmp_path, ids)
    assert bad.code == 1
    assert bad.out.count("Failed") == 2
    assert "TYPE_NARROWED" in bad.out
    assert f"{EVENT}:1:91: type" in bad.out


def action(where: Path, tmp_path: Path, **inputs: str) -> tuple[Ran, str, str]:
    """Runs the action's script with these inputs; gives the summary and the outputs, too."""
    (step,) = (one for one in ACTION["runs"]["steps"] if one.get("id") == "check")
    defaults = {name: one.get("default", "") for name, one in ACTION["inputs"].items()}
    given = {**defaults, "run": f"{sys.executable} -m chappe", **inputs}
    env = {
        name: given[value.removeprefix("${{ inputs.").removesuffix(" }}")]
        for name, value in step["env"].items()
    }
    summary, output = tmp_path / "summary", tmp_path / "output"
    done = ran(
        where,
        "bash",
        "-c",
        step["run"],
        **env,
        GITHUB_STEP_SUMMARY=str(summary),
        GITHUB_OUTPUT=str(output),
    )
    return done, summary.read_text() if summary.exists() else "", output.read_text()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
def test_the_action_annotates_sums_up_and_fails(repository: Path, tmp_path: Path) -> None:
    (repository / SCHEMA).write_text(schema("integer"))
    inputs = {"check": "schema-check", "files": "schemas/**/*.json", "from": "HEAD"}
    done, summary, output = action(repository, tmp_path, **inputs, sarif="out.sarif")
    assert done.code == 1, done.err
    assert done.out.startswith(
        f"::error file={SCHEMA},title=chappe schema check%3A TYPE_NARROWED::"
    )
    assert "TYPE_NARROWED" in summary
    assert output == "findings=true\n"
    assert json.loads((repository / "out.sarif").read_text())["runs"][0]["results"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
def test_the_action_passes_where_nothing_is_found_or_fits(repository: Path, tmp_path: Path) -> None:
    files = "schemas/**/*.json\nregistry/*.yaml"
    done, summary, output = action(repository, tmp_path, check="lint", files=files)
    none, _, _ = action(repository, tmp_path, check="lint", files="nothing/*.json")
    assert (done.code, done.out, output) == (0, "", "findings=false\n"), done.err
    assert "Nothing was found." in summary
    assert none.code == 0
    assert none.out.startswith("::notice")


@pytest.mark.engine
def test_the_action_shows_what_a_merge_would_change(
    chappe: Cli, name: str, repository: Path, tmp_path: Path
) -> None:
    (repository / "registry" / "shop.yaml").write_text(json.dumps(shop(name, paid={})))
    inputs = {"check": "diff", "files": "registry", "url": chappe.url, "fail": "false"}
    done, summary, output = action(repository, tmp_path, **inputs)
    assert done.code == 0, done.err
    assert output == "findings=true\n"
    assert f"/messagegroups/{name}/messages/paid" in summary
    assert done.out.count("::warning title=chappe diff%3A created::") == 2


@pytest.mark.engine
def test_commands_that_ask_a_hub_report_in_these_forms(chappe: Cli, name: str) -> None:
    type_ = f"{name}.paid"
    assert chappe("schema", "add", type_, "-", stdin=schema("number")).code == 0
    (chappe.home / "new.json").write_text(schema("integer"))
    (chappe.home / "event.json").write_text(event("x", type_))
    check = chappe("schema", "check", "new.json", "--against", type_, "--format", "github")
    judged = chappe("event", "validate", "event.json", "--format", "sarif")
    stdin = json.dumps(shop(name, paid={}))
    differs = chappe("diff", "-f", "-", "--format", "junit", stdin=stdin)
    assert (check.code, judged.code, differs.code) == (1, 1, 1)
    assert check.out.startswith("::error file=new.json,title=chappe schema check%3A TYPE_NARROWED")
    (result,) = judged.json["runs"][0]["results"]
    where = result["locations"][0]
    assert where["physicalLocation"]["artifactLocation"]["uri"] == "event.json"
    assert where["logicalLocations"] == [{"fullyQualifiedName": "/total"}]
    assert 'tests="2" failures="2"' in differs.out


def test_the_hooks_name_commands_that_there_are() -> None:
    from chappe.cli.hook import hook as group

    assert {one["entry"] for one in HOOKS} == {f"chappe hook {one}" for one in group.commands}
    assert {one["id"] for one in HOOKS} == {"chappe-lint", "chappe-schema-check", "chappe-validate"}
