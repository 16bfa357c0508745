"""After the kills: is everything there that was acknowledged, nothing by half, and told of once?

The engine keeps a copy of the registry's log of which no snapshot drops anything (a mirror), so that
the registry can be made again from its first revision, and compared.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from chappe.adapters.nats.connection import Connection, NatsAddress
from chappe.adapters.nats.event_log import NatsEventLog, Retention
from chappe.adapters.nats.jetstream import stream_info
from chappe.adapters.nats.registry_log import CHUNK, STREAM, SUBJECT, NatsRegistryLog
from chappe.adapters.system.secrets import SystemSecrets
from chappe.domain.channel import REGISTRY, Channel
from chappe.domain.errors import Unavailable
from chappe.domain.event import Event
from chappe.flows.materialise import LOAD_TRIES
from chappe.formats.hub_state import advanced, state_of_snapshot
from chappe.formats.transaction_json import decode_announcements, encode_tree
from chappe.ports.registry_log import Commit, Snapshot
from chappe.registry.change_events import CORRELATION, events
from chappe.registry.flags import Flags
from chappe.registry.state import State, empty
from chappe.registry.target import Level, Target
from chappe.registry.views import render
from tests.chaos.http import Client
from tests.chaos.hub import HubProcess
from tests.chaos.registry_load import SHARED, STEM, Kind, Request, Requests

COPY = "REGISTRY_WHOLE"
TOLD_WITHIN_S = 60.0


@dataclass(slots=True)
class Findings:
    """`problems` are broken promises; everything else is for information."""

    problems: list[str] = field(default_factory=list)
    asked: int = 0
    acknowledged: int = 0
    done_unanswered: int = 0
    revisions: int = 0
    snapshot_revision: int = 0
    events: int = 0


@contextlib.asynccontextmanager
async def engine_of(hub: HubProcess) -> AsyncIterator[Connection]:
    """A connection to a running hub's private engine."""
    home = hub.data / "engine"
    pid = hub.engine_pid
    assert pid is not None
    (ports,) = (home / "ports").glob(f"*_{pid}.ports")
    url = json.loads(ports.read_bytes())["nats"][0]
    credentials = json.loads((home / "credentials").read_bytes())
    address = NatsAddress((url,), credentials["user"], credentials["password"], None)
    connection = await Connection.open(address, name="count")
    try:
        yield connection
    finally:
        await connection.close()


async def keep_copy(connection: Connection) -> None:
    """Let the engine keep every transaction, whatever snapshots drop."""
    mirror = {"storage": "file", "allow_direct": True, "mirror": {"name": STREAM}}
    await connection.api(f"STREAM.CREATE.{COPY}", {"name": COPY, **mirror})


async def check(
    requests: Requests, hub: HubProcess, connection: Connection, registry_epoch: int
) -> Findings:
    """Count; `registry_epoch` is what the registry had before the first of the requests."""
    client = hub.client()
    found = Findings(asked=len(requests.all), acknowledged=len(requests.acknowledged))
    found.problems += [f"refused: {text}" for text in requests.refused[:5]]
    await _caught_up(client, (await stream_info(connection, STREAM)).last_seq)
    tree = await _json(client, "/schemagroups?inline=schemas.versions,schemas.meta")
    _all_or_none(requests, tree, found)
    _counts(tree, found)
    _epochs(requests, tree, (await _json(client, "/"))["epoch"] - registry_epoch, found)
    shown = (await client.ask("GET", "/export")).body
    commits = await _whole_log(connection)
    await _compare(connection, hub, commits, shown, found)
    await _told(connection, requests, commits, found)
    await client.close()
    return found


