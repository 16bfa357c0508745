"""`chappe api`: one request as it is, with the context's URL and token; the answer as it comes."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Final

import click

from chappe.cli.consent import Consent, confirm
from chappe.cli.render import one_line
from chappe.cli.session import Session, printing
from chappe.client.hub_client import JSON, HubClient
from chappe.client.problems import error_of
from chappe.client.transport import Answer

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_MOST_PAGES: Final = 10_000
_NO: Final = 1
_OURS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection"})


@click.command()
@click.argument("method", type=click.Choice(METHODS, case_sensitive=False))
@click.argument("path")
@click.option("-d", "--data", metavar="TEXT|@FILE|-", help="The body; - is standard input.")
@click.option(
    "-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="A header more."
)
@click.option("--paginate", is_flag=True, help="All pages, as one JSON array or object.")
@click.option(
    "--max-pages",
    type=click.IntRange(min=1),
    default=_MOST_PAGES,
    show_default=True,
    metavar="N",
    help="With --paginate: no more than so many.",
)
@click.option("-i", "--include", is_flag=True, help="The status and the headers before the body.")
@click.option(
    "--confirm",
    "confirmed",
    metavar="CONTEXT",
    help="DELETE in a protected context: its name.",
)
@printing("raw", "json", "jsonl")
def api(
    session: Session,
    method: str,
    path: str,
    data: str | None,
    headers: Sequence[str],
    paginate: bool,
    max_pages: int,
    include: bool,
    confirmed: str | None,
) -> None:
    """Send one request of the API, and print the answer's body, byte for byte.

    \b
      chappe api GET /subscriptions
      chappe api GET '/events?limit=100' --paginate | jq length
      chappe api GET /find --paginate -o jsonl          # a page a line
      chappe api PUT /subscriptions/billing -d @billing.json
      chappe api POST /events -H 'content-type: application/cloudevents+json' -d - < event.json

    The body of an answer of 300 or more is printed, too; then comes the error, and its exit code. With
    --paginate the exit code is 1 where there are more pages than --max-pages.
    """  # noqa: D301 - click's mark for lines as they are
    if paginate and method != "GET":
        raise click.UsageError("--paginate is for GET")
    if paginate and include:
        raise click.UsageError("-i is for one answer; --paginate makes one document of many")
    given = dict(map(_header, headers))
    body = b"" if data is None else _body(data)
    sent = {"accept": JSON, **({"content-type": JSON} if data is not None else {}), **given}
    target = _target(session.url, path)
    if method == "DELETE" and session.protected is not None:
        confirm(session, f"This deletes {target}", Consent(context=confirmed))

    async def work(hub: HubClient) -> None:
        answer = await hub.exchange(method, target, body, sent)
        _print(session, answer, include=include)
        if answer.status >= 300:
            raise error_of(answer)

    async def pages(hub: HubClient) -> str | None:
        return await _pages(session, hub, target, sent, max_pages)

    if not paginate:
        session.run(work)
        return
    more = session.run(pages)
    if more is not None:
        session.note(f"more than {max_pages:,} pages; they go on at {more}")
        click.get_current_context().exit(_NO)


async def _pages(
    session: Session, hub: HubClient, target: str, sent: Mapping[str, str], most: int
) -> str | None:
    """Print the pages; where those behind the `most` first ones are."""
    from chappe.cli.api_pages import EMPTY, Joined, following

    joined = Joined(target, _written)
    here, before = target, b""
    try:
        for _ in range(most):
            answer = await hub.exchange("GET", here, b"", sent)
            if answer.status >= 300:
                if here == target:
                    _print(session, answer, include=False)
                raise error_of(answer)
            # Who does not know `offset` answers the same again; and the last page may be an empty one.
            if before and (answer.body == before or answer.body.strip() in EMPTY):
                return None
            if session.output == "jsonl":
                _print(session, answer, include=False)
            else:
                joined.add(answer)
            behind = following(here, answer)
            if behind is None:
                return None
            here, before = behind, answer.body
        return here
    finally:
        joined.end()


def _written(part: bytes) -> None:
    sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()


def _print(session: Session, answer: Answer, *, include: bool) -> None:
    out = sys.stdout.buffer
    if include:
        head = [f"HTTP/1.1 {answer.status}", *(f"{k}: {v}" for k, v in answer.headers.items())]
        out.write("\r\n".join([*head, "", ""]).encode("latin-1", "replace"))
    if session.output == "jsonl" and "json" in answer.headers.get("content-type", ""):
        out.write(one_line(answer.body).encode() + b"\n")
    else:
        out.write(answer.body)
    if sys.stdout.isatty() and not answer.body.endswith(b"\n"):
        out.write(b"\n")
    out.flush()


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    name = name.strip().lower()
    if not colon or _TOKEN.fullmatch(name) is None:
        raise click.UsageError(f"-H {text!r}: is not 'NAME: VALUE'")
    if name in _OURS:
        raise click.UsageError(f"-H {name}: is set by the request itself")
    return name, value.strip()


def _body(data: str) -> bytes:
    if data == "-":
        return sys.stdin.buffer.read()
    if not data.startswith("@"):
        return data.encode()
    try:
        with click.open_file(data[1:], "rb") as file:
            return bytes(file.read())
    except OSError as exc:
        raise click.UsageError(f"-d {data}: {exc.strerror or exc}") from exc


def _target(hub: str, path: str) -> str:
    if path.startswith(("http://", "https://")):
        rest = path.removeprefix(hub.rstrip("/"))
        if rest == path or rest[:1] not in ("", "/", "?"):
            raise click.UsageError(f"PATH: {path!r} is not below {hub}; choose that hub by --url")
        path = rest
    return path if path.startswith("/") else f"/{path}"
