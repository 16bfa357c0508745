"""A hub's HTTP edge on loopback, over the memory adapters, and a client that hides nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, NamedTuple

from chappe.adapters.egress.guard import GuardedEgress
from chappe.adapters.memory.event_log import MemoryEventLog
from chappe.adapters.memory.node_roll import MemoryNodeRoll, Present
from chappe.adapters.memory.registry_log import MemoryRegistryLog
from chappe.adapters.memory.shard_calls import MemoryShardCalls
from chappe.adapters.memory.shard_lease import Held, MemoryShardLease
from chappe.adapters.memory.source_status import MemorySourceStatuses
from chappe.adapters.protoc.compiler import ProtocCompiler
from chappe.adapters.sinks.http import HttpSink
from chappe.adapters.system.clock import SystemClock
from chappe.adapters.system.secrets import SystemSecrets
from chappe.domain.attempt import AttemptRow
from chappe.domain.channel import UNDELIVERED, Block, Channel
from chappe.domain.egress import ANYWHERE
from chappe.domain.event import Event
from chappe.domain.lane import END_OF_BLOCK, Place
from chappe.domain.node import NodeReport
from chappe.domain.outcomes import Outcomes
from chappe.domain.position import Position
from chappe.domain.seen import SeenEvents
from chappe.domain.sighting import Sighting, joined
from chappe.flows.accept import Accept
from chappe.flows.begin import Begin
from chappe.flows.call_roll import CallRoll
from chappe.flows.catalogue import ReadCatalogue
from chappe.flows.check import Check
from chappe.flows.confluent import Confluent
from chappe.flows.connect import Connect
from chappe.flows.discover import Discover
from chappe.flows.find import Find
from chappe.flows.frames import Frames
from chappe.flows.handshake import Handshakes
from chappe.flows.infer import Infer
from chappe.flows.judge import Judge
from chappe.flows.materialise import Materialise
from chappe.flows.observe import Observe
from chappe.flows.pull import Pull
from chappe.flows.redrive import Redrive
from chappe.flows.register import Register
from chappe.flows.replay import Replaying
from chappe.flows.schema_registry import SchemaRegistry
from chappe.flows.standing import ShardView, TellStanding
from chappe.flows.stream import Streams
from chappe.flows.trace import Trace
from chappe.flows.trial import Trial
from chappe.flows.webhook import ReadWebhook
from chappe.formats.confluent.parsing import Parser
from chappe.formats.languages import every_language
from chappe.formats.times import rfc3339_us
from chappe.http.app import App
from chappe.http.confluent_port import ConfluentPort
from chappe.http.health import Check as HealthCheck
from chappe.http.health import Readiness
from chappe.http.listener import Listener, bind
from chappe.http.parts import Parts, RegistryParts
from chappe.http.registry.asked import Edge
from chappe.kit.counters import Counters
from chappe.kit.latest import Latest
from chappe.kit.supervise import Supervisor
from chappe.ports.authorizer import Authorizer, Open
from chappe.ports.event_index import Found, Query
from chappe.ports.event_log import Extent
from chappe.registry.state import empty
from chappe.server.console import ServedConsole
from chappe.testing.hub_registry import hub_tree

ORDERS = Channel("orders", 2)
SHARDS = 4
MAX_STREAMS = 600
STARTED_MS = 1_763_805_731_402
FOUNDED = 1
"""The revision that the registry begins with."""
EVENT = {
    "ce-specversion": "1.0",
    "ce-id": "A-1017",
    "ce-source": "/shop",
    "ce-type": "order.paid",
    "content-type": "application/json",
}


class Reply(NamedTuple):
    """A response as it came: header names in lower case, the body's bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        """The name of an error of the registry's."""
        assert self.headers["content-type"] == "application/json; charset=utf-8"
        error = self.json
        assert error["title"]
        assert error["subject"].startswith("/")
        return str(error["type"].rpartition("#")[2])

    @property
    def code(self) -> str:
        assert self.headers["content-type"] == "application/problem+json"
        problem = self.json
        assert problem["type"] == f"urn:chappe:error:{problem['code']}"
        assert problem["status"] == self.status
        assert problem["title"]
        assert problem["detail"]
        return str(problem["code"])


class ScanIndex:
    """An index that looks through the log; attempts are those that a test puts in."""

    def __init__(self, log: MemoryEventLog, channels: Callable[[], Mapping[str, Channel]]) -> None:
        self._log = log
        self._channels = channels
        self.rows: list[AttemptRow] = []

    async def add(
        self, channel: str, blocks: Sequence[Block], attempts: Sequence[AttemptRow] = ()
    ) -> None:
        self.rows += attempts

    async def reached(self, channel: str) -> int:
        return (await self._log.extent(self._channels()[channel])).last_block

    async def find(self, query: Query) -> Sequence[Found]:
        blocks = await self._log.read(
            self._channels()[query.channel], None, 0, limit_blocks=1_000_000
        )
        found = [
            Found(Position(block.shard, block.seq, index), block.at_ms)
            for block in blocks
            for index, event in enumerate(block.events)
            if _fits(query, event, block, index)
        ]
        found.sort(key=lambda one: one.position[1:], reverse=query.newest_first)
        return found[: query.limit]

    async def attempts(self, channel: str, position: Position) -> Sequence[AttemptRow]:
        return [row for row in self.rows if row.channel == channel and row.position == position]

    async def counts(self, channel: str) -> Mapping[str, int]:
        return {}

    async def sightings(self, channel: str, *, since_ms: int | None = None) -> Sequence[Sighting]:
        blocks = await self._log.read(self._channels()[channel], None, 0, limit_blocks=1_000_000)
        return joined(
            [Sighting(event.type, event.source, 1, block.at_ms, block.at_ms)]
            for block in blocks
            for event in block.events
            if since_ms is None or block.at_ms >= since_ms
        )

    async def close(self) -> None:
        return None


def _fits(query: Query, event: Event, block: Block, index: int) -> bool:
    wanted = {"type": query.type, "source": query.source, "subject": query.subject, "id": query.id}
    if any(value is not None and event.get(name) != value for name, value in wanted.items()):
        return False
    if query.from_ms is not None and block.at_ms < query.from_ms:
        return False
    if query.until_ms is not None and block.at_ms >= query.until_ms:
        return False
    if query.after is None:
        return True
    here = (block.seq, index)
    return here < query.after if query.newest_first else here > query.after


@dataclass
class Hub:
    """A running edge and what is behind it."""

    app: App
    parts: Parts
    log: MemoryEventLog
    registry_log: MemoryRegistryLog
    index: ScanIndex
    counters: Counters
    port: int
    confluent_port: int
    checks: list[HealthCheck]
    stop: Callable[[], None]
    present: Present

    async def ask(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | str = b"",
    ) -> Reply:
        """One request on a connection of its own."""
        sent = body.encode() if isinstance(body, str) else body
        lines = [f"{method} {target} HTTP/1.1", "host: hub", "connection: close"]
        if sent:
            lines.append(f"content-length: {len(sent)}")
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        return await self.say("\r\n".join([*lines, "", ""]).encode("latin-1") + sent, method)

    async def declare(self, path: str, document: Mapping[str, Any]) -> Reply:
        """PUT a document to the registry."""
        return await self.ask("PUT", path, {}, json.dumps(document))

    async def publish(
        self, target: str = "/events", body: bytes | str = b"{}", **changes: str | None
    ) -> Reply:
        """One event in binary mode; `ce_subject="x"` sets a header, None leaves one out."""
        headers = dict(EVENT)
        for name, value in changes.items():
            headers.pop(name.replace("_", "-"), None)
            if value is not None:
                headers[name.replace("_", "-")] = value
        return await self.ask("POST", target, headers, body)

    async def say(self, raw: bytes, method: str = "GET") -> Reply:
        """Send bytes as they are, read one response."""
        async with self.connection() as (reader, writer):
            writer.write(raw)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
            return await read_reply(reader, method)

    @contextlib.asynccontextmanager
    async def connection(
        self,
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """An open connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def read_reply(reader: asyncio.StreamReader, method: str = "GET") -> Reply:
    """The next response on the connection."""
    async with asyncio.timeout(60):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = head.split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = dict(_header(line) for line in lines[1:] if line)
        length = 0 if method == "HEAD" else int(headers.get("content-length", "0"))
        return Reply(status, headers, await reader.readexactly(length))


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.lower(), value.strip()