def _all_or_none(requests: Requests, tree: dict[str, Any], found: Findings) -> None:
    there: dict[str, set[str]] = {}
    for gid, group in tree.items():
        if "request" in group.get("labels", {}):
            there.setdefault(group["labels"]["request"], set()).add(f"/schemagroups/{gid}")
        for sid, schema in group.get("schemas", {}).items():
            for vid, version in schema["versions"].items():
                if "request" in version.get("labels", {}):
                    xid = f"/schemagroups/{gid}/schemas/{sid}/versions/{vid}"
                    there.setdefault(version["labels"]["request"], set()).add(xid)
    dropped = {one.group: one for one in requests.all if one.kind == "drop"}
    for one in requests.all:
        if one.kind == "drop":
            if one.acknowledged and one.group in tree:
                found.problems.append(f"{one.group}: is there again; {one.number} dropped it")
            continue
        here = there.get(str(one.number), set())
        drop = dropped.get(one.group)
        if here and here != one.made:
            found.problems.append(
                f"{one.kind} {one.number}: by half; missing {sorted(one.made - here)}"
            )
        elif one.acknowledged and not here and drop is None:
            found.problems.append(f"{one.kind} {one.number}: was acknowledged, and is not there")
        found.done_unanswered += bool(here) and not one.acknowledged


def _counts(tree: dict[str, Any], found: Findings) -> None:
    for gid, group in tree.items():
        if group["schemascount"] != len(group.get("schemas", {})):
            found.problems.append(f"{gid}: schemascount is {group['schemascount']}")
        for sid, schema in group.get("schemas", {}).items():
            if schema["versionscount"] != len(schema["versions"]):
                found.problems.append(f"{gid}/{sid}: versionscount is {schema['versionscount']}")
            if schema["meta"]["defaultversionid"] not in schema["versions"]:
                found.problems.append(f"{gid}/{sid}: its default version is not there")


def _epochs(
    requests: Requests, tree: dict[str, Any], registry_epochs: int, found: Findings
) -> None:
    """See that each container counted every request that changed what it holds, once."""
    done = [one for one in requests.all if _is_done(one, tree)]
    for group in SHARED:
        of_group = Counter(one.kind for one in done if one.group == group)
        stem = tree[group]["schemas"][STEM]["meta"]
        containers: Sequence[tuple[str, int, Kind]] = (
            (group, tree[group]["epoch"], "schemas"),
            (f"{group}/{STEM}", stem["epoch"], "versions"),
        )
        for name, epoch, kind in containers:
            if epoch != 1 + of_group[kind]:
                found.problems.append(
                    f"{name}: epoch {epoch}, and {of_group[kind]} requests made {kind} in it"
                )
    groups = sum(one.kind in ("tree", "drop") for one in done)
    if registry_epochs != groups:
        found.problems.append(
            f"the registry's epoch went up by {registry_epochs}, and {groups} requests made or"
            " dropped groups"
        )


def _is_done(one: Request, tree: dict[str, Any]) -> bool:
    """Whether a request has been done, answered or not."""
    if one.acknowledged:
        return True
    if one.kind == "drop":
        return one.group not in tree
    if one.kind == "tree":  # only one that was acknowledged is dropped
        return one.group in tree
    group = tree[one.group]["schemas"]
    return any(
        xid.split("/")[6] in group.get(xid.split("/")[4], {"versions": {}})["versions"]
        for xid in one.made
    )


async def _whole_log(connection: Connection) -> Sequence[Commit]:
    """Every transaction from the first on, from the copy."""
    last = (await stream_info(connection, STREAM)).last_seq
    async with asyncio.timeout(TOLD_WITHIN_S):
        while (await stream_info(connection, COPY)).last_seq < last:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    commits: list[Commit] = []
    while len(commits) < last:
        messages = await connection.get_many(
            COPY, SUBJECT, len(commits) + 1, limit=1_000, max_bytes=8 << 20
        )
        for message in messages:
            assert message.stream_seq == len(commits) + 1, "the copy lacks a transaction"
            assert CHUNK not in message.headers, "no request is as large as that"
            commits.append(Commit(message.stream_seq, message.payload))
    return commits


