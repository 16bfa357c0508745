"""`chappe hook`: what .pre-commit-hooks.yaml runs; files are judged here, and no hub is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from chappe.cli.noun import Noun
from chappe.cli.render import printable
from chappe.cli.report_formats import Checked, Format, place, report_option, written

if TYPE_CHECKING:
    from chappe.formats.languages import Languages

_NO = 1
_RULES = ("backward", "forward", "full")

F = TypeVar("F", bound=Callable[..., Any])

_files = click.argument(
    "files", nargs=-1, type=click.Path(exists=True, dir_okay=False), metavar="FILE..."
)


@click.group(cls=Noun, no_args_is_help=True)
def hook() -> None:
    """Judge files without a hub: the hooks of pre-commit, and steps of a pipeline."""


@hook.command()
@_files
@report_option
def lint(files: Sequence[str], report: Format | None) -> None:
    """Tell whether schemas are schemas, and registry files say what a registry understands.

    \b
      chappe hook lint schemas/*.avsc registry/*.yaml

    Schemas go by their names: .avsc, .proto, .xsd, .schema.json, or JSON with a $schema of
    json-schema.org. Other JSON and YAML files are registry documents (chappe apply).
    """  # noqa: D301 - click's mark for lines as they are
    from chappe.cli.hook_files import lint_file

    with _languages() as languages:
        _end("chappe lint", [lint_file(one, languages) for one in files], report)


@hook.command("schema-check")
@_files
@click.option(
    "--from",
    "base",
    default="HEAD",
    show_default=True,
    metavar="REF",
    help="The commit that a schema is compared with.",
)
@click.option(
    "--rule",
    type=click.Choice(_RULES),
    default="backward",
    show_default=True,
    help="What must hold.",
)
@report_option
def schema_check(files: Sequence[str], base: str, rule: str, report: Format | None) -> None:
    """Tell whether schemas fit what they were in git: data of the old one can still be read.

    \b
      chappe hook schema-check schemas/order.paid.schema.json
      chappe hook schema-check --from origin/main --rule full schemas/*.avsc
      chappe hook schema-check registry/*.yaml

    Of a registry file the schemas in it are compared. What was not there before passes. Which stored events would no longer be valid only a hub can
    tell: chappe schema check.
    """  # noqa: D301 - click's mark for lines as they are
    from chappe.cli.hook_files import compare_file

    with _languages() as languages:
        checked = [compare_file(one, base, rule, languages) for one in files]
        _end("chappe schema check", checked, report)


@hook.command()
@_files
@click.option(
    "--schemas",
    type=click.Path(exists=True, file_okay=False),
    metavar="DIR",
    help="Payloads are held against TYPE.schema.json, .json, .avsc, .proto or .xsd in it, or registry files.",
)
@report_option
def validate(files: Sequence[str], schemas: str | None, report: Format | None) -> None:
    """Tell whether files hold valid CloudEvents, and payloads fit the schemas in a directory.

    \b
      chappe hook validate --schemas schemas events/*.json
      chappe hook validate --schemas registry events/*.json

    A file holds one event in the JSON format, an array of them, or one after another. A type without a
    schema in DIR, as a file or in a registry file, passes.
    """  # noqa: D301 - click's mark for lines as they are
    from chappe.cli.hook_files import validate_file

    with _languages() as languages:
        _end("chappe validate", [validate_file(one, schemas, languages) for one in files], report)


@contextmanager
def _languages() -> Iterator[Languages]:
    from chappe.server.schema_languages import languages_here

    with languages_here() as languages:
        yield languages


def _end(tool: str, checked: Sequence[Checked], report: str | None) -> None:
    if report is not None:
        click.echo(written(cast("Format", report), tool, checked), nl=False)
    else:
        for one in checked:
            for finding in one.findings:
                click.echo(printable(f"{place(finding)}{finding.rule}: {finding.text}"))
    if any(one.findings for one in checked):
        click.get_current_context().exit(_NO)
