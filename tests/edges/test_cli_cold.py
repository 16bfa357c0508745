"""What starts without what: help, completion and offline commands import nothing of a hub or a client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from chappe.cli.deferred import DeferredNoun
from chappe.cli.main import COMMANDS, root
from chappe.cli.verbs import VERBS

HEAVY = (
    "rich", "nats", "uvicorn", "uvloop", "jinja2", "prometheus_client", "opentelemetry", "joserfc",
    "cryptography", "google.protobuf", "grpc_tools", "lxml", "sqlite3", "mcp", "wsproto",
    "asyncio", "ssl", "httptools", "http.client", "yaml", "tomlkit", "pydantic", "textual",
    "chappe.client.hub_client",
)  # fmt: skip
LIGHT = (
    *HEAVY, "msgspec", "jsonschema_rs", "tomllib", "platformdirs", "shutil", "urllib.parse", "difflib",
    "pathlib", "json", "chappe.server", "chappe.client", "chappe.formats", "chappe.registry",
)  # fmt: skip


def imported(
    *arguments: str, of: tuple[str, ...], cwd: Path, env: dict[str, str] | None = None
) -> list[str]:
    script = (
        "import sys, click\n"
        "before = set(sys.modules)\n"  # what click brings along is its own affair
        "from chappe.cli.main import main\n"
        f"try: main({list(arguments)!r})\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        f"print([name for name in {of!r} if name in sys.modules and name not in before],"
        " file=sys.stderr)"
    )
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("CHAPPE_", "COVERAGE"))}
    clean |= {"XDG_CONFIG_HOME": str(cwd / "none"), "XDG_CACHE_HOME": str(cwd / "none")}
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        timeout=120,
        cwd=cwd,
        env={**clean, **(env or {})},
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    found: list[str] = json.loads(done.stderr.decode().splitlines()[-1].replace("'", '"'))
    return found


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["version"], ["completion", "bash"], *([name, "--help"] for name in VERBS)],
    ids=" ".join,
)
def test_help_and_version_import_next_to_nothing(arguments: list[str], tmp_path: Path) -> None:
    assert imported(*arguments, of=LIGHT, cwd=tmp_path) == []


@pytest.mark.parametrize("words", ["chappe ", "chappe s", "chappe type ", "chappe hook "])
def test_completion_of_commands_imports_none_of_them(words: str, tmp_path: Path) -> None:
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}

    found = imported(of=HEAVY, cwd=tmp_path, env={"_CHAPPE_COMPLETE": "bash_complete", **asked})

    assert found == []


def test_a_schema_is_judged_offline_without_a_hub_or_a_client(tmp_path: Path) -> None:
    file = tmp_path / "order.schema.json"
    file.write_text('{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}')
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True)

    assert imported("hook", "schema-check", file.name, of=HEAVY, cwd=tmp_path) == []
    assert imported("hook", "lint", file.name, of=HEAVY, cwd=tmp_path) == []


@pytest.mark.parametrize("name", VERBS)
def test_the_help_of_a_noun_is_what_its_commands_say(name: str) -> None:
    noun = root.get_command(click.Context(root), name)
    assert isinstance(noun, DeferredNoun)
    real = noun.real()
    plain = click.Group.format_help

    def help_of(group: click.Group) -> str:
        context = click.Context(group, info_name=name, max_content_width=100, terminal_width=2_000)
        formatter = context.make_formatter()
        plain(group, context, formatter)
        return formatter.getvalue()

    assert help_of(noun) == help_of(real)
    assert [one.opts for one in real.params] == [one.opts for one in noun.params]


def test_every_noun_is_listed_without_being_imported() -> None:
    groups = {
        name
        for name in COMMANDS
        if isinstance(root.get_command(click.Context(root), name), click.Group)
    }

    assert groups == {*VERBS, "event"}
