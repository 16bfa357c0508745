"""`chappe event replay` and `diff`: one stored event again, and what two events differ in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import msgspec

from chappe.cli.event_input import Batch, read
from chappe.cli.render import one_line, printable
from chappe.cli.session import Session, printing, remote
from chappe.cli.sub_replay import wait_for
from chappe.cli.writing import dry_run_option, wait_option
from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.client.paths import DEFAULT_CHANNEL
from chappe.client.registry import encoded
from chappe.client.views import Replayed, Trace
from chappe.domain.errors import NotFound

_channel = click.option(
    "--channel", default=DEFAULT_CHANNEL, show_default=True, help="The channel."
)


@click.command()
@click.argument("reference")
@click.option("--sub", "ids", multiple=True, metavar="ID", help="To this one; also repeated.")
@click.option("--to", "sink", metavar="URL", help="To this sink instead; no secret goes there.")
@dry_run_option("Say to whom, and do nothing.")
@wait_option("Wait so long until it is done; 1 if it is not by then.")
@_channel
@remote
def replay(
    session: Session,
    reference: str,
    ids: tuple[str, ...],
    sink: str | None,
    dry_run: bool,
    wait_s: float | None,
    channel: str,
) -> None:
    """Deliver one stored event again: to every subscription that gets it, or to those that are named.

    \b
      chappe event replay A-1017 --sub billing
      chappe event replay 2-1041-7 --dry-run

    Prints the subscriptions of the hub's that do it. More than one event: chappe sub replay.
    """  # noqa: D301 - click's mark for lines as they are

    async def work(hub: HubClient) -> list[bytes]:
        found = await hub.trace(reference, channel=channel)
        chosen = list(ids) or _matched(found)
        position = found.first or found.position
        wanted: dict[str, object] = {"from": position, "until": position}
        if sink is not None:
            wanted["sink"] = sink
        if dry_run:
            wanted["dry_run"] = True
        return [(await hub.write("POST", paths.replay(one), wanted)).body for one in chosen]

    begun = []
    for body in session.run(work):
        done = msgspec.json.decode(body, type=Replayed)
        begun.append(done)
        if session.output in ("json", "jsonl"):
            session.say(one_line(body))
            continue
        if done.subscription is not None:
            session.say(printable(done.subscription.id))
        elif done.events:
            session.note("it would be delivered again")
        if not done.events:
            session.note("a subscription does not want this event; nothing is delivered there")
    wait_for(session, begun, wait_s)


def _matched(found: Trace) -> list[str]:
    chosen = [one.subscription for one in found.subscriptions if one.matched and one.sink]
    if not chosen:
        raise NotFound(f"event {found.id!r}: no subscription gets it; name one with --sub")
    return chosen


@click.command()
@click.argument("one")
@click.argument("other")
@_channel
@printing("table", "json", "jsonl")
def diff(session: Session, one: str, other: str, channel: str) -> None:
    """Compare two events, attribute by attribute and inside their JSON payloads.

    \b
      chappe event diff A-1017 A-1018
      chappe event diff 2-1041-7 event.json

    Each is a file with one event, or a position, an id or SOURCE#ID. The exit code is 1 when they differ.
    """  # noqa: D301 - click's mark for lines as they are
    given = [_file(name) for name in (one, other)]

    async def work(hub: HubClient) -> list[Any]:
        return [
            _value(await hub.event(name, channel=channel) if event is None else event)
            for name, event in zip((one, other), given, strict=True)
        ]

    before, after = session.run(work)
    changes = list(differences(before, after, ""))
    for pointer, old, new in changes:
        if session.output == "table":
            session.say(printable(f"{pointer or '/'}  {_shown(old)} -> {_shown(new)}"))
        else:
            change = {"pointer": pointer}
            sides = {"before": old, "after": new}
            there = {name: value for name, value in sides.items() if value is not ABSENT}
            session.say(encoded({**change, **there}).decode())
    if changes:
        click.get_current_context().exit(1)


def _file(name: str) -> bytes | None:
    """The event of a file; None where it is no file."""
    if not Path(name).is_file():
        return None
    found = [
        event
        for item in read(name)
        for event in (item.events if isinstance(item, Batch) else [item.event])
    ]
    if len(found) != 1:
        raise click.UsageError(f"{name} holds {len(found)} events; one is compared with another")
    return found[0]


def _value(event: bytes) -> Any:
    return json.loads(event, parse_float=Decimal)


ABSENT: Any = object()
"""Stands for what one side does not have."""


def differences(before: Any, after: Any, pointer: str) -> Iterator[tuple[str, Any, Any]]:
    """Where two JSON values differ: (JSON Pointer, one, other); one of them may be absent."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys((*before, *after)):
            step = str(name).replace("~", "~0").replace("/", "~1")
            sides = before.get(name, ABSENT), after.get(name, ABSENT)
            yield from differences(*sides, f"{pointer}/{step}")
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            sides = (
                before[index] if index < len(before) else ABSENT,
                after[index] if index < len(after) else ABSENT,
            )
            yield from differences(*sides, f"{pointer}/{index}")
    elif isinstance(before, bool) != isinstance(after, bool) or before != after:
        yield pointer, before, after


def _shown(value: Any) -> str:
    return "(nothing)" if value is ABSENT else encoded(value).decode()
