"""What a person sets out to do in the console, and how many clicks that takes: one hub, `chappe dev --demo`.

Each test is a journey, as tests/edges/test_journeys_cli.py has them in the terminal. A click is a click or a
press of Enter; what is typed into a field is none.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from chappe.testing.http_sink import Received, Reply, SinkServer
from tests.browser.chromium import WITHIN_MS, Window, browsing, window
from tests.chaos.http import Client

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="module"),
]

WITHIN_S = WITHIN_MS / 1000
PAID = "shop.order.paid"
JSON = {"content-type": "application/json"}
NAMES = ("cli", "yaml", "python", "go", "javascript", "curl")

expect.set_options(timeout=WITHIN_MS)


@dataclass
class Consumer:
    """A sink of the journey's own: answers `status` below /events, and 404 elsewhere."""

    server: SinkServer | None = None
    status: int = 204

    def answer(self, request: Received) -> Reply:
        return Reply(self.status if request.target.startswith("/events") else 404)

    def url(self, name: str) -> str:
        assert self.server is not None
        return f"{self.server.url}/events/{name}"

    def ids(self, name: str) -> set[str]:
        """The events that came for a subscription, but for test events."""
        assert self.server is not None
        return {
            str(one.header("ce-id"))
            for one in self.server.requests
            if one.target == f"/events/{name}"
            and one.header("ce-type") != "io.chappe.subscription.test"
        }


