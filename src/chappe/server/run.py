"""The life of a node: lock, engine, wiring, serving, drain; and its exit code."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from chappe import __version__
from chappe.adapters.auth.tokens import TokenFile
from chappe.adapters.nats.connection import Connection, NatsAddress
from chappe.adapters.system.clock import SystemClock
from chappe.http.confluent_port import ConfluentPort
from chappe.http.listener import Listener, bind
from chappe.kit import wide_event
from chappe.kit.supervise import Supervisor
from chappe.server.assemble import Hub, assemble, tokens_path
from chappe.server.data_lock import DataLock, lock_data
from chappe.server.disk_guard import DiskGuard
from chappe.server.embedded_nats import EmbeddedNats
from chappe.server.sd_notify import ServiceManager, service_manager_here
from chappe.server.settings import Settings, check_exposure

FAILED = 7
"""The exit code of a hub that failed; the command line has the same for what a hub answers."""

GC_THRESHOLDS = (50_000, 20, 100)
"""Python's (700, 10, 10) looks for circles some thirty times a second under load, and finds none."""

_log = logging.getLogger("chappe")


class HubFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """DATA/hub.json: where a running hub is to be found; `confluent` is the URL of that port."""

    url: str
    pid: int
    version: str
    confluent: str | None = None


def run(
    settings: Settings, *, dev: bool, ready: Callable[[HubFile, Path], None] | None = None
) -> int:
    """Serve until SIGTERM or SIGINT; the process's exit code: 0, or 7 when a part of the hub failed.

    `ready` is called with where the hub is and its data directory once it answers. With `dev` and no
    data directory named, the data is temporary and goes with the hub.

    Raises:
        InvalidSetting, Conflict, Unavailable: the hub could not start.
    """
    wide_event.setup(settings.log_format, settings.log_level)
    manager = service_manager_here()
    temporary: Path | None = None
    if dev and not settings.data_named:
        temporary = Path(tempfile.mkdtemp(prefix="chappe-"))
        settings = replace(settings, data=temporary)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(_serve(settings, ready or _announce, manager))
    except ExceptionGroup as group:
        for error in _leaves(group):
            _log.error("the hub ends: %s: %s", type(error).__name__, error, exc_info=error)
        return FAILED
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


async def _serve(
    settings: Settings, ready: Callable[[HubFile, Path], None], manager: ServiceManager
) -> int:
    tokens_file = tokens_path(settings)
    tokens = TokenFile(tokens_file, SystemClock().monotonic_s)
    check_exposure(settings, has_tokens=not tokens.is_open or bool(settings.oidc_issuer))
    lock = lock_data(settings.data)
    stop = asyncio.Event()
    try:
        async with contextlib.AsyncExitStack() as stack:
            listener = stack.enter_context(bind(settings.host, settings.port))
            confluent = None
            if settings.confluent_port is not None:
                confluent = stack.enter_context(bind(settings.host, settings.confluent_port))
            address, engine = await _engine(settings, lock, stack)
            connection = await Connection.open(address, name=f"chappe {lock.node_id}")
            disk = None
            if engine is not None and settings.min_free_bytes:
                disk = DiskGuard(
                    settings.data, settings.min_free_bytes, SystemClock(), engine.restart
                )
            hub = await assemble(
                settings,
                connection,
                node=lock.node_id,
                url=settings.public_url or _url(listener, settings.host),
                confluent_url=None if confluent is None else _url(confluent, settings.host),
                tokens=tokens,
                disk=disk,
            )
            stack.push_async_callback(hub.close)
            # What is there by now stays; the rest is mostly short-lived and free of circles.
            gc.freeze()
            gc.set_threshold(*GC_THRESHOLDS)
            await _serve_until(
                stop, settings, hub, engine, disk, listener, confluent, ready, manager
            )
    finally:
        lock.release()
    return 0


async def _engine(
    settings: Settings, lock: DataLock, stack: contextlib.AsyncExitStack
) -> tuple[NatsAddress, EmbeddedNats | None]:
    if settings.nats:
        return NatsAddress(settings.nats_urls, None, None, settings.nats_creds), None
    embedded = EmbeddedNats(settings.data, binary=settings.nats_server, lock=lock)
    engine = await embedded.start()
    stack.push_async_callback(embedded.stop)
    return NatsAddress((engine.url,), engine.user, engine.password, None), embedded


async def _serve_until(
    stop: asyncio.Event,
    settings: Settings,
    hub: Hub,
    engine: EmbeddedNats | None,
    disk: DiskGuard | None,
    listener: socket.socket,
    confluent: socket.socket | None,
    ready: Callable[[HubFile, Path], None],
    manager: ServiceManager,
) -> None:
    servers = {"http": Listener(hub.app, listener)}
    if confluent is not None:
        servers["http confluent"] = Listener(ConfluentPort(hub.app), confluent)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with Supervisor() as tasks:
        workers = tasks.start_soon(hub.workers.run(), name="workers")
        sources = tasks.start_soon(hub.sources.run(), name="sources")
        if engine is not None:
            tasks.start_soon(engine.watch(), name="watch engine")
        if disk is not None:
            tasks.start_soon(disk.run(), name="watch disk")
        # Who asks first finds the channels there; until then a connection waits at the socket.
        await hub.describe()
        serving = [tasks.start_soon(one.run(), name=name) for name, one in servers.items()]
        tasks.start_soon(hub.keep_described(), name="describe")
        tasks.start_soon(hub.streams(), name="streams")
        tasks.start_soon(hub.audit(), name="audit")
        if hub.issuer is not None:
            tasks.start_soon(hub.issuer(), name="issuer")
        for server in servers.values():
            await server.wait_started()
        here = HubFile(
            _url(listener, settings.host),
            os.getpid(),
            __version__,
            None if confluent is None else _url(confluent, settings.host),
        )
        with _hub_file(settings.data, here):
            ready(here, settings.data)
            told = {"url": here.url, "data": str(settings.data)}
            if here.confluent is not None:
                told["confluent"] = here.confluent
            _log.info("serving", extra={"fields": told})
            manager.tell("READY=1")
            tasks.start_soon(manager.keep_alive(), name="tell the service manager")
            await stop.wait()
            manager.tell("STOPPING=1")
            _log.info("draining")
            hub.app.drain()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(settings.drain_s):
                    await hub.app.idle()
            await hub.sources.drain(settings.drain_s)
            await hub.workers.drain(settings.drain_s)
            for server in servers.values():
                server.stop()
            for task in serving:
                await task
            sources.cancel()
            workers.cancel()
            tasks.cancel()
    _log.info("stopped")


def _leaves(group: ExceptionGroup[Exception]) -> Iterator[Exception]:
    """What failed, each once: groups lie within groups, as tasks within tasks."""
    found: dict[int, Exception] = {}
    groups = [group]
    while groups:
        for error in groups.pop().exceptions:
            if isinstance(error, ExceptionGroup):
                groups.append(error)
            else:
                found[id(error)] = error
    yield from found.values()


def _url(listener: socket.socket, host: str) -> str:
    port = listener.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


@contextlib.contextmanager
def _hub_file(data: Path, hub: HubFile) -> Iterator[None]:
    path = data / "hub.json"
    written = data / "hub.json.part"
    written.write_bytes(msgspec.json.format(msgspec.json.encode(hub), indent=2) + b"\n")
    written.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _announce(here: HubFile, data: Path) -> None:
    confluent = "" if here.confluent is None else f", Confluent's API at {here.confluent}"
    sys.stderr.write(f"chappe {__version__} serves {here.url}{confluent}, data in {data}\n")
