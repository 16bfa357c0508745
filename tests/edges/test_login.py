"""Logging in with a browser: the flow, and what attackers try with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from html import escape
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from http_edge import running
from identity_edge import FORM, HOST, ORIGIN, Browser, World, trusting
from oidc_provider import CLIENT_ID, Provider, providing

from chappe.adapters.auth import tokens

CREATED = "2026-11-22T10:00:00Z"
SAME = {"sec-fetch-site": "same-origin"}
GROUP = "/schemagroups/shop"


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with providing() as provider:
        provider.user = {"sub": "u-1", "email": "ann@example.org", "groups": ["platform", "x" * 99]}
        yield provider


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tokens.json"


@pytest.fixture
async def world(provider: Provider, file: Path) -> AsyncIterator[World]:
    async with trusting(provider, file) as world:
        yield world


@pytest.fixture
async def ann(world: World) -> Browser:
    browser = world.browser()
    await browser.login(world.provider)
    return browser


async def test_who_logs_in_with_the_provider_is_known_by_a_session(world: World) -> None:
    browser = world.browser()
    assert (await browser.ask("GET", "/whoami")).status == 401

    back = await browser.login(world.provider, "/console/types?type=a")

    assert (back.status, back.headers["location"]) == (303, "/console/types?type=a")
    assert list(browser.cookies) == ["chappe-session"]
    who = (await browser.ask("GET", "/whoami")).json
    assert (who["name"], who["how"]) == ("ann@example.org", "session")
    assert "admin" in who["rights"]
    assert [(one.action, one.outcome, one.name, one.address) for one in world.heard.told] == [
        ("login", "done", "ann@example.org", "127.0.0.1")
    ]


async def test_the_provider_is_asked_with_state_nonce_and_pkce(world: World) -> None:
    first, second = (await world.browser().begin(), await world.browser().begin())
    asked = [parse_qs(urlsplit(one.headers["location"]).query) for one in (first, second)]

    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]
        assert len(asked[0][name][0]) >= 43
    assert asked[0]["code_challenge_method"] == ["S256"]
    assert asked[0]["redirect_uri"] == [f"{ORIGIN}/console/callback"]
    verifier_is_not_shown = first.headers["set-cookie"]
    assert asked[0]["state"][0] not in verifier_is_not_shown


async def test_cookies_are_out_of_reach_of_scripts_and_other_sites(world: World) -> None:
    begun = await world.browser().begin()
    line = begun.headers["set-cookie"]

    assert line.startswith("chappe-login=")
    for attribute in ("Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=600"):
        assert attribute in line
    assert "Domain" not in line


async def test_by_tls_a_cookie_is_bound_to_the_host(provider: Provider, file: Path) -> None:
    from chappe.http.parts import RegistryParts

    registry = RegistryParts(public_url="https://hub.example/chappe")
    async with trusting(provider, file, registry=registry) as world:
        begun = await world.browser().begin()
        line = begun.headers["set-cookie"]
        assert line.startswith("__Host-chappe-login=")
        assert "Secure" in line
        assert "Path=/;" in line
        plain = world.browser()
        plain.cookies["chappe-session"] = "x"  # what a neighbour without TLS could set
        assert "a token is needed" in (await plain.ask("GET", "/whoami")).json["detail"]


async def test_over_plain_http_from_elsewhere_nobody_logs_in(world: World) -> None:
    reply = await world.hub.ask("GET", "/console/login", {})
    assert reply.status == 400
    assert b"public_url" in reply.body


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/console\\evil",
        "/console/\\evil",
        "/consolevil",
        "/console@evil.example",
        "/events",
        "javascript:alert(1)",
        "/console/\r\nset-cookie: a=b",
        "/console/ä",
        "/console/\x00",
        "/",
    ],
)
async def test_a_login_leads_to_the_console_and_nowhere_else(world: World, target: str) -> None:
    query = urlencode({"with": "oidc", "next": target})
    browser = world.browser()
    reply = await browser.ask("GET", f"/console/login?{query}")
    assert reply.status == 400
    assert "location" not in reply.headers
    body = urlencode({"token": "x", "next": target})
    assert (await browser.ask("POST", "/console/login", {**FORM, **SAME}, body)).status == 400


@pytest.mark.parametrize("wrong", ["state", "none", "other browser", "twice", "iss", "error"])
async def test_an_answer_that_was_not_asked_for_logs_nobody_in(world: World, wrong: str) -> None:
    browser = world.browser()
    begun = await browser.begin()
    _, _, back = world.provider.answer("GET", _of(begun.headers["location"]), {})
    target = _of(back)
    match wrong:
        case "state":
            target = target.rpartition("state=")[0] + "state=" + "A" * 43
        case "none":
            target = target.rpartition("&state=")[0]
        case "other browser":
            browser = world.browser()
        case "twice":
            target += "&code=x"
        case "iss":
            target += "&iss=" + quote("https://evil.example", safe="")
        case _:
            target = target.replace("code=", "error=access_denied&x=")
    reply = await browser.come_back(target)

    assert reply.status in (400, 401), reply.body
    assert "chappe-session" not in browser.cookies
    assert reply.headers["content-type"].startswith("text/html")


async def test_an_id_token_of_another_login_logs_nobody_in(world: World) -> None:
    for claims in (
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"iss": "https://evil.example"},
        {"exp": 1_000_000_000},
        {"aud": ["chappe-hub", "other"], "azp": "other"},
    ):
        world.provider.id_claims = claims
        browser = world.browser()
        reply = await browser.login(world.provider)
        assert reply.status == 401, (claims, reply.body)
        assert "chappe-session" not in browser.cookies
    assert {(one.action, one.outcome) for one in world.heard.told} == {("login", "refused")}


async def test_a_code_without_its_verifier_is_of_no_use(world: World) -> None:
    thief, victim = world.browser(), world.browser()
    begun = await victim.begin()
    _, _, back = world.provider.answer("GET", _of(begun.headers["location"]), {})
    await thief.begin()
    code = parse_qs(urlsplit(back).query)["code"][0]
    own = await thief.begin()
    state = parse_qs(urlsplit(own.headers["location"]).query)["state"][0]

    reply = await thief.come_back(f"/console/callback?code={code}&state={state}")
    assert (reply.status, "chappe-session" in thief.cookies) == (401, False)


async def test_a_login_that_took_too_long_must_begin_again(world: World) -> None:
    browser = world.browser()
    begun = await browser.begin()
    _, _, back = world.provider.answer("GET", _of(begun.headers["location"]), {})
    await world.clock.advance(601)
    assert (await browser.come_back(_of(back))).status == 400


WRITES = [
    ({}, 403),
    ({"sec-fetch-site": "cross-site"}, 403),
    ({"sec-fetch-site": "same-site"}, 403),
    ({"sec-fetch-site": "none"}, 403),
    ({"sec-fetch-site": "cross-site", "origin": ORIGIN}, 403),
    ({"origin": "http://evil.example"}, 403),
    ({"origin": "null"}, 403),
    ({"origin": "http://127.0.0.1:4281"}, 403),
    ({"origin": "https://127.0.0.1:4280"}, 403),
    ({"sec-fetch-site": "same-origin"}, 201),
    ({"origin": ORIGIN}, 201),
]


@pytest.mark.parametrize(("headers", "status"), WRITES)
async def test_a_cookie_writes_only_for_pages_of_the_hub(
    ann: Browser, headers: dict[str, str], status: int
) -> None:
    reply = await ann.ask("PUT", GROUP, headers, "{}")
    assert reply.status == status, reply.body


async def test_a_cookie_reads_whoever_asks_but_opens_no_websocket(ann: Browser) -> None:
    cross = {"sec-fetch-site": "cross-site"}
    assert (await ann.ask("GET", "/events", cross)).status == 200
    upgrade = {
        "connection": "upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-protocol": "cloudevents.json",
    }
    assert (await ann.ask("GET", "/events/stream", {**cross, **upgrade})).status == 403


async def test_a_cookie_publishes_only_for_pages_of_the_hub(ann: Browser) -> None:
    event = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t"}
    assert (await ann.ask("POST", "/events", event)).status == 403
    assert (await ann.ask("POST", "/events", {**event, **SAME})).status == 202


async def test_a_token_counts_more_than_a_cookie(ann: Browser) -> None:
    assert (await ann.ask("GET", "/whoami", {"authorization": "Bearer wrong"})).status == 401


async def test_a_session_ends_by_itself(world: World, ann: Browser) -> None:
    await world.clock.advance(3599)
    assert (await ann.ask("GET", "/whoami")).status == 200
    await world.clock.advance(2)
    assert (await ann.ask("GET", "/whoami")).status == 401


async def test_who_logs_out_is_out_with_every_copy_of_the_cookie(
    world: World, ann: Browser
) -> None:
    copy = dict(ann.cookies)
    assert (await ann.ask("POST", "/console/logout")).status == 403
    assert (await ann.ask("GET", "/console/logout")).status == 200
    assert (await ann.ask("GET", "/whoami")).status == 200

    reply = await ann.ask("POST", "/console/logout", SAME)
    assert (reply.status, reply.headers["location"]) == (303, "/console/login?left=true")
    assert "Max-Age=0" in reply.headers["set-cookie"]
    assert (await Browser(ann.hub, copy).ask("GET", "/whoami")).status == 401
    assert world.heard.told[-1].action == "logout"


@pytest.mark.parametrize(
    ("place", "joint"), [("/leave", "?"), ("/leave?tenant=a&b", "&")], ids=["plain", "with a query"]
)
async def test_who_has_logged_out_is_led_to_the_providers_logout(
    provider: Provider, file: Path, place: str, joint: str
) -> None:
    provider.discovery["end_session_endpoint"] = provider.issuer + place
    async with trusting(provider, file) as world:
        plain = (await world.browser().ask("GET", "/console/login")).body.decode()
        after = (await world.browser().ask("GET", "/console/login?left=true")).body.decode()

    asked = {"client_id": CLIENT_ID, "post_logout_redirect_uri": f"{ORIGIN}/console/login"}
    query = urlencode(asked, quote_via=quote)
    assert f'href="{escape(provider.issuer + place + joint + query)}"' in after
    assert "Log out of" not in plain


async def test_a_provider_without_a_logout_is_not_spoken_of(world: World) -> None:
    after = (await world.browser().ask("GET", "/console/login?left=true")).body.decode()
    assert "Log out of" not in after


@pytest.mark.parametrize("place", ["javascript:alert(1)", "https://ex\tample.org/"])
async def test_a_logout_that_is_no_address_is_not_believed(
    provider: Provider, file: Path, place: str
) -> None:
    provider.discovery["end_session_endpoint"] = place
    async with trusting(provider, file) as world:
        after = (await world.browser().ask("GET", "/console/login?left=true")).body.decode()
    assert place not in after
    assert "alert" not in after


async def test_a_cookie_of_another_hub_is_nobodys(
    provider: Provider, file: Path, ann: Browser, world: World
) -> None:
    async with trusting(provider, file, hub_key=b"o" * 32) as other:
        assert (await Browser(other.hub, ann.cookies).ask("GET", "/whoami")).status == 401
    async with trusting(provider, file) as same:  # another node of the hub
        assert (await Browser(same.hub, ann.cookies).ask("GET", "/whoami")).status == 200


async def test_a_cookie_that_was_altered_is_nobodys(ann: Browser, world: World) -> None:
    value = ann.cookies["chappe-session"]
    login = world.browser()
    await login.begin()
    for other in (
        value[:60] + ("A" if value[60] != "A" else "z") + value[61:],
        value[:40],
        "A" * 5000,
        "",
        "ä",
        login.cookies["chappe-login"],
        f"{value}; chappe-session=x",
    ):
        altered = Browser(ann.hub, {"chappe-session": other})
        assert (await altered.ask("GET", "/whoami")).status == 401, other


async def test_roles_are_those_of_now(provider: Provider, file: Path, ann: Browser) -> None:
    async with trusting(provider, file, roles=["*=viewer"]) as later:
        who = (await Browser(later.hub, ann.cookies).ask("GET", "/whoami")).json
        assert who["rights"] == ["read"]


# With a token


async def test_a_token_can_be_pasted_and_its_removal_ends_the_session(
    world: World, file: Path
) -> None:
    token = tokens.add(file, "ci", ["read"], created=CREATED)
    await world.clock.advance(2)
    browser = world.browser()
    body = urlencode({"token": f" {token} ", "next": "/console"})

    reply = await browser.ask("POST", "/console/login", {**FORM, **SAME}, body)
    assert (reply.status, reply.headers["location"]) == (303, "/console")
    browser.cookies["chappe-session"] = await _session(browser, body)
    who = (await browser.ask("GET", "/whoami")).json
    assert (who["name"], who["how"], who["rights"]) == ("ci", "session", ["read"])
    assert token not in str(browser.cookies)

    tokens.remove(file, "ci")
    await world.clock.advance(2)
    assert (await browser.ask("GET", "/whoami")).status == 401


async def _session(browser: Browser, body: str) -> str:
    """The cookie; `ask` shows only the last of two headers of a name."""
    async with browser.hub.connection() as (reader, writer):
        writer.write(
            f"POST /console/login HTTP/1.1\r\nhost: {HOST['host']}\r\nsec-fetch-site: same-origin\r\n"
            f"content-type: {FORM['content-type']}\r\ncontent-length: {len(body)}\r\n"
            f"connection: close\r\n\r\n{body}".encode()
        )
        raw = (await reader.read()).decode()
    return raw.partition("chappe-session=")[2].partition(";")[0]


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({**FORM, **SAME}, "token=wrong", 401),
        ({**FORM, **SAME}, "token=", 401),
        ({**FORM, **SAME}, "", 401),
        ({**FORM, **SAME}, "token=a&token=b", 400),
        ({**FORM, **SAME}, "token=" + "a" * 20_000, 400),
        ({**SAME, "content-type": "text/plain"}, "token=wrong", 400),
        (FORM, "token=wrong", 403),
        ({**FORM, "sec-fetch-site": "cross-site"}, "token=wrong", 403),
    ],
)
async def test_a_wrong_form_logs_nobody_in(
    world: World, headers: dict[str, str], body: str, status: int
) -> None:
    reply = await world.browser().ask("POST", "/console/login", headers, body)
    assert reply.status == status, reply.body
    assert "set-cookie" not in reply.headers


async def test_pages_take_no_scripts_and_show_what_is_sent_as_text(world: World) -> None:
    query = urlencode({"next": "/console/<script>alert(1)</script>"})
    reply = await world.browser().ask("GET", f"/console/login?{query}")
    assert reply.status == 200
    assert b"<script" not in reply.body
    policy = reply.headers["content-security-policy"]
    for part in ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"):
        assert part in policy
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert b"autocomplete" in reply.body
    assert world.provider.issuer.encode() in reply.body


async def test_programs_are_told_how_to_log_in(world: World) -> None:
    reply = await world.hub.ask("GET", "/console/login.json")
    assert reply.json == {
        "open": False,
        "oidc": {
            "issuer": world.provider.issuer,
            "client_id": "chappe-hub",
            "scopes": "openid profile email",
        },
    }


async def test_a_provider_that_is_down_is_told_on_a_page(world: World) -> None:
    browser = world.browser()
    begun = await browser.begin()
    _, _, back = world.provider.answer("GET", _of(begun.headers["location"]), {})
    world.provider.broken = True
    reply = await browser.come_back(_of(back))
    assert reply.status in (401, 503)
    assert "chappe-session" not in browser.cookies


async def test_an_open_hub_asks_nobody() -> None:
    async with running() as hub:
        for path in ("/console/login", "/console/login?with=oidc"):
            reply = await hub.ask("GET", path)
            assert (reply.status, reply.headers["location"]) == (303, "/console")
        assert (await hub.ask("GET", "/whoami")).json["how"] == "open"
        assert (await hub.ask("GET", "/console/login.json")).json == {"open": True, "oidc": None}


def _of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"