@dataclass
class Demo:
    """The hub of the demo, what it said, the address that it opened, and a browser."""

    url: str
    said: str
    opened: str
    home: Path
    browser: Browser
    consumer: Consumer
    client: Client

    async def api(self, method: str, path: str, body: object = None) -> Any:
        sent = b"" if body is None else json.dumps(body).encode()
        answer = await self.client.ask(method, path, JSON, sent)
        assert answer.status < 300, (path, answer.body)
        return answer.json() if answer.body else None

    async def publish(self, type_: str, ids: list[str]) -> None:
        for id_ in ids:
            event = {"specversion": "1.0", "type": type_, "source": "/j", "id": id_, "data": {}}
            kind = {"content-type": "application/cloudevents+json"}
            sent = json.dumps(event).encode()
            assert (await self.client.ask("POST", "/events", kind, sent)).status == 202

    async def subscribe(self, name: str, **more: Any) -> None:
        wanted = {"sink": self.consumer.url(name), "protocol": "HTTP", "types": [name], **more}
        await self.api("POST", f"/subscriptions?id={name}", wanted)

    def environment(self) -> dict[str, str]:
        """Where `chappe` is this one, and nothing is set."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("CHAPPE_")}
        here = str(Path(sys.executable).parent)
        return {**clean, "PATH": f"{here}:{clean['PATH']}", "PYTHONIOENCODING": "utf-8"}


@dataclass
class Journey:
    """A window in which clicks are counted."""

    demo: Demo
    window: Window
    clicks: int = 0

    @property
    def page(self) -> Page:
        return self.window.page

    async def go(self, path: str = "") -> None:
        """Where the journey begins."""
        await self.page.goto(f"{self.demo.url}/console/{path}")

    async def click(self, what: Locator) -> None:
        self.clicks += 1
        await what.click()

    async def press(self, key: str) -> None:
        self.clicks += key == "Enter"
        await self.page.keyboard.press(key)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name)

    async def server_ms(self) -> float:
        """How long the hub worked on the page that is shown."""
        took = await self.page.evaluate(
            "performance.getEntriesByType('navigation')[0].serverTiming[0].duration"
        )
        return float(took)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    """The hub of `chappe dev --demo --open`, as somebody at a terminal starts it."""
    home = tmp_path_factory.mktemp("journeys")
    opener, opened = home / "opener", home / "opened"
    opener.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.part && mv {opened}.part {opened}\n')
    opener.chmod(0o700)
    terminal, theirs = os.openpty()
    hub = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chappe", "dev", "--demo", "--open"),
        *("--port", "0", "--confluent-port", "0"),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
        cwd=home,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("CHAPPE_")},
            "BROWSER": str(opener),
            "TMPDIR": str(home),
            "PYTHONIOENCODING": "utf-8",
        },
    )
    os.close(theirs)
    assert hub.stderr is not None
    said = ""
    try:
        while "delivery ls --sub crm" not in said:
            line = (await hub.stderr.readline()).decode()
            assert line, said
            said += line
        drain = asyncio.get_running_loop().create_task(hub.stderr.read())
        found = re.search(r"serves (http://127\.0\.0\.1:(\d+))[, ]", said)
        assert found is not None, said
        await until(lambda: _true(opened.exists()), "the browser was not opened")
        consumer = Consumer()
        async with browsing() as browser, SinkServer(consumer.answer) as sink:
            consumer.server = sink
            client = Client("127.0.0.1", int(found[2]), timeout_s=WITHIN_S)
            yield Demo(found[1], said, opened.read_text(), home, browser, consumer, client)
            await client.close()
    finally:
        hub.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(hub.wait(), WITHIN_S) == 0
        os.close(terminal)
        await drain


@pytest_asyncio.fixture(loop_scope="module")
async def journey(demo: Demo) -> AsyncIterator[Journey]:
    async with window(demo.browser) as one:
        yield Journey(demo, one)
        assert one.complaints == []


@pytest.fixture
def name() -> str:
    return f"j{uuid4().hex[:10]}"


async def until(condition: Callable[[], Awaitable[Any]], what: str) -> Any:
    """What `condition` gives once it gives something."""
    try:
        async with asyncio.timeout(WITHIN_S):
            while not (found := await condition()):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
            return found
    except TimeoutError:
        raise AssertionError(f"not within {WITHIN_S:g} s: {what}") from None


async def _true(value: object) -> object:
    return value


async def test_journey_01_how_do_i_try_it(demo: Demo, journey: Journey) -> None:
    assert f"the web console: {demo.url}/console/\n" in demo.said
    assert demo.opened == f"{demo.url}/console/"
    await journey.page.goto(demo.opened)
    rows = journey.page.locator("main table.rows tbody tr")
    paid = rows.filter(has_text=PAID)
    await expect(paid).to_contain_text("team-checkout")
    await expect(paid).to_contain_text("active")
    await expect(paid.locator("td.number").first).to_contain_text(re.compile(r"\d/(s|min|h)"))
    assert await rows.count() >= 12
    assert journey.clicks == 0


async def test_journey_02_who_produces_the_event_i_want(journey: Journey) -> None:
    await journey.go()
    await journey.press("/")
    await journey.page.keyboard.type("order paid")
    rows = journey.page.locator("main table.rows tbody tr")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("shop-web")
    await expect(rows).to_contain_text("analytics")
    assert journey.clicks == 0

    await journey.go("health")
    await journey.press("/")
    await journey.page.keyboard.type("order paid")
    await journey.press("Enter")
    await expect(rows).to_have_count(1)
    await journey.click(rows.get_by_role("link", name=PAID))
    producers = journey.page.get_by_role("region", name="Producers")
    await expect(producers.get_by_role("row", name="shop-web")).to_contain_text("declared")
    await expect(producers.get_by_role("row", name="/shop/web")).to_contain_text("seen")
    assert journey.clicks == 2


async def test_journey_03_what_events_exist(journey: Journey) -> None:
    await journey.go()
    assert await journey.page.locator("main table.rows tbody tr").count() >= 12
    owner = journey.page.get_by_role("navigation", name="Owner")
    await journey.click(owner.get_by_role("link", name="team-checkout"))
    rows = journey.page.locator("main table.rows tbody tr")
    await expect(rows.filter(has_text="shipment")).to_have_count(0)
    assert await rows.filter(has_text="team-checkout").count() == await rows.count() > 2
    state = journey.page.get_by_role("navigation", name="State")
    await journey.click(state.get_by_role("link", name="active"))
    await expect(journey.page).to_have_url(re.compile("owner=team-checkout.*state=active"))
    assert journey.clicks == 2


async def test_journey_04_what_does_it_look_like(demo: Demo, journey: Journey) -> None:
    await journey.go("?q=order+paid")
    await journey.click(journey.page.get_by_role("link", name=PAID).first)
    shape = journey.page.get_by_role("list", name=re.compile("^Shape of the payload"))
    total = shape.get_by_role("listitem").filter(has_text="total")
    await expect(total).to_contain_text("number")
    await expect(total).to_contain_text("required")
    shown = await journey.page.get_by_role(
        "group", name="the newest event", exact=True
    ).inner_text()
    assert json.loads(shown)["type"] == PAID
    assert journey.clicks == 1
    curl = await journey.page.get_by_role("group", name="curl command").inner_text()
    sent = await _run(demo, curl)
    assert json.loads(sent)["duplicate"] is False
    assert await journey.server_ms() < 1000


async def test_journey_05_how_do_i_subscribe(demo: Demo, journey: Journey, name: str) -> None:
    await journey.go(f"types/{PAID}")
    await journey.click(journey.page.get_by_role("link", name="Subscribe", exact=True))
    await journey.page.get_by_label("Sink").fill(demo.consumer.url(name).replace("events", "none"))
    await journey.page.get_by_label("Name").fill(name)
    await journey.click(journey.button("Test and subscribe"))
    refused = journey.page.get_by_role("alert")
    await expect(refused).to_contain_text("The sink did not take a test event: it answered 404")
    assert name not in [one["id"] for one in await demo.api("GET", "/subscriptions")]
    journey.window.complaints.clear()  # Chromium tells of a page that is answered with 422.

    await journey.go(f"types/{PAID}")
    journey.clicks = 0
    await journey.click(journey.page.get_by_role("link", name="Subscribe", exact=True))
    await journey.page.get_by_label("Sink").fill(demo.consumer.url(name))
    await journey.page.get_by_label("Name").fill(name)
    await journey.press("Enter")
    await journey.page.wait_for_url(re.compile(f"/subscriptions/{name}"))
    done = journey.page.get_by_role("status").filter(has_text="The sink took a test event: 204")
    await expect(done).to_be_visible()
    assert journey.clicks == 2  # at most 3
    await until(lambda: _true(demo.consumer.ids(name)), "no event came")
    # The page follows by itself.
    await expect(journey.page.locator("#status")).to_contain_text(
        re.compile(r"Last success\s*\d+ s ago")
    )
    await journey.click(journey.button("Send a test event"))
    await expect(done).to_be_visible()
    await demo.api("DELETE", f"/subscriptions/{name}")


@pytest.mark.parametrize("language", NAMES)
async def test_journey_05_the_code_of_each_tab_subscribes(
    demo: Demo, journey: Journey, name: str, language: str
) -> None:
    await journey.go(f"types/{PAID}/subscribe")
    await journey.page.get_by_label("Sink").fill(demo.consumer.url(name))
    await journey.page.get_by_label("Name").fill(name)
    await journey.click(journey.button("Fill in the code below"))
    section = journey.page.locator("section", has=journey.page.locator(f"#{language}"))
    await expect(section).to_contain_text(demo.consumer.url(name))
    code = await section.locator("pre").inner_text()
    assert {
        await one.get_attribute("id") for one in await journey.page.locator("section h2").all()
    } == {*NAMES}
    match language:
        case "cli":
            create, _, forward = code.partition("\n\n")
            assert (await _run(demo, create)).strip() == name
            assert forward.splitlines()[1].startswith("chappe event forward --url ")
        case "yaml":
            (demo.home / "billing.yaml").write_text(code)
            await _run(demo, code.splitlines()[0].removeprefix("# "))
        case "curl":
            assert json.loads(await _run(demo, code))["id"] == name
        case "python":
            (demo.home / "subscribe.py").write_text(code)
            assert (await _run(demo, "python subscribe.py")).strip() == name
        case "javascript":
            if shutil.which("node") is None:
                pytest.skip("no Node.js: the JavaScript of the page is not run")
            (demo.home / "subscribe.mjs").write_text(code)
            assert (await _run(demo, "node subscribe.mjs")).strip() == f"201 {name}"
        case "go":
            if shutil.which("go") is None:
                pytest.skip("no Go: the Go of the page is not run")
            (demo.home / "subscribe.go").write_text(code)
            if not os.environ.get("WHOLE_TESTS"):
                await _run(demo, "gofmt -e subscribe.go")  # to compile takes half a minute
                return
            assert (await _run(demo, "go run subscribe.go")).startswith("201 Created ")
    made = await demo.api("GET", f"/subscriptions/{name}")
    assert (made["sink"], made["types"]) == (demo.consumer.url(name), [PAID])
    await demo.api("DELETE", f"/subscriptions/{name}")


async def test_journey_08_may_i_change_this_schema(demo: Demo, journey: Journey, name: str) -> None:
    old = {"type": "object", "properties": {"total": {"type": "number"}}}
    new = {**old, "properties": {"total": {"type": "string"}}, "required": ["total"]}
    kind = "JsonSchema/draft-07"
    above = f"/schemagroups/{name}/schemas/order"
    await demo.api("PUT", f"{above}$details", {"format": kind, "schema": old})
    await demo.api("POST", f"{above}$details", {"format": kind, "versionid": "2", "schema": new})
    message = {
        "envelope": "CloudEvents/1.0",
        "dataschemaformat": kind,
        "dataschemaxid": above,
    }
    await demo.api("PUT", f"/messagegroups/{name}/messages/{name}", message)
    await demo.subscribe(name)
    await journey.go("schemas")
    row = journey.page.get_by_role("row").filter(has_text=name)
    await journey.click(row.get_by_role("link", name="order"))
    await expect(journey.page.locator("#verdict")).to_contain_text(
        "Breaking (backward) for 2 consumers"  # the demo's analytics takes everything
    )
    breaking = journey.page.get_by_role("region", name="Breaking changes")
    await expect(breaking).to_contain_text("/properties/total")
    assert journey.clicks == 1
    await demo.api("DELETE", f"/subscriptions/{name}")


async def test_journey_09_did_my_event_arrive(demo: Demo, journey: Journey) -> None:
    async def delivered() -> str | None:
        for one in await demo.api("GET", f"/events?type={PAID}&limit=50"):
            if any(was["state"] == "delivered" for was in await _trace(demo, one["event"]["id"])):
                return str(one["event"]["id"])
        return None

    id_ = await until(delivered, "no event was delivered")
    await journey.go("health")
    await journey.press("/")
    await journey.page.keyboard.insert_text(f" {id_} ")
    await journey.press("Enter")
    await journey.page.wait_for_url(re.compile(f"/console/events/{id_}"))
    became = journey.page.get_by_role("region", name="What became of the event")
    await expect(became.get_by_role("row", name="billing")).to_contain_text("delivered")
    crm = became.get_by_role("row", name="crm")
    await expect(crm).to_contain_text("not matched")
    await expect(crm).to_contain_text("decided; the event has")
    assert journey.clicks == 1
    assert await journey.server_ms() < 1000


async def test_journey_09_by_the_traceparent_that_a_caller_has(
    demo: Demo, journey: Journey
) -> None:
    newest = (await demo.api("GET", "/events?limit=1"))[0]["event"]
    await journey.go("health")
    await journey.press("/")
    await journey.page.keyboard.insert_text(newest["traceparent"])
    await journey.press("Enter")
    events = journey.page.get_by_role("region", name="Events of the trace")
    await expect(events.get_by_role("link", name=newest["id"])).to_be_visible()
    assert journey.clicks == 1
    assert await journey.server_ms() < 1000


async def test_journey_10_it_failed_mend_it_and_send_it_again(
    demo: Demo, journey: Journey, name: str
) -> None:
    await demo.subscribe(name, retry={"max_attempts": 1})
    demo.consumer.status = 422
    await demo.publish(name, [f"{name}-{number}" for number in range(4)])

    async def dead() -> bool:
        return len(await demo.api("GET", f"/deadletters?subscription={name}")) == 4

    await until(dead, "the events are no dead letters")
    demo.consumer.status = 204
    demo.consumer.server.requests.clear()  # type: ignore[union-attr]
    await journey.go(f"subscriptions/{name}")
    await journey.click(journey.page.get_by_role("link", name="Its dead letters"))
    groups = journey.page.get_by_role("region", name="Failures by what went wrong")
    await expect(groups.get_by_role("row").nth(1)).to_contain_text("422")

    one = journey.page.get_by_role("checkbox", name=f"Choose event {name}-2 ")
    await journey.click(one)
    await journey.click(journey.button("Deliver the chosen again"))
    await expect(journey.page.get_by_role("status").first).to_contain_text(
        "1 letter is delivered again"
    )
    await until(lambda: _true(demo.consumer.ids(name) == {f"{name}-2"}), "it did not come again")
    assert journey.clicks == 3

    await journey.click(journey.button("Deliver all that fit again …"))
    preview = journey.page.locator(".preview")
    await expect(preview).to_contain_text("3 events would be delivered again")
    assert demo.consumer.ids(name) == {f"{name}-2"}
    await journey.click(journey.button("Deliver 3 again"))
    await until(lambda: _true(len(demo.consumer.ids(name)) == 4), "not all came again")
    assert journey.clicks == 5

    async def settled() -> bool:
        found = await demo.api("GET", f"/deadletters?subscription={name}&state=redriven")
        return len(found) == 4

    await until(settled, "the letters are not redriven")
    await journey.click(journey.page.get_by_role("link", name="See whether they arrived"))
    letters = journey.page.get_by_role("region", name="Dead letters")
    await expect(letters.get_by_text("redriven")).to_have_count(4)
    await demo.api("DELETE", f"/subscriptions/{name}")


async def test_journey_11_backfill_a_new_consumer(demo: Demo, journey: Journey, name: str) -> None:
    ids = {f"{name}-{number}" for number in range(5)}
    await demo.publish(name, sorted(ids))
    await demo.subscribe(name)
    await journey.go(f"subscriptions/{name}")
    await journey.page.get_by_label("From").fill("earliest")
    await journey.page.get_by_label("At most so many a second").fill("500")
    await journey.click(journey.button("How many would that be?"))
    await expect(journey.page.locator(".forecast")).to_have_text(
        re.compile(r"5 events, in about [\d.]+ s\.")
    )
    assert demo.consumer.ids(name) == set()
    await journey.click(journey.button("Replay them"))
    await journey.page.wait_for_url(re.compile("/subscriptions/replay-"))
    await until(lambda: _true(demo.consumer.ids(name) == ids), "not all came")
    assert journey.clicks == 2
    await demo.api("DELETE", f"/subscriptions/{name}")


async def test_a_filter_is_edited_and_delivery_rests_and_goes_on(
    demo: Demo, journey: Journey, name: str
) -> None:
    await demo.subscribe(name)
    await demo.publish(name, [f"{name}-1"])
    await journey.go(f"subscriptions/{name}")
    await journey.page.get_by_label("Filter").fill(f"id = '{name}-1'")
    await expect(journey.page.locator("#tried")).to_contain_text("1 of the newest")
    await journey.click(journey.button("Save"))
    await expect(journey.page.locator(".lead")).to_contain_text(f"where id = '{name}-1'")
    await journey.click(journey.button("Pause"))
    await expect(journey.page.locator(".lead .state")).to_contain_text("paused")
    await journey.click(journey.button("Resume"))
    await expect(journey.button("Pause")).to_be_visible()
    assert journey.clicks == 3
    await journey.click(journey.page.get_by_text("End this subscription"))
    await journey.click(journey.button("End it"))
    await journey.page.wait_for_url(re.compile("/subscriptions$"))

    async def told() -> bool:
        listed = await demo.api("GET", "/channels/audit/events?limit=100")
        paths = [str(one["event"]["data"]) for one in listed]
        wanted = (f"{name}/pause", f"{name}/resume", f"'PATCH', 'path': '/subscriptions/{name}'")
        return all(any(each in path for path in paths) for each in wanted)

    await until(told, "the audit does not tell what was done")


async def _run(demo: Demo, command: str) -> str:
    """A command as somebody pastes it; it must do well."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=demo.home,
        env=demo.environment(),
    )
    out, err = await asyncio.wait_for(process.communicate(), 2 * WITHIN_S)
    assert process.returncode == 0, (command, out, err)
    return out.decode()


async def _trace(demo: Demo, id_: str) -> list[dict[str, Any]]:
    found = await demo.api("GET", f"/events/{id_}/trace")
    return list(found["subscriptions"])
