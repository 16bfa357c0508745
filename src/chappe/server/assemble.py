"""Which adapter serves which port: the one place that knows."""

from __future__ import annotations

import asyncio
import logging
import secrets
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

from chappe import __version__
from chappe.adapters.auth.everybody import Everybody
from chappe.adapters.auth.sessions import SealedSessions, session_key
from chappe.adapters.auth.tokens import TokenFile
from chappe.adapters.containment.decider import HelpedContainment
from chappe.adapters.egress.guard import GuardedEgress
from chappe.adapters.jsonata.evaluator import HelpedReshaper
from chappe.adapters.nats.connection import Connection
from chappe.adapters.nats.cursors import STREAM as CURSORS
from chappe.adapters.nats.cursors import NatsCursors
from chappe.adapters.nats.event_log import NatsEventLog, Retention, stream_of
from chappe.adapters.nats.hub_key import hub_key
from chappe.adapters.nats.jetstream import wait_led
from chappe.adapters.nats.node_roll import NatsNodeRoll
from chappe.adapters.nats.registry_log import SNAPSHOTS, NatsRegistryLog
from chappe.adapters.nats.registry_log import STREAM as REGISTRY_STREAM
from chappe.adapters.nats.shard_calls import NatsShardCalls
from chappe.adapters.nats.shard_lease import STREAM as LEASES
from chappe.adapters.nats.shard_lease import NatsShardLease
from chappe.adapters.nats.source_status import NatsSourceStatuses
from chappe.adapters.protoc.compiler import ProtocCompiler
from chappe.adapters.sinks.http import HttpSink
from chappe.adapters.sqlite.event_index import SqliteEventIndex
from chappe.adapters.sqlite.writer import Bounds
from chappe.adapters.system.clock import SystemClock
from chappe.adapters.system.secrets import SystemSecrets
from chappe.domain.audit import Audited
from chappe.domain.channel import (
    ATTEMPTS,
    AUDIT,
    DEADLETTERS,
    DEFAULT,
    REGISTRY,
    UNDELIVERED,
    Channel,
)
from chappe.domain.errors import ChappeError, InvalidSetting, Unavailable, WrongKey
from chappe.domain.seen import SeenEvents
from chappe.domain.source import Source
from chappe.domain.subscription import PULL, Credential, Defaults
from chappe.flows.accept import Accept
from chappe.flows.announce import Announce
from chappe.flows.audit import AuditTrail
from chappe.flows.begin import Begin
from chappe.flows.call_roll import CallRoll
from chappe.flows.catalogue import ReadCatalogue
from chappe.flows.check import Check
from chappe.flows.confluent import Confluent
from chappe.flows.connect import Connect
from chappe.flows.deliver.dispatch import Dispatcher
from chappe.flows.deliver.pull_outlet import PullOutlets
from chappe.flows.deliver.recorder import AttemptRecorder
from chappe.flows.deliver.reply import Reply
from chappe.flows.deliver.reshape import Reshape
from chappe.flows.describe import Describe, description
from chappe.flows.discover import Discover
from chappe.flows.find import Find
from chappe.flows.frames import Frames
from chappe.flows.handshake import Handshakes
from chappe.flows.infer import Infer
from chappe.flows.intake import SourceIntake
from chappe.flows.judge import Judge
from chappe.flows.keep import Keep
from chappe.flows.materialise import Materialise
from chappe.flows.pull import Pull
from chappe.flows.redrive import Redrive
from chappe.flows.register import Register
from chappe.flows.replay import Replaying
from chappe.flows.schema_registry import SchemaRegistry
from chappe.flows.standing import TellStanding
from chappe.flows.stream import Streams
from chappe.flows.trace import Trace
from chappe.flows.trial import Trial
from chappe.flows.webhook import ReadWebhook
from chappe.formats.broker_endpoints import broker_endpoints
from chappe.formats.confluent.parsing import Parser
from chappe.formats.fields import exact_json
from chappe.formats.languages import every_language
from chappe.formats.times import rfc3339_us
from chappe.http.app import App
from chappe.http.figures import Figures
from chappe.http.health import Check as HealthCheck
from chappe.http.health import Readiness
from chappe.http.parts import Limits, Login, Parts, RegistryParts, Snapshots
from chappe.http.registry.asked import Edge
from chappe.kit.correlation import correlation
from chappe.kit.counters import Counters
from chappe.kit.latest import Latest
from chappe.ports.event_source import Intake
from chappe.ports.sink import Sink
from chappe.registry.capabilities import Offer, initial
from chappe.registry.entity import Tree
from chappe.registry.errors import RegistryError
from chappe.registry.hub_model import hub_model
from chappe.registry.state import State, empty
from chappe.registry.uids import xid_of
from chappe.registry.write import empty_tree
from chappe.server.brokers import broker_readers, broker_sinks
from chappe.server.console import ServedConsole
from chappe.server.disk_guard import DiskGuard
from chappe.server.gauges import Gauges
from chappe.server.identity import login_issuer
from chappe.server.node_report import ReportNode
from chappe.server.settings import REGISTRY_ID, Settings, egress_policy
from chappe.server.sources import SourceParts, Sources
from chappe.server.tracing import open_tracing
from chappe.server.workers import Engine, Workers

