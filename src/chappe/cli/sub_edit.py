"""`chappe sub edit`: a subscription in an editor, written back with its epoch."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import click

from chappe.cli.render import printable
from chappe.cli.session import Session, remote
from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.domain.errors import ChappeError

_TOLD: Final = ("status", "createdat", "modifiedat", "warnings", "replay")
"""What the hub tells, and nobody sets."""
_HEAD: Final = (
    "# Save to apply; leave as it is, or empty, to change nothing.\n"
    "# Secrets are not shown, and stay where they are.\n"
)


@click.command()
@click.argument("id_", metavar="ID")
@click.option("--dry-run", is_flag=True, help="Have the hub check it, and change nothing.")
@remote
def edit(session: Session, id_: str, dry_run: bool) -> None:
    """Open a subscription in $EDITOR as YAML, and apply what is saved.

    \b
      EDITOR=vim chappe sub edit billing

    Where somebody else changed it meanwhile, nothing is done (exit code 5), and what was typed is kept
    in a file.
    """  # noqa: D301 - click's mark for lines as they are
    before = session.run(lambda hub: _read(hub, id_))
    text = _HEAD + _yaml(before)
    edited = click.edit(text, extension=".yaml", require_save=False)
    if edited is None or not edited.strip() or edited == text:
        session.note(f"{printable(id_)} is as it was")
        return
    try:
        wanted = _parsed(edited)
        path = paths.subscription(id_) + ("?dryrun" if dry_run else "")
        session.run(lambda hub: hub.write("PUT", path, wanted))
    except (ChappeError, click.UsageError):
        session.note(f"what was typed is in {_keep(edited)}")
        raise
    if dry_run:
        session.note(f"{printable(id_)} would be changed; nothing was done")
    else:
        session.say(printable(id_))


async def _read(hub: HubClient, id_: str) -> dict[str, Any]:
    import json

    body = (await hub.read(paths.subscription(id_))).body
    found: dict[str, Any] = json.loads(body, parse_float=Decimal)
    return {name: value for name, value in found.items() if name not in _TOLD}


def _yaml(value: Mapping[str, Any]) -> str:
    from chappe.cli.registry_yaml import write_yaml

    return write_yaml(value)


def _parsed(text: str) -> dict[str, Any]:
    from chappe.cli.registry_yaml import BadYaml, read_yaml

    try:
        documents = list(read_yaml(text))
    except BadYaml as exc:
        raise click.UsageError(f"that is no YAML: {exc}") from exc
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise click.UsageError("that is no mapping of a subscription's fields")
    return documents[0]


def _keep(text: str) -> str:
    with tempfile.NamedTemporaryFile(
        "w", suffix=".yaml", prefix="chappe-edit-", delete=False, encoding="utf-8"
    ) as file:
        file.write(text)
    return str(Path(file.name))
