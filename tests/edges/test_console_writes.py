"""Each form of the console that changes something: told to the audit by its person's name, refused to
other sites, and neither shown to nor taken from those who may only look.

The forms are those of the templates: one that is not in `WRITES` fails here.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import pytest
import pytest_asyncio
from http_edge import Reply
from identity_edge import FORM, Browser, World, trusting
from oidc_provider import providing
from tests.edges.console_pages import read_page

import chappe.console
from chappe.console.routes import ROUTES
from chappe.domain.channel import DEADLETTERS
from chappe.domain.dead_letter import dead_letter
from chappe.domain.event import Event
from chappe.domain.position import Position
from chappe.testing.http_sink import Reply as Taken
from chappe.testing.http_sink import SinkServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

SAME = {"sec-fetch-site": "same-origin"}
TEMPLATES = Path(chappe.console.__file__).parent / "templates"


@dataclass(frozen=True)
class There:
    """What a form is about: a subscription of its own, a dead letter of it, and a sink."""

    id: str
    letter: str
    sink: str


Fields = Callable[[There], Mapping[str, str]]


@dataclass(frozen=True)
class Write:
    """A form: which page takes it (`{id}` is the subscription's), its fields, and what is told of it."""

    page: str
    fields: Fields
    told: str


ONE = "subscriptions/{id}"
WRITES: dict[str, Write] = {
    "pause": Write(ONE, lambda _: {}, "POST /subscriptions/{id}/pause"),
    "resume": Write(ONE, lambda _: {}, "POST /subscriptions/{id}/resume"),
    "test": Write(ONE, lambda _: {}, "POST /validate/sink"),
    "choose": Write(
        ONE,
        lambda _: {"types": "a, b", "filters": "subject = 'x'", "epoch": "1"},
        "PATCH /subscriptions/{id}",
    ),
    "replay": Write(
        ONE, lambda _: {"from": "earliest", "rate": "5"}, "POST /subscriptions/{id}/replay"
    ),
    "end": Write(ONE, lambda _: {}, "DELETE /subscriptions/{id}"),
    "redrive": Write(
        "deliveries", lambda at: {"position": at.letter}, "POST /deadletters/{letter}/redrive"
    ),
    "discard": Write(
        "deliveries", lambda at: {"position": at.letter}, "DELETE /deadletters/{letter}"
    ),
    "redrive-all": Write(
        "deliveries", lambda at: {"subscription": at.id}, "POST /deadletters/redrive"
    ),
    "subscribe": Write(
        "subscribe",
        lambda at: {"sink": at.sink, "name": f"{at.id}-more", "type": "order.paid"},
        "POST /validate/sink, POST /subscriptions",
    ),
    "subscribe-anyway": Write(
        "subscribe",
        lambda at: {"sink": "http://127.0.0.1:9/", "name": f"{at.id}-more"},
        "POST /subscriptions",
    ),
}


@dataclass(frozen=True)
class House:
    """A hub, a sink, and browsers in which an operator and a viewer have logged in."""

    world: World
    sink: SinkServer
    admin: Browser
    viewer: Browser

    async def there(self) -> There:
        """A subscription with a dead letter."""
        id_, hub = f"s-{uuid4().hex[:8]}", self.world.hub
        wanted = {"sink": self.sink.url, "protocol": "HTTP", "types": ["order.paid"]}
        made = await self.admin.ask("POST", f"/subscriptions?id={id_}", SAME, json.dumps(wanted))
        assert made.status == 201, made.body
        state = hub.parts.state.value
        (at,) = await hub.log.append_all(
            state.channels[DEADLETTERS],
            [
                dead_letter(
                    Event(id=id_, source="/shop", type="order.paid"),
                    state.subscriptions[id_],
                    Position(0, 1, 0),
                    reason="503 Service Unavailable",
                    status=503,
                    attempts=3,
                    time="2026-11-22T10:00:00Z",
                )
            ],
        )
        self.world.heard.told.clear()
        return There(id_, str(at), self.sink.url)

    async def send(
        self, browser: Browser, do: str, there: There, headers: Mapping[str, str] = SAME
    ) -> Reply:
        """Fill in a form, and press its button."""
        write = WRITES[do]
        body = urlencode({**write.fields(there), "do": do})
        path = f"/console/{write.page.format(id=there.id)}"
        return await browser.ask("POST", path, {**FORM, **headers}, body)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    file = tmp_path_factory.mktemp("writes") / "tokens.json"
    async with (
        providing() as provider,
        SinkServer(lambda _: Taken(204)) as sink,
        trusting(provider, file) as world,
    ):
        provider.user = {"sub": "1", "email": "ann@example.org", "groups": ["platform"]}
        admin, viewer = world.browser(), world.browser()
        await admin.login(provider)
        provider.user = {"sub": "2", "email": "vic@example.org", "groups": ["guests"]}
        await viewer.login(provider)
        event = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "order.paid"}
        assert (await admin.ask("POST", "/events", {**SAME, **event})).status == 202
        yield House(world, sink, admin, viewer)


