"""`chappe event verify`: is this delivery signed by whom it should be?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from chappe.cli.moment import now
from chappe.cli.session import Session, remote
from chappe.domain.errors import Malformed

_NO = 1
_NEEDED: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--key",
    "keys",
    multiple=True,
    required=True,
    metavar="KEY|@FILE",
    help="whsec_… or whpk_…; more than once: any of them.",
)
@click.option(
    "-H",
    "--header",
    "headers",
    multiple=True,
    metavar="NAME: VALUE",
    help="A header of the delivery; FILE is its body then, byte for byte.",
)
@click.option(
    "--tolerance",
    "tolerance_s",
    type=click.FloatRange(min=0),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="How far the timestamp may be from now; 0: as far as it likes.",
)
@remote
def verify(
    session: Session,
    file: str,
    keys: Sequence[str],
    headers: Sequence[str],
    tolerance_s: float,
) -> None:
    """Check the signature of a delivery (Standard Webhooks, v1 and v1a); no hub is asked.

    \b
      chappe event verify request.http --key whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
      chappe event verify body.json --key @key.txt -H 'webhook-id: msg_1' -H 'webhook-timestamp: 1790000000' -H 'webhook-signature: v1,…'

    FILE (or -) is the whole request as it was received, or, with -H, its body. The exit code is 1 when
    the signature is not right.
    """  # noqa: D301 - click's mark for lines as they are
    from chappe.client.signatures import verify as check

    with click.open_file(file, "rb") as opened:
        content = opened.read()
    if headers:
        fields, body = dict(map(_field, headers)), content
    else:
        fields, body = _request(content)
    missing = [name for name in _NEEDED if not fields.get(name)]
    if missing:
        raise click.UsageError(
            f"{', '.join(missing)}: not among the headers; FILE must be the whole request, or -H"
            " must name them"
        )
    try:
        version = check(
            [_key(one) for one in keys],
            message_id=fields["webhook-id"],
            timestamp=fields["webhook-timestamp"],
            signature=fields["webhook-signature"],
            body=body,
            now_s=now().timestamp(),
            tolerance_s=tolerance_s or float("inf"),
        )
    except Malformed as error:
        session.say(f"✗ {error.message}")
        click.get_current_context().exit(_NO)
    session.say(f"✓ signed ({version}): {fields['webhook-id']}, {len(body)} bytes of body")


def _request(content: bytes) -> tuple[dict[str, str], bytes]:
    """The header fields and the body of an HTTP request, with or without its first line."""
    head, ends, body = content.partition(b"\r\n\r\n")
    if not ends:
        head, ends, body = content.partition(b"\n\n")
    if not ends:
        raise click.UsageError("FILE is no HTTP request: no empty line ends its headers")
    lines = head.decode("latin-1").splitlines()
    first = lines[0].partition(":")[0] if lines else ""
    return dict(map(_field, lines[1:] if " " in first else lines)), body


def _field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        raise click.UsageError(f"{line[:80]!r} is no header: NAME: VALUE")
    return name.strip().lower(), value.strip()


def _key(text: str) -> str:
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise click.UsageError(f"--key {text}: {exc}") from exc
