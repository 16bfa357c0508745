"""`chappe node`: ls."""

from __future__ import annotations

from typing import Final

import click
import msgspec

from chappe.cli.amounts import size
from chappe.cli.columns import Columns, lists
from chappe.cli.noun import Noun
from chappe.cli.render import moment, one_line, printable, table
from chappe.cli.session import Session, remote
from chappe.cli.watching import watched
from chappe.client import paths
from chappe.client.node_views import Node, Roll, finding, shards_said

_COLUMNS: Final = Columns(
    (
        "NODE", "STATE", "SHARDS", "ACCEPTED/S", "ATTEMPTS/S", "OPEN", "CPU", "MEMORY", "REVISION",
        "SINCE", "VERSION",
    ),
    wide=("ACCEPTED", "ATTEMPTS", "OWNS", "HOST", "PID", "URL"),
)  # fmt: skip


@click.group(cls=Noun, no_args_is_help=True)
def node() -> None:
    """See the nodes of a hub."""


@node.command("ls")
@remote
@lists(_COLUMNS)
@watched
def ls(session: Session) -> None:
    """List the nodes that answer, and how each does; the one that was asked has a *.

    \b
      chappe node ls
      chappe node ls -o wide --sort-by -cpu
      chappe node ls -o json | jq .complete
    """  # noqa: D301 - click's mark for lines as they are
    body = session.run(lambda hub: hub.read(paths.NODES)).body
    if session.output == "json":
        session.pass_through(body)
        return
    if session.output == "jsonl":
        for raw in msgspec.json.decode(body, type=_Raw).nodes:
            session.say(one_line(bytes(raw)))
        return
    found = msgspec.json.decode(body, type=Roll)
    if session.output == "name":
        for one in found.nodes:
            session.say(printable(one.node))
        return
    table(session, _COLUMNS, [_row(one) for one in found.nodes])
    told = finding(found)
    if told.verdict != "ok":
        session.note(f"note:  {printable(told.detail)}")


class _Raw(msgspec.Struct, frozen=True):
    nodes: list[msgspec.Raw]


def _row(one: Node) -> tuple[str, ...]:
    return (
        f"{one.node} *" if one.answers else one.node,
        one.state,
        str(len(one.shards)),
        _rate(one.accepted_per_s),
        _rate(one.attempts_per_s),
        f"{one.open:,}",
        "" if one.cpu is None else f"{100 * one.cpu:.1f}%",
        "" if one.memory_bytes is None else size(one.memory_bytes),
        str(one.registry_revision),
        moment(one.started).partition(".")[0],
        one.version,
        f"{one.accepted:,}",
        f"{one.attempts:,}",
        shards_said(one.shards),
        one.host,
        str(one.pid),
        one.url,
    )


def _rate(per_s: float | None) -> str:
    """Nothing where the node has not run for long enough to tell."""
    return "" if per_s is None else f"{per_s:,.1f}"
