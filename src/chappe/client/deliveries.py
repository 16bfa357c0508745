"""Events of a pulled subscription, one after another; each is this consumer's until it settles it.

    async with hub.subscribe("order.*", name="billing") as deliveries:
        async for delivery in deliveries:
            await handle(delivery.data())
            await delivery.ack()

Three tasks work behind the loop: one receives ahead (at most `prefetch` events are held, in the buffer
or by whoever handles them), one renews their locks, one settles. Leaving the block ends them: what was
received and not settled is released, and comes to the next consumer at once.

A hub that does not answer is waited for; only what the caller can mend ends the loop with an error.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Final

from chappe.client.arrived import Arrived
from chappe.client.hub_client import HubClient
from chappe.client.nodes import Nodes
from chappe.client.pulling import Pulling, Received
from chappe.client.settling import Acknowledge, Reject, Release, Settling, Word
from chappe.client.standing import Standing
from chappe.domain.errors import ChappeError, Malformed
from chappe.domain.event import Event
from chappe.formats import cloudevents_json
from chappe.kit.supervise import Supervisor

WAIT_S: Final = 20.0
_MOST: Final = 1_000
_CLOSING_S: Final = 10.0
_log = logging.getLogger("chappe.client")


class Delivery(Arrived):
    """An event that is this consumer's as long as its lock is renewed; settle it once.

    `count` is the how-manieth time the event was given to anybody.
    """

    __slots__ = ("_deliveries", "_since_s", "_told", "count", "token")

    def __init__(
        self, event: Event, received: Received, deliveries: Deliveries, since_s: float
    ) -> None:
        super().__init__(event, received.position)
        self.count = received.deliverycount
        self.token = received.locktoken
        self._deliveries = deliveries
        self._since_s = since_s
        self._told: asyncio.Future[bool] | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is held still: neither settled nor lost to another consumer."""
        return self._deliveries.holds(self)

    async def ack(self) -> bool:
        """The event is done; once this returns True, it does not come again.

        False: the lock had been lost, and the event came to a consumer again.

        Raises:
            Unavailable: no node answered in time; the event may come again.
        """
        return await self._settle(Acknowledge())

    def ack_soon(self) -> None:
        """The same without waiting: said together with others, at the latest when the block is left."""
        self._deliveries.settle(self, Acknowledge()).add_done_callback(_unheard)

    async def release(self, delay_s: float = 0.0) -> bool:
        """The event comes again, after the delay; for what may work later. Answers as `ack`."""
        return await self._settle(Release(delay_s))

    async def reject(self, reason: str | None = None) -> bool:
        """The event becomes a dead letter; for what can never work. Answers as `ack`."""
        return await self._settle(Reject(reason))

    async def _settle(self, word: Word) -> bool:
        # Shielded: a caller that is cancelled has said it nevertheless.
        return await asyncio.shield(self._deliveries.settle(self, word))


