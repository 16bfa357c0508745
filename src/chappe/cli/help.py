"""`chappe help`: topics, the help of a command, and all of it as JSON."""

from __future__ import annotations

from collections.abc import Sequence

import click

from chappe.kit.near import nearest


@click.command("help")
@click.argument("words", metavar="[TOPIC|COMMAND...]", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Every command as JSON, for programs.")
def help_(words: Sequence[str], as_json: bool) -> None:
    """Explain a topic or a command; without either, list the topics.

    \b
      chappe help exit-codes
      chappe help sub create
      chappe help --json | jq -r '.commands[] | select(.impact == "destructive").name'

    The JSON has of each command its name, help, arguments, options, examples, forms of output,
    aliases and impact: read, write or destructive.
    """  # noqa: D301 - click's mark for lines as they are
    from chappe.cli import help_tree
    from chappe.cli.help_topics import TOPICS

    root = click.get_current_context().find_root().command
    assert isinstance(root, click.Group)
    if as_json:
        if words:
            raise click.UsageError("--json tells of all commands: name none")
        import json

        click.echo(json.dumps(help_tree.whole(root), ensure_ascii=False, indent=1))
    elif not words:
        for line in _contents():
            click.echo(line)
    elif len(words) == 1 and words[0] in TOPICS:
        click.echo(TOPICS[words[0]].text.strip())
    else:
        context = _of_command(root, words, list(TOPICS))
        click.echo(context.get_help())


def _contents() -> list[str]:
    from chappe.cli.cells import aligned
    from chappe.cli.help_topics import TOPICS

    rows = [(f"  chappe help {name}", one.title) for name, one in TOPICS.items()]
    return [
        "Topics:",
        *aligned(rows),
        "",
        "Of a command: chappe help COMMAND, or chappe COMMAND -h; all of them: chappe -h",
        "The examples of a group of commands: chappe sub --examples",
    ]


def _of_command(root: click.Group, words: Sequence[str], topics: Sequence[str]) -> click.Context:
    from chappe.cli import help_tree

    near = nearest(words[0], topics)
    try:
        return help_tree.found(root, words)
    except click.UsageError:
        if len(words) == 1 and near:
            raise click.UsageError(
                f"{words[0]!r} is neither a topic nor a command; did you mean {near!r}?",
                click.get_current_context(),
            ) from None
        raise
