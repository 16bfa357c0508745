"""Every page in a real browser: nobody is shut out, nothing overflows, nothing is refused or broken.

WHOLE_TESTS=1 looks at each in both schemes at both widths; SCREENSHOTS names a directory for their
pictures (`make screenshots`).
"""

from __future__ import annotations

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
from tests.browser.chromium import Scheme, Window, browsing, overflow, shot, window
from tests.chaos.hub import HubProcess

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="module"),
]

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
    "schemas": "schemas",
    "schema": "schemas/shop/order",
    "event": "events/{failed}",
    "event-hostile": "events/A-1008",
    "live": "live",
    "subscriptions": "subscriptions",
    "subscription": "subscriptions/{crm}",
    "deliveries": "deliveries",
    "deliveries-preview": "deliveries?preview=1",
    "map": "map",
    "health": "health",
    "not-found": "events/there-is-none",
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
        await page.keyboard.press("Escape")
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await page.wait_for_url(house.url(f"types/{shop.PAID}"))
        await page.keyboard.press("?")
        await expect(page.locator("#sheet")).to_be_visible()
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
