"""What axe says of a page: WCAG 2.0 to 2.2, levels A and AA."""

from __future__ import annotations

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


async def violations(page: Page) -> list[str]:
    """Each: the rule, what it asks for, and the elements that break it."""
    found = await Axe().run(page, options={"runOnly": {"type": "tag", "values": list(TAGS)}})
    return [
        f"{one['id']}: {one['help']}: "
        + "; ".join(" ".join(map(str, node["target"])) for node in one["nodes"][:5])
        for one in found.response["violations"]
    ]
