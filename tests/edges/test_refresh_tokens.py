"""Credentials REFRESHTOKEN: a real sink that wants tokens, and an endpoint that trades them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from urllib.parse import parse_qs

import pytest
from cli_process import Cli, chappe

from chappe.adapters.egress.guard import GuardedEgress
from chappe.adapters.sinks.http import HttpSink
from chappe.domain.delivery import Delivered, Failed
from chappe.domain.egress import ANYWHERE
from chappe.domain.event import Event
from chappe.domain.subscription import Credential, Subscription
from chappe.ports.sink import Attempt
from chappe.testing.http_sink import Received, Reply, SinkServer

__all__ = ["chappe"]  # a fixture

NOW_S = 1_790_000_000.0
EVENT = Event(id="e-1", source="/s", type="t", data=b"{}", datacontenttype="application/json")


class House:
    """A sink that takes the newest token alone, and an endpoint where it is had (RFC 6749 6)."""

    def __init__(self, *, rotates: bool = False, expires_in: int | None = 3600) -> None:
        self.good = "token-0"
        self.refresh = "refresh-0"
        self.traded: list[dict[str, list[str]]] = []
        self.kept: list[Credential] = []
        self.rotates = rotates
        self.expires_in = expires_in
        self.broken: Reply | None = None

    def answer(self, request: Received) -> Reply:
        if request.target == "/token":
            return self._trade(request)
        if request.header("authorization") == f"Bearer {self.good}":
            return Reply(204)
        return Reply(401)

    def _trade(self, request: Received) -> Reply:
        if self.broken is not None:
            return self.broken
        form = parse_qs(request.body.decode())
        self.traded.append(form)
        if form["refresh_token"] != [self.refresh]:
            return Reply(400, body=b'{"error": "invalid_grant"}')
        self.good = f"token-{len(self.traded)}"
        answer: dict[str, object] = {"access_token": self.good, "token_type": "Bearer"}
        if self.expires_in is not None:
            answer["expires_in"] = self.expires_in
        if self.rotates:
            self.refresh = f"refresh-{len(self.traded)}"
            answer["refresh_token"] = self.refresh
        return Reply(200, body=json.dumps(answer).encode())

    async def keep(self, subscription_id: str, credential: Credential) -> None:
        assert subscription_id == "s-1"
        self.kept.append(credential)


def attempt(sink: SinkServer, *, token: str = "token-0", expires: str | None = None) -> Attempt:
    credential = Credential("REFRESHTOKEN", None, token, expires, f"{sink.url}/token", "refresh-0")
    subscription = Subscription("s-1", f"{sink.url}/hook", credential=credential, timeout_s=5.0)
    return Attempt(EVENT, subscription, "msg_1", 1)


def hooks(sink: SinkServer) -> list[str | None]:
    return [one.header("authorization") for one in sink.requests if one.target == "/hook"]


async def test_a_token_that_is_good_is_used_as_it_is() -> None:
    house = House()
    async with SinkServer(house.answer) as sink:
        client = HttpSink(now=lambda: NOW_S, egress=GuardedEgress(ANYWHERE), renewed=house.keep)
        assert await client.send(attempt(sink)) == Delivered(204)
        await client.close()
    assert (hooks(sink), house.traded) == (["Bearer token-0"], [])


async def test_a_token_that_has_expired_is_traded_before_it_is_sent() -> None:
    house = House()
    async with SinkServer(house.answer) as sink:
        client = HttpSink(now=lambda: NOW_S, egress=GuardedEgress(ANYWHERE), renewed=house.keep)
        old = attempt(sink, expires="2026-09-21T14:13:25Z")  # five seconds from now
        assert await client.send(old) == Delivered(204)
        assert await client.send(old) == Delivered(204)
        await client.close()
    assert hooks(sink) == ["Bearer token-1", "Bearer token-1"]
    assert house.traded == [{"grant_type": ["refresh_token"], "refresh_token": ["refresh-0"]}]
    [kept] = house.kept
    assert (kept.secret, kept.expires) == ("token-1", "2026-09-21T15:13:20.000Z")


async def test_a_401_trades_the_token_once_for_all_who_wait() -> None:
    house = House()
    async with SinkServer(house.answer) as sink:
        client = HttpSink(now=lambda: NOW_S, egress=GuardedEgress(ANYWHERE), renewed=house.keep)
        house.good = "another"
        stale = attempt(sink)
        outcomes = await asyncio.gather(*(client.send(stale) for _ in range(8)))
        await client.close()
    assert set(outcomes) == {Delivered(204)}
    assert len(house.traded) == 1


async def test_a_rotated_refresh_token_is_used_next_and_kept() -> None:
    house = House(rotates=True)
    async with SinkServer(house.answer) as sink:
        client = HttpSink(now=lambda: NOW_S, egress=GuardedEgress(ANYWHERE), renewed=house.keep)
        one = attempt(sink, token="stale")
        assert await client.send(one) == Delivered(204)
        house.good = "revoked"
        assert await client.send(one) == Delivered(204)
        await client.close()
    assert [form["refresh_token"] for form in house.traded] == [["refresh-0"], ["refresh-1"]]
    assert house.kept[-1].refresh_token == "refresh-2"


async def test_a_changed_subscription_brings_its_own_token() -> None:
    house = House()
    async with SinkServer(house.answer) as sink:
        client = HttpSink(now=lambda: NOW_S, egress=GuardedEgress(ANYWHERE), renewed=house.keep)
        one = attempt(sink, token="stale")
        await client.send(one)
        house.good = "token-9"
        credential = replace(one.subscription.credential or fail(), secret="token-9")
        changed = replace(one.subscription, credential=credential)
        assert await client.send(Attempt(EVENT, changed, "msg_1", 1)) == Delivered(204)
        await client.close()
    assert hooks(sink)[-1] == "Bearer token-9"


async def test_an_attempt_that_began_earlier_does_not_bring_an_old_token_back() -> None:
    house = House(rotates=True)
    async with SinkServer(house.answer) as sink:
        client = HttpSink(now=lambda: NOW_S, egress=GuardedEgress(ANYWHERE), renewed=house.keep)
        earlier = attempt(sink, token="stale")
        await client.send(earlier)
        changed = replace(earlier.subscription, credential=house.kept[-1])
        assert await client.send(Attempt(EVENT, changed, "msg_1", 1)) == Delivered(204)
        assert await client.send(earlier) == Delivered(204)
        await client.close()
    assert len(house.traded) == 1


def fail() -> Credential:
    raise AssertionError("no credential")


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (Reply(400, body=b'{"error": "invalid_grant"}'), "answered 400"),
        (Reply(200, body=b"hello"), "no token in its answer"),
        (Reply(200, body=b'{"access_token": "a\\r\\nx: y"}'), "accesstoken"),
        (Reply(200, body=b'{"access_token": "a", "token_type": "mac"}'), "a token of type 'mac'"),
        (Reply(302, headers=(("location", "http://127.0.0.1:1/"),)), "answered 302"),
    ],
)
async def test_a_token_that_cannot_be_had_is_a_failure_that_shows_no_secret(
    broken: Reply, says: str
) -> None:
    house = House()
    house.broken = broken
    async with SinkServer(house.answer) as sink:
        client = HttpSink(now=lambda: NOW_S, egress=GuardedEgress(ANYWHERE), renewed=house.keep)
        outcome = await client.send(attempt(sink, token="stale"))
        await client.close()
    assert isinstance(outcome, Failed)
    assert says in outcome.reason
    assert "refresh-0" not in outcome.reason
    assert "stale" not in outcome.reason


async def test_a_sink_that_takes_no_token_is_asked_twice_and_no_more() -> None:
    house = House()
    async with SinkServer(
        lambda request: Reply(401) if request.target == "/hook" else house.answer(request)
    ) as sink:
        client = HttpSink(now=lambda: NOW_S, egress=GuardedEgress(ANYWHERE), renewed=house.keep)
        outcome = await client.send(attempt(sink))
        await client.close()
    assert outcome.status == 401
    assert hooks(sink) == ["Bearer token-0", "Bearer token-1"]


@pytest.mark.engine
@pytest.mark.timeout(120)
async def test_a_hub_keeps_what_it_traded_and_shows_none_of_it(chappe: Cli) -> None:
    house = House(rotates=True)
    async with SinkServer(house.answer) as sink:
        credential = {
            "credentialtype": "REFRESHTOKEN",
            "accesstoken": "token-stale",
            "accesstokentype": "bearer",
            "accesstokenexpiresutc": "2026-01-01T00:00:00Z",
            "refreshtoken": "refresh-0",
            "refreshtokenendpoint": f"{sink.url}/token",
        }
        made = await asyncio.to_thread(
            chappe, "sub", "create", "--no-test", "--type", "renewed", "--to", f"{sink.url}/hook",
            "--set", f"sinkcredential={json.dumps(credential)}",
        )  # fmt: skip
        assert made.code == 0, made.err
        id_ = made.lines[0]
        await asyncio.to_thread(chappe, "event", "send", "--type", "renewed", "-d", "{}")
        await sink.until(lambda: "Bearer token-1" in hooks(sink), within_s=60)

        async def kept_expiry() -> str:
            shown = await asyncio.to_thread(chappe, "sub", "get", id_, "-o", "json")
            assert not [secret for secret in ("token-", "refresh-") if secret in shown.out]
            expiry: str = shown.json["sinkcredential"]["accesstokenexpiresutc"]
            return expiry

        async with asyncio.timeout(60):
            while await kept_expiry() == credential["accesstokenexpiresutc"]:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        # A change that sends no token keeps those that were traded, not those of the beginning.
        present = (await asyncio.to_thread(chappe, "sub", "get", id_, "-o", "json")).json
        body = json.dumps({**present, "concurrency": 7}).encode()
        await asyncio.to_thread(chappe.put, f"/subscriptions/{id_}", body)
        house.good = "revoked"
        await asyncio.to_thread(chappe, "event", "send", "--type", "renewed", "-d", "{}")
        await sink.until(lambda: "Bearer token-2" in hooks(sink), within_s=60)
    assert [form["refresh_token"] for form in house.traded] == [["refresh-0"], ["refresh-1"]]
