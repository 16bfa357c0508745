"""The page Live at 5,000 events a second: does it stay readable, and what does it cost?

    python -m bench.console_live [--rate 5000] [--seconds 10]

Chromium has the page open, with a filter, while events are published; beside it the same page at 20
events a second, and the hub at the full rate with nobody looking. `frame` is the longest time between
two frames, `tasks` are those of scripts that took longer than 50 ms. Times are of this machine; what
matters is the column of the ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from playwright.async_api import Browser
from tests.browser.chromium import browsing, window

from bench import processes

SLOW = 20
BATCHES_A_SECOND = 20
_numbers = itertools.count()

WATCH = """() => {
  const seen = window.seen = {rows: 0, frame: 0, frames: 0, tasks: 0, most: 0};
  new MutationObserver((all) => {
    for (const one of all) seen.rows += [...one.addedNodes].filter((node) => node.nodeName === "TR").length;
    seen.most = Math.max(seen.most, document.querySelector("main tbody").rows.length);
  }).observe(document.querySelector("main tbody"), {childList: true});
  new PerformanceObserver((list) => { seen.tasks += list.getEntries().length; }).observe({type: "longtask"});
  let last = performance.now();
  const frame = (now) => { seen.frame = Math.max(seen.frame, now - last); seen.frames++; last = now; requestAnimationFrame(frame); };
  requestAnimationFrame((now) => { last = now; requestAnimationFrame(frame); });
}"""


@dataclass(frozen=True, slots=True)
class Found:
    """One round: per second where it says so; `cpu` is the hub's own, in percent of a core."""

    published: float
    rows: float = 0.0
    most: int = 0
    frame_ms: float = 0.0
    frames: float = 0.0
    tasks: int = 0
    heap_mb: float = 0.0
    cpu: float = 0.0
    said: str = ""


class Publisher:
    """Publishes so many events a second from a thread of its own, in batches."""

    def __init__(self, url: str, rate: int) -> None:
        self._http = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        self._size = max(rate // BATCHES_A_SECOND, 1)
        self._every_s = self._size / rate
        self._stop = threading.Event()
        self.count = 0
        self._thread = threading.Thread(target=self._run, name="publisher")

    @contextmanager
    def running(self) -> Iterator[None]:
        """While it publishes."""
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()
            self._http.close()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stop.wait(max(due - time.monotonic(), 0)):
            due += self._every_s
            batch = [_event() for _ in range(self._size)]
            headers = {"content-type": "application/cloudevents-batch+json"}
            self._http.request("POST", "/events", json.dumps(batch), headers)
            answer = self._http.getresponse()
            answer.read()
            if answer.status != 202:
                raise SystemExit(f"publishing: {answer.status}")
            self.count += self._size


def _event() -> dict[str, object]:
    number = next(_numbers)
    return {
        "specversion": "1.0",
        "id": f"A-{number}",
        "source": f"/shop/{number % 5}",
        "type": "shop.order.paid",
        "subject": f"eu-{number % 100}",
        "data": {"order": f"O-{number}", "total": number % 1000, "currency": "EUR"},
    }


async def look(browser: Browser, url: str, pid: int, rate: int, seconds: float) -> Found:
    """A round with the page open."""
    async with window(browser) as one:
        wanted = quote("subject LIKE 'eu-%'")
        await one.page.goto(f"{url}/console/live?type=shop.order.paid&filter={wanted}")
        await one.page.wait_for_function("document.getElementById('rate').textContent != ''")
        publisher = Publisher(url, rate)
        with publisher.running():
            await asyncio.sleep(1)  # until it runs evenly
            await one.page.evaluate(WATCH)
            began, before, count = time.monotonic(), processes.used_s(pid), publisher.count
            await asyncio.sleep(seconds)
            took = time.monotonic() - began
            used, published = processes.used_s(pid) - before, publisher.count - count
            seen = await one.page.evaluate("window.seen")
            heap = await one.page.evaluate("performance.memory.usedJSHeapSize")
            said = await one.page.locator("#rate").inner_text()
        assert one.complaints == [], one.complaints
        return Found(
            published / took,
            seen["rows"] / took,
            seen["most"],
            seen["frame"],
            seen["frames"] / took,
            seen["tasks"],
            heap / 1e6,
            100 * used / took,
            said,
        )


async def alone(url: str, pid: int, rate: int, seconds: float) -> Found:
    """A round with nobody looking."""
    publisher = Publisher(url, rate)
    with publisher.running():
        await asyncio.sleep(1)
        began, before, count = time.monotonic(), processes.used_s(pid), publisher.count
        await asyncio.sleep(seconds)
        took = time.monotonic() - began
        used, published = processes.used_s(pid) - before, publisher.count - count
    return Found(published / took, cpu=100 * used / took)


async def measure(rate: int, seconds: float) -> None:
    """All rounds, and what came of them."""
    with processes.hub_process() as (url, pid):
        async with browsing() as browser:
            slow = await look(browser, url, pid, SLOW, seconds)
            nobody = await alone(url, pid, rate, seconds)
            fast = await look(browser, url, pid, rate, seconds)
    print(f"Live, {seconds:g} s each")
    print(f"  {'':24} {SLOW:>8}/s {rate:>8}/s    ratio   nobody looks")
    for label, name in (
        ("published a second", "published"),
        ("rows shown a second", "rows"),
        ("rows at the most", "most"),
        ("longest frame, ms", "frame_ms"),
        ("frames a second", "frames"),
        ("long tasks", "tasks"),
        ("JS heap, MB", "heap_mb"),
        ("hub, % of a core", "cpu"),
    ):
        one, other = getattr(slow, name), getattr(fast, name)
        ratio = f"{other / one:8.1f}x" if one else f"{'':9}"
        beside = f"{getattr(nobody, name):10.1f}" if name in ("published", "cpu") else ""
        print(f"  {label:24} {one:10.1f} {other:10.1f} {ratio} {beside}")
    print(f"  the page says: {fast.said}")


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    asked.add_argument("--rate", type=int, default=5000)
    asked.add_argument("--seconds", type=float, default=10.0)
    given = asked.parse_args()
    asyncio.run(measure(given.rate, given.seconds))


if __name__ == "__main__":
    main()
