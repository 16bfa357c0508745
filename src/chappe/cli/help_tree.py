"""The commands as data: what `chappe help --json`, the cheat sheets and the skill are made from.

    {"name": "sub rm", "help": "End subscriptions; …", "impact": "destructive", "examples": ["chappe sub rm billing --yes"], …}

Everything comes from the commands themselves and from `impact`; nothing is written down twice.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import click

from chappe import __version__
from chappe.cli.failures import EXITS
from chappe.cli.impact import IMPACT
from chappe.cli.noun import aliases_of

_ENV: Final = re.compile(r"\[env: (\w+)\]")
_REMARK: Final = re.compile(r"\s+# .*$")
_DEFAULT: Final = re.compile(r"\[default: ([^]]*)\]")


def whole(root: click.Group) -> dict[str, Any]:
    """All commands, the options they share, and how they end."""
    groups = [
        {"name": name, "help": summary(group), "aliases": aliases_of(name, ())}
        for name, group in walk(root)
        if isinstance(group, click.Group) and name
    ]
    shared = frozenset(one.name for one in _shown_options(root) if one.name)
    commands = [
        _command(name, command, shared)
        for name, command in walk(root)
        if not isinstance(command, click.Group)
    ]
    return {
        "name": "chappe",
        "version": __version__,
        "help": summary(root),
        "options": [_option(one) for one in _shown_options(root)],
        "exit_codes": {str(code): text for code, text in EXITS.items()},
        "groups": groups,
        "commands": commands,
    }


def walk(group: click.Group, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Each command below and including the group, with its name, such as "sub ls"."""
    yield name, group
    context = click.Context(group)
    for one in group.list_commands(context):
        command = group.get_command(context, one)
        if command is None or command.hidden:
            continue
        path = f"{name} {one}".strip()
        if isinstance(command, click.Group):
            yield from walk(command, path)
        else:
            yield path, command


def found(root: click.Group, words: Sequence[str]) -> click.Context:
    """The context of the command that the words name, by its alias, too.

    Raises:
        click.UsageError: there is none.
    """
    context = click.Context(root, info_name="chappe", **root.context_settings)
    for word in words:
        group = context.command
        if not isinstance(group, click.Group):
            raise click.UsageError(f"{context.command_path} has no commands below it", context)
        name, command, _ = group.resolve_command(context, [word])
        if command is None or name is None:
            raise click.UsageError(f"{word!r} is no command", context)
        context = click.Context(command, info_name=name, parent=context, **command.context_settings)
    return context


def summary(command: click.Command) -> str:
    """What it does, in one sentence: the first paragraph of its help, on one line."""
    return " ".join(_text(command).split("\n\n", 1)[0].split())


def examples(command: click.Command) -> list[str]:
    """The lines of its help that can be copied."""
    blocks = [one for one in _text(command).split("\n\n") if one.startswith("\b")]
    whole_lines = [re.sub(r"\s*\\\n\s*", " ", block) for block in blocks]
    lines = [_REMARK.sub("", line).strip() for one in whole_lines for line in one.splitlines()[1:]]
    return [line for line in lines if re.search(r"\bchappe ", line)]


def cheat_sheet(group: click.Group, ctx: click.Context) -> Iterator[str]:
    """The examples of all commands of a group, each under what the command does."""
    path = ctx.command_path.partition(" ")[2]
    for name, command in walk(group, path):
        shown = examples(command)
        if name != path and shown:
            yield f"# {summary(command)}"
            yield from shown
            yield ""


def _command(name: str, command: click.Command, shared: frozenset[str]) -> dict[str, Any]:
    options = _shown_options(command)
    outputs = [_choices(one)["choices"] for one in options if one.name == "output"]
    return {
        "name": name,
        "help": summary(command),
        "description": _description(command),
        "impact": IMPACT[name],
        "aliases": _aliases(name),
        "examples": examples(command),
        "arguments": [_argument(one) for one in command.params if isinstance(one, click.Argument)],
        "options": [_option(one) for one in options if one.name not in shared],
        "shared": [one.opts[-1] for one in options if one.name in shared],
        "outputs": outputs[0] if outputs else [],
    }


def _aliases(name: str) -> list[str]:
    group, _, last = name.rpartition(" ")
    beside = [one.rpartition(" ")[2] for one in IMPACT if one.rpartition(" ")[0] == group]
    return [f"{group} {one}".strip() for one in aliases_of(last, beside)]


def _argument(one: click.Argument) -> dict[str, Any]:
    return {
        "name": one.make_metavar(click.Context(click.Command("chappe"))).strip("[].") or one.name,
        "required": one.required,
        "multiple": one.nargs != 1,
        "type": one.type.name,
        **_choices(one),
    }


def _shown_options(command: click.Command) -> list[click.Option]:
    return [one for one in command.params if isinstance(one, click.Option) and not one.hidden]


def _option(one: click.Option) -> dict[str, Any]:
    text = inspect.cleandoc(one.help or "").replace("\n", " ")
    told_env = _ENV.search(text)
    told_default = _DEFAULT.search(text)
    default = one.to_info_dict()["default"]
    if told_default is not None:
        default = told_default[1]
    return {
        "names": [*one.opts, *one.secondary_opts],
        "value": None if one.is_flag else (one.metavar or one.type.name.upper()),
        "type": "flag" if one.is_flag else one.type.name,
        "required": one.required,
        "multiple": one.multiple,
        "default": default if isinstance(default, str | int | float | bool) else None,
        "env": one.envvar if isinstance(one.envvar, str) else told_env[1] if told_env else None,
        "help": _DEFAULT.sub("", _ENV.sub("", text)).strip(),
        **_choices(one),
    }


def _choices(one: click.Parameter) -> dict[str, list[str]]:
    return {
        "choices": list(map(str, one.type.choices)) if isinstance(one.type, click.Choice) else []
    }


def _text(command: click.Command) -> str:
    return inspect.cleandoc(command.help or "")


def _description(command: click.Command) -> str:
    rest = _text(command).split("\n\n")[1:]
    return "\n".join(" ".join(one.split()) for one in rest if not one.startswith("\b"))
