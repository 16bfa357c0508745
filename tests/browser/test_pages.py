"""Every page in a real browser: nobody is shut out, nothing overflows, nothing is refused or broken.

WHOLE_TESTS=1 looks at each in both schemes at both widths; SCREENSHOTS names a directory for their
pictures (`make screenshots`).
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from chappe.testing.http_sink import SinkServer
from tests.browser import shop
from tests.browser.accessible import violations
from tests.browser.chromium import WITHIN_MS, Scheme, Window, browsing, overflow, shot, window
from tests.chaos.hub import HubProcess

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="module"),
]

expect.set_options(timeout=WITHIN_MS)
WHOLE = bool(os.environ.get("WHOLE_TESTS") or os.environ.get("SCREENSHOTS"))
PICTURES = os.environ.get("SCREENSHOTS")
LOOKS: tuple[tuple[Scheme, int], ...] = (
    ("light", 1280),
    ("dark", 320),
    ("dark", 1280),
    ("light", 320),
)
PAGES = {
    "find": "",
    "find-nothing": "?q=nothing+of+that+name",
    "type": f"types/{shop.PAID}",
    "type-long": f"types/{shop.LONG}",
    "type-flow": f"types/{shop.PAID}/flow?hops=2",
    "type-live": f"types/{shop.LONG}/live",
    "type-versions": f"types/{shop.PAID}/versions",
    "type-subscribe": f"types/{shop.LONG}/subscribe",
    "type-docs": f"types/{shop.PAID}/docs",
    "schemas": "schemas",
    "schema": "schemas/shop/order",
    "event": "events/{failed}",
    "event-hostile": "events/A-1008",
    "trace": f"traces/{shop.TRACE}",
    "live": "live",
    "subscriptions": "subscriptions",
    "subscription": "subscriptions/{crm}",
    "subscribe": "subscribe",
    "subscribe-type": f"types/{shop.PAID}/subscribe",
    "deliveries": "deliveries",
    "deliveries-preview": "deliveries?preview=1",
    "map": "map",
    "map-around": f"map?q={shop.PAID}&hops=2",
    "health": "health",
    "not-found": f"types/{shop.PAID}x",
}


@dataclass(frozen=True, slots=True)
class House:
    """A hub with the shop in it, its sinks, and a browser."""

    browser: Browser
    hub: HubProcess
    shop: shop.Shop

    def url(self, path: str = "") -> str:
        """A page's address."""
        named = path.format(
            failed=self.shop.positions[0], crm=self.shop.subscriptions[shop.FAILING]
        )
        return f"http://127.0.0.1:{self.hub.port}/console/{named}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    data = tmp_path_factory.mktemp("shop") / "data"
    async with (
        browsing() as browser,
        SinkServer(shop.answers) as sink,
        HubProcess(data) as hub,
    ):
        yield House(browser, hub, await shop.opened(hub.client(), sink))


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_is_for_everybody_at_any_width_and_breaks_no_rule(
    house: House, name: str
) -> None:
    # In the short run every other page is looked at wide and light, the others small and dark.
    at = [*PAGES].index(name) % 2
    for scheme, width in LOOKS if WHOLE else LOOKS[at : at + 1]:
        async with window(house.browser, scheme=scheme, width=width) as one:
            answer = await one.page.goto(house.url(PAGES[name]))
            assert answer is not None
            assert answer.status == (404 if name == "not-found" else 200)
            assert await violations(one.page) == [], (name, scheme, width)
            assert await overflow(one.page) == 0, (name, scheme, width)
            assert _own(one, name) == [], (name, scheme, width)
            if PICTURES:
                size = "small" if width < 600 else "wide"
                await shot(one.page, Path(PICTURES) / f"{name}-{scheme}-{size}.png")


