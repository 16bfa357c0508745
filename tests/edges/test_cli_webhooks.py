"""`chappe source webhook`, and `chappe event send` to a K_SINK, as processes against a real hub."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from cli_process import Cli, chappe

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]

__all__ = ["chappe"]  # a fixture

SECRET = "It's a Secret to Everybody"
NO_HUB = {"CHAPPE_URL": ""}


@pytest.fixture
def id_() -> str:
    """An id that no other test uses."""
    return f"w-{uuid4().hex[:12]}"


def post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
    request = Request(url, body, headers)
    try:
        with urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except HTTPError as refused:
        return refused.code, json.load(refused)


def test_github_posts_to_the_address_that_is_printed(chappe: Cli, id_: str) -> None:
    (chappe.home / "secret.txt").write_text(f"{SECRET}\n")
    made = chappe("source", "webhook", id_, "github", "--secret", "@secret.txt")
    assert made.code == 0, made.err
    address = made.out.strip()
    assert address == f"{chappe.url}/sources/{id_}/webhook"
    body = b'{"ref": "refs/heads/main", "repository": {"url": "https://api.github.com/repos/a/b"}}'
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": id_,
        "X-Hub-Signature-256": f"sha256={digest}",
    }
    status, receipt = post(address, body, headers)
    assert (status, receipt["duplicate"]) == (202, False)
    status, again = post(address, body, headers)
    assert (again["position"], again["duplicate"]) == (receipt["position"], True)
    assert post(address, body + b" ", headers)[0] == 401
    event = chappe("event", "get", receipt["position"], "-o", "json").json
    assert (event["type"], event["subject"], event["id"]) == (
        "com.github.push",
        "refs/heads/main",
        id_,
    )
    shown = chappe("source", "get", id_, "-o", "json")
    assert SECRET not in shown.out
    assert shown.json["verification"] == {}
    assert address in chappe("source", "ls").out
    assert chappe("source", "pause", id_).code == 0
    assert post(address, body, headers)[0] == 503
    assert chappe("source", "resume", id_).code == 0
    assert post(address, body, headers)[0] == 202
    assert chappe("source", "rm", id_, "--yes").code == 0
    assert post(address, body, headers)[0] == 404


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("github",), "verification/secrets: is missing and is required"),
        (("jira", "--secret", "a"), "protocolsettings/provider: 'jira' is none of"),
        (("generic", "--scheme", "none"), "protocolsettings/attributes/type: is missing"),
        (("generic", "--attribute", "type"), "NAME=TEMPLATE is needed"),
        (("generic", "--verification", "[]"), "--verification is no JSON object"),
    ],
)
def test_what_is_wrong_is_said(
    chappe: Cli, id_: str, arguments: tuple[str, ...], said: str
) -> None:
    made = chappe("source", "webhook", id_, *arguments)
    assert made.code != 0
    assert said in made.err
    assert made.out == ""


@contextmanager
def sink(status: int = 202) -> Iterator[tuple[str, list[tuple[str, dict[str, str], bytes]]]]:
    """A receiver of CloudEvents that is no hub: its address, and what came."""
    came: list[tuple[str, dict[str, str], bytes]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            came.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", came
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_events_go_to_the_address_in_k_sink_with_its_overrides(chappe: Cli) -> None:
    with sink() as (address, came):
        sent = chappe(
            *("event", "send", "--type", "order.paid", "--id", "7", "-d", '{"total": 1.10}'),
            env={
                **NO_HUB,
                "K_SINK": f"{address}/ns/broker?x=1",
                "K_CE_OVERRIDES": '{"extensions": {"team": "shop"}}',
            },
        )
    assert (sent.code, sent.out) == (0, "7\n"), sent.err
    ((path, headers, body),) = came
    assert path == "/ns/broker?x=1"
    assert headers["content-type"] == "application/cloudevents+json"
    event = json.loads(body)
    assert (event["type"], event["id"], event["team"]) == ("order.paid", "7", "shop")
    assert b'"data":{"total": 1.10}' in body


def test_many_events_go_one_by_one(chappe: Cli) -> None:
    events = [
        {"specversion": "1.0", "id": str(n), "source": "/x", "type": "t", "team": "old"}
        for n in range(3)
    ]
    with sink() as (address, came):
        sent = chappe(
            *("event", "send", "-"),
            stdin=json.dumps(events),
            env={
                **NO_HUB,
                "K_SINK": address,
                "K_CE_OVERRIDES": '{"extensions": {"team": "shop"}}',
            },
        )
    assert (sent.code, sent.out.split()) == (0, ["0", "1", "2"]), sent.err
    assert [json.loads(body)["id"] for _, _, body in came] == ["0", "1", "2"]
    assert {json.loads(body)["team"] for _, _, body in came} == {"shop"}


def test_a_refusal_of_the_sink_is_an_error(chappe: Cli) -> None:
    with sink(403) as (address, _):
        sent = chappe("event", "send", "--type", "t", env={**NO_HUB, "K_SINK": address})
    assert sent.code != 0
    assert sent.out == ""


def test_the_hub_is_the_address_of_a_k_sink(chappe: Cli) -> None:
    id_ = uuid4().hex
    assert chappe("event", "send", "--type", "t", env=NO_HUB | {
        "K_SINK": f"{chappe.url}/channels/default/events",
        "K_CE_OVERRIDES": '{"extensions": {"team": "shop"}}',
    }, ).code == 0  # fmt: skip
    sent = chappe(
        *("event", "send", "--type", "t", "--id", id_, "--source", "/k"),
        env={**NO_HUB, "K_SINK": f"{chappe.url}/events"},
    )
    assert (sent.code, sent.out) == (0, f"{id_}\n"), sent.err
    assert chappe("event", "get", f"/k#{id_}", "-o", "json").json["type"] == "t"


def test_a_named_hub_comes_before_k_sink(chappe: Cli) -> None:
    with sink() as (address, came):
        assert chappe("event", "send", "--type", "t", env={"K_SINK": address}).code == 0
        named = ("event", "send", "--type", "t", "--url", chappe.url)
        assert chappe(*named, env={**NO_HUB, "K_SINK": address}).code == 0
    assert came == []


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"K_SINK": "ftp://x/"}, "K_SINK: "),
        ({"K_SINK": "http://127.0.0.1:1", "K_CE_OVERRIDES": "[]"}, "K_CE_OVERRIDES: is not"),
        (
            {"K_SINK": "http://127.0.0.1:1", "K_CE_OVERRIDES": '{"extensions": {"id": "x"}}'},
            "K_CE_OVERRIDES: 'id' is no extension",
        ),
        ({"K_SINK": "http://127.0.0.1:1", "K_CA_CERTS": "x"}, "K_CA_CERTS: holds no certificates"),
    ],
)
def test_an_environment_that_is_wrong_is_named(
    chappe: Cli, environment: dict[str, str], said: str
) -> None:
    sent = chappe("event", "send", "--type", "t", env={**NO_HUB, **environment})
    assert sent.code != 0
    assert said in sent.err
