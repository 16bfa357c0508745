"""`chappe api`: one request as it is, with the context's URL and token; the answer as it comes."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Final

import click

from chappe.cli.consent import Consent, confirm
from chappe.cli.session import Session, printing
from chappe.client.hub_client import JSON, HubClient
from chappe.client.paths import next_page
from chappe.client.problems import error_of
from chappe.client.transport import Answer

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection"})


@click.command()
@click.argument("method", type=click.Choice(METHODS, case_sensitive=False))
@click.argument("path")
@click.option("-d", "--data", metavar="TEXT|@FILE|-", help="The body; - is standard input.")
@click.option(
    "-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="A header more."
)
@click.option("--paginate", is_flag=True, help="All pages, one after another.")
@click.option("-i", "--include", is_flag=True, help="The status and the headers before the body.")
@click.option(
    "--confirm",
    "confirmed",
    metavar="CONTEXT",
    help="DELETE in a protected context: its name.",
)
@printing()
def api(
    session: Session,
    method: str,
    path: str,
    data: str | None,
    headers: Sequence[str],
    paginate: bool,
    include: bool,
    confirmed: str | None,
) -> None:
    """Send one request of the API, and print the answer's body, byte for byte.

    \b
      chappe api GET /subscriptions
      chappe api GET '/events?limit=100' --paginate
      chappe api PUT /subscriptions/billing -d @billing.json
      chappe api POST /events -H 'content-type: application/cloudevents+json' -d - < event.json

    The body of an answer of 300 or more is printed, too; then comes the error, and its exit code.
    """  # noqa: D301 - click's mark for lines as they are
    if paginate and method != "GET":
        raise click.UsageError("--paginate is for GET")
    given = dict(map(_header, headers))
    body = b"" if data is None else _body(data)
    sent = {"accept": JSON, **({"content-type": JSON} if data is not None else {}), **given}
    target = _target(session.url, path)
    if method == "DELETE" and session.protected is not None:
        confirm(session, f"This deletes {target}", Consent(context=confirmed))

    async def work(hub: HubClient) -> None:
        following: str | None = target
        while following is not None:
            answer = await hub.exchange(method, following, body, sent)
            _print(answer, include=include)
            if answer.status >= 300:
                raise error_of(answer)
            following = _next(answer, following) if paginate else None

    session.run(work)


def _next(answer: Answer, here: str) -> str | None:
    following = next_page(answer.headers.get("link"))
    # Events have a next page for ever: an empty one is the end of what there is now.
    return None if following == here or answer.body.strip() in (b"[]", b"{}") else following


def _print(answer: Answer, *, include: bool) -> None:
    out = sys.stdout.buffer
    if include:
        head = [f"HTTP/1.1 {answer.status}", *(f"{k}: {v}" for k, v in answer.headers.items())]
        out.write("\r\n".join([*head, "", ""]).encode("latin-1", "replace"))
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
