"""The client for programs without asyncio: the same calls, each waits for its result.

    with SyncClient("http://127.0.0.1:4280", source="/shop") as hub:
        hub.publish("order.paid", {"total": 12})
        for delivery in hub.subscribe("order.*", name="billing"):
            delivery.ack()

A `Client` runs in a thread of its own, so locks are renewed while the program computes.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar, Unpack

from chappe.client.arrived import Arrived
from chappe.client.client import Client
from chappe.client.deliveries import Delivery
from chappe.client.drafts import UNSET, EventLike, Placed
from chappe.client.views import BatchReceipt, Judged, Receipt

T = TypeVar("T")


class SyncDelivery(Arrived):
    """An event to settle; see chappe.Delivery."""

    __slots__ = ("_delivery", "_wait")

    def __init__(self, delivery: Delivery, wait: Callable[[Coroutine[Any, Any, bool]], bool]):
        super().__init__(delivery.event, delivery.position)
        self._delivery, self._wait = delivery, wait

    def ack(self) -> bool:
        """The event is done."""
        return self._wait(self._delivery.ack())

    def release(self, delay_s: float = 0.0) -> bool:
        """The event comes again."""
        return self._wait(self._delivery.release(delay_s))

    def reject(self, reason: str | None = None) -> bool:
        """The event becomes a dead letter."""
        return self._wait(self._delivery.reject(reason))


class SyncClient:
    """A block (`with`); takes what `Client` takes, and raises what it raises."""

    def __init__(self, url: str | None = None, **options: Any) -> None:
        self._client = Client(url, **options)
        self._loop: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="chappe")

    def __enter__(self) -> SyncClient:
        self._thread.start()
        self._loop.result()
        return self

    def __exit__(self, *exc_info: object) -> None:
        loop, ended = self._loop.result()
        loop.call_soon_threadsafe(ended.set)
        self._thread.join()

    def publish(
        self, event: str | EventLike, data: object = UNSET, **options: Unpack[Placed]
    ) -> Receipt:
        """Hand in one event."""
        return self._wait(self._client.publish(event, data, **options))

    def publish_batch(self, events: Iterable[EventLike], **options: Any) -> BatchReceipt:
        """Hand in several: all or none."""
        return self._wait(self._client.publish_batch(events, **options))

    def validate(self, event: str | EventLike, data: object = UNSET) -> Judged:
        """Would the hub let it in?"""
        return self._wait(self._client.validate(event, data))

    def subscribe(self, *types: str, name: str, **options: Any) -> Iterator[SyncDelivery]:
        """The events of a pulled subscription; leaving the loop (`break`) releases what is held."""
        deliveries = self._client.subscribe(*types, name=name, **options)
        try:
            while True:
                yield SyncDelivery(self._wait(anext(deliveries)), self._wait)
        finally:
            self._wait(deliveries.close())

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop.result()[0]).result()

    async def _run(self) -> None:
        async with self._client:
            ended = asyncio.Event()
            self._loop.set_result((asyncio.get_running_loop(), ended))
            await ended.wait()