ENCODING_BYTES = 16 * 1024
"""Headers and the framing of a block: what an event may grow by between request and log."""

FLUSH_S = 2.0
"""How long a node that ends waits for what it has to tell the audit."""

_log = logging.getLogger("chappe")


@dataclass(frozen=True, slots=True)
class Hub:
    """One node, wired: what answers, what runs, and what must be closed.

    `describe` tells the registry what the hub is and how it is used, before it answers;
    `keep_described` goes on doing so when channels come; `streams` runs the tails of those who
    follow events; `audit` writes down who did what; `issuer` renews its keys.
    """

    app: App
    workers: Workers
    sources: Sources
    counters: Counters
    describe: Callable[[], Awaitable[None]]
    keep_described: Callable[[], Coroutine[Any, Any, None]]
    streams: Callable[[], Coroutine[Any, Any, None]]
    audit: Callable[[], Coroutine[Any, Any, None]]
    issuer: Callable[[], Coroutine[Any, Any, None]] | None
    close: Callable[[], Awaitable[None]]


async def assemble(
    settings: Settings,
    connection: Connection,
    *,
    node: str,
    url: str,
    confluent_url: str | None,
    tokens: TokenFile,
    disk: DiskGuard | None,
) -> Hub:
    """Wire a node on an open connection to the engine; nothing runs yet.

    `url` is where the hub can be reached, `confluent_url` a port of the Confluent API alone.

    Raises:
        Conflict: the engine holds something that contradicts the settings.
        InvalidSetting: the node's secret.key does not open what the registry holds.
        Unavailable: the engine does not answer.
    """
    data = settings.data
    clock = SystemClock()
    counters = Counters(settings.metrics_series)
    tracing = open_tracing(settings, node)
    random = Random(secrets.randbits(64))  # noqa: S311  # spreads retries; no secret depends on it
    log = NatsEventLog(
        connection,
        node=node,
        retention=Retention(
            settings.retention_age_s,
            settings.retention_bytes,
            settings.replicas,
            {
                DEADLETTERS: (settings.deadletters_age_s, settings.deadletters_bytes),
                ATTEMPTS: (settings.attempts_age_s, settings.attempts_bytes),
                AUDIT: (settings.audit_age_s, settings.audit_bytes),
            },
        ),
    )
    lease = NatsShardLease(connection, clock, node=node, replicas=settings.replicas)
    cursors = NatsCursors(connection, replicas=settings.replicas)
    registry_log = NatsRegistryLog(connection, replicas=settings.replicas)
    await wait_led(connection, LEASES, CURSORS, REGISTRY_STREAM, SNAPSHOTS, stream_of(DEFAULT))
    await lease.open()
    await cursors.open()
    await registry_log.open()

    vault = SystemSecrets.from_file(data / "secret.key")
    # Shards spread delivery over nodes, and a private engine serves one node alone (ADR 0005).
    shards = await log.shards_of(DEFAULT) or settings.shards or (4 if settings.nats else 1)
    state: Latest[State] = Latest(empty(shards))
    compiler = ProtocCompiler()
    containment = HelpedContainment()
    languages = every_language(compiler, containment)
    announce = Announce(
        registry_log, log, Channel(REGISTRY, 1), lease=lease, cursors=cursors, clock=clock
    )

    materialise = Materialise(
        log=registry_log,
        state=state,
        clock=clock,
        secrets=vault,
        shards=shards,
        announced=announce.reached,
    )
    try:
        await materialise.load()
        await materialise.found(
            _first_tree(settings, rfc3339_us(clock.now_ms() * 1000), languages.offer), by=node
        )
        _check_registry(settings, state.value.tree)
    except WrongKey as error:
        raise InvalidSetting(
            f"{data / 'secret.key'}: not the key that the registry's secrets were stored with "
            f"({error.message}); copy secret.key of the node that stored them here, mode 0600"
        ) from error
    await wait_led(connection, *map(stream_of, state.value.channels))
    for channel in state.value.channels.values():
        await log.open_channel(channel)

    index = await SqliteEventIndex.open(
        data / "index.sqlite",
        log=await log.identity(state.value.channels[DEFAULT]),
        bounds=Bounds(
            max_age_ms=int(settings.index_age_s * 1000) or None,
            max_bytes=settings.index_bytes or None,
        ),
    )
    reached: defaultdict[str, Latest[int]] = defaultdict(lambda: Latest(0))
    window_ms = int(settings.dedupe_window_s * 1000)
    seen: defaultdict[str, SeenEvents] = defaultdict(
        lambda: SeenEvents(window_ms=window_ms, limit=settings.dedupe_events)
    )

    async def keep_token(subscription_id: str, credential: Credential) -> None:
        try:
            await register.renew_credential(subscription_id, credential)
        except (ChappeError, RegistryError) as error:
            # This node goes on with it; another one, or this one after a restart, trades the old one.
            _log.warning(
                "subscription %s: its token was renewed, not kept: %s", subscription_id, error
            )

    origin = settings.webhook_origin or urlsplit(url).hostname or "localhost"
    policy = egress_policy(settings)
    egress = GuardedEgress(policy)
    sink = HttpSink(
        now=lambda: clock.now_ms() / 1000, egress=egress, renewed=keep_token, origin=origin
    )

    def new_id() -> str:
        return secrets.token_hex(12)

    audit = AuditTrail(log, Channel(AUDIT, 1), clock, new_id, node)
    tokens.tell(
        lambda added, removed: audit.record(
            Audited("tokens", "done", "tokens file", None, added=added, removed=removed)
        )
    )
    recorder = AttemptRecorder(log, Channel(ATTEMPTS, 1), clock, new_id, node)
    sinks: dict[str, Sink] = {
        "HTTP": sink,
        **broker_sinks(lambda: f"chappe-{new_id()}"[:23], egress),
    }
    readers = broker_readers(egress)
    reshaper = HelpedReshaper()
    dispatcher = Dispatcher(
        log,
        Channel(DEADLETTERS, 1),
        sinks,
        recorder,
        clock,
        random.random,
        counters,
        share=lambda channel: workers.share(channel),
        disable=lambda id, reason: register.disable_subscription(id, reason, by=node),
        reshape=Reshape(reshaper),
        reply=Reply(lambda channel, events: accept.all(channel, events), clock),
        tracing=tracing,
    )
    calls = NatsShardCalls(connection)
    outlets = PullOutlets(log, clock, dispatcher)
    dispatcher.divert(PULL, outlets)
    defaults = Defaults(
        settings.delivery_concurrency,
        settings.delivery_timeout_s,
        frozenset((*sinks, PULL)),
        frozenset(readers),
    )
    find = Find(log, index, reached.__getitem__, lambda: state.value.channels, clock)

    begin = Begin(log, lambda: state.value.channels)

    register = Register(
        log=registry_log,
        state=state,
        clock=clock,
        secrets=vault,
        new_id=lambda: f"s-{secrets.token_hex(5)}",
        extent=begin,
        formats=languages,
        offer=languages.offer,
        language=languages,
        root=lambda: url,
        correlation=lambda: correlation() or new_id(),
        defaults=defaults,
        open_channel=log.open_channel,
        check_sink=policy.check_sink,
        counted=counters.wrote,
    )

    confluent = Confluent(state, register, Parser(languages))
    check = Check(
        state,
        languages,
        root=lambda: url,
        by_frame=Frames(confluent.index, confluent.parser),
        referring=confluent.check_of,
    )

    ours = hub_model() if settings.model == "hub" else {}

    async def describe() -> None:
        wanted = description(
            url,
            state.value.channels.values(),
            settings.nats or None,
            __version__,
            broker_endpoints(state.value),
        )
        try:
            await Describe(lambda decide: register.amend(decide, by=node), ours)(wanted)
        except ChappeError as error:
            # Such as a model of the user's own that has other attributes: the hub works without.
            _log.warning("the registry does not describe the hub: %s", error)

    async def keep_described() -> None:
        present = state.value
        brokers = broker_endpoints(present)
        while True:
            newer = await state.wait_changed(present)
            moved = (
                newer.sources is not present.sources
                or newer.subscriptions is not present.subscriptions
            )
            there = broker_endpoints(newer) if moved else brokers
            if newer.channels is not present.channels or there != brokers:
                await describe()
            present, brokers = newer, there

    async def attempts_known() -> None:
        await recorder.flush()
        await find.caught_up(ATTEMPTS)

    handshakes = Handshakes(
        handshake=sink,
        lease=lease,
        subscriptions=lambda: state.value.subscriptions,
        grant=register.keep_grant,
        secrets=vault,
        url=lambda: url,
        clock=clock,
    )
    workers = Workers(
        Engine(log, index, lease, cursors),
        state=state,
        materialise=materialise,
        announce=announce,
        handshakes=handshakes,
        dispatcher=dispatcher,
        recorder=recorder,
        clock=clock,
        counters=counters,
        reached=reached.__getitem__,
        seen=seen.__getitem__,
        window_ms=window_ms,
        node=node,
        keep=lambda made: Keep(
            lease,
            lambda: state.value.subscriptions,
            lambda: state.value.channels,
            made.record_of,
            lambda id: register.remove_subscription(id, by=node),
            clock,
        ),
        owning=lambda shard: outlets.owning(shard, calls),
        tracing=tracing,
    )

    def readiness() -> Readiness:
        workers.measure()
        wanted = sum(
            channel.shards
            for channel in state.value.channels.values()
            if channel.name not in UNDELIVERED
        )
        return Readiness(
            version=__version__,
            node=node,
            confluent=confluent_url,
            engine={
                "connected": connection.connected,
                "version": connection.server_version,
                "embedded": not settings.nats,
            },
            shards={
                name: {"block": owned.reader.block, "open": owned.open_events}
                for name, owned in sorted(workers.owned.items())
            },
            checks=[
                HealthCheck(
                    "engine",
                    connection.connected,
                    "connected" if connection.connected else "no answer; reconnecting",
                ),
                HealthCheck("registry", not materialise.trouble, materialise.trouble),
                HealthCheck(
                    "disk",
                    disk is None or not disk.is_full,
                    "nearly full: no events are taken in" if disk and disk.is_full else "",
                ),
                HealthCheck(
                    "shards",
                    ok=True,
                    detail=f"this node owns {len(workers.owned)} of {wanted}",
                ),
            ],
        )

    streams = Streams(log, lambda: state.value.channels, clock, limit=settings.max_streams)
    accept = Accept(
        log,
        lambda: state.value.channels,
        check,
        seen.__getitem__,
        clock,
        (lambda: None) if disk is None else disk.check,
        check.is_declared,
        counters.violated,
        tracing,
    )
    limits = _limits(settings, connection)
    statuses = NatsSourceStatuses(connection)

    def intake(source: Source, counted: Callable[[int, int], None]) -> Intake:
        def count(taken: int, set_aside: int) -> None:
            counters.read(source.id, taken, set_aside)
            counted(taken, set_aside)

        return SourceIntake(
            source, accept, log, clock, new_id, event_bytes=limits.event_bytes, counted=count
        )

    sources = Sources(
        SourceParts(readers, intake, lease, statuses, clock, random.random, node), state
    )

    issuer = login_issuer(settings, clock)
    key = await hub_key(connection)
    sessions = SealedSessions(
        SystemSecrets(session_key(key)),
        tokens.by_hash,
        issuer,
        lambda: clock.now_ms() / 1000,
        lasts_s=settings.session_s,
    )
    gauges = Gauges(
        log,
        clock,
        counters,
        state=lambda: state.value,
        owned=lambda: workers.owned,
        dead=lambda: dispatcher.dead_subscriptions,
        locked=outlets.locked,
        readers=lambda: streams.readers,
        base=lambda: Figures(
            version=__version__,
            node=node,
            engine_version=connection.server_version,
            embedded=not settings.nats,
            connected=connection.connected,
            disk_free_bytes=None if disk is None else disk.free_bytes,
            disk_full=disk is not None and disk.is_full,
            streams=streams.open_readers,
            max_streams=streams.limit,
            handshakes_failing=len(handshakes.said),
            sources=sorted(sources.states.items()),
        ),
    )

    report = ReportNode(
        readiness,
        lambda: app.draining,
        lambda: state.value.revision,
        counters,
        workers.past,
        url,
        clock.now_ms(),
    )
    roll = NatsNodeRoll(connection)

    snapshots = Snapshots()
    app: App = App(
        Parts(
            accept=accept,
            find=find,
            trace=Trace(
                log,
                index,
                find.one,
                attempts_known,
                lambda: state.value.channels,
                lambda: state.value.subscriptions,
                check,
                find.first,
                window_ms,
            ),
            register=register,
            check=check,
            judge=Judge(state, languages, find),
            infer=Infer(find, clock),
            connect=Connect(state, register, statuses, lambda: f"r-{secrets.token_hex(5)}"),
            webhook=ReadWebhook(lambda: state.value.sources, clock, new_id),
            discover=Discover(
                state, register, index, find.caught_up, clock, lambda: str(uuid.uuid4())
            ),
            catalogue=ReadCatalogue(
                state, index, find.caught_up, clock, workers.hours, counters.validity
            ),
            schemas=SchemaRegistry(state, register),
            standing=TellStanding(
                log, workers.view, lambda: state.value.channels, workers.outcomes, clock
            ),
            replay=Replaying(
                log,
                begin,
                lambda: state.value.channels,
                lambda: state.value.subscriptions,
                register.create_companion,
                clock,
                counters,
            ),
            redrive=Redrive(
                log,
                index,
                find.caught_up,
                lambda: state.value.channels,
                lambda: state.value.subscriptions,
                register.create_companion,
                recorder.record,
                attempts_known,
                clock,
            ),
            trial=Trial(sinks, clock, new_id),
            state=state,
            extent=log.extent,
            pull=Pull(
                calls,
                log,
                lambda: state.value.subscriptions,
                lambda: state.value.channels,
                clock,
                key,
            ),
            streams=streams,
            readiness=readiness,
            authorizer=Everybody(tokens, issuer, sessions),
            login=Login(sessions, issuer, settings.session_s),
            counters=counters,
            now_ms=clock.now_ms,
            agree=handshakes.agree,
            nodes=CallRoll(
                roll,
                report,
                lambda: state.value.channels,
                lease.holder,
                alone=not settings.nats,
            ),
            registry=RegistryParts(
                Edge(
                    offer=languages.offer,
                    find=lambda uid: xid_of(state.value.tree, uid),
                    snapshot=snapshots.get,
                    body_bytes=settings.max_registry_bytes,
                ),
                settings.public_url,
                snapshots,
            ),
            limits=limits,
            defaults=defaults,
            confluent=confluent,
            console=ServedConsole(
                lambda call: app.handle(call),
                public_url=settings.public_url,
                version=__version__,
                now_ms=clock.now_ms,
            ),
            audit=audit,
            figures=gauges,
            past=workers.past,
            traces=tracing is not None,
        )
    )

    answering = ExitStack()
    answering.enter_context(roll.answering(report))

    async def close() -> None:
        answering.close()
        try:
            async with asyncio.timeout(FLUSH_S):
                await audit.flush()
        except (Unavailable, TimeoutError) as error:
            _log.warning("audit: the last events were not written: %s", error)
        for one in {id(one): one for one in sinks.values()}.values():
            await one.close()
        compiler.close()
        containment.close()
        await index.close()
        reshaper.close()
        await calls.close()
        await connection.close()
        if tracing is not None:
            await tracing.close()

    return Hub(
        app,
        workers,
        sources,
        counters,
        describe,
        keep_described,
        streams.run,
        audit.run,
        None if issuer is None else issuer.run,
        close,
    )


