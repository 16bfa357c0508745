"""The links of an AMQP connection: who waits for credit, who for an outcome, what comes in."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias

from proton import Condition, Delivery, Link, Receiver, Sender, symbol

from chappe.kit.dial import NotConnected

Mode: TypeAlias = Literal["settled", "unsettled"]
State: TypeAlias = Literal["accepted", "rejected", "released", "modified", "unknown"]
_STATES: Final[Mapping[int, State]] = {
    Delivery.ACCEPTED: "accepted",
    Delivery.REJECTED: "rejected",
    Delivery.RELEASED: "released",
    Delivery.MODIFIED: "modified",
}


class TooLarge(Exception):
    """The message is larger than the receiver takes; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a link leads; without `link_name` its name is made up. `properties` are pairs: it is a key."""

    address: str
    link_name: str | None = None
    mode: Mode = "unsettled"
    properties: tuple[tuple[str, str | int | float | bool], ...] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a message: its outcome, with the receiver's reason."""

    state: State
    condition: str = ""
    description: str = ""
    undeliverable: bool = False


class _Engine(Protocol):
    """The connection, as its links see it."""

    def turn(self) -> None:
        """Let the engine work soon."""
        ...

    def tire(self) -> None:
        """A message waited in vain for its outcome."""
        ...


class Sending:
    """A link on which we send: who waits for credit, and who for an outcome."""

    def __init__(self, target: Target, link: Sender, connection: _Engine) -> None:
        self._target = target
        self._link = link
        self._connection = connection
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._unsettled: dict[str, asyncio.Future[Settled]] = {}
        self._sent = 0
        self._ended = ""
        link.target.address = target.address
        link.source.address = link.name
        settled = target.mode == "settled"
        link.snd_settle_mode = Link.SND_SETTLED if settled else Link.SND_UNSETTLED
        if target.properties:
            link.properties = {symbol(name): value for name, value in target.properties}
        link.open()
        connection.turn()

    @property
    def has_ended(self) -> bool:
        """Whether nothing can be sent on it any more."""
        return bool(self._ended)

    async def send(self, message: bytes) -> Settled:
        """See the connection."""
        await self._credit()
        most = self._link.remote_max_message_size
        if most and len(message) > most:
            self.on_credit()  # it was not used: the next one has it
            raise TooLarge(f"a message of {len(message)} bytes; the receiver takes {most} at most")
        self._sent += 1
        tag = f"{self._sent:x}"
        delivery = self._link.delivery(tag)
        self._link.stream(message)
        self._link.advance()
        self._connection.turn()
        if self._target.mode == "settled":
            delivery.settle()
            return Settled("accepted")
        outcome: asyncio.Future[Settled] = asyncio.get_running_loop().create_future()
        self._unsettled[tag] = outcome
        try:
            return await outcome
        except asyncio.CancelledError:
            self._connection.tire()
            raise

    def on_credit(self) -> None:
        """The receiver takes more."""
        for _ in range(self._link.credit):
            while self._waiting and self._waiting[0].done():
                self._waiting.popleft()
            if not self._waiting:
                return
            self._waiting.popleft().set_result(None)

    def on_delivery(self, delivery: Delivery) -> None:
        """The receiver says what became of a message."""
        if not delivery.updated:
            return
        state = _STATES.get(int(delivery.remote_state))
        if state is None and not delivery.settled:
            return  # `received`: it is coming in
        outcome = self._unsettled.pop(delivery.tag, None)
        remote = delivery.remote
        condition = remote.condition if state == "rejected" else None
        settled = Settled(
            state or "unknown",
            "" if condition is None else str(condition.name or ""),
            "" if condition is None else str(condition.description or ""),
            bool(remote.undeliverable) if state == "modified" else False,
        )
        delivery.settle()
        self._connection.turn()
        if outcome is not None and not outcome.done():
            outcome.set_result(settled)

    def on_end(self, reason: str) -> None:
        """The link is no more."""
        self._ended = reason
        waiting: list[asyncio.Future[None] | asyncio.Future[Settled]] = [
            *self._waiting,
            *self._unsettled.values(),
        ]
        for one in waiting:
            if not one.done():
                one.set_exception(NotConnected(reason))
                one.exception()  # seen, also where nobody waits any more
        self._waiting.clear()
        self._unsettled.clear()

    async def _credit(self) -> None:
        """Wait for the right to send one message: in turn, for credit is handed out one by one."""
        while self._ended or self._link.credit <= 0 or self._waiting:
            if self._ended:
                raise NotConnected(self._ended)
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            try:
                await waiting
            except asyncio.CancelledError:
                if waiting.done() and not waiting.cancelled():
                    self.on_credit()  # what was given in that very moment goes to the next
                raise
            if self._link.credit > 0 and not self._ended:
                return


class Receiving:
    """A link on which we receive. Each message that `take` was given is settled by one of these."""

    def __init__(
        self,
        link: Receiver,
        take: Callable[[Delivery, bytes], None],
        connection: _Engine,
    ) -> None:
        self._link = link
        self._take = take
        self._connection = connection
        self._is_stopping = False
        loop = asyncio.get_running_loop()
        self._attached: asyncio.Future[None] = loop.create_future()
        self._ended: asyncio.Future[str] = loop.create_future()

    async def wait_attached(self) -> str:
        """Wait until the other side has agreed to the link; why it has not, or ""."""
        await asyncio.wait((self._attached, self._ended), return_when=asyncio.FIRST_COMPLETED)
        return self._ended.result() if self._ended.done() else ""

    async def wait_ended(self) -> str:
        """Wait until the link is no more; why."""
        return await asyncio.shield(self._ended)

    def accept(self, delivery: Delivery) -> None:
        """It is ours now, and the next may come."""
        self._settle(delivery, Delivery.ACCEPTED, more=1)

    def reject(self, delivery: Delivery, condition: str, description: str) -> None:
        """It is of no use; the sender is told why."""
        delivery.local.condition = Condition(condition, description)
        self._settle(delivery, Delivery.REJECTED, more=1)

    def release(self, delivery: Delivery) -> None:
        """Somebody else may have it; no other comes in its place."""
        self._settle(delivery, Delivery.RELEASED)

    def stop(self) -> None:
        """No more messages: those under way may still be settled."""
        if not self._ended.done():
            self._is_stopping = True
            self._link.drain(0)
            self._connection.turn()

    def on_open(self) -> None:
        """The other side has agreed, unless it has no such node (amqp-transport-v1.0 2.6.3)."""
        if self._link.remote_source.address is not None and not self._attached.done():
            self._attached.set_result(None)

    def on_delivery(self, delivery: Delivery) -> None:
        """A message, or a part of one."""
        if delivery.aborted:
            delivery.settle()
        elif delivery.readable and not delivery.partial:
            message = bytes(self._link.recv(delivery.pending) or b"")
            self._link.advance()
            self._take(delivery, message)

    def on_end(self, reason: str) -> None:
        """The link is no more: what is not settled belongs to the other side again."""
        if not self._ended.done():
            self._ended.set_result(reason)

    def _settle(self, delivery: Delivery, state: int, *, more: int = 0) -> None:
        if self._ended.done():
            return
        delivery.update(state)
        delivery.settle()
        if more and not self._is_stopping:
            self._link.flow(more)
        self._connection.turn()


def said(condition: Condition | None) -> str:
    """`: amqp:not-found: no such queue`, or nothing."""
    if condition is None:
        return ""
    words = [str(part) for part in (condition.name, condition.description) if part]
    return f": {': '.join(words)}"[:300] if words else ""
