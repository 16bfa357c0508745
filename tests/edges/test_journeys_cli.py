"""What a person sets out to do, and how many commands that takes: against one hub, `chappe dev --demo`.

Each test is a journey. `commands` counts what a person has to type; bench/journeys.py measures the time.
"""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from cli_process import Cli, Ran
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

DEADLINE_S = 60.0


class Journey:
    """Runs commands and counts them."""

    def __init__(self, chappe: Cli) -> None:
        self._chappe = chappe
        self.commands = 0

    def __call__(
        self, *args: str, stdin: str = "", env: Mapping[str, str] | None = None, code: int = 0
    ) -> Ran:
        self.commands += 1
        ran = self._chappe(*args, stdin=stdin, env=env)
        assert ran.code == code, (args, ran.out, ran.err)
        return ran


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cli, str]]:
    """The hub of the demo, and what it said when it was ready."""
    home = tmp_path_factory.mktemp("journeys")
    hub = subprocess.Popen(
        [sys.executable, "-m", "chappe", "dev", "--demo", "--port", "0", "--confluent-port", "0"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=home,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("CHAPPE_")},
            "TMPDIR": str(home),
            "PYTHONIOENCODING": "utf-8",
        },
    )
    assert hub.stdout is not None
    said, drain = "", None
    try:
        while "delivery ls --sub crm" not in said:
            line = hub.stdout.readline().decode()
            assert line, said
            said += line
        found = re.search(r"serves (http://\S+?)[, ]", said)
        assert found is not None, said
        drain = Thread(target=hub.stdout.read, daemon=True)
        drain.start()
        yield Cli(found[1], home), said
    finally:
        hub.send_signal(signal.SIGINT)
        assert hub.wait(60) == 0
        if drain is not None:
            drain.join(60)
        hub.stdout.close()
        # Ctrl-C leaves nothing behind.
        assert [one.name for one in home.iterdir() if one.name.startswith("chappe-")] == []


@pytest.fixture(scope="module")
def cli(demo: tuple[Cli, str]) -> Cli:
    return demo[0]


@pytest.fixture
def journey(cli: Cli) -> Journey:
    return Journey(cli)