def _first_tree(settings: Settings, now: str, offer: Offer) -> Tree:
    """What the registry of a new hub begins with.

    Raises:
        InvalidSetting: the file that `model` names is no model.
    """
    match settings.model:
        case "hub":
            source = hub_model()
        case "none":
            source = {}
        case file:
            try:
                source = exact_json(Path(file).read_bytes())
            except (OSError, ValueError) as error:
                raise InvalidSetting(
                    f"model: {str(file)!r} must be a JSON file with a model source ({error})"
                ) from error
    try:
        # Who begins with a model of their own gets what the specification begins with.
        capabilities = initial(offer) | {"pagination": settings.model == "hub"}
        return empty_tree(settings.registry_id, now, source, capabilities=capabilities)
    except RegistryError as error:
        raise InvalidSetting(f"model: {str(settings.model)!r}: {error.message}") from error


def _check_registry(settings: Settings, tree: Tree) -> None:
    """See that the registry is the one that the settings mean.

    Raises:
        InvalidSetting: it has another id, which was set when the hub first started.
    """
    present = tree.attributes["registryid"]
    # The default says nothing: who never set the id is content with the one that is there.
    if settings.registry_id not in (present, REGISTRY_ID):
        raise InvalidSetting(
            f"registry_id: {settings.registry_id!r} is not that of the registry in"
            f" {str(settings.nats or settings.data)!r}, {present!r}; it is fixed when the hub first"
            " starts (take another data directory for another registry)"
        )


def _limits(settings: Settings, connection: Connection) -> Limits:
    """The operator's limits, as far as the engine can keep them."""
    possible = connection.max_payload - ENCODING_BYTES
    if settings.max_event_bytes > possible:
        _log.warning(
            "max_event_bytes is %d, but the engine takes messages of %d bytes (its max_payload); "
            "events of at most %d bytes are taken in",
            settings.max_event_bytes,
            connection.max_payload,
            possible,
        )
    return Limits(
        event_bytes=min(settings.max_event_bytes, possible),
        batch_bytes=settings.max_batch_bytes,
        batch_events=settings.max_batch_events,
        cloudevents_0_3=settings.accept_cloudevents_0_3,
    )


def tokens_path(settings: Settings) -> Path:
    """Where the tokens stand: the setting, or beside the data."""
    return settings.tokens or settings.data / "tokens.json"
