"""`chappe sub`: ls, get, rm; the other commands have modules of their own."""

from __future__ import annotations

from collections.abc import Sequence

import click
import msgspec

from chappe.cli.columns import Columns, lists
from chappe.cli.consent import Consent, confirm, destructive
from chappe.cli.noun import Noun
from chappe.cli.own_print import show
from chappe.cli.render import one_line, table
from chappe.cli.session import Session, remote
from chappe.cli.sub_create import create
from chappe.cli.sub_edit import edit
from chappe.cli.sub_explain import explain
from chappe.cli.sub_hold import delete_each, pause, resume
from chappe.cli.sub_lag import lag
from chappe.cli.sub_pull import pull
from chappe.cli.sub_replay import replay
from chappe.cli.sub_rotate import rotate
from chappe.cli.sub_trial import test
from chappe.cli.watching import watched
from chappe.cli.writing import dry_run_option
from chappe.client import paths
from chappe.client.views import Subscribed

_COLUMNS = Columns(
    ("ID", "STATE", "SINK", "TYPES", "SOURCE", "FILTERS", "CHANNEL"), wide=("PROTOCOL", "EPOCH")
)


@click.group(cls=Noun, no_args_is_help=True)
def sub() -> None:
    """Subscribe sinks to events."""


@sub.command("ls")
@click.option("--type", "type_", help="Those that may get events of this type.")
@click.option("--source", help="Those that may get events of this source.")
@click.option("--channel", help="Those of this channel.")
@click.option("--state", help="Those in this state, such as paused.")
@remote
@lists(_COLUMNS)
@watched
def ls(session: Session, /, **filters: str | None) -> None:
    """List the subscriptions, and how delivery goes.

    \b
      chappe sub ls --type order.paid
      chappe sub ls --state disabled -o name | xargs chappe sub resume
    """  # noqa: D301 - click's mark for lines as they are
    given = {name.rstrip("_"): value for name, value in filters.items() if value is not None}
    body = session.run(lambda hub: hub.read(paths.subscriptions(given))).body
    match session.output:
        case "json":
            session.pass_through(body)
        case "jsonl":
            for raw in msgspec.json.decode(body, type=list[msgspec.Raw]):
                session.say(one_line(bytes(raw)))
        case "name":
            for one in msgspec.json.decode(body, type=list[Subscribed]):
                session.say(one.id)
        case _:
            found = msgspec.json.decode(body, type=list[Subscribed])
            table(session, _COLUMNS, [_row(one) for one in found])


@sub.command()
@click.argument("id_", metavar="ID")
@remote
@watched
def get(session: Session, id_: str) -> None:
    """Show one subscription; its secrets are never shown.

    \b
      chappe sub get billing
      chappe sub get billing -o json | jq .status
    """  # noqa: D301 - click's mark for lines as they are
    body = session.run(lambda hub: hub.read(paths.subscription(id_))).body
    next_ = f"chappe sub lag {id_}; chappe delivery ls --sub {id_}"
    show(session, body, name=id_, kind="subscription", hint=next_)


@sub.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@dry_run_option()
@remote
@destructive
def rm(session: Session, ids: Sequence[str], consent: Consent, dry_run: bool) -> None:
    """End subscriptions; what they have not delivered yet is not delivered any more.

    \b
      chappe sub rm billing --dry-run
      chappe sub rm billing --yes
    """  # noqa: D301 - click's mark for lines as they are
    if not dry_run:
        confirm(
            session, f"This ends {', '.join(ids)} and whatever waits there for delivery", consent
        )
    delete_each(session, ids, paths.subscription, dry_run=dry_run)


for _command in (
    create, edit, test, pause, resume, replay, lag, rotate, explain, pull,
):  # fmt: skip
    sub.add_command(_command)


def _row(one: Subscribed) -> tuple[str, ...]:
    filters = msgspec.json.encode(one.filters).decode() if one.filters else ""
    types = ", ".join(one.types)
    return (
        one.id, one.status.state, one.sink, types, one.source or "", filters, one.channel,
        one.protocol, str(one.epoch),
    )  # fmt: skip
