"""What a service manager is told, over a real datagram socket."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from chappe.server.sd_notify import ServiceManager, service_manager


def bound(address: str) -> socket.socket:
    one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    one.bind(address)
    one.settimeout(60)
    return one


def test_a_state_comes_as_one_datagram(tmp_path: Path) -> None:
    with bound(str(tmp_path / "n")) as manager:
        ServiceManager(str(tmp_path / "n")).tell("READY=1")
        assert manager.recv(100) == b"READY=1"


def test_a_name_that_begins_with_an_at_sign_is_abstract() -> None:
    name = f"chappe-test-{id(object())}"
    with bound(f"\0{name}") as manager:
        ServiceManager(f"@{name}").tell("STOPPING=1")
        assert manager.recv(100) == b"STOPPING=1"


def test_a_manager_that_is_gone_or_full_stops_nothing(tmp_path: Path) -> None:
    ServiceManager(str(tmp_path / "nobody")).tell("READY=1")
    with bound(str(tmp_path / "n")) as manager:
        one = ServiceManager(str(tmp_path / "n"))
        for _ in range(2_000):  # more than a queue of datagrams holds
            one.tell("WATCHDOG=1")
        assert manager.recv(100) == b"WATCHDOG=1"


async def test_signs_of_life_go_on_until_they_are_cancelled(tmp_path: Path) -> None:
    with bound(str(tmp_path / "n")) as manager:
        manager.settimeout(0)
        one = ServiceManager(str(tmp_path / "n"), watchdog_s=0.002)
        async with asyncio.TaskGroup() as tasks:
            alive = tasks.create_task(one.keep_alive(), name="alive")
            for _ in range(3):
                told = await asyncio.get_running_loop().sock_recv(manager, 100)
                assert told == b"WATCHDOG=1"
            alive.cancel()


async def test_nothing_is_told_where_nobody_asked() -> None:
    one = ServiceManager()
    one.tell("READY=1")
    await one.keep_alive()  # returns
    await ServiceManager("/run/n").keep_alive()


def test_the_environment_says_it_once() -> None:
    environ = {"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "30000000", "HOME": "/"}
    assert service_manager(environ, pid=7) == ServiceManager("/run/n", 30.0)
    assert environ == {"HOME": "/"}


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({}, ServiceManager()),
        ({"NOTIFY_SOCKET": "vsock:2:1234"}, ServiceManager()),
        ({"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "soon"}, ServiceManager("/n")),
        ({"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "0"}, ServiceManager("/n")),
        (
            {"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "5000000", "WATCHDOG_PID": "8"},
            ServiceManager("/n"),
        ),
        (
            {"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "5000000", "WATCHDOG_PID": "7"},
            ServiceManager("/n", 5.0),
        ),
        ({"WATCHDOG_USEC": "5000000"}, ServiceManager()),
    ],
)
def test_what_is_asked_for(environ: dict[str, str], found: ServiceManager) -> None:
    assert service_manager(environ, pid=7) == found
