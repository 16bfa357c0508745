"""The sample shop beside a hub that runs: it declares itself, listens, subscribes, and goes on selling.

All of it over the hub's public API, from a thread of its own, so that the hub is what it always is.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final
from uuid import uuid4

from chappe.cli.demo.traffic import Traffic
from chappe.cli.demo.types import CONSUMERS, DOMAINS, Consumer, document
from chappe.cli.local_sink import listening
from chappe.client.hub_client import HubClient
from chappe.client.registry import RegistryClient
from chappe.domain.errors import ChappeError, Conflict, Unavailable
from chappe.domain.event import Event
from chappe.kit.supervise import Supervisor

AT_ONCE: Final = 240
"""Events that are there when the hub says that it is ready: some of everything."""

EVERY_S: Final = 0.25
_AGAIN_S: Final = 1.0
_SEED: Final = 7
_UNPROCESSABLE, _FAILED, _TAKEN = 422, 500, 204
_END_S: Final = 10.0


class Shop:
    """Runs in a thread between `start` and `stop`.

    `told` is called once, in that thread, with what there is to be seen, or with why there is nothing.
    """

    def __init__(self, url: str, token: str | None, told: Callable[[str], None]) -> None:
        self._url = url
        self._token = token
        self._told = told
        self._thread = threading.Thread(target=self._main, name="demo", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; waits until it has."""
        loop, task = self._loop, self._task
        if loop is not None and task is not None:
            with contextlib.suppress(RuntimeError):  # It has ended by itself.
                loop.call_soon_threadsafe(task.cancel)
        self._thread.join(_END_S)

    def _main(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._run())

    async def _run(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        try:
            async with contextlib.AsyncExitStack() as stack:
                hub = await stack.enter_async_context(HubClient(self._url, token=self._token))
                sinks = {name: await _sink(stack, one) for name, one in CONSUMERS.items()}
                await RegistryClient(hub).post("/", document(self._url, sinks))
                for name, one in CONSUMERS.items():
                    await _subscribe(hub, name, _subscription(one, sinks[name]))
                random = Random(_SEED)  # noqa: S311  # what a shop sells, and no secret
                events = Traffic(random, uuid4().hex[:6]).events()
                await hub.publish_batch(list(itertools.islice(events, AT_ONCE)))
                types = sum(len(one.kinds) for one in DOMAINS.values())
                self._told(
                    f"a sample shop: {types} types, {len(DOMAINS)} producers, {len(CONSUMERS)} consumers"
                    " (crm fails now and then), and new events all the time"
                )
                async with Supervisor() as tasks:
                    tasks.start_soon(_sell(hub, events), name="sell")
        except ChappeError as error:
            self._told(f"no sample shop: {error.message}")


async def _sink(stack: contextlib.AsyncExitStack, consumer: Consumer) -> str:
    numbers = itertools.count(1)

    def take(event: Event) -> int:
        if not consumer.fails:
            return _TAKEN
        if event.type == "shop.order.refunded":
            return _UNPROCESSABLE
        return _FAILED if next(numbers) % 4 == 0 else _TAKEN

    host, port = await stack.enter_async_context(listening("127.0.0.1", 0, take))
    return f"http://{host}:{port}/events"


def _subscription(consumer: Consumer, sink: str) -> dict[str, Any]:
    wanted: dict[str, Any] = {"protocol": "HTTP", "sink": sink}
    if consumer.types:
        wanted["types"] = list(consumer.types)
    if consumer.subject_prefix is not None:
        wanted["filters"] = [{"prefix": {"subject": consumer.subject_prefix}}]
    if consumer.fails:
        wanted["retry"] = {"max_attempts": 3, "base_s": 1}
    return wanted


async def _subscribe(hub: HubClient, name: str, wanted: dict[str, Any]) -> None:
    try:
        await hub.subscribe(wanted, id=name)
    except Conflict:
        # The shop was here before (--data): its sinks listen elsewhere now.
        await hub.replace_subscription(name, wanted)


async def _sell(hub: HubClient, events: Iterator[Event]) -> None:
    for event in events:
        while True:
            try:
                await hub.publish(event)
                break
            except Unavailable:
                await asyncio.sleep(_AGAIN_S)
        await asyncio.sleep(EVERY_S)
