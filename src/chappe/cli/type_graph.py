"""`chappe type graph`: producers -> types -> consumers, as a picture or as what draws one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

import click

from chappe.cli.registry_find import TYPES, ask, branches, id_of
from chappe.cli.registry_options import narrowed
from chappe.cli.session import Session, printing
from chappe.cli.type_roles import who_sends, who_takes
from chappe.client.hub_client import HubClient
from chappe.client.paths import DEFAULT_CHANNEL
from chappe.client.registry import RegistryClient
from chappe.formats.graph_forms import FORMS, Graph

MOST: Final = 200
"""More types make a picture that nobody reads, and each is asked for."""


@click.command()
@click.argument("names", metavar="[TYPE...]", nargs=-1)
@narrowed
@click.option("--channel", default=DEFAULT_CHANNEL, show_default=True, help="Where to look.")
@printing("table", *FORMS)
def graph(
    session: Session,
    names: Sequence[str],
    group: str | None,
    labels: Sequence[str],
    filters: Sequence[str],
    channel: str,
) -> None:
    """Draw who sends what to whom: of some types, or of all that --group, --label and --filter let through.

    \b
      chappe type graph -o mermaid
      chappe type graph order.paid -o svg > order-paid.svg

    -o is mermaid (also without it), dot (Graphviz), json or svg. At most 200 types.
    """  # noqa: D301 - click's mark for lines as they are
    if names and (group or labels or filters):
        raise click.UsageError("name types, or narrow with --group, --label and --filter")

    async def work(hub: HubClient) -> Graph:
        chosen = list(names)
        if not chosen:
            wanted = branches(TYPES, group=group, labels=labels, filters=filters)
            found, _ = await ask(RegistryClient(hub), TYPES, wanted)
            chosen = [id_of(one) for one in found]
        if len(chosen) > MOST:
            raise click.UsageError(
                f"{len(chosen)} types are too many; narrow with --group or --label"
            )
        drawn = Graph()
        for name in dict.fromkeys(chosen):
            drawn.add(
                name,
                [one.name for one in await who_sends(hub, name, None, channel)],
                [one.name for one in await who_takes(hub, name, None, channel)],
            )
        return drawn

    form = "mermaid" if session.output == "table" else session.output
    text = FORMS[form](session.run(work))
    if sys.stdout.isatty() and form == "svg":
        raise click.UsageError("-o svg: that is a file; put > NAME.svg behind it")
    session.pass_through(text.encode())