@pytest.mark.parametrize("name", PAGES if WHOLE else [*PAGES][::3])
async def test_a_page_says_the_same_without_scripts(house: House, name: str) -> None:
    async with window(house.browser, javascript=False) as one:
        answer = await one.page.goto(house.url(PAGES[name]))
        assert answer is not None
        assert answer.status == (404 if name == "not-found" else 200)
        assert await one.page.locator("main h1").count() == 1
        links = await one.page.locator("main a[href], header a[href]").count()
        assert links > 3
        assert _own(one, name) == []


async def test_twice_the_size_is_no_wider(house: House) -> None:
    """WCAG 1.4.4, 1.4.10: 200 % of 640 px are 320."""
    async with window(house.browser, width=640) as one:
        for path in [*PAGES.values()][:: 1 if WHOLE else 3]:
            await one.page.goto(house.url(path))
            await one.page.evaluate("document.documentElement.style.zoom = '2'")
            assert await overflow(one.page) <= 1, path


async def test_keys_alone_lead_through_the_pages(house: House) -> None:
    async with window(house.browser) as one:
        page = one.page
        await page.goto(house.url("health"))
        await page.keyboard.press("Tab")
        await expect(page.locator("a.skip")).to_be_focused()
        await page.keyboard.press("g")
        await page.keyboard.press("t")
        await page.wait_for_url(house.url())
        await page.keyboard.press("Escape")
        await page.keyboard.press("/")
        await expect(page.locator("main input[type=search]")).to_be_focused()
        await page.keyboard.type("paid")
        await expect(page.locator("#results tbody tr")).to_have_count(1)
        await expect(page.locator("#results tbody svg.spark")).to_have_count(1)
        await page.keyboard.press("Escape")
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await page.wait_for_url(house.url(f"types/{shop.PAID}"))
        await page.keyboard.press("?")
        await expect(page.locator("#sheet")).to_be_visible()
        assert one.complaints == []


async def test_keys_fold_what_can_be_folded_and_lead_to_the_retry(house: House) -> None:
    async with window(house.browser) as one:
        page = one.page
        await page.goto(house.url(f"types/{shop.PAID}"))
        folded = page.locator(".tree details:not([open])")
        await expect(folded).to_have_count(0)
        await page.keyboard.press("e")
        await expect(folded).to_have_count(2)
        await page.keyboard.press("e")
        await expect(folded).to_have_count(0)
        await page.goto(house.url("deliveries"))
        await page.keyboard.press("r")
        await expect(page.locator("[data-retry=all]")).to_be_focused()
        await page.locator("input[name=position]").first.focus()
        await page.keyboard.press("r")
        await expect(page.locator("[data-retry=chosen]")).to_be_focused()
        await expect(page.locator("input[name=position]").first).to_be_checked()
        assert one.complaints == []


async def test_what_comes_on_a_type_s_tab_leads_where_the_rest_does(house: House) -> None:
    async with window(house.browser) as one:
        page = one.page
        await _publish(house, "tab.came", 1, first=100)
        await page.goto(house.url("types/tab.came/live"))
        rows = page.locator("main tbody tr")
        await expect(page.locator("#rate")).to_contain_text("events a second")
        await _publish(house, "tab.came", 1, first=101)
        await expect(rows).to_have_count(2)
        links = await rows.locator("th a").evaluate_all("all => all.map(one => one.pathname)")
        assert {link.rpartition("/")[0] for link in links} == {"/console/events"}
        assert one.complaints == []


async def test_live_shows_what_comes_and_pauses(house: House) -> None:
    async with window(house.browser) as one:
        page = one.page
        await page.goto(house.url("live?type=live.came"))
        rows = page.locator("main tbody tr")
        await expect(rows).to_have_count(0)
        await expect(page.locator("#rate")).to_contain_text("events a second")
        await _publish(house, "live.came", 3)
        await expect(rows).to_have_count(3)
        await page.get_by_role("button", name="Pause").click()
        await _publish(house, "live.came", 2, first=3)
        await expect(page.locator("#rate")).to_contain_text("2 came meanwhile")
        await expect(rows).to_have_count(3)
        assert one.complaints == []


