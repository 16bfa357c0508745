"""The commands as data: impact, examples, aliases, topics; and that the documentation has the examples."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from chappe.cli import help_tree, mcp_server
from chappe.cli.failures import EXIT_CODES, EXITS
from chappe.cli.help_topics import TOPICS
from chappe.cli.impact import IMPACT
from chappe.cli.main import COMMANDS, root
from chappe.cli.noun import ALIASES, Noun, canonical, meant

ALL = dict(help_tree.walk(root))
GROUPS = {name: one for name, one in ALL.items() if isinstance(one, click.Group)}
LEAVES = {name: one for name, one in ALL.items() if not isinstance(one, click.Group)}
TEXT = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
TREE = help_tree.whole(root)


def ran(*arguments: str) -> tuple[object, str]:
    """The result and standard output, or what was wrong with the usage."""
    from click.testing import CliRunner

    outcome = CliRunner().invoke(root, arguments, prog_name="chappe", standalone_mode=False)
    if isinstance(outcome.exception, click.ClickException):
        return "usage", outcome.exception.format_message()
    if outcome.exception is not None:
        raise outcome.exception
    return outcome.return_value, outcome.stdout


def test_each_command_declares_its_impact_and_nothing_else_does() -> None:
    assert set(IMPACT) == set(LEAVES)


@pytest.mark.parametrize("name", LEAVES)
def test_each_command_begins_with_examples_that_can_be_copied(name: str) -> None:
    shown = help_tree.examples(LEAVES[name])
    paragraphs = (LEAVES[name].help or "").split("\n\n")

    assert shown
    assert all(f"chappe {name}" in line for line in shown[:1]), shown
    assert paragraphs[1].lstrip().startswith("\b"), "they stand under the first sentence"


@pytest.mark.parametrize("name", LEAVES)
def test_the_documentation_has_the_examples_of_the_help(name: str) -> None:
    section = re.search(rf"^### `chappe {name}`\n(.*?)(?=^### |\Z)", TEXT, re.M | re.S)
    assert section is not None
    shown = [" ".join(line.partition(" # ")[0].split()) for line in section[1].splitlines()]

    missing = [
        one for one in help_tree.examples(LEAVES[name]) if " ".join(one.split()) not in shown
    ]
    assert missing == []


@pytest.mark.parametrize("name", LEAVES)
def test_an_example_names_options_that_there_are(name: str) -> None:
    """Of its own command: words after `chappe NAME` up to a pipe."""
    command = LEAVES[name]
    known = {opt for one in command.params for opt in (*one.opts, *one.secondary_opts)}
    for line in help_tree.examples(command):
        for part in re.split(r"[|>;]", re.sub(r"'[^']*'|\"[^\"]*\"", "''", line)):
            _, found, rest = part.partition(f"chappe {name} ")
            given = {one for one in rest.split() if re.match(r"--\w|-\w$", one)} if found else set()
            assert given <= known | {"-h", "--"}, line


def test_each_group_knows_aliases_and_examples() -> None:
    assert [name for name, one in GROUPS.items() if not isinstance(one, Noun)] == []


@pytest.mark.parametrize("alias", ["list", "show", "describe", "delete"])
def test_an_alias_is_the_command_and_help_lists_it_not(alias: str) -> None:
    _, by_alias = ran("sub", alias, "-h")
    _, by_name = ran("sub", ALIASES[alias], "-h")
    _, group = ran("sub", "-h")

    assert by_alias == by_name
    assert f"\n  {alias} " not in group


def test_a_command_of_that_name_comes_before_an_alias() -> None:
    assert canonical("delete", list(COMMANDS)) == "delete"
    assert canonical("delete", ["ls", "rm"]) == "rm"
    assert canonical("ctx", ["context"]) == "context"


@pytest.mark.parametrize("words", [["su"], ["sub", "l"], ["sub", "cre"], ["type", "descr"]])
def test_the_beginning_of_a_name_is_no_name(words: list[str]) -> None:
    kind, told = ran(*words)

    assert kind == "usage"
    assert "No such command" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["evnt"], "did you mean 'event'?"),
        (["sub", "lss"], "did you mean 'ls'?"),
        (["sub", "descrbe"], "did you mean 'describe'?"),
        (["trace"], "did you mean chappe event trace?"),
        (["pause"], "did you mean chappe sub pause or chappe source pause?"),
        (["type", "subscribe-me-please"], "there are: consumers, deprecate, get"),
        (["help", "outpit"], "did you mean 'output'?"),
        (["help", "sub", "lss"], "did you mean 'ls'?"),
        (["help", "version", "more"], "has no commands below it"),
        (["help", "sub", "--json"], "name none"),
    ],
)
def test_a_word_that_is_none_is_told_with_the_one_that_was_meant(
    words: list[str], told: str
) -> None:
    kind, text = ran(*words)

    assert kind == "usage"
    assert told in text


def test_what_was_meant_never_names_a_command_that_is_not_there() -> None:
    assert meant("nothing-like-it", ["ls", "get"], "chappe sub") == "there are: ls, get"


def test_help_of_a_command_is_what_it_says_itself() -> None:
    for words in (["sub", "create"], ["sub", "list"], ["sub"], ["version"]):
        assert ran("help", *words)[1] == ran(*words, "-h")[1]


@pytest.mark.parametrize("topic", TOPICS)
def test_each_topic_is_listed_shown_and_no_command(topic: str) -> None:
    assert f"chappe help {topic} " in ran("help")[1]
    assert ran("help", topic)[1].strip() == TOPICS[topic].text.strip()
    assert topic not in COMMANDS
    assert f"`{topic}`" in TEXT
    assert max(map(len, TOPICS[topic].text.splitlines())) <= 110


def test_the_topics_say_what_the_commands_do() -> None:
    variables = {
        one.envvar
        for command in ALL.values()
        for one in command.params
        if isinstance(one.envvar, str) and one.envvar != "TERM"
    }
    known = {**TREE["exit_codes"]}

    assert [one for one in variables if one not in TOPICS["environment"].text] == []
    assert all(f"{code:>3}  {text}" in TOPICS["exit-codes"].text for code, text in EXITS.items())
    assert all(f"{code} {text}" in EXIT_CODES for code, text in known.items())


def test_the_cheat_sheet_of_a_noun_is_its_examples() -> None:
    _, told = ran("sub", "--examples")
    wanted = [
        line
        for name, command in LEAVES.items()
        if name.startswith("sub ")
        for line in help_tree.examples(command)
    ]

    assert [line for line in told.splitlines() if line and not line.startswith("# ")] == wanted


def test_help_as_json_has_the_whole_tree() -> None:
    told = json.loads(ran("help", "--json")[1])
    commands: dict[str, Any] = {one["name"]: one for one in told["commands"]}

    assert told == TREE
    assert set(commands) == set(LEAVES)
    assert {one["name"] for one in told["groups"]} == set(GROUPS) - {""}
    assert {one: commands["sub rm"][one] for one in ("impact", "aliases", "outputs", "shared")} == {
        "impact": "destructive",
        "aliases": ["sub delete"],
        "outputs": ["table", "wide", "json", "yaml", "jsonl", "name"],
        "shared": [
            "--context",
            "--url",
            "--token",
            "--output",
            "--quiet",
            "--verbose",
            "--debug-http",
        ],
    }
    assert commands["sub rm"]["arguments"] == [
        {"name": "ID", "required": True, "multiple": True, "type": "text", "choices": []}
    ]
    assert {one["names"][-1]: one["env"] for one in told["options"]}["--token"] == "CHAPPE_TOKEN"


@pytest.mark.parametrize("one", TREE["commands"], ids=lambda one: one["name"])
def test_each_option_of_the_json_has_a_help_and_a_sound_value(one: dict[str, Any]) -> None:
    assert one["help"].endswith((".", ":"))
    for option in one["options"]:
        assert option["help"]
        assert (option["value"] is None) == (option["type"] == "flag")
        assert bool(option["choices"]) == (option["type"] == "choice")


def test_the_tools_of_an_assistant_have_the_impact_of_a_command() -> None:
    assert set(mcp_server._AS.values()) <= set(IMPACT)


def test_impact_is_read_by_no_command_that_does_its_work() -> None:
    script = (
        "import sys\n"
        "from chappe.cli.main import main\n"
        "try: main(['sub', 'ls', '-h'])\n"
        "except SystemExit: pass\n"
        "print([one for one in ('impact', 'help_tree', 'help_topics') if f'chappe.cli.{one}' in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)

    assert done.stdout.decode().splitlines()[-1] == "[]"
