"""Who may do what, over real HTTP with a real file of tokens."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from http_edge import EVENT, Hub, running

from chappe.adapters.auth import tokens
from chappe.adapters.auth.tokens import TokenFile
from chappe.domain.errors import Conflict, InvalidSetting, Malformed, NotFound

CREATED = "2026-11-22T10:00:00Z"


class Hands:
    """A monotonic clock that stands still until a test turns it."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tokens.json"


@pytest.fixture
def sent(file: Path) -> dict[str, dict[str, str]]:
    """Headers for a token of each right; by the right's name."""
    made = {
        right: tokens.add(file, f"{right}-er", [right], created=CREATED)
        for right in ("publish", "read", "subscribe", "admin")
    }
    return {right: {"authorization": f"Bearer {token}"} for right, token in made.items()}


@pytest.fixture
async def hub(file: Path, sent: dict[str, dict[str, str]]) -> AsyncIterator[Hub]:
    async with running(TokenFile(file, Hands())) as hub:
        yield hub


CASES = [
    ("POST", "/events", "publish"),
    ("POST", "/channels/orders/events", "publish"),
    ("GET", "/events", "read"),
    ("HEAD", "/events", "read"),
    ("GET", "/events/x", "read"),
    ("GET", "/events/x/trace", "read"),
    ("GET", "/channels", "read"),
    ("GET", "/channels/orders", "read"),
    ("GET", "/subscriptions", "read"),
    ("POST", "/subscriptions", "subscribe"),
    ("GET", "/subscriptions/x", "read"),
    ("PUT", "/subscriptions/x", "subscribe"),
    ("DELETE", "/subscriptions/x", "subscribe"),
    ("GET", "/messagegroups/g/messages", "read"),
    ("GET", "/messagegroups/g/messages/m", "read"),
    ("PUT", "/messagegroups/g/messages/m", "subscribe"),
    ("DELETE", "/messagegroups/g/messages/m", "subscribe"),
    ("POST", "/messagegroups/g/messages", "subscribe"),
    ("PUT", "/channels/more", "subscribe"),
    ("PATCH", "/endpoints/hub/subscriptions/x", "subscribe"),
    ("POST", "/", "subscribe"),
    ("GET", "/", "read"),
    ("GET", "/export", "read"),
    ("GET", "/modelsource", "read"),
    ("OPTIONS", "/modelsource", "read"),
    ("GET", "/nothing/of/this/kind", "read"),
    ("PUT", "/", "admin"),
    ("PATCH", "/", "admin"),
    ("PUT", "/modelsource", "admin"),
    ("PUT", "/modelsource/", "admin"),
    ("PUT", "/%6Dodelsource", "admin"),
    ("PATCH", "/capabilities", "admin"),
    ("PATCH", "/capabilitie%73/", "admin"),
    ("GET", "/metrics", "read"),
    ("GET", "/metrics/history", "read"),
    ("GET", "/nodes", "read"),
]


@pytest.mark.parametrize(("method", "path", "right"), CASES)
async def test_each_route_needs_its_right(
    hub: Hub, sent: dict[str, dict[str, str]], method: str, path: str, right: str
) -> None:
    for other, headers in sent.items():
        reply = await hub.ask(method, path, headers)
        assert (reply.status == 403) is (other not in (right, "admin")), other
    assert (await hub.ask(method, path)).status == 401


async def test_without_a_token_the_answer_says_what_to_send(hub: Hub) -> None:
    reply = await hub.publish()
    assert (reply.status, reply.code) == (401, "unauthenticated")
    assert reply.headers["www-authenticate"].startswith("Bearer")
    assert "Authorization: Bearer" in reply.json["detail"]


async def test_a_lacking_right_is_named_with_those_that_there_are(
    hub: Hub, sent: dict[str, dict[str, str]]
) -> None:
    reply = await hub.publish(authorization=sent["read"]["authorization"])
    assert (reply.status, reply.code, reply.json["right"]) == (403, "forbidden", "publish")
    assert "'read-er'" in reply.json["detail"]


@pytest.mark.parametrize("value", ["Bearer wrong", "Bearer ", "Basic eDp5", "chp_x", "Bearer \xff"])
async def test_a_wrong_authorization_is_unauthenticated(hub: Hub, value: str) -> None:
    reply = await hub.publish(authorization=value)
    assert (reply.status, reply.code) == (401, "unauthenticated")
    assert value not in reply.json["detail"]


async def test_webhook_3_2_a_delivery_may_carry_its_token_in_the_query(
    hub: Hub, sent: dict[str, dict[str, str]]
) -> None:
    token = sent["publish"]["authorization"].removeprefix("Bearer ")
    assert (await hub.publish(f"/events?access_token={token}")).status == 202
    both = await hub.publish(f"/events?access_token={token}", **sent["publish"])
    assert both.code == "unauthenticated"


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_health_is_open(hub: Hub, path: str) -> None:
    assert (await hub.ask("GET", path)).status == 200