async def test_live_bears_a_burst_and_counts_what_it_does_not_show(house: House) -> None:
    async with window(house.browser) as one:
        page = one.page
        # In a channel of its own: other tests look at the newest events.
        made = await house.hub.client().ask("PUT", "/channels/burst", {}, b'{"shards": 1}')
        assert made.status == 201, made.body
        await page.goto(
            house.url("live?channel=burst&type=live.burst&filter=subject%20%3D%20'now'")
        )
        rows, sum_ = page.locator("main tbody tr"), page.locator("#sum")
        await expect(page.locator("#rate")).to_contain_text("events a second")
        for number in range(0, 3000, 500):
            await _burst(house, "live.burst", range(number, number + 500))
        await expect(sum_).to_contain_text("3\u202f000 since the page was opened")
        told = (await sum_.inner_text()).replace("\u202f", "")
        shown = await rows.count()
        assert 1 <= shown <= 200
        # Rows that were shown and had to make room count as shown.
        assert shown <= 3000 - int(told.split(", ")[1].split()[0]) < 3000
        await page.get_by_role("button", name="Pause").click()
        top = await rows.first.inner_text()
        await _burst(house, "live.burst", range(3000, 3300))
        await expect(page.locator("#rate")).to_contain_text("300 came meanwhile")
        assert (await rows.count(), await rows.first.inner_text()) == (shown, top)
        await page.get_by_role("button", name="Go on").click()
        await _burst(house, "live.burst", range(3300, 3305))
        await expect(rows.first).to_contain_text("B-3304")
        await expect(sum_).to_contain_text("3\u202f305 since the page was opened")
        assert one.complaints == []


async def test_a_filter_is_tried_while_it_is_written(house: House) -> None:
    async with window(house.browser) as one:
        page = one.page
        await page.goto(house.url("subscriptions/{crm}"))
        await page.get_by_label("Filter").fill("subject = 'order-4'")
        await expect(page.locator("#tried")).to_contain_text("1 of the newest")
        await page.get_by_label("Filter").fill("subject =")
        await expect(page.locator("#tried .trouble")).to_contain_text("at offset")
        assert one.complaints == []


async def test_a_subscription_rests_and_goes_on(house: House) -> None:
    async with window(house.browser) as one:
        page = one.page
        await page.goto(house.url("subscriptions/{crm}"))
        await page.get_by_role("button", name="Pause").click()
        await expect(page.locator(".lead .state")).to_contain_text("paused")
        await page.get_by_role("button", name="Resume").click()
        await expect(page.get_by_role("button", name="Pause")).to_be_visible()


def _own(one: Window, name: str) -> list[str]:
    """What a page complained about, but for the status that it was asked for."""
    if name == "not-found":
        return [said for said in one.complaints if "404" not in said]
    return one.complaints


async def _burst(house: House, type_: str, numbers: range) -> None:
    """As many events at once, and as many again that the page's filter leaves out."""
    events = [
        {
            "specversion": "1.0",
            "id": f"{'B' if subject == 'now' else 'C'}-{number}",
            "source": "/live",
            "type": type_,
            "subject": subject,
        }
        for number in numbers
        for subject in ("now", "later")
    ]
    kind = {"content-type": "application/cloudevents-batch+json"}
    body = json.dumps(events).encode()
    answer = await house.hub.client().ask("POST", "/channels/burst/events", kind, body)
    assert answer.status == 202, answer.body


async def _publish(house: House, type_: str, count: int, *, first: int = 0) -> None:
    client = house.hub.client()
    for number in range(first, first + count):
        headers = {
            "ce-specversion": "1.0",
            "ce-id": f"L-{number}",
            "ce-source": "/live",
            "ce-type": type_,
        }
        assert (await client.ask("POST", "/events", headers)).status == 202