async def _compare(
    connection: Connection,
    hub: HubProcess,
    commits: Sequence[Commit],
    shown: bytes,
    found: Findings,
) -> None:
    """The registry from its first revision, from the snapshot and its tail, and as the hub shows it."""
    secrets = SystemSecrets.from_file(hub.data / "secret.key")
    found.revisions = len(commits)
    whole = _applied(empty(), commits, secrets)
    snapshot, tail = await _snapshot_and_tail(NatsRegistryLog(connection))
    state = empty()
    if snapshot is not None:
        found.snapshot_revision = snapshot.revision
        state = state_of_snapshot(snapshot.state, shards=1, open=secrets.open)
    loaded = _applied(state, tail, secrets)
    if loaded.revision != whole.revision:
        found.problems.append(f"the log ends at {loaded.revision}, its copy at {whole.revision}")
    one, other = (sorted(encode_tree(each.tree, 0)) for each in (whole, loaded))
    if one != other:
        differing = set(one) ^ set(other)
        found.problems.append(
            f"snapshot and tail differ from the whole log in {len(differing)} entities,"
            f" such as {sorted(differing)[0][:300]!r}"
        )
    if render(whole.tree, Target(Level.EXPORT), Flags(), hub.url) != shown:
        found.problems.append("the hub shows another registry than its whole log makes")


async def _snapshot_and_tail(log: NatsRegistryLog) -> tuple[Snapshot | None, Sequence[Commit]]:
    """Both of one moment: a hub may save a snapshot, and drop what it holds, between two reads."""
    for tries_left in reversed(range(LOAD_TRIES)):
        snapshot = await log.snapshot()
        try:
            return snapshot, await log.read(0 if snapshot is None else snapshot.revision)
        except Unavailable:
            if not tries_left:
                raise
    raise AssertionError("LOAD_TRIES is none")


def _applied(state: State, commits: Sequence[Commit], secrets: SystemSecrets) -> State:
    for commit in commits:
        state = advanced(state, commit.transaction, commit.revision, open=secrets.open)
    return state


async def _told(
    connection: Connection, requests: Requests, commits: Sequence[Commit], found: Findings
) -> None:
    """See that channel `registry` has each event of each transaction once, in order.

    Read from the blocks: a list of events shows the first of two with the same source and id.
    """
    owed = [
        event.id
        for commit in commits
        for event in events(decode_announcements(commit.transaction), commit.revision)
    ]
    told: list[Event] = []
    log = NatsEventLog(connection, node="count", retention=Retention())
    channel = Channel(REGISTRY, 1)
    next_block = 1
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(TOLD_WITHIN_S):
            while not told or told[-1].id != owed[-1]:
                last = (await log.extent(channel)).last_block
                for seq in range(next_block, last + 1):
                    block = await log.block(channel, seq)
                    assert block is not None, f"block {seq} of {last} is not there"
                    told += block.events
                next_block = last + 1
                await asyncio.sleep(0.05)
    found.events = len(told)
    ids = [event.id for event in told]
    if ids != owed:
        lost, twice = set(owed) - set(ids), [id for id, n in Counter(ids).items() if n > 1]
        found.problems.append(
            f"{len(lost)} events of change were not told, {len(twice)} more than once,"
            f" {len(set(ids) - set(owed))} are of no transaction (of {len(owed)});"
            f" such as {sorted(lost)[:3]}, {twice[:3]}"
        )
    of_request: dict[str, set[str]] = {}
    for event in told:
        if event.type.endswith(".created"):
            correlation = event.get(CORRELATION) or ""
            of_request.setdefault(correlation, set()).add(event.subject or "")
    for one in requests.acknowledged:
        missing = one.made - of_request.get(one.correlation, set())
        if missing:
            found.problems.append(f"{one.kind} {one.number}: not told of: {sorted(missing)}")


async def _caught_up(client: Client, revision: int) -> None:
    """Wait until the hub has applied what another hub has committed, which takes it a moment."""
    said = re.compile(rb"^chappe_registry_revision (\d+)", re.M)
    async with asyncio.timeout(TOLD_WITHIN_S):
        while True:
            found = said.search((await client.ask("GET", "/metrics")).body)
            assert found is not None, "the metrics tell no revision"
            if int(found[1]) >= revision:
                return
            await asyncio.sleep(0.05)


async def _json(client: Client, target: str) -> Any:
    answer = await client.ask("GET", target)
    assert answer.status == 200, f"GET {target}: {answer.status} {answer.body[:500]!r}"
    return answer.json()
