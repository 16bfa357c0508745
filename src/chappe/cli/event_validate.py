"""`chappe event validate`: would the hub let these events in?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

import click
import msgspec

from chappe.cli.event_input import Batch, read
from chappe.cli.render import printable
from chappe.cli.report_formats import Checked, Finding, Format, report_option, written
from chappe.cli.session import Session, remote
from chappe.client.hub_client import HubClient
from chappe.client.problems import error_of
from chappe.client.views import Judged, Warned

_STRUCTURED = {"content-type": "application/cloudevents+json", "accept": "application/json"}
_NO = 1


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--schema", metavar="XID", help="FILE is a payload; hold it against this schema.")
@click.option(
    "--content-type",
    default="application/json",
    show_default=True,
    help="With --schema: the payload's media type.",
)
@report_option
@remote
def validate(
    session: Session, file: str, schema: str | None, content_type: str, report: Format | None
) -> None:
    """Ask whether events are valid, and whether they fit what is declared for their types.

    \b
      chappe event validate event.json
      chappe event validate order.json --schema /schemagroups/shop/schemas/order

    FILE (or -) holds events in the JSON format: one, an array, or one after another. Nothing is stored.
    The exit code is 1 when something is not valid.
    """  # noqa: D301 - click's mark for lines as they are
    payload = b""
    if schema is not None:
        with click.open_file(file, "rb") as opened:
            payload = opened.read()

    async def ask(hub: HubClient) -> Sequence[tuple[str, bytes]]:
        if schema is not None:
            path = f"/validate?schema={quote(schema, safe='/')}"
            return [(schema, await _asked(hub, path, payload, content_type))]
        return await _judged(hub, events_of(file))

    _tell(session, session.run(ask), report, file)


def judge(session: Session, events: Iterable[bytes]) -> None:
    """Ask about events, and say what the hub says; ends with 1 where one is not valid."""
    _tell(session, session.run(lambda hub: _judged(hub, events)))


async def _judged(hub: HubClient, events: Iterable[bytes]) -> list[tuple[str, bytes]]:
    answers = []
    for number, event in enumerate(events, start=1):
        body = await _asked(hub, "/validate", event, _STRUCTURED["content-type"])
        answers.append((f"event {number}", body))
    return answers


def _tell(
    session: Session,
    answers: Sequence[tuple[str, bytes]],
    report: Format | None = None,
    file: str = "-",
) -> None:
    verdicts = [msgspec.json.decode(body, type=Judged) for _, body in answers]
    if report is not None:
        checked = [
            _checked(what, file, one) for (what, _), one in zip(answers, verdicts, strict=True)
        ]
        click.echo(written(report, "chappe event validate", checked), nl=False)
    elif session.output in ("json", "jsonl"):
        for _, body in answers:
            session.pass_through(body + b"\n")
    else:
        for (what, _), verdict in zip(answers, verdicts, strict=True):
            _print(session, what, verdict)
            if not verdict.valid and verdict.declaration:
                _print_owner(session, verdict.declaration)
    if not all(verdict.valid for verdict in verdicts):
        click.get_current_context().exit(_NO)


async def _asked(hub: HubClient, path: str, body: bytes, content_type: str) -> bytes:
    headers = {"content-type": content_type, "accept": "application/json"}
    answer = await hub.exchange("POST", path, body, headers)
    if answer.status != 200:
        raise error_of(answer)
    return answer.body


def _print_owner(session: Session, declaration: str) -> None:
    owner = session.run(lambda hub: _owner(hub, declaration))
    session.say(
        f"    owner: {printable(owner)}" if owner else "    it names no owner (label owner)"
    )


async def _owner(hub: HubClient, declaration: str) -> str:
    """The label owner of a declaration, or of its group."""
    for xid in (declaration, "/".join(declaration.split("/")[:3])):
        found = msgspec.json.decode((await hub.read(xid)).body, type=_Labelled)
        if owner := found.labels.get("owner"):
            return owner
    return ""


class _Labelled(msgspec.Struct):
    labels: dict[str, str] = {}


def events_of(file: str) -> Iterator[bytes]:
    """The events of a file, one by one."""
    for item in read(file):
        if isinstance(item, Batch):
            yield from item.events
        else:
            yield item.event


def _checked(what: str, file: str, verdict: Judged) -> Checked:
    named = f"{what} ({verdict.type})" if verdict.type else what
    place = None if file == "-" else file
    return Checked(
        named,
        [
            Finding(one.rule, f"{what}: {one.message}", place, where=one.pointer)
            for one in verdict.errors
        ],
    )


def _print(session: Session, what: str, verdict: Judged) -> None:
    against = f" against {verdict.declaration}" if verdict.declaration else ""
    named = f" ({printable(verdict.type)})" if verdict.type else ""
    if verdict.valid:
        session.say(f"✓ {what}{named}: valid{against}")
        return
    session.say(f"✗ {what}{named}: not valid{against}")
    for error in verdict.errors:
        session.say(f"    {_told(error)}")


def _told(error: Warned) -> str:
    value = f"  value {printable(error.value)}" if error.value else ""
    return f"{error.pointer or '/'}  {error.rule}: {printable(error.message)}{value}"