class Deliveries:
    """The consumer's end of one subscription; a block (`async with`) and an iterator (`async for`)."""

    def __init__(
        self,
        nodes: Nodes[HubClient],
        supervisor: Supervisor,
        standing: Standing,
        *,
        prefetch: int,
        renew_for_s: float,
    ) -> None:
        if not 1 <= prefetch <= _MOST:
            raise Malformed(f"prefetch: {prefetch} is not from 1 to {_MOST}")
        self._nodes = nodes
        self._supervisor = supervisor
        self._standing = standing
        self._prefetch = prefetch
        self._renew_for_s = renew_for_s
        self._settling = Settling(nodes, standing.name)
        self._buffer: deque[Delivery] = deque()
        # By position: who is given an event again has lost it before.
        self._held: dict[str, Delivery] = {}
        self._came = asyncio.Event()
        self._room = asyncio.Event()
        self._hungry = 0
        self._tasks: list[asyncio.Task[None]] = []
        self.ended: ChappeError | None = None
        """What ended it; None: it goes on, or was stopped."""
        self._closed = False

    @property
    def name(self) -> str:
        """The subscription's id."""
        return self._standing.name

    @property
    def is_closed(self) -> bool:
        """Whether it has ended, and settles nothing more."""
        return self._closed and not self._tasks

    async def __aenter__(self) -> Deliveries:
        await self._begin()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __aiter__(self) -> Deliveries:
        return self

    async def __anext__(self) -> Delivery:
        """The next event; it waits for one, for ever if need be.

        Raises:
            StopAsyncIteration: `stop` or `close` was called.
            CallerError: the hub refuses, such as NotFound where the subscription was ended.
        """
        delivery = await self.next()
        if delivery is not None:
            return delivery
        if self.ended is not None:
            raise self.ended
        raise StopAsyncIteration

    async def next(self) -> Delivery | None:
        """The next event, or None: there will be none, by `ended` or because it was stopped."""
        if not self._tasks and not self._closed:
            await self._begin()
        while True:
            while self._buffer:
                delivery = self._buffer.popleft()
                if delivery.is_open:
                    return delivery
            if self._closed or self.ended is not None:
                return None
            self._came.clear()
            self._hungry += 1
            self._room.set()
            try:
                await self._came.wait()
            finally:
                self._hungry -= 1

    def holds(self, delivery: Delivery) -> bool:
        """Whether the delivery is neither settled nor lost."""
        return self._held.get(delivery.position) is delivery

    def settle(self, delivery: Delivery, word: Word) -> asyncio.Future[bool]:
        """Say what became of a delivery. Who says it twice hears what became of the first word."""
        if delivery._told is None:
            if self.is_closed:
                raise Malformed(f"{delivery!r}: its subscription was closed, which released it")
            delivery._told = self._settling.put(word, delivery.token)
            self._let_go(delivery)
        return delivery._told

    async def stop(self) -> None:
        """Receive nothing more; what is in the buffer is released, what is being handled goes on."""
        self._closed = True
        if self._tasks:
            receiving = self._tasks[0]
            receiving.cancel()
            await asyncio.wait([receiving])
        # At once, and last in first: the hub gives them to others in the order of the log.
        while self._buffer:
            delivery = self._buffer.pop()
            if delivery.is_open:
                self.settle(delivery, Release()).add_done_callback(_unheard)
        self._came.set()

    async def close(self) -> None:
        """Settle what was put, release the rest, and end. Does nothing the second time."""
        if not self._closed:
            await self.stop()
        if not self._tasks:
            return
        for delivery in list(self._held.values()):
            self.settle(delivery, Release()).add_done_callback(_unheard)
        try:
            async with asyncio.timeout(_CLOSING_S):
                await self._settling.flushed()
        except TimeoutError:
            _log.warning("%s: the hub does not answer; what is held comes again later", self.name)
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        self._tasks.clear()

    async def _begin(self) -> None:
        if self._tasks:
            return
        lock_s = await self._standing.stand(self._nodes)
        if self._tasks or self._closed:
            return
        self._tasks += [
            self._supervisor.start_soon(work, name=f"{name} {self.name}")
            for name, work in (
                ("receive", self._receive()),
                ("renew", self._renew(lock_s)),
                ("settle", self._settling.run()),
            )
        ]

    async def _receive(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                while not self._has_room():
                    self._room.clear()
                    await self._room.wait()
                received = await self._nodes.ask_patiently(self._receive_some)
                for one in received:
                    event = cloudevents_json.decode(bytes(one.event))
                    delivery = Delivery(event, one, self, loop.time())
                    self._held[delivery.position] = delivery
                    self._buffer.append(delivery)
                if received:
                    self._came.set()
        except ChappeError as exc:
            self.ended = exc
            self._came.set()

    def _has_room(self) -> bool:
        """Half of the room at a time, not one request for each event; less if somebody waits."""
        held = len(self._held)
        if self._hungry and not self._buffer:
            return held < self._prefetch
        return held <= self._prefetch // 2 and held < self._prefetch

    async def _receive_some(self, hub: HubClient) -> Sequence[Received]:
        most = self._prefetch - len(self._held)
        return await Pulling(hub, self.name).receive(max_events=most, wait_s=WAIT_S)

    async def _renew(self, lock_s: float) -> None:
        loop = asyncio.get_running_loop()
        tick_s = lock_s / 3
        while True:
            await asyncio.sleep(tick_s)
            now_s = loop.time()
            # A lock of less than half a tick will be renewed at the next one, well before it ends.
            due = [
                one
                for one in self._held.values()
                if tick_s / 2 <= now_s - one._since_s <= self._renew_for_s
            ]
            await self._renew_all(due)

    async def _renew_all(self, due: Sequence[Delivery]) -> None:
        tokens = [one.token for one in due]
        if not tokens:
            return
        try:
            said = await self._nodes.ask(lambda hub: Pulling(hub, self.name).renew_locks(tokens))
        except ChappeError as exc:
            # Not the end: the locks may hold at the next node, and whoever acknowledges will hear.
            _log.warning("%s: locks could not be renewed: %s", self.name, exc.message)
            return
        failed = {one.locktoken: one.detail for one in said.failed}
        for one in due:
            if one.token in failed and one.is_open:
                _log.info("%r: its lock was lost: %s", one, failed[one.token])
                self._let_go(one)

    def _let_go(self, delivery: Delivery) -> None:
        if delivery.is_open:
            del self._held[delivery.position]
            self._room.set()


def _unheard(told: asyncio.Future[bool]) -> None:
    """Nobody waits for the answer: what went wrong is logged."""
    if not told.cancelled() and (error := told.exception()) is not None:
        _log.warning("an event was not settled, and comes again: %s", error)
