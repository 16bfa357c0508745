"""`chappe sub rotate`: another signing key, without a delivery that nobody can check."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from chappe.cli.render import printable
from chappe.cli.session import Session, remote
from chappe.cli.writing import dry_run_option
from chappe.client import paths


@click.command()
@click.argument("id_", metavar="ID")
@click.option(
    "--overlap",
    "overlap_s",
    type=click.FloatRange(min=0, max=2_592_000),
    default=86_400.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the older keys sign as well.",
)
@click.option(
    "--kind",
    type=click.Choice(("hmac", "ed25519")),
    default="hmac",
    show_default=True,
    help="hmac: a shared secret; ed25519: receivers get a public key.",
)
@dry_run_option()
@remote
def rotate(session: Session, id_: str, overlap_s: float, kind: str, dry_run: bool) -> None:
    """Give a subscription a new signing key; it is shown this once.

    \b
      chappe sub rotate s-1b2c3d4e5f
      chappe sub rotate s-1b2c3d4e5f --kind ed25519 --overlap 3600

    Both the new and the older keys sign until the overlap ends, so receivers can be changed meanwhile.
    """  # noqa: D301 - click's mark for lines as they are
    wanted = {"overlap_s": overlap_s, "kind": kind}
    path = paths.rehearsed(paths.signing(id_), dry_run=dry_run)
    body = session.run(lambda hub: hub.write("POST", path, wanted)).body
    if session.output in ("json", "jsonl"):
        session.pass_through(body)
        return
    made: dict[str, Any] = msgspec.json.decode(body)
    if dry_run:
        session.note(f"{printable(id_)} would have {made['keys']} keys; nothing was done")
        return
    session.say(printable(made["key"]))
    if "public" in made:
        session.hint(f"for receivers: {made['public']}")
    if "overlap_until" in made:
        session.hint(f"older keys sign until {made['overlap_until']}")
