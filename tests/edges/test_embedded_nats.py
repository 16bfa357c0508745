"""The private engine with a real nats-server: its promises, its files, and who dies with whom."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import stat
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlsplit

import nats
import pytest
import uvloop
from nats.aio.client import Client
from nats.js.api import StreamConfig

from chappe.domain.errors import Conflict, InvalidSetting, Unavailable
from chappe.server.data_lock import lock_data, lock_engine
from chappe.server.embedded_nats import EmbeddedNats, Engine, RestartPolicy
from chappe.server.engine_home import Credentials, engine_config
from chappe.server.engine_probe import JetStream, Store, Varz, ask_varz, broken_promise
from chappe.server.nats_binary import find_nats_binary, read_version

pytestmark = [pytest.mark.engine, pytest.mark.timeout(30)]

HUB = """
import asyncio, sys
from pathlib import Path
from chappe.server.embedded_nats import EmbeddedNats

async def main() -> None:
    engine = EmbeddedNats(Path(sys.argv[1]))
    await engine.start()
    print(engine.pid, flush=True)
    await engine.watch()

asyncio.run(main())
"""


async def wait_until(condition: Callable[[], bool], *, within_s: float = 60.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - another process has no asyncio.Event
            await asyncio.sleep(0.005)


def is_running(pid: int) -> bool:
    """A process that has ended and that nobody has reaped yet runs no more."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def guards_of(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in children.split()]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def fake_binary(directory: Path, script: str) -> Path:
    path = directory / "nats-server"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


async def connect(engine: Engine) -> Client:
    return await nats.connect(engine.url, user=engine.user, password=engine.password)