@pytest.mark.parametrize("do", WRITES)
async def test_a_write_is_told_by_the_name_of_whoever_is_logged_in(house: House, do: str) -> None:
    there = await house.there()
    reply = await house.send(house.admin, do, there, {**SAME, "x-forwarded-for": "10.1.2.3"})
    assert reply.status == 303, reply.body
    told = house.world.heard.told
    expected = WRITES[do].told.format(id=there.id, letter=there.letter).split(", ")
    # What only looks how it would be is no write.
    assert [f"{one.method} {one.path}" for one in told] == expected
    for one in told:
        assert (one.action, one.outcome) == ("write", "done")
        assert (one.name, one.how) == ("ann@example.org", "session")
        assert (one.address, one.forwarded_for) == ("127.0.0.1", "10.1.2.3")


@pytest.mark.parametrize("do", WRITES)
async def test_who_may_only_look_is_refused_and_that_is_told(house: House, do: str) -> None:
    there = await house.there()
    before = await _state(house)
    reply = await house.send(house.viewer, do, there)
    assert reply.status == 403, reply.body
    assert "You may not do that" in "".join(read_page(reply.body).text)
    assert await _state(house) == before
    assert [(one.action, one.name) for one in house.world.heard.told] == [
        ("refused", "vic@example.org")
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://elsewhere.example"},
        {"origin": "null"},
        {},  # no browser of today, and nobody can tell where it comes from: the cookie counts not
    ],
)
@pytest.mark.parametrize("do", WRITES)
async def test_a_form_that_another_site_sent_does_nothing(
    house: House, do: str, headers: Mapping[str, str]
) -> None:
    there = await house.there()
    before = await _state(house)
    reply = await house.send(house.admin, do, there, headers)
    assert reply.status == 403, reply.body
    assert await _state(house) == before
    assert all(one.action == "refused" for one in house.world.heard.told)


@pytest.mark.parametrize(
    "came_from", [{}, {"sec-fetch-site": "none"}, {"sec-fetch-site": "cross-site"}]
)
async def test_looking_at_a_page_is_told_to_nobody_wherever_the_link_to_it_stood(
    house: House, came_from: Mapping[str, str]
) -> None:
    there = await house.there()
    for path in (f"subscriptions/{there.id}?types=a&from=earliest", "deliveries?preview=1", "live"):
        reply = await house.admin.ask("GET", f"/console/{path}", came_from)
        assert reply.status == 200, (path, reply.body)
        assert b"trouble" not in reply.body, path
    assert house.world.heard.told == []


async def test_who_may_only_look_sees_no_form_that_changes_anything(house: House) -> None:
    there = await house.there()
    for path in (
        f"subscriptions/{there.id}?from=earliest",
        "deliveries?preview=1",
        "subscribe",
        "types/order.paid/subscribe",
        "subscriptions",
        "",
    ):
        mine = await house.admin.ask("GET", f"/console/{path}")
        theirs = await house.viewer.ask("GET", f"/console/{path}")
        assert (mine.status, theirs.status) == (200, 200), (path, mine.body)
        assert not re.search(rb'method="?post', theirs.body), path
        assert ('method="post"' in mine.body.decode()) == (path not in ("", "subscriptions")), path


async def test_each_form_of_the_templates_stands_in_the_table() -> None:
    found: set[str] = set()
    for file in sorted(TEMPLATES.glob("*.html")):
        text = file.read_text()
        if file.name != "_macros.html":
            actions = re.findall(r"m\.action\((.*?)\) \}\}", text)
            named = [re.findall(r"""\bdo(?:"?: |=)"([a-z-]+)\"""", one) for one in actions]
            assert all(len(one) == 1 for one in named), (file.name, actions)
            found |= {one for (one,) in named}
        for form in re.findall(r"<form\b.*?</form>", text, re.DOTALL):
            if re.search(r'method="post"', form) and file.name != "_macros.html":
                does = re.findall(r'name="do" value="([a-z-]+)"', form)
                assert does, (file.name, form)
                found |= set(does)
        assert len(re.findall(r'method="post"', text)) == len(
            re.findall(r'<form\b[^>]*method="post"|formmethod="post"', text)
        ), file.name
    assert found == set(WRITES)


