"""`chappe init`: the beginnings of a repository that says what a hub is to have. No hub is asked.

The files are those of the directory `scaffold`; the skill is made from the commands themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import click

from chappe import __version__
from chappe.cli.session import Session, remote
from chappe.domain.errors import Conflict

FILES: Final[Mapping[str, str]] = {
    "registry/orders.yaml": "orders.yaml",
    "registry/producers.yaml": "producers.yaml",
    "registry/subscriptions.yaml": "subscriptions.yaml",
    "events/order.paid.json": "order.paid.json",
    ".github/workflows/events.yml": "workflow.yml",
    ".pre-commit-config.yaml": "pre-commit-config.yaml",
    "README.md": "readme.md",
}
"""Where a file goes -> its name in the package."""

SKILL: Final = ".claude/skills/chappe/SKILL.md"
AGENTS: Final = "AGENTS.md"
_BEGIN: Final = "<!-- chappe: chappe init --agents writes this section -->"
_END: Final = "<!-- /chappe -->"
_IMPACTS: Final = (
    ("read", "Commands that only read"),
    ("write", "Commands that add or change something"),
    ("destructive", "Commands that take something away or stop it: ask a person first"),
)


@click.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False))
@click.option("--agents", is_flag=True, help="With a skill for AI assistants, and AGENTS.md.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@remote
def init(session: Session, folder: str, agents: bool, force: bool, dry_run: bool) -> None:
    """Make the files of a team's events: types, schemas, subscriptions; hooks, and a workflow.

    \b
      chappe init events
      chappe init --url https://events.example --agents

    Prints the names of what it wrote. A file that is there is never written over without --force; then
    nothing is written at all. Of AGENTS.md only a section of its own is.
    """  # noqa: D301 - click's mark for lines as they are
    root = click.get_current_context().find_root().command
    assert isinstance(root, click.Group)
    where = Path(folder)
    wanted = dict(_wanted(session.url))
    if agents:
        wanted[SKILL] = _skill(root)
    there = [name for name in wanted if (where / name).exists()]
    if there and not force:
        raise Conflict(
            f"init: there is already {', '.join(there)} in {folder}; nothing was written",
            next="name another directory, or write over them with --force",
        )
    if agents:
        wanted[AGENTS] = _section(where / AGENTS)
    for name, text in wanted.items():
        if not dry_run:
            (where / name).parent.mkdir(parents=True, exist_ok=True)
            (where / name).write_text(text, encoding="utf-8")
        session.say(str(where / name))
    if dry_run:
        session.note("nothing was written")
    session.hint(f"chappe diff -f {where / 'registry'}; chappe apply -f {where / 'registry'}")


def _wanted(url: str) -> Iterator[tuple[str, str]]:
    for name, packaged in FILES.items():
        yield name, _filled(packaged, {"EVENTS": json.dumps(f"{url.rstrip('/')}/events")})
    yield "chappe.toml", f"# Which hub the commands here ask.\n[cli]\nurl = {json.dumps(url)}\n"


def _filled(packaged: str, more: Mapping[str, str]) -> str:
    """A file of the package, with what stands in it as @NAME@ put in."""
    text = files("chappe.cli").joinpath("scaffold", packaged).read_text(encoding="utf-8")
    for name, value in {"VERSION": __version__, **more}.items():
        text = text.replace(f"@{name}@", value)
    return text


def _skill(root: click.Group) -> str:
    from chappe.cli.help_tree import whole

    tree = whole(root)
    exits = [f"- {code}: {text}" for code, text in tree["exit_codes"].items()]
    return _filled(
        "skill.md", {"EXITS": "\n".join(exits), "COMMANDS": "\n\n".join(_commands(tree))}
    )


def _commands(tree: Mapping[str, Any]) -> Iterator[str]:
    for impact, title in _IMPACTS:
        lines = [
            f"- `chappe {one['name']}`: {one['help']} `{one['examples'][0]}`"
            for one in tree["commands"]
            if one["impact"] == impact
        ]
        yield f"## {title}\n\n" + "\n".join(lines)


def _section(path: Path) -> str:
    """The file with our section in it: at its end, or in place of the one from before."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    own = f"{_BEGIN}\n{_filled('agents.md', {'SKILL': SKILL}).strip()}\n{_END}\n"
    before, begin, rest = text.partition(_BEGIN)
    if not begin:
        return f"{text.rstrip()}\n\n{own}".lstrip()
    _, end, after = rest.partition(_END)
    return before + own + (after.removeprefix("\n") if end else "")
