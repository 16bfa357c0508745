"""`chappe source webhook`: let another system post its webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import msgspec

from chappe.cli.session import Session, remote
from chappe.cli.sub_create import text_or_file
from chappe.cli.sub_hold import told
from chappe.cli.writing import dry_run_option
from chappe.client import paths
from chappe.client.paths import DEFAULT_CHANNEL
from chappe.client.views import Connected
from chappe.domain.webhook_source import WEBHOOK


@click.command()
@click.argument("id_", metavar="ID")
@click.argument("provider", metavar="PROVIDER")
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="TEXT|@FILE",
    help="What the sender signs with or shows; again for the one before it.",
)
@click.option("--scheme", help="The kind of proof, where it is not the provider's own.")
@click.option("--user", metavar="NAME", help="The user, with --scheme basic.")
@click.option(
    "--verification", metavar="JSON|@FILE", help="More of verification, such as hmac's header."
)
@click.option(
    "--attribute",
    "attributes",
    multiple=True,
    metavar="NAME=TEMPLATE",
    help="An attribute of the event: type=com.example.{body./event}.",
)
@click.option(
    "--channel", default=DEFAULT_CHANNEL, show_default=True, help="What takes the events."
)
@dry_run_option()
@remote
def webhook(
    session: Session,
    id_: str,
    provider: str,
    secrets: Sequence[str],
    scheme: str | None,
    user: str | None,
    verification: str | None,
    attributes: Sequence[str],
    channel: str,
    dry_run: bool,
) -> None:
    """Take webhooks of github, gitlab, stripe, slack, shopify, sns, standard or generic senders.

    \b
      chappe source webhook shop-api github --secret @secret.txt
      chappe source webhook till generic --scheme token --verification '{"header": "X-Key"}' \\
        --secret @key.txt --attribute 'type=com.example.{body./event}'

    The address that it prints is what the sender is told.
    """  # noqa: D301 - click's mark for lines as they are
    proof: dict[str, Any] = _object(verification)
    if scheme is not None:
        proof["scheme"] = scheme
    if user is not None:
        proof["user"] = user
    if secrets:
        # Only the end of the line that an editor puts there: a secret may begin or end with a space.
        proof["secrets"] = [text_or_file("--secret", one).rstrip("\r\n") for one in secrets]
    templates = dict(_pair(one) for one in attributes)
    wanted = {
        "id": id_,
        "protocol": WEBHOOK,
        "channel": channel,
        "protocolsettings": {
            "provider": provider,
            **({"attributes": templates} if templates else {}),
        },
        "verification": proof,
    }
    path = paths.rehearsed(paths.SOURCES, dry_run=dry_run)
    body = session.run(lambda hub: hub.write("POST", path, wanted)).body
    match session.output:
        case "json" | "jsonl":
            session.pass_through(body)
        case _ if dry_run:
            told(session, id_, "made", dry_run=True)
        case "name":
            session.say(id_)
        case _:
            session.say(msgspec.json.decode(body, type=Connected).webhook)
            session.hint("tell the sender this address, with the same secret")


def _object(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        return msgspec.json.decode(text_or_file("--verification", text), type=dict[str, Any])
    except msgspec.MsgspecError as exc:
        raise click.UsageError(f"--verification is no JSON object ({exc})") from exc


def _pair(text: str) -> tuple[str, str]:
    name, equals, template = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"--attribute {text}: NAME=TEMPLATE is needed")
    return name, template
