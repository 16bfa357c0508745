"""Pulling, as any node offers it: ask the owners of the shards, read what they give, sign the tokens.

    receive ─► each shard in turn: take ─► read the events from the log ─► tokens
       └─ nothing there? wait at all shards at once, then look again, until the time is up
    acknowledge, release, reject, renew ─► tokens by shard ─► each owner ─► a verdict for each token

While a shard has no owner (a node ended, another takes over) a question is asked again until there is
one, within the request's time.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chappe.domain.channel import Channel
from chappe.domain.errors import Conflict, NotFound, Unavailable
from chappe.domain.event import Event
from chappe.domain.position import Position
from chappe.domain.pull import Lock, Verb, Verdict
from chappe.domain.subscription import PULL, Subscription
from chappe.formats.lock_tokens import decode_token, encode_token
from chappe.formats.pull_calls import (
    Given,
    Ready,
    Settle,
    Take,
    decode_given,
    decode_ready,
    decode_verdicts,
    encode_call,
)
from chappe.kit.supervise import Supervisor
from chappe.ports.clock import Clock
from chappe.ports.event_log import EventLog
from chappe.ports.shard_calls import ShardCalls

ASK_WITHIN_S: Final = 10.0
"""For an answer of an owner that is there; one call takes some milliseconds."""

SETTLE_WITHIN_S: Final = 20.0
"""For a verdict, a takeover included: a lease that nobody renews ends after 5 s."""

WAIT_SLICE_S: Final = 3.0
"""For how long the owners are asked at a time to tell when there is an event. Not for longer: an owner
does not hear that the asker has found one elsewhere."""

LOOK_UP_S: Final = 0.5
"""Who waits for an event looks up so often whether anybody still wants the answer."""

AGAIN_S: Final = 0.2
MOST_BYTES: Final = 8 * 1024 * 1024
READ_TRIES: Final = 20
"""A replica of the engine may lag behind what the owner has read; it has caught up after a second."""


@dataclass(frozen=True, slots=True)
class Received:
    """An event that is the caller's until `until_ms` (Unix), and the token that settles it."""

    event: Event
    lock: Lock
    token: str
    until_ms: int


