"""`chappe schema lint`: what is wrong or unwise in a JSON Schema file; no hub is asked.

order.json  error    /properties/total  no-type       nothing says what it is
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import click

from chappe.cli.registry_print import emit, listing
from chappe.cli.session import Session, printing
from chappe.domain.lint_guide import SCHEMA_LINT

_NO: Final = 1
_COLUMNS: Final = ("FILE", "LEVEL", "WHERE", "RULE", "WHAT")
_DEEPEST: Final = 64
_SAYS: Final = frozenset(
    "type const enum $ref oneOf anyOf allOf not if properties items format pattern minimum"
    " maximum".split()
)


@dataclass(frozen=True, slots=True)
class Remark:
    """What one rule says of one place of one file."""

    file: str
    level: str
    where: str
    rule: str
    what: str


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@printing("table", "json", "jsonl", "yaml")
def lint(session: Session, files: Sequence[str], strict: bool) -> None:
    """Check JSON Schema files: that they are schemas, and say enough; no hub is needed.

    \b
      chappe schema lint schemas/*.json

    The exit code is 1 where there is an error. `chappe errors explain RULE` says why, and how to mend it.
    """  # noqa: D301 - click's mark for lines as they are
    remarks = [remark for file in files for remark in _of_file(file)]
    if not emit(session, [asdict(one) for one in remarks], answer=None):
        if remarks:
            listing(session, _COLUMNS, [tuple(asdict(one).values()) for one in remarks])
        errors = sum(one.level == "error" for one in remarks)
        session.note(f"{errors} errors, {len(remarks) - errors} warnings in {len(files)} files")
    if any(one.level == "error" or strict for one in remarks):
        click.get_current_context().exit(_NO)


def _of_file(file: str) -> Iterator[Remark]:
    from chappe.domain.errors import ChappeError
    from chappe.formats.json_schema import JsonSchema

    try:
        document = Path(file).read_bytes()
    except OSError as exc:
        raise click.UsageError(f"{file}: {exc.strerror}") from exc
    try:
        schema = json.loads(document)
    except ValueError as exc:
        yield _remark(file, "/", "no-json", f"is no JSON: {exc}")
        return
    dialect = schema.get("$schema") if isinstance(schema, dict) else None
    if dialect is None:
        what = "does not say its dialect; the hub takes it for draft-07"
        yield _remark(file, "/", "no-dialect", what)
    from chappe.cli.schema_format import format_of

    try:
        JsonSchema().compile(document, format_of(schema))
    except ChappeError as exc:
        yield _remark(file, "/", "no-schema", exc.message)
        return
    for where, rule, what in about(schema, ""):
        yield _remark(file, where or "/", rule, what)


def _remark(file: str, where: str, rule: str, what: str) -> Remark:
    return Remark(file, SCHEMA_LINT[rule].level, where, rule, what)


def about(schema: Any, where: str, depth: int = 0) -> Iterator[tuple[str, str, str]]:
    """What the rules say of a schema and what is below it: (place, rule, what)."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return
    reference = schema.get("$ref")
    if isinstance(reference, str) and not reference.startswith("#"):
        yield where, "foreign-ref", f"refers to {reference!r}, which is never fetched"
    properties = schema.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    required = schema.get("required")
    for name in required if isinstance(required, list) else []:
        if name not in properties and schema.get("additionalProperties") is False:
            yield where, "impossible", f"requires {name!r}, and allows no such property"
        elif name not in properties and properties:
            yield where, "unknown-required", f"requires {name!r}, and does not describe it"
    if isinstance(required, list) and len(set(map(str, required))) != len(required):
        yield where, "twice-required", "names a property twice in required"
    least, most = schema.get("minimum"), schema.get("maximum")
    if isinstance(least, int | float) and isinstance(most, int | float) and least > most:
        yield where, "impossible", f"minimum {least} is above maximum {most}"
    if not where and not schema.get("description") and not schema.get("title"):
        yield where, "no-description", "has neither title nor description"
    for name, one in properties.items():
        below = f"{where}/properties/{str(name).replace('~', '~0').replace('/', '~1')}"
        if isinstance(one, dict) and not _SAYS & set(one):
            yield below, "no-type", "nothing says what it is"
        yield from about(one, below, depth + 1)
    if isinstance(schema.get("items"), dict):
        yield from about(schema["items"], f"{where}/items", depth + 1)