async def test_each_page_that_takes_a_form_stands_in_the_table() -> None:
    assert {route.path for route in ROUTES if "POST" in route.methods} == {
        write.page for write in WRITES.values()
    }


async def test_what_no_form_has_is_refused_with_its_name(house: House) -> None:
    there = await house.there()
    for page in {write.page.format(id=there.id) for write in WRITES.values()}:
        reply = await house.admin.ask(
            "POST", f"/console/{page}", {**FORM, **SAME}, urlencode({"do": "<destroy>"})
        )
        assert reply.status == 400
        assert "do: '<destroy>' is nothing" in "".join(read_page(reply.body).text)


@pytest.mark.parametrize(
    ("do", "more", "said"),
    [
        ("choose", {"filters": "[" * 5000}, "filters: this is no JSON"),
        ("choose", {"epoch": "7"}, "epoch"),
        ("choose", {"epoch": "x"}, "invalid literal"),
        ("replay", {"rate": "many"}, "rate: 'many' is no number"),
        ("replay", {"from": "tomorrow"}, "tomorrow"),
        ("redrive-all", {"rate": "-"}, "rate: '-' is no number"),
        ("redrive", {"position": "nowhere"}, "nowhere"),
        ("subscribe", {"sink": ""}, "sink: it is empty"),
        ("subscribe", {"sink": "gopher://x"}, "sink"),
        ("subscribe", {"filters": "subject ="}, "at offset"),
    ],
)
async def test_a_form_that_is_filled_in_wrong_says_what_is_wrong_and_does_nothing(
    house: House, do: str, more: Mapping[str, str], said: str
) -> None:
    there = await house.there()
    before = await _state(house)
    write = WRITES[do]
    body = urlencode({**write.fields(there), "do": do, **more})
    path = f"/console/{write.page.format(id=there.id)}"
    reply = await house.admin.ask("POST", path, {**FORM, **SAME}, body)
    read = read_page(reply.body)
    assert (reply.status, read.faults) == (400, []), reply.body
    assert said in "".join(read.text)
    assert await _state(house) == before


async def test_a_sink_that_refuses_gets_no_subscription_until_somebody_insists(
    house: House,
) -> None:
    there = replace(await house.there(), sink="http://127.0.0.1:9/events")
    reply = await house.send(house.admin, "subscribe", there)
    assert reply.status == 422
    text = "".join(read_page(reply.body).text)
    assert "The sink did not take a test event" in text
    assert (await house.admin.ask("GET", f"/subscriptions/{there.id}-more")).status == 404
    assert 'value="subscribe-anyway"' in reply.body.decode()
    made = await house.send(house.admin, "subscribe-anyway", there)
    assert made.headers["location"] == f"subscriptions/{there.id}-more"


async def test_a_page_names_whoever_is_logged_in_and_nobody_else(house: House) -> None:
    for path in ("", "subscriptions", "deliveries"):
        mine = await house.admin.ask("GET", f"/console/{path}")
        assert "ann@example.org" in "".join(read_page(mine.body).text)
        assert "logout" in mine.body.decode()
    nobody = await Browser(house.world.hub).ask("GET", "/console/subscribe")
    assert nobody.status == 401


async def test_a_session_that_has_ended_leads_to_the_login_and_back(house: House) -> None:
    nobody = Browser(house.world.hub, {"chappe-session": "ended"})
    path = "/console/subscriptions/s?types=a%20b"
    reply = await nobody.ask("GET", path)
    assert reply.status == 401
    links = read_page(reply.body).links
    assert any(
        link == f"../login?next={quote('/console/subscriptions/s', safe='')}" for link in links
    )


async def _state(house: House) -> Any:
    """What a form could have changed: all subscriptions, and all open dead letters."""
    found = [await house.admin.ask("GET", path) for path in ("/subscriptions", "/deadletters")]
    return [
        [{k: v for k, v in one.items() if k != "status"} for one in reply.json] for reply in found
    ]
