"""Two hubs over a cluster of three NATS servers: what is killed, and how long nothing is delivered.

    python -m tests.chaos.cluster --cycles 3

Each cycle kills the hub that delivers, then a hub together with a server (one that does not lead the default
channel), then the server that leads the default channel's stream; after each all is brought back. What the
killed server led has no leader for the 4 to 10 s that NATS takes to elect one, and is told. A *gap* is the
longest time without any delivery within the seconds that follow a kill, with events on their way all the
time; a *shard's* gap is the longest of any shard that had events.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import secrets
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from chappe.adapters.nats.connection import ApiError, Connection, NatsAddress
from chappe.domain.errors import ChappeError
from chappe.server.nats_binary import find_nats_binary
from chappe.testing.http_sink import Received, Reply, SinkServer
from tests.chaos.check import stored_ids
from tests.chaos.hub import HubProcess, free_port, kill, wait_until
from tests.chaos.ledger import Ledger, Tally
from tests.chaos.load import Publisher
from tests.chaos.order import SUBJECT, broken_order

STREAM = "EV_default"
SETTLED_WITHIN_S = 90.0
ELECTED_WITHIN_S = 60.0
WATCHED_S = 12.0
AIM_S = 5.0
_RETRY = {"max_attempts": 1000, "base_s": 0.1, "max_backoff_s": 1.0}


class Server:
    """One server of the cluster, over any number of starts."""

    def __init__(self, binary: Path, directory: Path, number: int) -> None:
        self.name = f"n{number}"
        self.port, self.route = free_port(), free_port()
        self._binary, self._directory = binary, directory
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """Where its clients connect."""
        return f"nats://127.0.0.1:{self.port}"

    def configure(self, routes: Sequence[int]) -> None:
        """Write its configuration; `routes` are the ports of all."""
        peers = ", ".join(f'"nats://127.0.0.1:{port}"' for port in routes)
        (self._directory / f"{self.name}.conf").write_text(
            f"server_name: {self.name}\n"
            f"listen: 127.0.0.1:{self.port}\n"
            f'jetstream {{ store_dir: "{self._directory / self.name}" }}\n'
            f"cluster {{ name: chaos, listen: 127.0.0.1:{self.route}, routes: [{peers}] }}\n"
        )

    async def start(self) -> None:
        """Start it, or start it again."""
        self._process = await asyncio.create_subprocess_exec(
            self._binary,
            "-c",
            self._directory / f"{self.name}.conf",
            "-l",
            self._directory / f"{self.name}.log",
        )

    async def crash(self) -> None:
        """`kill -9`; nothing where it does not run."""
        if self._process is not None:
            kill(self._process.pid if self._process.returncode is None else None)
            await self._process.wait()


@dataclass
class Cluster:
    """Three servers, two hubs and what came to the sink."""

    servers: Sequence[Server]
    hubs: Sequence[HubProcess]
    watch: Connection

    async def led_by(self, server: str) -> list[str]:
        """The streams that the server leads."""
        names = (STREAM, "CURSORS", "LEASES", "REGISTRY")
        return [name for name in names if await self.leader(name) == server]

    async def leader(self, stream: str = STREAM) -> str:
        """The name of the server that leads the stream; empty while none does."""
        try:
            info = await self.watch.api(f"STREAM.INFO.{stream}", timeout_s=2.0)
        except (ApiError, ChappeError):
            return ""
        cluster = info["cluster"]
        assert isinstance(cluster, dict)
        return str(cluster.get("leader", ""))

    async def whole(self) -> None:
        """Wait until the stream has a leader, and two copies that are current."""
        async with asyncio.timeout(ELECTED_WITHIN_S):
            while not await self._current():  # noqa: ASYNC110 - other processes
                await asyncio.sleep(0.1)

    async def _current(self) -> bool:
        try:
            info = await self.watch.api(f"STREAM.INFO.{STREAM}", timeout_s=2.0)
        except (ApiError, ChappeError):
            return False
        cluster = info["cluster"]
        assert isinstance(cluster, dict)
        copies = cluster.get("replicas") or []
        return bool(cluster.get("leader")) and sum(bool(one.get("current")) for one in copies) == 2


@contextlib.asynccontextmanager
async def a_cluster(directory: Path) -> AsyncIterator[Cluster]:
    """Everything is up and the default channel has three copies."""
    binary = (await find_nats_binary(None)).path
    servers = [Server(binary, directory, number) for number in (1, 2, 3)]
    for server in servers:
        server.configure([one.route for one in servers])
    urls = [server.url for server in servers]
    hubs = [
        # Each names the servers in another order, so that they do not all meet at one.
        HubProcess(
            directory / f"data-{number}",
            "--nats",
            ",".join(urls[number:] + urls[:number]),
            "--replicas",
            "3",
            "--shards",
            "4",
        )
        for number in (0, 1)
    ]
    async with contextlib.AsyncExitStack() as stack:
        for server in servers:
            await server.start()
            stack.push_async_callback(server.crash)
        watch = await _connected(urls[::-1])
        stack.push_async_callback(watch.close)
        for hub in hubs:
            await stack.enter_async_context(hub)
        cluster = Cluster(servers, hubs, watch)
        await cluster.whole()
        yield cluster


async def _connected(urls: Sequence[str]) -> Connection:
    """A connection to a cluster that has found its leader."""
    async with asyncio.timeout(ELECTED_WITHIN_S):
        while True:
            try:
                connection = await Connection.open(NatsAddress(tuple(urls), None, None), name="w")
            except ChappeError:
                await asyncio.sleep(0.1)
                continue
            try:
                await connection.api("INFO", timeout_s=2.0)
            except (ApiError, ChappeError):
                await connection.close()
                await asyncio.sleep(0.1)
            else:
                return connection


@dataclass(slots=True)
class Gap:
    """One kill: what, and the longest times without a delivery and without an acknowledgement."""

    what: str
    delivery_s: float
    shard_s: float
    ingest_s: float


@dataclass
class Outcome:
    """What a run came to."""

    gaps: list[Gap] = field(default_factory=list)
    acknowledged: int = 0
    duplicates: int = 0
    settled_s: float = 0.0
    problems: list[str] = field(default_factory=list)


class Watched:
    """The sink: takes everything, and remembers when something of which shard was taken."""

    def __init__(self, ledger: Ledger) -> None:
        self._tally = ledger.tallies["keyed"]
        self._ledger = ledger
        self.times: list[tuple[float, str]] = []

    def __call__(self, request: Received) -> Reply:
        id_ = request.header("ce-id")
        assert id_ is not None
        self._tally.arrived += 1
        if id_ not in self._tally.taken:
            self.times.append((time.monotonic(), self._ledger.sent[id_].subject))
        self._tally.settle(id_, taken=True)
        return Reply(204)


async def run(
    directory: Path, say: Callable[[str], None], *, cycles: int, watched_s: float = WATCHED_S
) -> Outcome:
    """The whole run; `watched_s` is how long each kill is watched before all is brought back."""
    outcome, ledger, random = Outcome(), Ledger(), Random(5)
    ledger.tallies["keyed"] = Tally(lambda event: True)
    sink = Watched(ledger)
    async with SinkServer(sink, recording=False) as server, a_cluster(directory) as cluster:
        client = cluster.hubs[0].client()
        made = await client.ask_json(
            "POST",
            "/subscriptions",
            {"sink": server.url, "protocol": "HTTP", "ordering": "key", "retry": _RETRY},
        )
        assert made.status == 201, made.body
        await client.close()
        over = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for number in range(6):
                hub = cluster.hubs[number % 2]
                publisher = Publisher(
                    hub.client(timeout_s=12.0), ledger, Random(random.random()), pause_s=0.02
                )
                tasks.create_task(publisher.run(over.is_set), name=f"publisher {number}")
            await wait_until(lambda: len(sink.times) > 100, "events are delivered")
            try:
                for _ in range(cycles):
                    hub = await _delivering(cluster)
                    await _strike(cluster, ledger, sink, outcome, say, hub, None, watched_s)
                    hub = await _delivering(cluster)
                    leader = await cluster.leader()
                    other = next(one for one in cluster.servers if one.name != leader)
                    await _strike(cluster, ledger, sink, outcome, say, hub, other, watched_s)
                    leader = await cluster.leader()
                    first = next(one for one in cluster.servers if one.name == leader)
                    await _strike(cluster, ledger, sink, outcome, say, None, first, watched_s)
            finally:
                over.set()
        await _settled(cluster, ledger, outcome)
    return outcome


async def _strike(
    cluster: Cluster,
    ledger: Ledger,
    sink: Watched,
    outcome: Outcome,
    say: Callable[[str], None],
    hub: HubProcess | None,
    server: Server | None,
    watched_s: float,
) -> None:
    """Kill, watch, bring back, and wait until all copies are current."""
    struck = ["the hub that delivers"] if hub else []
    if server is not None:
        led = await cluster.led_by(server.name)
        struck.append(f"the server that led {', '.join(led) or 'none of the streams'}")
    what = " and ".join(struck)
    began = time.monotonic()
    acked: list[float] = [began]
    if hub is not None:
        await hub.crash()
    if server is not None:
        await server.crash()
    known = len(ledger.acknowledged)
    while time.monotonic() - began < watched_s:
        await asyncio.sleep(0.02)
        if len(ledger.acknowledged) > known:
            known = len(ledger.acknowledged)
            acked.append(time.monotonic())
    end = time.monotonic()
    times = [(at, subject) for at, subject in sink.times if at >= began - 0.5]
    subjects = {subject for _, subject in sink.times}
    shard_s = max(
        _longest([at for at, of in times if of == subject], began, end) for subject in subjects
    )
    gap = Gap(
        what,
        _longest([at for at, _ in times], began, end),
        shard_s,
        _longest(acked, began, end),
    )
    outcome.gaps.append(gap)
    say(
        f"killed {what}: no delivery for {gap.delivery_s:.2f} s, of one key for {gap.shard_s:.2f} s,"
        f" no acknowledgement for {gap.ingest_s:.2f} s; {len(ledger.acknowledged)} acknowledged"
    )
    if server is not None:
        await server.start()
    if hub is not None:
        await hub.start()
    await cluster.whole()


async def _delivering(cluster: Cluster) -> HubProcess:
    """The hub that owns most shards of the default channel."""

    async def owned(hub: HubProcess) -> int:
        client = hub.client()
        answer = await client.ask("GET", "/readyz")
        await client.close()
        return sum(name.startswith("default.") for name in answer.json()["shards"])

    counts = [await owned(hub) for hub in cluster.hubs]
    return cluster.hubs[counts.index(max(counts))]


def _longest(times: Sequence[float], began: float, end: float) -> float:
    """The longest time without any, between two moments."""
    marks = [began, *(at for at in times if began <= at <= end), end]
    return max(later - earlier for earlier, later in itertools.pairwise(marks))


async def _settled(cluster: Cluster, ledger: Ledger, outcome: Outcome) -> None:
    began, tally = time.monotonic(), ledger.tallies["keyed"]
    try:
        await wait_until(
            lambda: not ledger.missing(), "all is delivered", within_s=SETTLED_WITHIN_S
        )
    except AssertionError:
        lost = ledger.missing()["keyed"]
        outcome.problems.append(f"{len(lost)} acknowledged events never came: {sorted(lost)[:10]}")
    outcome.settled_s = time.monotonic() - began
    outcome.acknowledged = len(ledger.acknowledged)
    outcome.duplicates = tally.duplicates
    client = cluster.hubs[0].client()
    stored = await stored_ids(client)
    await client.close()
    gone = ledger.acknowledged.keys() - set(stored)
    if gone:
        outcome.problems.append(f"{len(gone)} acknowledged events are not stored")
    outcome.problems += broken_order("keyed", tally, stored, ledger.sent, SUBJECT)
    outcome.problems += ledger.internal_errors[:3]


def told(outcome: Outcome) -> str:
    """The end of the run, in words."""
    lines = [
        f"acknowledged {outcome.acknowledged}, duplicates {outcome.duplicates}"
        f" ({outcome.duplicates / max(1, len(outcome.gaps)):.1f} per kill),"
        f" settled {outcome.settled_s:.1f} s after the load",
        *(f"BROKEN: {problem}" for problem in outcome.problems[:10]),
    ]
    if not outcome.problems:
        lines.append("0 acknowledged events lost, 0 never settled, order kept.")
    return "\n".join(lines)


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.cluster", description=__doc__)
    parser.add_argument("--cycles", type=int, default=2)
    parser.add_argument("--keep", action="store_true", help="keep the directory")
    arguments = parser.parse_args()

    def say(text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    with contextlib.ExitStack() as stack:
        if arguments.keep:
            directory = Path(tempfile.gettempdir()) / f"chappe-cluster-{secrets.token_hex(4)}"
            directory.mkdir()
            say(f"kept: {directory}")
        else:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chappe-")))
        outcome = asyncio.run(run(directory, say, cycles=arguments.cycles))
    say(told(outcome))
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
