"""`chappe event validate`: would the hub let these events in, or do they fit a schema that is here?

✗ event 1 (order.paid): not valid against /messagegroups/shop/messages/order.paid
    order.json:7:14  /total  type: the value is not of type "number"  value "12"
    owner: team-checkout
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click
import msgspec

from chappe.cli.event_subjects import Subject, findings, invalid, subjects_of, unreadable
from chappe.cli.render import printable
from chappe.cli.report_formats import Checked, Format, report_option, written
from chappe.cli.session import Session, remote
from chappe.client.views import Judged
from chappe.domain.errors import CallerError

if TYPE_CHECKING:
    from chappe.client.hub_client import HubClient

_STRUCTURED = {"content-type": "application/cloudevents+json", "accept": "application/json"}
_NO = 1


@dataclass(frozen=True, slots=True)
class _Answer:
    """The verdict on one subject, as the hub gave it, and who owns what it was held against.

    `owner` "" where nobody is named; None where that cannot be told.
    """

    subject: Subject
    body: bytes
    verdict: Judged
    owner: str | None = None


@click.command()
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
)
@click.option(
    "--schema",
    metavar="FILE|XID",
    help="Hold payloads against this schema: a file, without a hub; or one of the hub's.",
)
@click.option(
    "--content-type",
    default="application/json",
    show_default=True,
    help="With --schema: the media type of payloads.",
)
@report_option
@remote
def validate(
    session: Session,
    files: Sequence[str],
    schema: str | None,
    content_type: str,
    report: Format | None,
) -> None:
    """Ask whether events are valid, and whether they fit what is declared for their types.

    \b
      chappe event validate order.json
      chappe event validate order.json --schema order.schema.json
      chappe event validate order.json --schema /schemagroups/shop/schemas/order

    FILE (or -) holds events in the JSON format or the same as YAML: one, an array, or one after another. With
    --schema it may hold payloads instead: what has no specversion is one. Nothing is stored. What is wrong
    is told with its line and column. The exit code is 1 when something is not valid.
    """  # noqa: D301 - click's mark for lines as they are
    kind = content_type if schema is not None else "application/json"
    subjects = list(subjects_of(files, content_type=kind))
    if not subjects:
        raise click.UsageError(f"{', '.join(files)}: there is no event in it")
    if schema is not None and Path(schema).is_file():
        answers = _here(subjects, schema, content_type)
    elif schema is not None and not schema.startswith("/"):
        raise click.UsageError(f"--schema {schema}: there is no such file, and it is no xid")
    else:
        answers = session.run(lambda hub: _asked(hub, subjects, schema, content_type))
    _tell(session, answers, report)


def judge_files(session: Session, file: str) -> None:
    """Ask about the events of a file, and say what the hub says; ends with 1 where one is not valid."""
    subjects = list(subjects_of([file]))
    _tell(session, session.run(lambda hub: _asked(hub, subjects, None, "")), None)


def judge(session: Session, events: Sequence[bytes]) -> None:
    """The same of events that no file holds."""
    subjects = [Subject(f"event {number}", one) for number, one in enumerate(events, start=1)]
    _tell(session, session.run(lambda hub: _asked(hub, subjects, None, "")), None)


def _here(subjects: Sequence[Subject], file: str, content_type: str) -> list[_Answer]:
    """The verdicts by a schema that is in a file; no hub is asked."""
    from chappe.cli.hook_files import schema_of
    from chappe.server.schema_languages import languages_here

    answers = []
    with languages_here() as languages:
        check = schema_of(file, languages).check
        for one in subjects:
            if one.unreadable is not None:
                answers.append(_made(one, unreadable(one.unreadable)))
                continue
            try:
                data, media_type, type_ = one.payload(content_type)
            except CallerError as exc:
                answers.append(_made(one, invalid(exc)))
                continue
            errors = [violation.details() for violation in check(data, media_type)]
            answer = {"valid": not errors, "type": type_, "schema": file, "errors": errors}
            body = msgspec.json.encode(answer)
            answers.append(_Answer(one, body, msgspec.json.decode(body, type=Judged)))
    return answers


async def _asked(
    hub: HubClient, subjects: Sequence[Subject], schema: str | None, content_type: str
) -> list[_Answer]:
    """The hub's verdicts."""
    answers: list[_Answer] = []
    owners: dict[str, str | None] = {}
    for one in subjects:
        if one.unreadable is not None:
            answers.append(_made(one, unreadable(one.unreadable)))
            continue
        path, data, media_type = "/validate", one.body, _STRUCTURED["content-type"]
        if schema is not None:
            path = f"/validate?schema={quote(schema, safe='/')}"
            try:
                payload, named, _ = one.payload(content_type)
            except CallerError as exc:
                answers.append(_made(one, invalid(exc)))
                continue
            data, media_type = payload or b"", named or "application/json"
        body = await _exchanged(hub, path, data, media_type)
        verdict = msgspec.json.decode(body, type=Judged)
        owner = None
        declared = verdict.declaration or verdict.schema
        if not verdict.valid and declared:
            if declared not in owners:
                owners[declared] = await _owner(hub, declared)
            owner = owners[declared]
        answers.append(_Answer(one, body, verdict, owner))
    return answers


