"""`chappe schema gen`: a schema in a programming language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import click

from chappe.cli.generate.python import STYLES, messages, models
from chappe.cli.generate.running import File
from chappe.cli.generate.source import Source, check, is_file, read_file, read_registry
from chappe.cli.generate.tools import TOOLS, by_tool
from chappe.cli.registry_options import group_option
from chappe.cli.render import printable
from chappe.cli.session import Session, remote

_CLASS = re.compile(r"[A-Za-z][A-Za-z0-9]{0,99}")
LANGUAGES = sorted({"python"}.union(*TOOLS.values()))


@click.command()
@click.argument("name", metavar="SCHEMA")
@click.option(
    "--language",
    required=True,
    type=click.Choice(LANGUAGES),
    metavar="LANGUAGE",
    help=f"One of {', '.join(LANGUAGES)}.",
)
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write the files there. [default: standard output, where it is one file]",
)
@click.option(
    "--style",
    type=click.Choice(tuple(STYLES)),
    default="pydantic",
    show_default=True,
    help="What Python models are made with.",
)
@click.option(
    "--class", "class_name", metavar="NAME", help="The name of the whole. [default: by the schema]"
)
@click.option(
    "--format", "format_", help="What a file is written in. [default: by its name and $schema]"
)
@group_option
@click.option("--version", metavar="ID", help="This version of a document. [default: its default]")
@remote
def gen(
    session: Session,
    name: str,
    language: str,
    directory: Path | None,
    style: str,
    class_name: str | None,
    format_: str | None,
    group: str | None,
    version: str | None,
) -> None:
    """Write a schema as types of a programming language.

    \b
      chappe schema gen order.paid --language python --dir models
      chappe schema gen ./order.avsc --language go > order.go

    SCHEMA is the name of a type or of a document, an xid, or a file. Python comes with chappe[gen]; for other
    languages a tool must be on the PATH, and is named if it is not. What a schema refers to is not fetched.
    """  # noqa: D301 - click's mark for lines as they are
    if class_name is not None and not _CLASS.fullmatch(class_name):
        raise click.UsageError(f"--class: {class_name!r} is no name of letters and digits")
    if is_file(name):
        if group is not None or version is not None:
            raise click.UsageError(f"{name} is a file; --group and --version are of the registry")
        source = read_file(name, format_)
    elif format_ is not None:
        raise click.UsageError(f"--format: {name} is no file; the registry knows its format")
    else:
        source = session.run(lambda hub: read_registry(hub, name, group=group, version=version))
    files = _generated(source, language, style=style, class_name=class_name)
    if directory is not None:
        _write(directory, files)
    _print(session, files, directory)


def _generated(source: Source, language: str, *, style: str, class_name: str | None) -> list[File]:
    tool = TOOLS[source.family].get(language)
    if tool is None and language != "python":
        known = ", ".join(sorted({"python", *TOOLS[source.family]}))
        raise click.UsageError(
            f"{language} from {source.family}: no tool is known that does that; known: {known}"
        )
    check(source)
    if tool is not None:
        return by_tool(source, tool, class_name or source.class_name)
    if source.family == "Protobuf":
        return messages(source)
    return models(source, style=style, class_name=class_name)


def _write(directory: Path, files: Sequence[File]) -> None:
    for file in files:
        path = directory / file.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.text, encoding="utf-8")
        except OSError as exc:
            raise click.UsageError(f"{path}: {exc.strerror or exc}") from exc


def _print(session: Session, files: Sequence[File], directory: Path | None) -> None:
    import msgspec

    paths = [str(directory / file.path) if directory else file.path for file in files]
    if session.output in ("json", "jsonl"):
        made = [
            {"path": path} if directory else {"path": path, "text": file.text}
            for path, file in zip(paths, files, strict=True)
        ]
        for one in [made] if session.output == "json" else made:
            session.pass_through(msgspec.json.encode(one) + b"\n")
    elif directory or session.output == "name":
        for path in paths:
            session.say(printable(path))
    elif len(files) == 1:
        session.pass_through(files[0].text.encode())
    else:
        raise click.UsageError(f"these are {len(files)} files ({', '.join(paths[:5])}); add --dir")
