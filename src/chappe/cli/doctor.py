"""`chappe doctor`: what is wrong with the hub or with this machine, and how to mend it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from email.utils import parsedate_to_datetime
from pathlib import Path

import click
import msgspec

from chappe import __version__
from chappe.cli.cells import cells, padded
from chappe.cli.moment import now
from chappe.cli.render import mark, printable
from chappe.cli.session import Session, remote
from chappe.client import paths
from chappe.client.findings import Finding, checks, confluent, engine
from chappe.client.hub_client import HubClient
from chappe.client.node_views import Roll, finding
from chappe.client.transport import Answer
from chappe.client.views import Readiness
from chappe.domain.errors import (
    ChappeError,
    Forbidden,
    InvalidSetting,
    Unauthenticated,
    Unavailable,
)

_SKEW_S = 5.0  # a Date header has whole seconds, and the answer took its time
_MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}


@click.command()
@remote
def doctor(session: Session) -> None:
    """Check the hub and this machine; exit code 1 when something has to be mended.

    \b
      chappe doctor
      chappe doctor --url https://events.example -o json
    """  # noqa: D301 - click's mark for lines as they are
    findings = [*session.run(lambda hub: _of_hub(hub, session.url)), *_of_machine()]
    if session.output in ("json", "jsonl"):
        session.pass_through(msgspec.json.encode([asdict(one) for one in findings]) + b"\n")
    else:
        width = max(cells(printable(one.name)) for one in findings)
        for one in findings:
            glyph = mark(*_MARKS[one.verdict], session)
            session.say(
                f"{glyph} {one.verdict:<4}  {padded(printable(one.name), width)}  "
                f"{printable(one.detail)}"
            )
            if one.fix:
                session.say(f"  {'':<4}  {'':<{width}}  fix: {one.fix}")
    if any(one.verdict == "fail" for one in findings):
        click.get_current_context().exit(1)


async def _of_hub(hub: HubClient, url: str) -> list[Finding]:
    try:
        answer = await hub.readiness()
    except Unavailable as exc:
        fix = "start one with: chappe dev; or name another with --url or CHAPPE_URL"
        return [Finding("hub", "fail", exc.message, fix)]
    except ChappeError as exc:
        fix = "is this a hub of chappe? look at --url and CHAPPE_URL"
        return [Finding("hub", "fail", f"{url}: {exc.message}", fix)]
    ready = msgspec.json.decode(answer.body, type=Readiness)
    nodes = await _nodes(hub)
    return [
        Finding("hub", "ok", f"{url} answers as node {ready.node}"),
        _version(ready),
        *checks(ready),
        *engine(ready),
        nodes,
        confluent(ready, url),
        _skew(answer),
    ]


async def _nodes(hub: HubClient) -> Finding:
    try:
        found = msgspec.json.decode((await hub.read(paths.NODES)).body, type=Roll)
    except (Forbidden, Unauthenticated) as exc:
        return Finding(
            "nodes", "warn", f"not told: {exc.message}", "ask with a token that may read"
        )
    except ChappeError as exc:
        return Finding("nodes", "warn", f"not told: {exc.message}", "the hub's log says more")
    return finding(found)


def _version(ready: Readiness) -> Finding:
    if ready.version == __version__:
        return Finding("version", "ok", f"hub and command line are {__version__}")
    return Finding(
        "version",
        "warn",
        f"the hub is {ready.version}, this command line {__version__}",
        f"pip install chappe=={ready.version}",
    )


def _skew(answer: Answer) -> Finding:
    try:
        theirs = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):
        return Finding("clock", "warn", "the hub's answer has no date to compare with")
    skew_s = (theirs - now()).total_seconds()
    if abs(skew_s) <= _SKEW_S:
        return Finding("clock", "ok", "the hub's clock and this machine's agree")
    return Finding(
        "clock",
        "warn",
        f"the hub's clock is {abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} this one",
        "let both machines keep their time by NTP",
    )


def _of_machine() -> Iterator[Finding]:
    import asyncio

    from chappe.server.nats_binary import find_nats_binary, shown
    from chappe.server.settings import load_here

    try:
        settings = load_here({})
    except InvalidSetting as exc:
        yield Finding("settings", "fail", exc.message, "mend it where the message says")
        return
    yield Finding("settings", "ok", "the environment and chappe.toml hold no mistake")
    try:
        binary = asyncio.run(find_nats_binary(settings.nats_server))
    except InvalidSetting as exc:
        yield Finding("nats-server", "warn", exc.message, "needed to run a hub on this machine")
    else:
        yield Finding("nats-server", "ok", f"{shown(binary.version)} at {binary.path}")
    yield _data(settings.data)


def _data(path: Path) -> Finding:
    there = path
    while not there.exists():
        there = there.parent
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        new = "" if there == path else " (made at the first start)"
        return Finding("data", "ok", f"{path} can be written{new}")
    return Finding("data", "warn", f"{path} cannot be written", "name another with --data")