class Pull:
    """The consumers' side of pulled subscriptions."""

    def __init__(
        self,
        calls: ShardCalls,
        log: EventLog,
        subscriptions: Callable[[], Mapping[str, Subscription]],
        channels: Callable[[], Mapping[str, Channel]],
        clock: Clock,
        key: bytes,
    ) -> None:
        """`key` signs the tokens; it is the same on every node of the hub."""
        self._calls = calls
        self._log = log
        self._subscriptions = subscriptions
        self._channels = channels
        self._clock = clock
        self._key = key
        self._turn = itertools.count()

    async def receive(
        self, subscription_id: str, *, most: int, wait_s: float, wanted: Callable[[], bool]
    ) -> Sequence[Received]:
        """Lock events and give them, the oldest of each shard first; waits for the first one.

        Empty when there is none after `wait_s`, or when the answer is not `wanted` any more.

        Raises:
            NotFound, Conflict: there is no such subscription, or it is not pulled.
            Unavailable: no shard has an owner that answers.
        """
        until_s = self._clock.monotonic_s() + wait_s
        while True:
            subscription, channel = self._pulled(subscription_id)
            if not wanted():
                return []
            given, answered, error = await self._sweep(subscription, channel, most)
            left_s = until_s - self._clock.monotonic_s()
            if given:
                return await self._read(subscription, channel, given)
            if left_s <= 0:
                if error is not None and not answered:
                    raise error
                return []
            await self._wait(subscription, channel, min(left_s, WAIT_SLICE_S), wanted)

    async def settle(
        self,
        subscription_id: str,
        verb: Verb,
        tokens: Sequence[str],
        *,
        delay_s: float = 0.0,
        reason: str = "",
    ) -> Sequence[Verdict]:
        """Do the same with each lock; the verdicts are in the order of the tokens.

        Raises:
            NotFound, Conflict: there is no such subscription, or it is not pulled.
            Unavailable: the owner of a shard did not answer in time. What was asked for may or may not
                have been done, with each of the tokens.
        """
        subscription, channel = self._pulled(subscription_id)
        verdicts: list[Verdict] = ["invalid_token"] * len(tokens)
        of_shard: defaultdict[int, list[tuple[int, Lock]]] = defaultdict(list)
        for number, token in enumerate(tokens):
            lock = decode_token(token, subscription, self._key)
            if lock is not None and lock.position.shard < channel.shards:
                of_shard[lock.position.shard].append((number, lock))

        async def ask(shard: int, locks: Sequence[tuple[int, Lock]]) -> None:
            triples = [(one.position.block, one.position.index, one.number) for _, one in locks]
            question = Settle(subscription_id, verb, triples, delay_s, reason)
            answer = await self._asked(channel, shard, encode_call(question))
            for (number, _), verdict in zip(locks, decode_verdicts(answer), strict=True):
                verdicts[number] = verdict

        answers = await asyncio.gather(
            *(ask(shard, locks) for shard, locks in of_shard.items()), return_exceptions=True
        )
        for error in answers:
            if isinstance(error, BaseException):
                raise error
        return verdicts

    async def _sweep(
        self, subscription: Subscription, channel: Channel, most: int
    ) -> tuple[list[tuple[int, Given]], int, Unavailable | None]:
        """Take from one shard after another until there are enough; how many answered."""
        given: list[tuple[int, Given]] = []
        answered, error = 0, None
        first = next(self._turn)
        for number in range(channel.shards):
            shard = (first + number) % channel.shards
            take = Take(subscription.id, most - len(given), MOST_BYTES // channel.shards)
            try:
                answer = await self._calls.ask(
                    _name(channel, shard), encode_call(take), timeout_s=ASK_WITHIN_S
                )
            except Unavailable as exc:
                error = exc
                continue
            answered += 1
            given += [(shard, one) for one in decode_given(answer)]
            if len(given) >= most:
                break
        return given, answered, error

    async def _wait(
        self,
        subscription: Subscription,
        channel: Channel,
        wait_s: float,
        wanted: Callable[[], bool],
    ) -> None:
        """Wait until a shard has something, or for that long."""
        until_s = self._clock.monotonic_s() + wait_s
        came = asyncio.Event()

        async def look(shard: int) -> None:
            question = encode_call(Ready(subscription.id, wait_s))
            try:
                answer = await self._calls.ask(
                    _name(channel, shard), question, timeout_s=wait_s + ASK_WITHIN_S
                )
                found = decode_ready(answer)
            except Unavailable:
                await self._clock.sleep(AGAIN_S)
                found = True
            if found or self._clock.monotonic_s() < until_s:
                came.set()

        async with Supervisor() as looking:
            for shard in range(channel.shards):
                looking.start_soon(look(shard), name=f"wait {subscription.id} {shard}")
            while wanted() and not came.is_set():
                left_s = until_s - self._clock.monotonic_s()
                if left_s <= 0:
                    break
                await self._clock.wait(came, min(left_s, LOOK_UP_S))
            looking.cancel()

    async def _read(
        self,
        subscription: Subscription,
        channel: Channel,
        given: Sequence[tuple[int, Given]],
    ) -> Sequence[Received]:
        received: list[Received] = []
        for shard, one in given:
            lock = Lock(Position(shard, one.block, one.index), one.number)
            event = await self._event(channel, lock.position)
            if event is not None:  # Else it left the log just now; the owner will see it.
                token = encode_token(lock, subscription, self._key)
                received.append(Received(event, lock, token, one.until_ms))
        return received

    async def _event(self, channel: Channel, position: Position) -> Event | None:
        for _ in range(READ_TRIES):
            event = await self._log.get(channel, position)
            if event is not None:
                return event
            await self._clock.sleep(0.05)
        return None

    async def _asked(self, channel: Channel, shard: int, question: bytes) -> bytes:
        """The owner's answer; waits for an owner where there is none."""
        until_s = self._clock.monotonic_s() + SETTLE_WITHIN_S
        while True:
            try:
                return await self._calls.ask(
                    _name(channel, shard), question, timeout_s=ASK_WITHIN_S
                )
            except Unavailable:
                if self._clock.monotonic_s() >= until_s:
                    raise
            await self._clock.sleep(AGAIN_S)

    def _pulled(self, subscription_id: str) -> tuple[Subscription, Channel]:
        subscription = self._subscriptions().get(subscription_id)
        if subscription is None:
            raise NotFound(f"subscription {subscription_id!r}: there is none")
        if subscription.protocol != PULL:
            raise Conflict(
                f"subscription {subscription_id!r}: its protocol is {subscription.protocol}, so the"
                f" hub delivers; only events of protocol {PULL} are received"
            )
        return subscription, self._channels()[subscription.channel]


def _name(channel: Channel, shard: int) -> str:
    return f"{channel.name}.{shard}"
