"""`chappe sub pause|resume|replay` and `chappe delivery`, in processes against a real hub."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from cli_process import Cli, chappe

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]

__all__ = ["chappe"]  # a fixture

DEADLINE_S = 60.0


class Sink(ThreadingHTTPServer):
    """Answers `status` and remembers the ids of events."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 204
        self.ids: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: Sink

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", "0")))
        self.server.ids.append(str(self.headers.get("ce-id")))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def type_() -> str:
    return f"t{uuid4().hex}"


def eventually(found: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
    end_s = time.monotonic() + DEADLINE_S
    while True:
        value = found()
        if holds(value):
            return value
        assert time.monotonic() < end_s, value
        time.sleep(0.1)


def subscribed(chappe: Cli, sink: Sink, type_: str, *more: str) -> str:
    made = chappe("sub", "create", "--no-test", "--to", sink.url, "--type", type_, *more)
    assert made.code == 0, made.err
    return made.out.strip()


def send(chappe: Cli, type_: str, id_: str) -> str:
    # A source of its own: one id of one source is one event.
    sent = chappe(
        *("event", "send", "--type", type_, "--source", f"/{type_}", "--id", id_, "-d", "{}")
    )
    assert sent.code == 0, sent.err
    return sent.out.strip()


def test_a_subscription_is_paused_listed_as_such_and_resumed(
    chappe: Cli, sink: Sink, type_: str
) -> None:
    id_ = subscribed(chappe, sink, type_)
    paused = chappe("sub", "pause", id_)
    assert (paused.code, paused.out) == (0, f"{id_}\n")
    listed = chappe("sub", "ls", "--state", "paused", "--type", type_)
    assert [line.split()[:2] for line in listed.lines[1:]] == [[id_, "paused"]]
    send(chappe, type_, "a")
    assert sink.ids == []
    assert chappe("sub", "resume", id_).code == 0
    eventually(lambda: sink.ids, lambda ids: ids == ["a"])
    missing = chappe("sub", "pause", "s-none")
    assert missing.code != 0
    assert "s-none" in missing.err


def test_a_replay_is_forecast_and_done(chappe: Cli, sink: Sink, type_: str) -> None:
    id_ = subscribed(chappe, sink, type_)
    first = send(chappe, type_, "a")
    send(chappe, type_, "b")
    eventually(lambda: sink.ids, lambda ids: ids == ["a", "b"])
    tried = chappe("sub", "replay", id_, "--from", first, "--dry-run")
    assert (tried.code, tried.out) == (0, "")
    assert tried.err.startswith("2 events match")
    done = chappe("sub", "replay", id_, "--from", first, "--until", first)
    assert done.out.startswith("replay-")
    assert done.err.startswith("1 events match")
    eventually(lambda: sink.ids, lambda ids: ids == ["a", "b", "a"])
    wrong = chappe("sub", "replay", id_, "--from", "soon")
    assert wrong.code != 0
    assert "'soon'" in wrong.err


def test_dead_letters_are_listed_shown_retried_and_discarded(
    chappe: Cli, sink: Sink, type_: str
) -> None:
    sink.status = 400
    id_ = subscribed(chappe, sink, type_)
    send(chappe, type_, "a")
    send(chappe, type_, "b")

    def letters(*more: str) -> list[dict[str, Any]]:
        found = chappe("delivery", "ls", "--subscription", id_, "-o", "json", *more)
        assert found.code == 0, found.err
        rows: list[dict[str, Any]] = json.loads(found.out)
        return rows

    newest, oldest = eventually(letters, lambda rows: len(rows) == 2)
    assert [newest["id"], oldest["id"]] == ["b", "a"]
    table = chappe("delivery", "ls", "--subscription", id_)
    assert table.lines[0].split()[:4] == ["POSITION", "BURIED", "STATE", "SUBSCRIPTION"]
    assert len(letters("--limit", "1")) == 1
    names = chappe("delivery", "ls", "--subscription", id_, "-o", "name").lines
    assert names == [newest["position"], oldest["position"]]

    sink.status = 204
    tried = chappe("delivery", "retry", "--subscription", id_, "--dry-run")
    assert (tried.code, tried.out) == (0, "")
    assert f"2 letters of {id_} would be delivered again" in tried.err
    done = chappe("delivery", "retry", oldest["position"])
    assert done.out.startswith("redrive-")
    eventually(lambda: letters("--state", "redriven"), lambda rows: len(rows) == 1)
    shown = chappe("delivery", "get", oldest["position"], "-o", "json").json
    assert (shown["state"], shown["event"]["id"]) == ("redriven", "a")

    asked = chappe("delivery", "discard", newest["position"])
    assert asked.code == 2
    assert "--yes" in asked.err
    gone = chappe("delivery", "discard", "--subscription", id_, "--yes")
    assert (gone.code, gone.out) == (0, "2\n")
    assert letters() == []
    assert len(letters("--state", "discarded")) == 2


def test_a_retry_needs_positions_or_a_filter_and_not_both(chappe: Cli) -> None:
    for arguments in ([], ["0-1-0", "--all"]):
        ran = chappe("delivery", "retry", *arguments)
        assert ran.code == 2
        assert "name positions, or a filter, or --all" in ran.err