class Receiver(ThreadingHTTPServer):
    """A consumer of the journey's own: answers `status` below /events and 404 elsewhere."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 204
        self.got: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def ids(self) -> list[str]:
        return [id_ for type_, id_ in self.got if type_ != "io.chappe.subscription.test"]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", "0")))
        there = self.path == "/events"
        body = b"" if there else f"no route {self.path}".encode()
        if there:
            self.server.got.append((str(self.headers["ce-type"]), str(self.headers["ce-id"])))
        self.send_response(self.server.status if there else 404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def until(condition: Callable[[], Any], what: str = "") -> Any:
    """What `condition` gives once it gives something."""
    deadline = time.monotonic() + DEADLINE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.1)
    return found


@pytest.fixture
def name() -> str:
    return f"j{uuid4().hex[:10]}"


def order(id_: str, total: object = 12.5) -> dict[str, Any]:
    data = {"order": id_, "total": total, "currency": "EUR", "method": "card"}
    return {
        "specversion": "1.0", "id": id_, "source": "/shop/web", "type": "shop.order.paid",
        "subject": "us-1", "datacontenttype": "application/json", "data": data,
    }  # fmt: skip


def test_journey_01_how_do_i_try_it(demo: tuple[Cli, str], journey: Journey) -> None:
    said = demo[1]
    assert "12 types, 4 producers, 4 consumers" in said
    commands = re.findall(r"^(?:next:)? +chappe --url \S+ (.+)$", said, re.M)
    assert len(commands) == 3
    found, _, letters = [one.split() for one in commands]
    assert "shop.order.paid" in journey(*found).out
    until(lambda: "crm" in journey(*letters).out, "the consumer that fails has no dead letter")
    first = int(journey("top", "-o", "json").json["types"][0]["events"])
    assert first > 0


def test_journey_02_who_produces_the_event_i_want(journey: Journey) -> None:
    found = journey("find", "order", "paid")
    assert re.search(r"^type +shop\.order\.paid ", found.out, re.M)
    row = next(line for line in found.lines if line.startswith("shop.order.paid "))
    assert re.search(
        r" team-checkout +shop-web +analytics, billing, crm.* [\d.]+ +100 % +20\d\d-.* active$", row
    )
    assert journey.commands == 1
    rows = {
        one["name"]: one
        for one in journey("type", "producers", "shop.order.paid", "-o", "json").json
    }
    assert rows["shop-web"]["known"] == "declared"
    assert rows["/shop/web"]["known"] == "seen"
    assert rows["/shop/web"]["events"] > 0
    assert "!shop.cache.cleared" in journey("producer", "ls").out
    assert "undeclared" in journey("type", "lint", code=1).out


def test_journey_03_what_events_exist(journey: Journey) -> None:
    owned = journey("type", "ls", "--label", "owner=team-checkout", "-o", "name")
    assert journey.commands == 1
    assert {one.rpartition("/")[2] for one in owned.lines} >= {
        "shop.order.paid",
        "shop.order.placed",
    }
    assert not any("shipment" in one for one in owned.lines)
    assert len(journey("type", "ls", "-o", "jsonl").lines) >= 12


def test_journey_04_what_does_it_look_like(journey: Journey) -> None:
    shown = journey("type", "get", "shop.order.paid").out
    assert journey.commands == 1
    assert "An order was paid" in shown
    assert re.search(r"^  total +number +required +minimum 0$", shown, re.M)
    assert '"type": "shop.order.paid"' in shown
    curl = next(line.strip() for line in shown.splitlines() if line.strip().startswith("curl "))
    sent = subprocess.run(curl, shell=True, capture_output=True, timeout=60, check=True)
    assert b'"duplicate": false' in sent.stdout


@pytest.mark.parametrize("more", [(), ("--new",)])
def test_journey_04_a_sample_can_be_sent(journey: Journey, more: tuple[str, ...]) -> None:
    sample = journey("type", "sample", "shop.order.placed", *more)
    assert json.loads(sample.out)["type"] == "shop.order.placed"
    sent = journey("event", "send", "-", "-o", "json", stdin=sample.out)
    assert (journey.commands, sent.json["duplicate"]) == (2, False)


def test_journey_04_the_picture_names_who_sends_and_who_takes(journey: Journey) -> None:
    mermaid = journey("type", "graph", "shop.order.paid", "-o", "mermaid").out
    assert mermaid.startswith("flowchart LR\n")
    assert '"billing"' in mermaid
    graph = journey("type", "graph", "shop.order.paid", "-o", "json").json
    assert {"type": "shop.order.paid", "consumer": "billing"} in graph["takes"]
    assert journey("type", "graph", "shop.order.paid", "-o", "svg").out.startswith("<svg ")
    assert journey("type", "graph", "shop.order.paid", "-o", "dot").out.startswith("digraph ")


def test_journey_05_how_do_i_subscribe(journey: Journey, receiver: Receiver, name: str) -> None:
    wrong = journey(
        "sub",
        "create",
        name,
        "--type",
        "shop.order.paid",
        "--to",
        f"{receiver.url}/elsewhere",
        code=1,
    )
    what, why, next_ = wrong.err.splitlines()
    assert re.fullmatch(r"error: the test event was refused: 404 Not Found in .+ m?s", what)
    assert why.endswith('answers, but has no such path (said: "no route /elsewhere")')
    assert next_ == "next:  mend the URL, or add --no-test to create it anyway"
    assert journey("sub", "get", name, code=3).out == ""

    before = journey.commands
    made = journey(
        "sub", "create", name, "--type", "shop.order.*", "--to", f"{receiver.url}/events"
    )
    assert (journey.commands - before, made.out) == (1, f"{name}\n")
    assert re.search(r"✓ the sink took a test event: 204 in ", made.err)
    until(receiver.ids, "no event came")
    tried = journey("sub", "test", name)
    assert tried.out.startswith("✓ the sink took a test event: 204")
    journey("sub", "rm", name, "--yes")


def test_journey_05_a_subscription_is_edited_with_its_epoch(journey: Journey, name: str) -> None:
    journey("sub", "create", name, "--no-test", "--type", name, "--to", "http://127.0.0.1:9/a")
    sed = {"VISUAL": "", "EDITOR": "sed -i s#127.0.0.1:9/a#127.0.0.1:9/b#"}
    assert journey("sub", "edit", name, env=sed).out == f"{name}\n"
    assert journey("sub", "get", name, "-o", "json").json["sink"] == "http://127.0.0.1:9/b"
    unchanged = journey("sub", "edit", name, env={"VISUAL": "", "EDITOR": "true"})
    assert f"{name} is as it was" in unchanged.err
    stale = {"VISUAL": "", "EDITOR": "sed -i s/epoch:.*/epoch:\\ 7/"}
    conflict = journey("sub", "edit", name, env=stale, code=5)
    kept = re.search(r"what was typed is in (\S+)", conflict.err)
    assert kept is not None
    assert "epoch: 7" in Path(kept[1]).read_text()
    Path(kept[1]).unlink()
    journey("sub", "rm", name, "--yes")


def test_journey_06_develop_against_live_events(cli: Cli, receiver: Receiver) -> None:
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "chappe", "event", "forward", "--type", "shop.order.*",
         f"{receiver.url}/events"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        cwd=cli.home, env=cli.environment(), text=True,
    ) as forward:  # fmt: skip
        assert forward.stdout is not None
        line = forward.stdout.readline()
        forward.send_signal(signal.SIGINT)
        forward.communicate(timeout=DEADLINE_S)
    assert re.match(r"[\d:.]+  ✓ 204 in [\d.]+ m?s  shop\.order\.", line)
    assert receiver.ids()
    assert "pull" not in cli("sub", "ls").out.lower()


def test_journey_06_a_receiver_comes_along(cli: Cli) -> None:
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "chappe", "event", "forward", "--echo", "-o", "jsonl"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        cwd=cli.home, env=cli.environment(), text=True,
    ) as forward:  # fmt: skip
        assert forward.stdout is not None
        line = forward.stdout.readline()
        forward.send_signal(signal.SIGINT)
        forward.communicate(timeout=DEADLINE_S)
    assert json.loads(line)["type"].startswith("shop.")


def test_journey_07_is_my_payload_valid(journey: Journey, name: str) -> None:
    wrong = journey("event", "validate", "-", stdin=json.dumps(order(name, "twelve")), code=1)
    assert journey.commands == 1
    assert "/total  type: " in wrong.out
    assert 'value "twelve"' in wrong.out
    assert "owner: team-checkout" in wrong.out
    assert journey("event", "validate", "-", stdin=json.dumps(order(name))).out.startswith(
        "✓ event 1"
    )
    dry = journey(
        "event", "send", "-", "--dry-run", stdin=json.dumps(order(name, "twelve")), code=1
    )
    assert dry.out == wrong.out
    journey("event", "get", f"/shop/web#{name}", code=3)


def test_journey_08_may_i_change_this_schema(journey: Journey, cli: Cli) -> None:
    shown = journey("type", "get", "shop.order.paid", "-o", "json").json["dataschema"]
    shown["required"].append("vat")
    shown["properties"] |= {"vat": {"type": "number"}, "total": {"type": "string"}}
    file = cli.home / "shop.order.paid.v2.json"
    file.write_text(json.dumps(shown))
    before = journey.commands
    checked = journey("schema", "check", file.name, code=1)
    assert journey.commands - before == 1
    assert "/properties/vat" in checked.out
    assert "/properties/total  TYPE_CHANGED: " in checked.out
    assert re.match(r"✗ BREAKING for (\d+) of \1 consumers \(policy BACKWARD", checked.out)
    assert re.search(
        r"  replay: [\d,]+ of [\d,]+ stored events of shop\.order\.paid fail, e\.g\. \S+ \(\d+-\d+-\d+\) at /",
        checked.out,
    )
    assert (
        "consumers of shop.order.paid: analytics (subscribed), billing (subscribed)" in checked.out
    )
    assert re.search(r"  cure: .*; or publish as shop\.order\.paid\.v2 \(new type\)", checked.out)
    assert checked.lines[-1] == f"  → chappe schema add shop.order.paid.v2 {file.name}"
    assert '+    "vat": {' in journey("schema", "diff", "shop.order.paid", file.name, code=1).out
    assert "0 errors" in journey("schema", "lint", file.name).err


def test_journey_09_did_my_event_arrive(journey: Journey) -> None:
    newest = journey(
        "event", "ls", "--type", "shop.order.paid", "--until", "3s", "--limit", "1", "-o", "jsonl"
    )
    event = newest.json
    before = journey.commands
    traced = journey("event", "trace", event["id"], "--wait", "60")
    assert journey.commands - before == 1
    assert traced.lines[0].startswith(f"{event['id']}  shop.order.paid  from /shop/web")
    assert "schema ✓ valid" in traced.lines[0]
    assert re.search(r"^  billing +✓ delivered +1st attempt +204 in ", traced.out, re.M)
    assert re.search(
        r"^  crm +- not matched +types=.*the event has 'shop.order.paid' +→ chappe sub explain \S+$",
        traced.out,
        re.M,
    )
    assert f"caused by {event['causationid']} (shop.order.placed)" in traced.lines[-1]
    assert "(shop.shipment.created)" in traced.lines[-1]
    story = journey("event", "trace", event["traceparent"], "-o", "jsonl")
    types = [json.loads(line)["type"] for line in story.lines]
    assert types[:3] == ["shop.order.placed", "shop.order.paid", "shop.shipment.created"]


def test_journey_04_a_type_that_nobody_declared_shows_what_was_seen(
    journey: Journey, name: str
) -> None:
    journey("event", "send", "--type", name, "--source", "/till", "-d", '{"total": 1}')
    shown = journey("type", "get", name)
    assert shown.lines[0] == f"{name}  seen, but not declared"
    assert "sources  /till" in shown.out
    assert '"total": 1' in shown.out
    assert journey("type", "get", name, "-o", "json", code=3).out == ""


def test_journey_10_it_failed_mend_it_and_send_it_again(
    journey: Journey, receiver: Receiver, name: str
) -> None:
    once = ("--set", "retry.max_attempts=1")
    journey("sub", "create", name, "--type", name, "--to", f"{receiver.url}/events", *once)
    receiver.status = 422
    journey("event", "send", "--type", name, "--count", "3", "-d", "{}", "--wait", "60")
    chosen = ("--sub", name, "--state", "dead", "--since", "2h")
    assert len(until(lambda: journey("delivery", "ls", *chosen, "-o", "name").lines)) == 3
    exported = journey("delivery", "export", *chosen)
    assert {json.loads(line)["type"] for line in exported.lines} == {name}

    receiver.status = 204
    receiver.got.clear()
    before = journey.commands
    would = journey("delivery", "retry", *chosen, "--rate", "30/m", "--dry-run")
    assert re.search(
        rf"3 letters of {name} would be delivered again, in about 6.0 s at 0.5 a second: ",
        would.err,
    )
    done = journey("delivery", "retry", *chosen, "--wait", "60")
    assert journey.commands - before == 2
    assert len(done.lines) == 1
    assert len(set(receiver.ids())) == 3
    journey("sub", "rm", name, "--yes")


def test_journey_11_backfill_a_new_consumer(
    journey: Journey, receiver: Receiver, name: str
) -> None:
    to = ("--type", "shop.order.placed", "--to", f"{receiver.url}/events")
    dry = journey("sub", "create", name, *to, "--from", "7d", "--rate", "500/s", "--dry-run")
    said = re.search(
        r"([\d,]+) stored events \([\d.]+ kB\) come first, in about [\d.]+ s at 500 a second",
        dry.err,
    )
    assert said is not None, dry.err
    assert journey("sub", "get", name, code=3).out == ""
    before = journey.commands
    journey("sub", "create", name, *to, "--from", "7d", "--rate", "500/s")
    assert journey.commands - before == 1
    until(lambda: len(receiver.ids()) >= int(said[1].replace(",", "")), "not all came")
    lag = journey("sub", "lag", name, "-o", "jsonl").json
    assert lag["id"] == name
    assert "events match" in journey("sub", "replay", name, "--from", "earliest", "--dry-run").err
    journey("sub", "rm", name, "--yes")


def test_journey_15_keep_it_in_git(journey: Journey, cli: Cli) -> None:
    exported = journey("export", "hub")
    assert "hub/messagegroups/checkout.yaml" in exported.lines
    assert "hub/subscriptions/billing.yaml" in exported.lines
    assert journey("diff", "-f", "hub").out == ""
    file = cli.home / "hub" / "messagegroups" / "checkout.yaml"
    file.write_text(file.read_text().replace("An order was paid", "Money came in"))
    before = journey.commands
    changed = journey("diff", "-f", "hub", code=1)
    assert "shop.order.paid" in changed.out
    applied = journey("apply", "-f", "hub", "-o", "json")
    assert journey.commands - before == 2
    assert applied.actions()["/messagegroups/checkout/messages/shop.order.paid"] == "updated"
    file.write_text(file.read_text().replace("Money came in", "An order was paid"))
    assert "1 updated" in journey("import", "hub", "--dry-run").err
    journey("import", "hub")
    assert journey("diff", "-f", "hub").out == ""


def test_a_type_that_goes_says_what_comes_in_its_place(journey: Journey) -> None:
    type_, other = "shop.stock.low", "shop.price.changed"
    dry = journey("type", "deprecate", type_, "--for", other, "--dry-run")
    assert "nothing was done" in dry.err
    assert "DEPRECATED" not in journey("type", "get", type_).out
    journey("type", "deprecate", type_, "--for", other, "--removal", "2027-06-30T00:00:00Z")
    meta = journey("registry", "get", f"/messagegroups/catalog/messages/{type_}/meta", "-o", "json")
    assert meta.json["deprecated"]["alternative"] == f"/messagegroups/catalog/messages/{other}"
    assert "DEPRECATED since" in journey("type", "get", type_).out
    journey("type", "deprecate", type_, "--undo")
    assert "DEPRECATED" not in journey("type", "get", type_).out


def test_an_event_is_printed_for_other_tools_and_compared(journey: Journey, name: str) -> None:
    journey("event", "send", "-", stdin=json.dumps(order(f"{name}-1")))
    journey("event", "send", "-", stdin=json.dumps(order(f"{name}-2", 13)))
    request = journey("event", "get", f"{name}-1", "-o", "ce-http").out
    assert request.startswith("POST /events HTTP/1.1\r\n")
    assert f"\r\nce-id: {name}-1\r\n" in request
    curl = journey("event", "get", f"{name}-1", "-o", "curl").out
    sent = subprocess.run(curl, shell=True, capture_output=True, timeout=60, check=True)
    assert b'"duplicate": true' in sent.stdout
    differ = journey("event", "diff", f"{name}-1", f"{name}-2", code=1)
    assert "/data/total  12.5 -> 13" in differ.lines
    assert journey("event", "diff", f"{name}-1", f"{name}-1").out == ""
    again = journey("event", "replay", f"{name}-1", "--sub", "billing")
    assert again.out.startswith("replay-")


_TEXT = st.text(
    st.characters(min_codepoint=0x20, exclude_categories=("Cs", "Cc", "Cn")),
    min_size=1,
    max_size=20,
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _TEXT | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_DATA = st.one_of(
    st.just({}),
    _JSON.map(lambda value: {"datacontenttype": "application/json", "data": value}),
    _TEXT.map(lambda text: {"datacontenttype": "text/plain", "data": text}),
    st.binary(min_size=1, max_size=30).map(
        lambda data: {
            "datacontenttype": "application/octet-stream",
            "data_base64": base64.b64encode(data).decode(),
        }
    ),
)
_EVENTS = st.lists(
    st.tuples(
        st.fixed_dictionaries(
            {
                "type": _TEXT,
                "source": st.sampled_from(["/a", "urn:x:y", "https://h.example/a?b#c"]),
            },
            optional={
                "subject": _TEXT,
                "time": st.just("2026-01-01T00:00:00.123456Z"),
                "dataschema": st.just("https://h.example/s"),
                "extbool": st.booleans(),
                "extnumber": st.integers(-(2**31), 2**31 - 1),
                "exttext": _TEXT,
            },
        ),
        _DATA,
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=_EVENTS)
def test_what_is_listed_and_sent_again_is_the_same(cli: Cli, events: list[Any]) -> None:
    first, second = f"c{uuid4().hex[:10]}", f"c{uuid4().hex[:10]}"
    for channel in (first, second):
        cli.put(f"/channels/{channel}", b'{"shards": 1}')
    sent = [
        {"specversion": "1.0", "id": f"e{number}", **attributes, **data}
        for number, (attributes, data) in enumerate(events)
    ]
    lines = "".join(json.dumps(one) + "\n" for one in sent)
    made = cli("event", "send", "-", "--channel", first, stdin=lines)
    assert made.code == 0, made.err
    every = ("--all", "--order", "asc", "-o", "jsonl")
    listed = cli("event", "ls", "--channel", first, *every)
    again = cli("event", "send", "-", "--channel", second, stdin=listed.out)
    assert again.code == 0, again.err
    assert cli("event", "ls", "--channel", second, *every).out == listed.out
    assert [json.loads(line) for line in listed.lines] == sent


def test_a_watched_list_is_json_lines_of_what_changes_in_a_pipe(cli: Cli, name: str) -> None:
    cli("sub", "create", name, "--no-test", "--type", name, "--to", "http://127.0.0.1:9/")
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "chappe", "sub", "get", name, "-w"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=cli.home, env=cli.environment(),
        text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    ) as watching:  # fmt: skip
        assert watching.stdout is not None
        first = json.loads(watching.stdout.readline())
        cli("sub", "pause", name)
        second = json.loads(watching.stdout.readline())
        watching.send_signal(signal.SIGINT)
        assert watching.wait(DEADLINE_S) == 130
    assert (first["status"]["state"], second["status"]["state"]) == ("active", "paused")
    cli("sub", "rm", name, "--yes")
