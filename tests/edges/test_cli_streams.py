"""`chappe sub pull`, `event tail`, `event listen` and `event forward`, against a real hub."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

import pytest
from tests.edges.cli_process import Cli, chappe

__all__ = ["chappe"]

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]


@contextlib.contextmanager
def begun(chappe: Cli, *args: str) -> Iterator[subprocess.Popen[str]]:
    """A command that goes on until Ctrl-C."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "chappe", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env=chappe.environment(),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> str:
    """Ctrl-C; what it said besides, after it has ended in order."""
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    return said.strip()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def send(chappe: Cli, type_: str, id_: str) -> None:
    # A source of its own: the same id of the same source would be a repeat of another test's.
    options = ("--type", type_, "--source", f"/{type_}", "--id", id_)
    done = chappe("event", "send", *options, "-d", '{"total": 12}')
    assert done.code == 0, done.err


def subscriptions(chappe: Cli) -> list[str]:
    return chappe("sub", "ls", "-o", "name").lines


@pytest.fixture
def type_() -> str:
    return f"t.{uuid4().hex}"


def test_pull_takes_events_and_acknowledges_them(chappe: Cli, type_: str) -> None:
    made = chappe("sub", "create", "--no-test", "--pull", "--lock", "30", "--type", type_)
    (id_,) = made.lines
    send(chappe, type_, "A-1")
    rows = chappe("sub", "pull", id_, "--wait", "20", "--ack", "-o", "jsonl").lines
    (row,) = map(json.loads, rows)
    assert (row["event"]["id"], row["deliverycount"]) == ("A-1", 1)
    assert chappe("sub", "pull", id_, "-o", "json").json == []
    send(chappe, type_, "A-2")
    (shown,) = chappe("sub", "pull", id_, "--wait", "20").lines
    assert shown.split()[-3:] == [type_, "A-2", f"/{type_}"]
    assert chappe("sub", "rm", id_, "--yes").code == 0
    gone = chappe("sub", "pull", id_)
    assert (gone.code, id_ in gone.err) == (3, True)


def test_pull_goes_on_until_ctrl_c(chappe: Cli, type_: str) -> None:
    (id_,) = chappe("sub", "create", "--no-test", "--pull", "--type", type_).lines
    with begun(chappe, "sub", "pull", id_, "--follow", "--ack", "-o", "jsonl") as pull:
        for number in range(3):
            send(chappe, type_, f"A-{number}")
            assert json.loads(line(pull))["event"]["id"] == f"A-{number}"
        assert ended(pull) == ""
    chappe("sub", "rm", id_, "--yes")


@pytest.mark.parametrize(
    "args",
    [
        ("sub", "create"),
        ("sub", "create", "--no-test", "--pull", "--to", "http://127.0.0.1:9/"),
        ("sub", "create", "--no-test", "--to", "http://127.0.0.1:9/", "--lock", "3"),
        ("sub", "create", "--no-test", "--pull", "--header", "a=b"),
        ("sub", "pull", "s-1", "--follow", "-o", "json"),
        ("event", "tail", "-n", "3", "--from", "earliest"),
        ("event", "forward", "--to", "http://127.0.0.1:9/", "--sub", "s-1", "--type", "t"),
    ],
)
def test_options_that_contradict_each_other_are_a_wrong_usage(
    chappe: Cli, args: tuple[str, ...]
) -> None:
    assert chappe(*args).code == 2


def test_tail_filters_and_begins_where_it_is_told(chappe: Cli, type_: str) -> None:
    for id_ in ("A-1", "B-1", "A-2"):
        send(chappe, type_, id_)
    options = ("--type", type_, "--filter", "prefix:id=A-", "--from", "earliest", "-o", "jsonl")
    with begun(chappe, "event", "tail", *options) as tail:
        assert [json.loads(line(tail))["id"] for _ in range(2)] == ["A-1", "A-2"]
        send(chappe, type_, "A-3")
        assert json.loads(line(tail))["id"] == "A-3"
        assert ended(tail) == ""


def test_listen_prints_what_its_sink_gets_and_leaves_nothing(chappe: Cli, type_: str) -> None:
    before = subscriptions(chappe)
    with begun(chappe, "event", "listen", "--type", type_) as listen:
        assert listen.stderr is not None
        assert listen.stderr.readline().startswith("subscription ")
        send(chappe, type_, "A-1")
        assert line(listen).split() == ["204", type_, "A-1", f"/{type_}"]
        assert line(listen).strip() == '{"total": 12}'
        assert len(subscriptions(chappe)) == len(before) + 1
        assert ended(listen) == ""
    assert subscriptions(chappe) == before


class App(ThreadingHTTPServer):
    """An application that a developer works on: it fails the first time."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[tuple[str, str, bytes]] = []


class Handler(BaseHTTPRequestHandler):
    server: App

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"] or 0))
        self.server.got.append((self.path, self.headers["ce-id"], body))
        self.send_response(503 if len(self.server.got) == 1 else 204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_forward_posts_to_a_local_url_until_it_is_taken(chappe: Cli, type_: str) -> None:
    before = subscriptions(chappe)
    app = App()
    thread = threading.Thread(target=app.serve_forever, daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{app.server_port}/hook?a=1"
        with begun(chappe, "event", "forward", "--type", type_, "--to", url) as forward:
            assert forward.stderr is not None
            assert forward.stderr.readline().startswith("subscription ")
            send(chappe, type_, "A-1")
            assert line(forward).split()[2] == "503"
            line(forward)
            assert line(forward).split()[2] == "204"
            assert ended(forward) == ""
    finally:
        app.shutdown()
        thread.join()
        app.server_close()
    assert app.got == [("/hook?a=1", "A-1", b'{"total": 12}')] * 2
    assert subscriptions(chappe) == before


INTERRUPTED = """
import os, signal, threading, time, asyncio
from chappe.cli.session import Session

async def wait(hub):
    # The signal comes to another thread: nothing wakes the loop's own, as when it is just about to sleep.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    def send():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        time.sleep(0.5)  # By then the loop sleeps; if it does not, the test is easier, and still right.
        os.kill(os.getpid(), signal.SIGINT)
    asyncio.get_running_loop().call_soon(threading.Thread(target=send).start)
    await asyncio.Event().wait()

try:
    Session().run(wait)
except KeyboardInterrupt:
    print("in order")
"""


def test_ctrl_c_wakes_a_loop_that_is_about_to_sleep(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        capture_output=True,
        timeout=60,
        check=False,
        env=dict(os.environ),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )
    assert (done.returncode, done.stdout.strip()) == (0, b"in order"), done.stderr
