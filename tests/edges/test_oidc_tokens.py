"""Tokens of an OpenID Connect issuer: which are believed, and which attacks are not."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from identity_edge import World, trusting
from joserfc import jwk, jwt
from oidc_provider import CLIENT_ID, Provider, ec_key, providing, rsa_key

from chappe.adapters.auth import tokens
from chappe.adapters.auth.issuer import AGAIN_S, REFRESH_S

SECOND, CURVE = rsa_key("second"), ec_key("curve")


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with providing() as provider:
        yield provider


@pytest.fixture
async def world(provider: Provider, tmp_path: Path) -> AsyncIterator[World]:
    provider.keys.append(CURVE)
    async with trusting(provider, tmp_path / "tokens.json") as world:
        yield world


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in parts)


@pytest.mark.parametrize("which", ["rsa", "ec"])
async def test_who_the_issuer_vouches_for_is_known_with_their_roles(
    world: World, which: str
) -> None:
    key = world.provider.keys[0 if which == "rsa" else 1]
    reply = await world.bearer(world.provider.token(key, email="ann@example.org"))

    assert reply.status == 200, reply.body
    assert reply.json == {
        "name": "ann@example.org",
        "how": "oidc",
        "rights": ["read"],
        "roles": ["developer@channels/orders"],
    }


async def test_the_claim_decides_what_they_may(world: World) -> None:
    orders, other = "/channels/orders/extent", "/channels/default/extent"
    for groups, path, method, status in (
        (["shop"], orders, "GET", 200),
        ([], other, "GET", 200),
        ([], "/capabilities", "PATCH", 403),
        ("platform", "/whoami", "GET", 200),
    ):
        reply = await world.bearer(world.provider.token(groups=groups), method, path)
        assert reply.status == status, reply.body
    reply = await world.bearer(world.provider.token(groups=["platform"]))
    assert reply.json["rights"] == sorted(["admin", "operate", "publish", "read", "subscribe"])


async def test_without_a_name_they_are_called_by_their_subject(world: World) -> None:
    assert (await world.bearer(world.provider.token())).json["name"] == "u-1"
    reply = await world.bearer(world.provider.token(email="a\nb"))
    assert reply.json["name"] == "u-1"


WRONG = [
    ({"iss": "https://evil.example"}, "another issuer"),
    ({"iss": None}, "another issuer"),
    ({"aud": "https://other.example"}, "another audience"),
    ({"aud": ["a", "b"]}, "another audience"),
    ({"aud": None}, "another audience"),
    ({"exp": 1_000_000_000}, "expired"),
    ({"exp": None}, "does not say when it ends"),
    ({"exp": "soon"}, "no time"),
    ({"exp": True}, "no time"),
    ({"nbf": 32_000_000_000}, "not valid yet"),
    ({"iat": 32_000_000_000}, "not valid yet"),
    ({"sub": None}, "who it is about"),
]


@pytest.mark.parametrize(("changes", "says"), WRONG)
async def test_a_token_with_a_wrong_claim_is_not_believed(
    world: World, changes: dict[str, Any], says: str
) -> None:
    token = world.provider.token(**changes)
    reply = await world.bearer(token)

    assert (reply.status, reply.code) == (401, "unauthenticated")
    assert says in reply.json["detail"]
    assert 'error="invalid_token"' in reply.headers["www-authenticate"]
    assert token not in reply.body.decode()


async def test_clocks_may_differ_by_the_leeway_and_no_more(world: World) -> None:
    now_s = world.clock.now_ms() // 1000
    for changes, status in (
        ({"exp": now_s - 29}, 200),
        ({"exp": now_s - 30}, 401),
        ({"nbf": now_s + 30}, 200),
        ({"nbf": now_s + 32}, 401),
    ):
        reply = await world.bearer(world.provider.token(**changes))
        assert reply.status == status, (changes, reply.body)


async def test_a_token_that_was_believed_is_not_when_it_has_expired(world: World) -> None:
    token = world.provider.token()
    assert (await world.bearer(token)).status == 200
    await world.clock.advance(331)
    assert (await world.bearer(token)).status == 401


async def test_one_of_several_audiences_is_enough_and_the_client_is_one(world: World) -> None:
    for aud in ([CLIENT_ID, "other"], CLIENT_ID):
        assert (await world.bearer(world.provider.token(aud=aud))).status == 200


def hmac_signed(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    content = unsigned(header, claims).rpartition(".")[0]
    mac = hmac.new(secret, content.encode(), hashlib.sha256).digest()
    return f"{content}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def forged(provider: Provider) -> dict[str, str]:
    claims, key = provider.claims(groups=["platform"]), provider.keys[0]
    good = provider.token(groups=["platform"])
    public = jwk.RSAKey.import_key(key.as_dict(private=False))
    mine = rsa_key("first")
    head = {"alg": "RS256", "kid": "first"}
    return {
        "none": unsigned({"alg": "none", "kid": "first"}, claims),
        "None": unsigned({"alg": "None"}, claims),
        "hmac with the public key": hmac_signed(
            {"alg": "HS256", "kid": "first"}, claims, public.as_pem(private=False)
        ),
        "another key of the same name": provider.token(mine, groups=["platform"]),
        "a key of the header": jwt.encode(
            {**head, "jwk": mine.as_dict(private=False)}, claims, mine
        ),
        "no signature": good.rpartition(".")[0] + ".",
        "other claims": ".".join(
            (
                good.split(".")[0],
                unsigned({}, claims | {"sub": "x"}).split(".")[1],
                good.split(".")[2],
            )
        ),
        "the key of a curve": unsigned({"alg": "ES256", "kid": "first"}, claims, b"x" * 64),
        "an unknown extension": unsigned({**head, "crit": ["x"], "x": 1}, claims, b"x" * 256),
        "no kid among several keys": jwt.encode({"alg": "RS256"}, claims, mine),
        "no json": "e30.bm8.eA",
        "no base64": "!.!.!",
        "empty": "..",
        "deep": unsigned(head, {}).split(".")[0] + "." + "[" * 5000 + ".",
        "long": good + "A" * 20_000,
    }


async def test_no_forged_token_is_believed(world: World) -> None:
    world.provider.keys = world.provider.keys[:1] + [SECOND]
    await world.issuer.refresh()
    for name, token in forged(world.provider).items():
        reply = await world.bearer(token)
        assert reply.status == 401, (name, reply.body)
        assert reply.code == "unauthenticated", name


async def test_symmetric_and_weak_keys_of_the_issuer_are_passed_over(world: World) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is weak is the point
        weak = jwk.RSAKey.generate_key(1024, {"kid": "weak"})
    secret = jwk.OctKey.generate_key(256, {"kid": "secret"})
    world.provider.keys += [weak]
    await world.issuer.refresh()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        token = jwt.encode({"alg": "RS256", "kid": "weak"}, world.provider.claims(), weak)
    assert (await world.bearer(token)).status == 401
    token = jwt.encode(
        {"alg": "HS256", "kid": "secret"}, world.provider.claims(), secret, algorithms=["HS256"]
    )
    assert (await world.bearer(token)).status == 401


async def test_a_rotated_key_is_fetched_and_the_old_one_is_no_longer_believed(
    world: World,
) -> None:
    old = world.provider.token()
    assert (await world.bearer(old)).status == 200
    world.provider.keys = [SECOND]
    await world.clock.advance(AGAIN_S)

    asked = await world.bearer(world.provider.token())
    assert (asked.status, asked.code) == (503, "unavailable")
    assert asked.headers["retry-after"]
    await world.issuer.refresh()

    assert (await world.bearer(world.provider.token())).status == 200
    assert (await world.bearer(old)).status == 401


async def fetched(world: World, times: int) -> None:
    """Wait until the keys were asked for so often; what is asked in between lets the others run."""
    while world.provider.asked["/jwks"] < times:
        await world.hub.ask("GET", "/livez")


async def test_a_flood_of_unknown_keys_makes_no_flood_of_requests(world: World) -> None:
    running = asyncio.create_task(world.issuer.run())
    try:
        async with asyncio.timeout(60):
            await fetched(world, 2)
        await world.clock.advance(AGAIN_S)
        for number in range(40):
            key = SECOND.as_dict(private=True) | {"kid": f"k-{number}"}
            token = world.provider.token(jwk.RSAKey.import_key(key))
            assert (await world.bearer(token)).status in (401, 503)
        assert world.provider.asked["/jwks"] <= 3
    finally:
        running.cancel()


async def test_keys_are_renewed_now_and_then_without_being_asked_for(world: World) -> None:
    running = asyncio.create_task(world.issuer.run())
    try:
        async with asyncio.timeout(60):
            await fetched(world, 2)
            world.provider.keys = [SECOND]
            while world.provider.asked["/jwks"] < 3:
                await world.clock.advance(REFRESH_S)
            while (await world.bearer(world.provider.token())).status != 200:
                pass  # what was fetched is read soon
    finally:
        running.cancel()


async def test_an_issuer_that_is_down_leaves_its_keys_for_a_day(world: World) -> None:
    world.provider.broken = True
    await world.clock.advance(3600)
    await world.issuer.refresh()
    token = world.provider.token(exp=32_000_000_000, iat=None)
    assert (await world.bearer(token)).status == 200

    await world.clock.advance(86_400)
    await world.issuer.refresh()
    assert (await world.bearer(token)).status == 503


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.example"},
        {"jwks_uri": 3},
        {"jwks_uri": "http://127.0.0.1:1/"},
        {"jwks_uri": "http://127.0.0.1:4\r\nx: y/"},
    ],
)
async def test_a_wrong_discovery_document_changes_nothing(
    world: World, changes: dict[str, Any]
) -> None:
    world.provider.discovery = changes
    world.provider.keys = [SECOND]
    await world.issuer.refresh()
    assert (await world.bearer(world.provider.token())).status in (401, 503)


async def test_hub_tokens_go_on_working_beside_the_issuers(world: World, tmp_path: Path) -> None:
    token = tokens.add(tmp_path / "tokens.json", "ci", ["read"], created="")
    await world.clock.advance(2)

    assert (await world.bearer(token)).json["how"] == "token"
    assert (await world.bearer(world.provider.token())).status == 200
    assert (await world.bearer("chp_wrong")).status == 401
    assert (await world.hub.ask("GET", "/whoami")).status == 401


async def test_with_an_issuer_the_hub_is_not_open_though_it_has_no_tokens(world: World) -> None:
    for path in ("/events", "/", "/whoami", "/confluent/subjects"):
        assert (await world.hub.ask("GET", path)).status == 401
    assert (await world.hub.publish()).status == 401


async def test_the_confluent_api_takes_them_as_passwords(world: World) -> None:
    pair = base64.b64encode(f"ann:{world.provider.token()}".encode()).decode()
    reply = await world.hub.ask("GET", "/confluent/subjects", {"authorization": f"Basic {pair}"})
    assert reply.status == 200, reply.body


async def test_the_audit_names_people_and_how_they_proved_who_they_are(world: World) -> None:
    token = world.provider.token(groups=["platform"], email="ann@example.org")
    await world.bearer(token, "PUT", "/schemagroups/shop")

    (told,) = world.heard.told
    assert (told.name, told.how) == ("ann@example.org", "oidc")
    assert token not in str(told)