@contextlib.asynccontextmanager
async def running(authorizer: Authorizer | None = None, **changes: Any) -> AsyncIterator[Hub]:
    """A hub with the channels that each has, and `orders`. `changes` replace parts of `Parts`."""
    clock, secrets = SystemClock(), SystemSecrets(b"k" * 32)
    log = MemoryEventLog(clock, node="n-test")
    registry_log = MemoryRegistryLog()
    state = Latest(empty(SHARDS))
    compiler = ProtocCompiler()
    languages = every_language(compiler)
    began = rfc3339_us(clock.now_ms() * 1000)
    await Materialise(registry_log, state, clock, secrets, shards=SHARDS).found(
        hub_tree((ORDERS,), shards=SHARDS, now=began, offer=languages.offer), by="n-test"
    )

    def channels() -> Mapping[str, Channel]:
        return state.value.channels

    for channel in channels().values():
        await log.open_channel(channel)
    index, seen = ScanIndex(log, channels), SeenEvents(window_ms=60_000, limit=1000)

    async def extent(channel: Channel) -> Extent:
        return await log.extent(channel)

    async def view(channel: Channel, shard: int) -> ShardView:
        last = (await log.extent(channel)).last_block
        return ShardView("n-test", Place(last, END_OF_BLOCK), {})

    async def attempts_known() -> None:
        return None

    async def holder(shard: str) -> str:
        return "n-test"

    def report() -> NodeReport:
        shards = (
            f"{name}.{number}"
            for name, channel in channels().items()
            if name not in UNDELIVERED
            for number in range(channel.shards)
        )
        return NodeReport(
            node="n-test",
            version="0.1.0",
            started_ms=STARTED_MS,
            shards=tuple(shards),
            registry_revision=state.value.revision,
        )

    present = Present()
    reached = {name: Latest(0) for name in channels()}
    begin = Begin(log, channels)
    find = Find(log, index, reached.__getitem__, channels, clock)
    numbers = count(1)
    register = Register(
        registry_log,
        state,
        clock,
        secrets,
        lambda: f"s-{next(numbers)}",
        begin,
        languages,
        languages.offer,
        language=languages,
        correlation=lambda: f"c-{next(numbers)}",
        open_channel=log.open_channel,
    )
    confluent = Confluent(state, register, Parser(languages))
    check = Check(
        state,
        languages,
        root=lambda: "http://hub",
        by_frame=Frames(confluent.index, confluent.parser),
        referring=confluent.check_of,
    )
    checks = [HealthCheck("engine", ok=True, detail="connected")]
    counters = Counters()
    sink = HttpSink(now=lambda: clock.now_ms() / 1000, egress=GuardedEgress(ANYWHERE))
    handshakes = Handshakes(
        handshake=sink,
        lease=MemoryShardLease(Held(), clock, node="n-test"),
        subscriptions=lambda: state.value.subscriptions,
        grant=register.keep_grant,
        secrets=register.secrets,
        url=lambda: "http://hub.example",
        clock=clock,
    )
    streams = Streams(log, channels, clock, limit=MAX_STREAMS)
    accept = Accept(log, channels, check, lambda _: seen, clock, is_declared=check.is_declared)
    parts = replace(
        Parts(
            accept=accept,
            webhook=ReadWebhook(
                lambda: state.value.sources, clock, lambda: f"w-{next(numbers)}"
            ),
            find=find,
            trace=Trace(
                log, index, find.one, attempts_known, channels,
                lambda: state.value.subscriptions, check, find.first, 60_000,
            ),
            register=register,
            check=check,
            judge=Judge(state, languages, find),
            infer=Infer(find, clock),
            confluent=confluent,
            connect=Connect(
                state, register, MemorySourceStatuses(), lambda: f"r-{next(numbers)}"
            ),
            discover=Discover(
                state, register, index, find.caught_up, clock, lambda: f"u-{next(numbers)}"
            ),
            catalogue=ReadCatalogue(state, index, find.caught_up, clock),
            schemas=SchemaRegistry(state, register),
            standing=TellStanding(log, view, channels, Outcomes(), clock),
            replay=Replaying(
                log, begin, channels, lambda: state.value.subscriptions,
                register.create_companion, clock, counters,
            ),
            redrive=Redrive(
                log, index, find.caught_up, channels, lambda: state.value.subscriptions,
                register.create_companion, index.rows.append, attempts_known, clock,
            ),
            trial=Trial({"HTTP": sink}, clock, lambda: f"t-{next(numbers)}"),
            state=state,
            extent=extent,
            streams=streams,
            pull=Pull(
                MemoryShardCalls(), log, lambda: state.value.subscriptions, channels, clock, b"k"
            ),
            readiness=lambda: Readiness("0.1.0", "n-test", {"kind": "memory"}, {}, checks),
            authorizer=authorizer or Open(),
            counters=counters,
            now_ms=clock.now_ms,
            agree=handshakes.agree,
            nodes=CallRoll(MemoryNodeRoll(present), report, channels, holder),
            registry=RegistryParts(Edge(offer=languages.offer)),
            console=ServedConsole(
                lambda call: app.handle(call), public_url="", version="0.1.0", now_ms=clock.now_ms
            ),
        ),
        **changes,
    )  # fmt: skip
    app: App = App(parts)
    listener = Listener(app, bind("127.0.0.1", 0))
    confluent = Listener(ConfluentPort(app), bind("127.0.0.1", 0))
    async with Supervisor() as tasks:
        observers = [
            tasks.start_soon(
                Observe(log, index, channel, reached[name], clock)(),
                name=f"observe {name}",
            )
            for name, channel in channels().items()
        ]
        tasks.start_soon(listener.run(), name="listener")
        streaming = tasks.start_soon(parts.streams.run(), name="streams")
        tasks.start_soon(confluent.run(), name="confluent listener")
        hub = Hub(
            app, parts, log, registry_log, index, counters, listener.port, confluent.port, checks,
            listener.stop, present,
        )  # fmt: skip
        await listener.wait_started()
        await confluent.wait_started()
        try:
            yield hub
        finally:
            listener.stop()
            confluent.stop()
            for observer in observers:
                observer.cancel()
            parts.streams.end()
            streaming.cancel()
            compiler.close()