def _made(subject: Subject, verdict: Judged) -> _Answer:
    return _Answer(subject, msgspec.json.encode(verdict), verdict)


async def _exchanged(hub: HubClient, path: str, body: bytes, content_type: str) -> bytes:
    from chappe.client.problems import error_of

    headers = {"content-type": content_type, "accept": "application/json"}
    answer = await hub.exchange("POST", path, body, headers)
    if answer.status != 200:
        raise error_of(answer)
    return answer.body


async def _owner(hub: HubClient, declaration: str) -> str | None:
    """The label owner of a declaration, or of its group; None where one may not see it."""
    from chappe.cli.registry_find import metadata_path

    place = declaration.partition("/versions/")[0]
    try:
        for xid in (metadata_path(place), "/".join(place.split("/")[:3])):
            found = msgspec.json.decode((await hub.read(xid)).body, type=_Labelled)
            if owner := found.labels.get("owner"):
                return owner
    except CallerError:
        return None
    return ""


class _Labelled(msgspec.Struct):
    labels: dict[str, str] = {}


def _tell(session: Session, answers: Sequence[_Answer], report: Format | None) -> None:
    if report is not None:
        checked = [
            Checked(_named(one), findings(one.subject, one.verdict, one.owner or ""))
            for one in answers
        ]
        click.echo(written(report, "chappe event validate", checked), nl=False)
    elif session.output in ("json", "jsonl"):
        for one in answers:
            session.pass_through(one.body + b"\n")
    else:
        for one in answers:
            _print(session, one)
    if not all(one.verdict.valid for one in answers):
        click.get_current_context().exit(_NO)


def _named(one: _Answer) -> str:
    type_ = one.verdict.type
    return f"{one.subject.name} ({type_})" if type_ else one.subject.name


def _print(session: Session, one: _Answer) -> None:
    held = one.verdict.declaration or one.verdict.schema
    against = f" against {held}" if held else ""
    glyph, said = ("✓", "valid") if one.verdict.valid else ("✗", "not valid")
    session.say(printable(f"{glyph} {_named(one)}: {said}{against}"))
    for error in one.verdict.errors:
        place = one.subject.place(error, one.verdict)
        where = ":".join(str(part) for part in (one.subject.file, place) if part is not None)
        value = f"  value {error.value}" if error.value else ""
        told = f"{error.pointer or '/'}  {error.rule}: {error.message}{value}"
        session.say(printable(f"    {where}  {told}" if where else f"    {told}"))
    if one.owner is not None:
        owner = f"owner: {one.owner}" if one.owner else "it names no owner (label owner)"
        session.say(printable(f"    {owner}"))
