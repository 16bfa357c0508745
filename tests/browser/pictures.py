"""The pictures in the docs, of the sample shop: `python -m tests.browser.pictures [--seconds 90]`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.browser.chromium import Scheme, browsing, window

IMAGES: Final = Path(__file__).parents[2] / "docs" / "images"
WITHIN_S: Final = 60.0
SIZE: Final = {"width": 1200, "height": 820}


def main() -> None:
    """Let the shop trade for a while, then take a picture of each page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=90.0, help="how long events come first")
    seconds = parser.parse_args().seconds
    with _shop() as url:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            time.sleep(1)
        asyncio.run(_take(url))


@contextlib.contextmanager
def _shop() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="chappe-pictures-") as data:
        command = [sys.executable, "-m", "chappe", "dev", "--demo", "--port", "0", "--data", data]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as hub:
            try:
                file, ends = Path(data) / "hub.json", time.monotonic() + WITHIN_S
                while not file.exists():
                    if hub.poll() is not None or time.monotonic() > ends:
                        raise SystemExit("the hub did not start")
                    time.sleep(0.1)
                yield str(json.loads(file.read_text())["url"])
            finally:
                hub.terminate()


def _read(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=WITHIN_S) as answer:
        return json.load(answer)


async def _take(url: str) -> None:
    paid = "shop.order.paid"
    dead = _read(f"{url}/deadletters?subscription=crm")[0]["eventposition"]
    pages: list[tuple[str, str, Scheme]] = [
        ("find", "", "light"),
        ("type", f"types/{paid}", "light"),
        ("flow", f"types/{paid}/flow", "light"),
        ("event", f"events/{dead}", "light"),
        ("subscriptions", "subscriptions", "dark"),
        ("deliveries", "deliveries", "light"),
        ("live", "live", "dark"),
        ("map", "map", "light"),
        ("health", "health", "dark"),
    ]
    async with browsing() as browser:
        for name, path, scheme in pages:
            async with window(browser, scheme=scheme, **SIZE) as one:
                await one.page.goto(f"{url}/console/{path}")
                if name == "live":
                    await one.page.locator("tbody tr:nth-child(12)").wait_for()
                await one.page.screenshot(
                    path=IMAGES / f"console-{name}.png", animations="disabled"
                )
                if one.complaints:
                    raise SystemExit(f"{name}: {'; '.join(one.complaints)}")


if __name__ == "__main__":
    main()
