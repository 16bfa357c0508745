"""Publishing in the background: events gather for some milliseconds and go together.

    async with hub.publisher(linger_ms=5) as publisher:
        receipt = await publisher.publish("order.paid", {"total": 12}, source="/shop")     # on disk
        pending = await publisher.put("order.paid", {"total": 8}, source="/shop")          # on its way
        receipt = await pending

One batch is under way at a time, so events are stored in the order in which they were put; the next one
gathers meanwhile. `put` waits only while `max_waiting` events are on their way. Leaving the block sends
all that is left; events that nobody asked after and that failed are raised then.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Generator
from types import TracebackType
from typing import Any, Final, TypeAlias, Unpack

from chappe.client.drafts import UNSET, Beside, EventLike
from chappe.client.intake import MOST_BYTES, Intake
from chappe.client.views import Receipt
from chappe.domain.errors import ChappeError, Malformed, Unavailable
from chappe.domain.event import Event
from chappe.formats import cloudevents_json
from chappe.kit.supervise import Supervisor

Make: TypeAlias = Callable[[str | EventLike, object, Beside], Event]

_MOST_BATCH: Final = 1_000
_MOST_ERRORS: Final = 100
_log = logging.getLogger("chappe.client")


class Pending:
    """An event on its way; awaited it gives the receipt, or raises what kept the event from the disk."""

    __slots__ = ("_asked", "_told", "body", "id")

    def __init__(self, id_: str, body: bytes) -> None:
        self.id = id_
        self.body = body
        self._asked = False
        self._told: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()

    def __await__(self) -> Generator[Any, None, Receipt]:
        self._asked = True
        # Shielded: the event goes, whether or not somebody still waits for it.
        return asyncio.shield(self._told).__await__()

    @property
    def done(self) -> bool:
        """Whether it is known what became of it."""
        return self._told.done()

    def tell(self, what: Receipt | ChappeError) -> None:
        """What became of it."""
        if self._told.done():
            return
        if isinstance(what, Receipt):
            self._told.set_result(what)
        else:
            self._told.set_exception(what)

    def unheard(self) -> ChappeError | None:
        """The error that nobody has asked after."""
        error = self._told.exception() if self._told.done() else None
        return error if isinstance(error, ChappeError) and not self._asked else None


class Publisher:
    """A queue of events and the task that sends them."""

    def __init__(
        self,
        intake: Intake,
        make: Make,
        supervisor: Supervisor,
        *,
        channel: str,
        linger_s: float,
        max_batch: int,
        max_waiting: int,
    ) -> None:
        if not 1 <= max_batch <= _MOST_BATCH:
            raise Malformed(f"max_batch: {max_batch} is not from 1 to {_MOST_BATCH}")
        if max_waiting < max_batch:
            raise Malformed(f"max_waiting: {max_waiting} is less than max_batch, {max_batch}")
        if linger_s < 0:
            raise Malformed(f"linger_ms: {linger_s * 1000:g} is less than 0")
        self._intake = intake
        self._make = make
        self._supervisor = supervisor
        self._channel = channel
        self._linger_s = linger_s
        self._max_batch = max_batch
        self._places = asyncio.Semaphore(max_waiting)
        self._waiting: deque[Pending] = deque()
        self._failed: deque[Pending] = deque(maxlen=_MOST_ERRORS)
        self._changed = asyncio.Event()
        self._full = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._flushing = 0
        self.is_closed = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Publisher:
        self._task = self._supervisor.start_soon(self._run(), name=f"publisher {self._channel}")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
        unheard = [error for one in self._failed if (error := one.unheard()) is not None]
        if exc_type is None and unheard:
            raise ExceptionGroup("events were not published", unheard)

    async def publish(
        self,
        event: str | EventLike,
        data: object = UNSET,
        **beside: Unpack[Beside],
    ) -> Receipt:
        """Hand in one event with others; once this returns, it is on disk. Raises as Client.publish."""
        return await (await self.put(event, data, **beside))

    async def put(
        self,
        event: str | EventLike,
        data: object = UNSET,
        **beside: Unpack[Beside],
    ) -> Pending:
        """Have an event sent; it waits only where too many are on their way.

        Raises:
            InvalidEvent, Malformed: it is no event; what the hub says, the Pending raises.
            Unavailable: the publisher is closed.
        """
        made = self._make(event, data, beside)
        pending = Pending(made.id, cloudevents_json.encode(made))
        await self._places.acquire()
        if self._task is None or self.is_closed:
            self._places.release()
            raise Unavailable("the publisher is closed; publish inside of its block")
        self._waiting.append(pending)
        self._idle.clear()
        self._changed.set()
        if len(self._waiting) >= self._max_batch:
            self._full.set()
        return pending

    async def flush(self) -> None:
        """Send what waits, without lingering, and wait until it is known what became of all."""
        self._flushing += 1
        self._full.set()
        try:
            await self._idle.wait()
        finally:
            self._flushing -= 1

    async def close(self) -> None:
        """Send what is left, and end. Does nothing the second time."""
        self.is_closed = True
        task = self._task
        if task is None:
            return
        try:
            await self.flush()
        finally:
            self._task = None
            task.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        batch: list[Pending] = []
        try:
            while True:
                await self._changed.wait()
                await self._linger()
                batch = self._next_batch()
                told = await self._intake.each([one.body for one in batch], self._channel)
                for one, what in zip(batch, told, strict=True):
                    self._tell(one, what)
                batch = []
                if self.is_closed and all(isinstance(what, Unavailable) for what in told):
                    # Not one deadline after another: what the hub could not do it will not do now.
                    while self._waiting:
                        self._tell(self._waiting.popleft(), told[0])
                if not self._waiting:
                    self._changed.clear()
                    self._idle.set()
        finally:
            for one in (*batch, *self._waiting):
                self._tell(one, Unavailable("the publisher was closed before the hub answered"))

    async def _linger(self) -> None:
        if self._flushing or len(self._waiting) >= self._max_batch or not self._linger_s:
            return
        self._full.clear()
        try:
            async with asyncio.timeout(self._linger_s):
                await self._full.wait()
        except TimeoutError:
            pass

    def _next_batch(self) -> list[Pending]:
        batch: list[Pending] = []
        size = 0
        while self._waiting and len(batch) < self._max_batch:
            size += len(self._waiting[0].body)
            if batch and size > MOST_BYTES:
                break
            batch.append(self._waiting.popleft())
        return batch

    def _tell(self, one: Pending, what: Receipt | ChappeError) -> None:
        self._places.release()
        one.tell(what)
        error = one.unheard()
        if error is not None:
            self._failed.append(one)
            _log.warning("event %s was not published: %s", one.id, error.message)
