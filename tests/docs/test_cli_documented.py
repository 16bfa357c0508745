"""docs/cli.md has a section for each command and names each of its options, and none besides."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from chappe.cli.main import root

TEXT = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### `(chappe [^`]+)`\n(.*?)(?=^### |\Z)", TEXT, re.M | re.S))
SHARED = set(
    "--url --token --context -o --output -q --quiet -v --verbose --debug-http --columns --sort-by".split()
)


def tree(group: click.Group, path: str = "chappe") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from tree(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


COMMANDS = dict(tree(root))


def options(command: click.Command) -> set[str]:
    return {
        name
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden
        for name in parameter.opts
    }


@pytest.mark.parametrize("path", [path for path in COMMANDS if path != "chappe serve"])
def test_each_option_of_a_command_is_documented(path: str) -> None:
    rows = re.findall(r"^\| `([^`]+)` \|", SECTIONS[path], re.M)
    documented = {word.rstrip(",") for row in rows for word in row.split() if word.startswith("-")}

    assert documented == options(COMMANDS[path]) - SHARED


def test_each_section_is_a_command() -> None:
    assert set(SECTIONS) == set(COMMANDS)


@pytest.mark.parametrize("name", sorted(options(root) | SHARED))
def test_each_shared_option_is_documented(name: str) -> None:
    assert f"`{name}" in TEXT.split("## Commands")[0]


def test_the_options_of_serve_are_the_settings() -> None:
    settings = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    names = {
        name.removeprefix("--").replace("-", "_") for name in options(COMMANDS["chappe serve"])
    }

    assert "configuration.md" in SECTIONS["chappe serve"]
    assert {name for name in names - {"config"} if f"`{name}`" not in settings} == set()