@contextlib.asynccontextmanager
async def a_hub(data: Path) -> AsyncIterator[tuple[Process, int]]:
    """Another process with an engine of its own, and the engine's process id."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HUB, data, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    engine = int(await process.stdout.readline())
    try:
        yield process, engine
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()
        await wait_until(lambda: not is_running(engine))


# ---- what it serves


async def test_a_message_is_stored_and_read_back(tmp_path: Path) -> None:
    async with EmbeddedNats(tmp_path) as engine:
        client = await connect(engine)
        stream = client.jetstream()
        await stream.add_stream(StreamConfig(name="A", subjects=["a"]))
        ack = await stream.publish("a", b"x" * (7 * 1024 * 1024))
        found = await stream.get_msg("A", ack.seq)
        await client.close()
    assert found.data == b"x" * (7 * 1024 * 1024)


def test_it_works_on_uvloop_too(tmp_path: Path) -> None:
    async def version() -> str:
        async with EmbeddedNats(tmp_path) as engine:
            return (await ask_varz(engine.monitor_url)).version

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert read_version(runner.run(version())) is not None


async def test_what_is_acknowledged_has_been_fsynced(tmp_path: Path) -> None:
    async with EmbeddedNats(tmp_path) as engine:
        found = await ask_varz(engine.monitor_url)
    assert found.jetstream == JetStream(Store(sync_always=True))


async def test_nobody_enters_without_the_credential(tmp_path: Path) -> None:
    async with EmbeddedNats(tmp_path) as engine:
        parts = urlsplit(engine.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(b'CONNECT {"user": "chappe", "pass": "guess"}\r\nPING\r\n')
        said = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert b"-ERR 'Authorization Violation'" in said
    assert b"PONG" not in said


async def test_it_listens_on_loopback_and_nowhere_else(tmp_path: Path) -> None:
    embedded = EmbeddedNats(tmp_path)
    async with embedded as engine:
        expected = {
            ("0100007F", urlsplit(engine.url).port),
            ("0100007F", urlsplit(engine.monitor_url).port),
        }
        assert embedded.pid is not None
        assert listening(embedded.pid) == expected


def listening(pid: int) -> set[tuple[str, int]]:
    """Address (hex, as /proc has it) and port of each socket that the process listens on."""
    own = {os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir() if fd.is_symlink()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in own:
                address, port = fields[1].split(":")
                found.add((address, int(port, 16)))
    return found


async def test_a_directory_with_odd_characters_is_fine(tmp_path: Path) -> None:
    async with EmbeddedNats(tmp_path / 'a b "c" $d é') as engine:
        assert (await ask_varz(engine.monitor_url)).jetstream.config is not None


async def test_what_was_stored_is_there_after_a_restart_of_the_hub(tmp_path: Path) -> None:
    async with EmbeddedNats(tmp_path) as engine:
        client = await connect(engine)
        await client.jetstream().add_stream(StreamConfig(name="A", subjects=["a"]))
        await client.jetstream().publish("a", b"kept")
        await client.close()
    async with EmbeddedNats(tmp_path) as engine:
        client = await connect(engine)
        found = await client.jetstream().get_msg("A", 1)
        await client.close()
    assert found.data == b"kept"


def test_a_release_that_limits_consumers_is_told_not_to() -> None:
    text = engine_config(Path("/d"), version=(2, 15, 0), credentials=Credentials("u", "p"))
    assert "default_max_consumers: -1" in text


def test_a_release_that_does_not_know_the_limit_is_not_told() -> None:
    text = engine_config(Path("/d"), version=(2, 14, 9), credentials=Credentials("u", "p"))
    assert "default_max_consumers" not in text


@pytest.mark.parametrize(
    ("found", "broken"),
    [
        (Varz("2.15.1", 8_388_608), "has no JetStream"),
        (Varz("2.15.1", 8_388_608, JetStream(Store())), "acknowledges before it has fsynced"),
        (Varz("2.11.9", 8_388_608, JetStream(Store(sync_always=True))), "is version 2.11.9"),
        (Varz("2.15.1", 1_048_576, JetStream(Store(sync_always=True))), "takes messages of"),
    ],
    ids=["no JetStream", "no fsync", "too old", "small messages"],
)
def test_an_engine_that_breaks_a_promise_is_found_out(found: Varz, broken: str) -> None:
    said = broken_promise(found)
    assert said is not None
    assert said.startswith(broken)


# ---- its files


async def test_nobody_else_can_read_its_files(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with EmbeddedNats(data):
        modes = {
            name: mode(data / name)
            for name in (
                ".",
                "engine",
                "engine/jetstream",
                "engine/credentials",
                "engine/nats-server.conf",
                "engine/nats-server.stderr",
                "hub.lock",
                "node.id",
            )
        }
    assert modes == {
        ".": 0o700,
        "engine": 0o700,
        "engine/jetstream": 0o700,
        "engine/credentials": 0o600,
        "engine/nats-server.conf": 0o600,
        "engine/nats-server.stderr": 0o600,
        "hub.lock": 0o600,
        "node.id": 0o600,
    }


async def test_a_credential_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    async with EmbeddedNats(tmp_path):
        pass
    (tmp_path / "engine" / "credentials").chmod(0o644)
    (tmp_path / "engine").chmod(0o755)
    async with EmbeddedNats(tmp_path):
        assert mode(tmp_path / "engine" / "credentials") == 0o600
        assert mode(tmp_path / "engine") == 0o700


async def test_the_credential_is_random_and_kept(tmp_path: Path) -> None:
    async with EmbeddedNats(tmp_path / "a") as first:
        pass
    async with EmbeddedNats(tmp_path / "a") as again:
        pass
    async with EmbeddedNats(tmp_path / "b") as other:
        pass
    assert (first.user, first.password) == (again.user, again.password)
    assert first.password != other.password


async def test_a_damaged_credential_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "credentials").write_text('{"user": "chap')
    async with EmbeddedNats(tmp_path) as engine:
        kept = json.loads((tmp_path / "engine" / "credentials").read_text())
    assert kept == {"user": engine.user, "password": engine.password}


async def test_the_password_is_not_in_the_text_of_the_engine(tmp_path: Path) -> None:
    async with EmbeddedNats(tmp_path) as engine:
        assert engine.password not in repr(engine)


# ---- which binary


async def test_the_binary_of_the_wheel_is_found() -> None:
    assert (await find_nats_binary()).version >= (2, 12, 0)


async def test_a_binary_that_is_too_old_is_refused(tmp_path: Path) -> None:
    binary = fake_binary(tmp_path, 'echo "nats-server: v2.11.0"')
    with pytest.raises(InvalidSetting) as caught:
        await EmbeddedNats(tmp_path / "data", binary=binary).start()
    message = caught.value.message
    assert f"nats_server: '{binary}' is version 2.11.0 and must be 2.12 or later" in message
    assert "CHAPPE_NATS_SERVER" in message


async def test_a_binary_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="must be a nats-server that can be run"):
        await EmbeddedNats(tmp_path, binary=tmp_path / "nothing").start()


async def test_a_file_that_is_no_program_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    with pytest.raises(InvalidSetting, match="Permission denied"):
        await EmbeddedNats(tmp_path, binary=tmp_path / "text").start()


async def test_another_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="its --version says"):
        await EmbeddedNats(tmp_path, binary=fake_binary(tmp_path, "echo hello")).start()


async def test_a_refused_start_gives_the_directory_free(tmp_path: Path) -> None:
    binary = fake_binary(tmp_path, 'echo "nats-server: v2.11.0"')
    with contextlib.suppress(InvalidSetting):
        await EmbeddedNats(tmp_path / "data", binary=binary).start()
    lock_data(tmp_path / "data").release()
    (await lock_engine(tmp_path / "data" / "engine", wait_s=0)).release()


async def test_an_engine_that_does_not_start_is_quoted(tmp_path: Path) -> None:
    script = 'test "$1" = --version && echo "nats-server: v2.15.1" && exit; echo alas >&2; exit 7'
    with pytest.raises(Unavailable, match=r"(?s)ended with code 7.*alas"):
        await EmbeddedNats(tmp_path / "data", binary=fake_binary(tmp_path, script)).start()


async def test_a_data_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidSetting, match="must be a directory that this user can write"):
        await EmbeddedNats(tmp_path / "file").start()


# ---- one hub, one directory


async def test_a_second_hub_is_refused_with_the_process_id_of_the_first(tmp_path: Path) -> None:
    async with a_hub(tmp_path) as (hub, _):
        with pytest.raises(Conflict) as caught:
            await EmbeddedNats(tmp_path).start()
    assert f"data: '{tmp_path}' is in use by another hub (process id {hub.pid})" in str(
        caught.value
    )


async def test_the_refused_hub_leaves_the_first_one_alone(tmp_path: Path) -> None:
    async with EmbeddedNats(tmp_path) as engine:
        with contextlib.suppress(Conflict):
            await EmbeddedNats(tmp_path).start()
        client = await connect(engine)
        assert client.is_connected
        await client.close()


async def test_no_engine_starts_while_one_that_lost_its_hub_has_the_store(tmp_path: Path) -> None:
    lock = await lock_engine(tmp_path / "engine")
    orphan = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", "read _", stdin=asyncio.subprocess.PIPE, pass_fds=(lock.fd,)
    )
    os.close(lock.fd)  # what the death of a hub does; a release would unlock it for the orphan too
    with pytest.raises(Unavailable, match="still uses"):
        await lock_engine(tmp_path / "engine", wait_s=0.05)
    orphan.kill()
    await orphan.wait()
    (await lock_engine(tmp_path / "engine")).release()


def test_the_node_keeps_its_id(tmp_path: Path) -> None:
    first = lock_data(tmp_path)
    first.release()
    again = lock_data(tmp_path)
    again.release()
    assert len(first.node_id) == 16
    assert first.node_id == again.node_id


async def test_a_hub_lends_its_own_lock(tmp_path: Path) -> None:
    lock = lock_data(tmp_path)
    async with EmbeddedNats(tmp_path, lock=lock):
        pass
    with pytest.raises(Conflict, match=f"process id {os.getpid()}"):
        lock_data(tmp_path)
    lock.release()


def test_a_damaged_node_id_is_named(tmp_path: Path) -> None:
    (tmp_path / "node.id").write_text("zebra\n")
    with pytest.raises(InvalidSetting, match="must hold 16 hex digits"):
        lock_data(tmp_path)


# ---- who dies with whom


async def test_the_engine_ends_when_its_hub_is_killed(tmp_path: Path) -> None:
    async with a_hub(tmp_path) as (hub, engine):
        guards = guards_of(engine)
        hub.kill()
        await wait_until(lambda: not is_running(engine), within_s=60)
        await wait_until(lambda: not any(map(is_running, guards)))
    assert len(guards) == 1


async def test_a_hub_starts_at_once_after_the_last_one_was_killed(tmp_path: Path) -> None:
    async with a_hub(tmp_path) as (hub, _):
        hub.kill()
        await hub.wait()
        async with EmbeddedNats(tmp_path) as engine:
            client = await connect(engine)
            assert client.is_connected
            await client.close()


async def test_a_stop_leaves_no_process_behind(tmp_path: Path) -> None:
    embedded = EmbeddedNats(tmp_path)
    await embedded.start()
    engine = embedded.pid
    assert engine is not None
    processes = [engine, *guards_of(engine)]
    await embedded.stop()
    await wait_until(lambda: not any(map(is_running, processes)))
    assert embedded.pid is None


async def test_a_stop_lets_the_engine_flush(tmp_path: Path) -> None:
    async with EmbeddedNats(tmp_path):
        pass
    assert "JetStream Shutdown" in (tmp_path / "engine" / "nats-server.log").read_text()


async def test_ctrl_c_does_not_reach_the_engine(tmp_path: Path) -> None:
    embedded = EmbeddedNats(tmp_path)
    async with embedded:
        assert embedded.pid is not None
        assert os.getpgid(embedded.pid) != os.getpgid(0)


async def test_a_killed_engine_is_back_on_its_port_with_its_messages(tmp_path: Path) -> None:
    restarted: list[int] = []
    embedded = EmbeddedNats(tmp_path, on_restart=restarted.append)
    async with embedded as engine, asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(embedded.watch())
        client = await connect(engine)
        await client.jetstream().add_stream(StreamConfig(name="A", subjects=["a"]))
        await client.jetstream().publish("a", b"kept")
        await client.close()
        kill(embedded)
        await wait_until(lambda: bool(restarted))
        client = await connect(engine)
        found = await client.jetstream().get_msg("A", 1)
        await client.close()
        watching.cancel()
    assert found.data == b"kept"


async def test_an_engine_can_be_restarted_on_purpose(tmp_path: Path) -> None:
    restarted: list[int] = []
    embedded = EmbeddedNats(tmp_path, on_restart=restarted.append)
    async with embedded as engine, asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(embedded.watch())
        before = embedded.pid
        await embedded.restart()
        await wait_until(lambda: bool(restarted))
        assert (await ask_varz(engine.monitor_url)).jetstream.config is not None
        watching.cancel()
    assert restarted != [before]


async def test_an_engine_that_dies_again_and_again_is_given_up(tmp_path: Path) -> None:
    embedded: EmbeddedNats
    deaths = 0

    def die(_: int) -> None:
        nonlocal deaths
        deaths += 1
        kill(embedded)

    policy = RestartPolicy(quick_deaths=3, base_s=0.001)
    embedded = EmbeddedNats(tmp_path, restarts=policy, on_restart=die)
    async with embedded:
        kill(embedded)
        with pytest.raises(Unavailable, match=r"(?s)died 4 times in a row.*Server is ready"):
            await embedded.watch()
    assert deaths == 3


async def test_a_port_that_was_taken_meanwhile_is_named(tmp_path: Path) -> None:
    embedded = EmbeddedNats(tmp_path, restarts=RestartPolicy(quick_deaths=2, base_s=0.001))
    async with embedded as engine:
        kill(embedded)
        await wait_until(lambda: embedded.pid is None)
        with socket.create_server(("127.0.0.1", urlsplit(engine.url).port or 0)):
            with pytest.raises(Unavailable, match="another program has taken its port") as caught:
                await embedded.watch()
    assert engine.url in caught.value.message


async def test_watching_ends_with_the_stop(tmp_path: Path) -> None:
    embedded = EmbeddedNats(tmp_path)
    await embedded.start()
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(embedded.watch())
        await embedded.stop()
    assert watching.exception() is None


def kill(embedded: EmbeddedNats) -> None:
    assert embedded.pid is not None
    os.kill(embedded.pid, signal.SIGKILL)
