"""--wait: what it waits for, that it ends as soon as that is so, and with 1 where it is not in time.

And what else of the command line only a whole hub can show: tokens' dry runs, samples that hide.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from cli_process import Cli, chappe, name, shop

pytestmark = [pytest.mark.timeout(300)]

__all__ = ["chappe", "name"]  # fixtures

LONG = "120"
"""Seconds that no wait needs: it ends as soon as what it waits for is so."""
SHORT = "0.3"


class Sink:
    """Takes events, refuses them, or keeps the hub waiting until it is opened."""

    def __init__(self) -> None:
        self.status = 204
        self.open = threading.Event()
        self.open.set()
        self.asked = threading.Event()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version: ClassVar[str] = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", "0")))
                sink.asked.set()
                sink.open.wait(LONG_S)
                self.send_response(sink.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"


LONG_S = float(LONG)


@pytest.fixture
def sink() -> Iterator[Sink]:
    made = Sink()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        made.open.set()
        made.server.shutdown()
        thread.join(60)
        made.server.server_close()


@pytest.fixture
def subscribed(chappe: Cli, sink: Sink, name: str) -> Iterator[str]:
    """A subscription to events of the type `name`; ends with the test."""
    made = chappe(
        "sub", "create", name, "--type", name, "--to", sink.url, "--no-test",
        "--set", "retry.max_attempts=1",
    )  # fmt: skip
    assert made.code == 0, made.err
    yield name
    sink.open.set()
    assert chappe("sub", "rm", name, "--yes").code == 0


def send(chappe: Cli, type_: str, *options: str) -> str:
    sent = chappe("event", "send", "--type", type_, "-d", "{}", *options)
    assert sent.code == 0, sent.err
    return sent.lines[-1]


def test_event_send_waits_for_every_subscription(chappe: Cli, sink: Sink, subscribed: str) -> None:
    done = chappe("event", "send", "--type", subscribed, "-d", "{}", "--wait", LONG)
    sink.open.clear()
    late = chappe("event", "send", "--type", subscribed, "-d", "{}", "--wait", SHORT)

    assert (done.code, late.code) == (0, 1), done.err + late.err
    assert len(late.lines) == 1, "what was sent is printed all the same"


def test_event_trace_waits_for_every_subscription(chappe: Cli, sink: Sink, subscribed: str) -> None:
    sink.open.clear()
    position = send(chappe, subscribed)
    late = chappe("event", "trace", position, "--wait", SHORT, "-o", "name")
    sink.open.set()
    done = chappe("event", "trace", position, "--wait", LONG, "-o", "name")

    assert (late.code, late.lines) == (1, [position])
    assert (done.code, done.lines) == (0, [position])


def test_sub_pause_waits_for_what_is_under_way(chappe: Cli, sink: Sink, subscribed: str) -> None:
    sink.open.clear()
    send(chappe, subscribed)
    assert sink.asked.wait(LONG_S)
    late = chappe("sub", "pause", subscribed, "--wait", SHORT)
    sink.open.set()
    done = chappe("sub", "pause", subscribed, "--wait", LONG)

    assert (late.code, late.out) == (1, f"{subscribed}\n")
    assert f"not within {SHORT} s: deliveries under way: 1 of {subscribed}" in late.err
    assert done.code == 0, done.err


@pytest.mark.parametrize("command", ["sub", "event"])
def test_replays_are_waited_for(chappe: Cli, sink: Sink, subscribed: str, command: str) -> None:
    position = send(chappe, subscribed, "--wait", LONG)
    again = ["replay", subscribed, "--from", "2h"] if command == "sub" else ["replay", position]
    done = chappe(command, *again, "--wait", LONG)
    sink.open.clear()
    late = chappe(command, *again, "--wait", SHORT)

    assert done.code == 0, done.err
    assert late.code == 1
    assert f"not through within {SHORT} s: chappe sub lag {late.lines[0]}" in late.err


def test_sub_create_waits_for_what_is_stored(chappe: Cli, sink: Sink, name: str) -> None:
    send(chappe, name)
    to = ("--type", name, "--to", sink.url, "--no-test", "--from", "2h")
    done = chappe("sub", "create", f"{name}a", *to, "--wait", LONG)
    assert sink.asked.is_set(), "it did not wait at all"
    sink.open.clear()
    late = chappe("sub", "create", f"{name}b", *to, "--wait", SHORT)

    assert (done.code, done.out) == (0, f"{name}a\n"), done.err
    assert (late.code, late.out) == (1, f"{name}b\n")
    assert f"1 event to go: chappe sub lag {name}b" in late.err
    sink.open.set()
    assert chappe("sub", "rm", f"{name}a", f"{name}b", "--yes").code == 0


def test_delivery_retry_waits_for_the_letters(chappe: Cli, sink: Sink, subscribed: str) -> None:
    sink.status = 422
    send(chappe, subscribed, "--wait", LONG)
    sink.open.clear()
    late = chappe("delivery", "retry", "--sub", subscribed, "--all", "--wait", SHORT)
    sink.open.set()
    assert late.code == 1, late.err
    traced = chappe("event", "ls", "--type", subscribed, "-o", "name").lines[0]
    assert chappe("event", "trace", traced, "--wait", LONG).code == 0
    sink.status = 204
    send(chappe, subscribed, "--wait", LONG)

    done = chappe("delivery", "retry", "--sub", subscribed, "--all", "--wait", LONG)
    assert done.code == 0, done.err


def test_sub_pull_waits_for_the_first_event(chappe: Cli, name: str) -> None:
    assert chappe("sub", "create", name, "--type", name, "--pull").code == 0
    none = chappe("sub", "pull", name, "--wait", SHORT, "-o", "jsonl")
    sender = threading.Timer(0.2, send, (chappe, name))
    sender.start()
    one = chappe("sub", "pull", name, "--wait", "50", "-o", "jsonl")
    sender.join(60)

    assert (none.code, none.out) == (0, "")
    assert [json.loads(line)["event"]["type"] for line in one.lines] == [name]
    assert chappe("sub", "rm", name, "--yes").code == 0


def test_source_create_waits_for_a_node_that_reads(chappe: Cli, name: str) -> None:
    # Nobody listens there, so no node ever reads.
    late = chappe(
        "source", "create", name, "--from", "nats://127.0.0.1:9", "--subject", "a", "--wait", SHORT
    )

    assert late.code == 1, late.err
    assert f"not within {SHORT} s: {name} is " in late.err
    assert chappe("source", "rm", name, "--yes").code == 0


# --- tokens


def test_a_tokens_dry_run_makes_and_takes_none(chappe: Cli, tmp_path: Path) -> None:
    file = ("--file", str(tmp_path / "tokens.json"))

    would = chappe("token", "new", "shop", "--right", "publish", "--dry-run", *file)
    assert (would.code, would.out) == (0, "")
    assert "shop would be made" in would.err
    assert not (tmp_path / "tokens.json").exists()

    assert chappe("token", "new", "shop", "--right", "publish", *file).code == 0
    before = (tmp_path / "tokens.json").read_bytes()
    twice = chappe("token", "new", "shop", "--right", "publish", "--dry-run", *file)
    wrong = chappe("token", "new", "till", "--role", "king", "--dry-run", *file)
    away = chappe("token", "rm", "shop", "--dry-run", *file)
    none = chappe("token", "rm", "till", "--dry-run", *file)

    assert twice.code != 0, "what would fail fails"
    assert wrong.code == 2
    assert "king" in wrong.err
    assert away.code == 0, "asked without --yes: nothing is taken away"
    assert "shop would be taken away" in away.err
    assert none.code == 3
    assert (tmp_path / "tokens.json").read_bytes() == before


# --- samples


def test_no_sample_shows_what_a_type_hides(chappe: Cli, name: str) -> None:
    schema = {
        "type": "object",
        "properties": {"email": {"type": "string"}, "pin": {"type": "string", "writeOnly": True}},
    }
    declared = {
        "labels": {"chappe.redact": "/email"},
        "dataschemaformat": "JsonSchema/draft-07",
        "dataschema": schema,
    }
    assert chappe.apply(shop(name, **{name: declared})).code == 0
    data = {"email": "ada@example.org", "pin": "4711-0815", "total": 12.5}
    send(chappe, name, "-d", json.dumps(data))

    page = chappe.body(f"/console/types/{name}").decode()
    shown = chappe("type", "get", name).out + chappe("type", "sample", name).out

    for text in (page, shown):
        assert "12.5" in text
        assert "redacted: label chappe.redact" in text
        assert "redacted: writeOnly" in text
        assert "ada@example.org" not in text
        assert "4711-0815" not in text
