"""A real Chromium, the machine's own: no test fetches a browser."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

Scheme = Literal["light", "dark"]

WITHIN_MS = 60_000
"""For whatever a page does; a busy machine is slow, and a condition costs nothing."""

ARGUMENTS = (
    "--no-sandbox",  # for root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str:
    """Its program; skips the test where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found is not None:
            return found
    pytest.skip("no Chromium: on Debian, apt-get install chromium")


@contextlib.asynccontextmanager
async def browsing() -> AsyncIterator[Browser]:
    """A browser, which is closed in the end."""
    program = chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=[*ARGUMENTS])
        try:
            yield browser
        finally:
            await browser.close()


@dataclass(slots=True)
class Window:
    """A page, and all that it complained about: errors of scripts, what its CSP refused."""

    page: Page
    complaints: list[str] = field(default_factory=list)


@contextlib.asynccontextmanager
async def window(
    browser: Browser,
    *,
    scheme: Scheme = "light",
    width: int = 1280,
    height: int = 800,
    javascript: bool = True,
    reduced_motion: bool = False,
) -> AsyncIterator[Window]:
    """A window with a profile of its own."""
    context = await browser.new_context(
        color_scheme=scheme,
        viewport={"width": width, "height": height},
        java_script_enabled=javascript,
        reduced_motion="reduce" if reduced_motion else "no-preference",
        locale="en-GB",
        timezone_id="UTC",
    )
    context.set_default_timeout(WITHIN_MS)
    try:
        one = Window(await context.new_page())

        def heard(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                one.complaints.append(f"{message.type}: {message.text}")

        one.page.on("console", heard)
        one.page.on("pageerror", lambda error: one.complaints.append(f"error: {error}"))
        yield one
    finally:
        await context.close()


async def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window; regions that scroll do not count."""
    wider: int = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return wider


async def shot(page: Page, path: Path) -> None:
    """A picture of the whole page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=path, full_page=True, animations="disabled")
