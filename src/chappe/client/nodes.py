"""The nodes of one hub: each call goes to the one that answered last, and to the next where it does not.

    nodes = Nodes([HubClient(a), HubClient(b)], Retry())
    receipt = await nodes.ask(lambda hub: hub.publish(event))

Not more than `max_in_flight` calls are under way; who comes then waits for a place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from math import inf
from typing import Generic, Protocol, TypeVar

from chappe.client.ambient import SystemTime, drawn
from chappe.client.trying import Retry, Time, trying
from chappe.domain.errors import Unavailable

T = TypeVar("T")


class Closing(Protocol):
    """Something with connections."""

    async def close(self) -> None:
        """Close them."""
        ...


NodeT = TypeVar("NodeT", bound=Closing)


class Nodes(Generic[NodeT]):
    """Several ways to the same hub; safe to be used by many tasks at a time."""

    def __init__(
        self,
        nodes: Sequence[NodeT],
        retry: Retry,
        *,
        max_in_flight: int = 64,
        time: Time | None = None,
    ) -> None:
        self._nodes = nodes
        self.retry = retry
        self._places = asyncio.Semaphore(max_in_flight)
        self._time = time or SystemTime()
        self._good = 0

    async def ask(self, once: Callable[[NodeT], Awaitable[T]]) -> T:
        """The answer of the first node that gives one, until the deadline.

        `once` is called again after a failure: it must be something that may happen twice.

        Raises:
            CallerError: the hub refuses it; no other node is asked.
            Unavailable: no node did it before the deadline; it may have happened nevertheless.
        """
        async with self._places:
            return await self._ask(once, self.retry)

    async def ask_patiently(self, once: Callable[[NodeT], Awaitable[T]]) -> T:
        """The same without a deadline, and without taking a place: for what waits in the background."""
        return await self._ask(once, replace(self.retry, deadline_s=inf))

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._nodes)

    @property
    def present(self) -> NodeT:
        """The node that answered last."""
        return self._nodes[self._good]

    def leave(self) -> None:
        """The present node does not do: the next one is asked first."""
        self._good = (self._good + 1) % len(self._nodes)

    async def close(self) -> None:
        """Close the connections to all nodes."""
        for node in self._nodes:
            await node.close()

    async def _ask(self, once: Callable[[NodeT], Awaitable[T]], retry: Retry) -> T:
        until_s = self._time.monotonic_s() + retry.deadline_s

        async def at(node: int) -> T:
            left_s = until_s - self._time.monotonic_s()
            try:
                # Waiting for one answer must not outlast what is left for all of them.
                async with asyncio.timeout(left_s if 0 < left_s < inf else None):
                    answer = await once(self._nodes[node])
            except TimeoutError as exc:
                raise Unavailable(
                    f"the hub does not answer: none within {retry.deadline_s:g} s"
                ) from exc
            self._good = node
            return answer

        return await trying(
            at,
            retry,
            nodes=len(self._nodes),
            first=self._good,
            time=self._time,
            drawn=drawn,
        )
