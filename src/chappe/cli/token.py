"""`chappe token`: who may do what on a hub; edits the tokens file on the hub's own machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from chappe.cli.columns import Columns, lists
from chappe.cli.consent import Consent, agreed
from chappe.cli.moment import now_text
from chappe.cli.noun import Noun
from chappe.cli.render import moment, table
from chappe.cli.session import Session, remote
from chappe.cli.sub_hold import told
from chappe.cli.writing import dry_run_option
from chappe.domain.access import RIGHTS, ROLES
from chappe.server import tokens
from chappe.server.settings import load_here

_COLUMNS = Columns(("NAME", "RIGHTS", "ROLES", "CREATED"))

_data = click.option(
    "--data",
    envvar="CHAPPE_DATA",
    type=click.Path(path_type=Path),
    help="The hub's data directory. [env: CHAPPE_DATA]",
)
_file = click.option(
    "--file",
    envvar="CHAPPE_TOKENS",
    type=click.Path(path_type=Path),
    help="The tokens file. [env: CHAPPE_TOKENS]  [default: tokens.json in the data directory]",
)


@click.group(cls=Noun, no_args_is_help=True)
def token() -> None:
    """Say who may do what on a hub; run it on the hub's machine.

    A hub without a tokens file lets everybody in, so it listens on this machine only. The hub sees
    a change within a second.
    """


@token.command()
@click.argument("name")
@click.option(
    "--right",
    "rights",
    multiple=True,
    type=click.Choice(RIGHTS),
    help="For the whole hub: publish: send events; read: see all; subscribe: subscribe and declare; "
    "operate: retry and discard; admin: all.",
)
@click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="ROLE[@GROUP,…]",
    help=f"{', '.join(ROLES)}; for the whole hub, or for groups: developer@channels/orders.",
)
@dry_run_option("See that it can be made, and make none.")
@_data
@_file
@remote
def new(
    session: Session,
    name: str,
    rights: Sequence[str],
    roles: Sequence[str],
    dry_run: bool,
    data: Path | None,
    file: Path | None,
) -> None:
    """Make a token and print it, this once: only its hash is kept.

    \b
      chappe token new shop-web --right publish
      chappe token new shop --role viewer --role developer@channels/orders,schemagroups/shop
    """  # noqa: D301 - click's mark for lines as they are
    if not rights and not roles:
        raise click.UsageError("say what the token may do: --role ROLE, or --right RIGHT")
    if dry_run:
        tokens.check_new(path_of(data, file), name, rights, roles)
        told(session, name, "made", dry_run=True)
        return
    made = tokens.new_token(path_of(data, file), name, rights, roles, created=now_text())
    session.say(made)
    session.note("Keep it: the hub has its hash only. Use it as: CHAPPE_TOKEN=… chappe event ls")


@token.command("ls")
@_data
@_file
@remote
@lists(_COLUMNS)
def ls(session: Session, data: Path | None, file: Path | None) -> None:
    """List the tokens' names, rights and roles.

    \b
      chappe token ls
      chappe token ls -o json
    """  # noqa: D301 - click's mark for lines as they are
    found = tokens.list_tokens(path_of(data, file))
    shown = [
        {"name": one.name, "rights": one.rights, "roles": one.roles, "created": one.created}
        for one in found
    ]
    match session.output:
        case "json":
            session.pass_through(msgspec.json.encode(shown))
        case "jsonl":
            for one in shown:
                session.say(msgspec.json.encode(one).decode())
        case "name":
            for kept in found:
                session.say(kept.name)
        case _:
            rows = [
                (kept.name, ", ".join(kept.rights), " ".join(kept.roles), moment(kept.created))
                for kept in found
            ]
            table(session, _COLUMNS, rows)


@token.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@dry_run_option("See that there is one, and take none away.")
@_data
@_file
@remote
def rm(
    session: Session, name: str, yes: bool, dry_run: bool, data: Path | None, file: Path | None
) -> None:
    """Take a token away; whoever uses it is shut out within a second.

    \b
      chappe token rm shop --yes
    """  # noqa: D301 - click's mark for lines as they are
    if not dry_run:
        agreed(f"This shuts out whoever uses the token {name!r}", Consent(yes))
    tokens.remove_token(path_of(data, file), name, dry_run=dry_run)
    told(session, name, "taken away", dry_run=dry_run)


def path_of(data: Path | None, file: Path | None) -> Path:
    if file is not None:
        return file
    settings = load_here({"data": data})
    return settings.tokens or settings.data / "tokens.json"