async def test_options_shows_what_this_caller_may(
    hub: Hub, sent: dict[str, dict[str, str]]
) -> None:
    read = await hub.ask("OPTIONS", "/events", sent["read"])
    assert read.headers["allow"] == "GET, HEAD, OPTIONS"
    publish = await hub.ask("OPTIONS", "/events", sent["publish"])
    assert publish.headers["allow"] == "POST, OPTIONS"


async def test_webhook_4_the_handshake_is_granted_to_those_who_may_publish(
    hub: Hub, sent: dict[str, dict[str, str]]
) -> None:
    origin = {"webhook-request-origin": "sender.example"}
    granted = await hub.ask("OPTIONS", "/events", {**origin, **sent["publish"]})
    assert granted.headers["webhook-allowed-origin"] == "sender.example"
    for headers in ({**origin, **sent["read"]}, origin):
        refused = await hub.ask("OPTIONS", "/events", headers)
        assert "webhook-allowed-origin" not in refused.headers


def test_a_change_of_the_file_is_seen_after_a_second(file: Path) -> None:
    clock = Hands()
    known = TokenFile(file, clock)
    assert known.is_open
    token = tokens.add(file, "late", ["read"], created=CREATED)
    assert known.is_open
    clock.now_s = 1.0
    found = known.identify(token)
    assert found is not None
    assert found.name == "late"
    assert known.identify("wrong") is None
    tokens.remove(file, "late")
    clock.now_s = 2.0
    assert known.identify(token) is None
    assert not known.is_open


@pytest.mark.parametrize("harm", ["broken", "gone"])
def test_a_file_that_breaks_neither_opens_the_hub_nor_shuts_it(file: Path, harm: str) -> None:
    clock = Hands()
    token = tokens.add(file, "kept", ["read"], created=CREATED)
    known = TokenFile(file, clock)
    if harm == "gone":
        file.unlink()
    else:
        file.write_text("{")
    clock.now_s = 1.0
    assert not known.is_open
    assert known.identify(token) is not None
    assert known.identify("wrong") is None


def test_the_file_holds_no_token_and_is_its_owners_alone(file: Path) -> None:
    token = tokens.add(file, "shop-web", ["publish", "read"], created=CREATED)
    assert token.startswith("chp_")
    assert len(token) == len("chp_") + 43
    assert token not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    (kept,) = tokens.load(file)
    assert (kept.name, kept.rights, kept.created) == ("shop-web", ["publish", "read"], CREATED)
    assert kept.sha256 == tokens.hashed(token)


def test_a_name_stands_for_one_token(file: Path) -> None:
    tokens.add(file, "a", ["read"], created=CREATED)
    with pytest.raises(Conflict, match="'a' is taken"):
        tokens.add(file, "a", ["read"], created=CREATED)
    with pytest.raises(NotFound, match="known: a"):
        tokens.remove(file, "b")


def test_an_unknown_right_is_refused_with_a_hint(file: Path) -> None:
    with pytest.raises(Malformed, match="did you mean 'publish'"):
        tokens.add(file, "a", ["published"], created=CREATED)
    assert not file.exists()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"tokens": [{"name": "a"}]}',
        json.dumps({"tokens": [{"name": "a", "sha256": "xyz", "rights": ["read"]}]}),
        json.dumps({"tokens": [{"name": "a", "sha256": "0" * 64, "rights": ["write"]}]}),
        json.dumps({"tokens": [{"name": "a", "sha256": "0" * 64, "rights": []}]}),
        json.dumps({"tokens": [{"name": "", "sha256": "0" * 64, "rights": ["read"]}]}),
        json.dumps({"tokens": [{"name": "a", "sha256": "0" * 64, "rights": ["read"]}] * 2}),
        json.dumps({"tokens": [], "tokenz": []}),
    ],
)
def test_a_wrong_file_is_refused_by_its_name(file: Path, content: str) -> None:
    file.write_text(content)
    with pytest.raises(InvalidSetting, match=r"tokens\.json"):
        TokenFile(file, Hands())


def test_a_file_that_others_can_read_is_warned_of(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tokens.add(file, "a", ["read"], created=CREATED)
    file.chmod(0o644)
    tokens.load(file)
    assert "0600" in caplog.text


async def test_no_log_line_holds_a_token(
    hub: Hub, sent: dict[str, dict[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    token = sent["read"]["authorization"].removeprefix("Bearer ")
    await hub.publish(f"/events?access_token={token}")
    await hub.ask("POST", "/events", {**EVENT, **sent["read"]}, "{}")
    await hub.ask("GET", f"/events?access_token={token}", sent["read"])
    hub.app.drain()
    assert caplog.records
    shown = [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
    assert not [line for line in shown if token in line]
