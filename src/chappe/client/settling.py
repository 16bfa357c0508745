"""Settling pulled events: what is said at the same time goes to the hub in one request.

A request is under way, and whoever comes meanwhile waits for the next one, which takes them all:
one consumer settles at once, a hundred share a request.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from chappe.client.hub_client import HubClient
from chappe.client.nodes import Nodes
from chappe.client.pulling import Pulling, Settled
from chappe.domain.errors import ChappeError, Unavailable

_MOST: Final = 1_000
_log = logging.getLogger("chappe.client")


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The event is done."""


@dataclass(frozen=True, slots=True)
class Release:
    """The event comes again."""

    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Reject:
    """The event becomes a dead letter."""

    reason: str | None = None


Word: TypeAlias = Acknowledge | Release | Reject


@dataclass(slots=True)
class Settling:
    """Says of lock tokens what became of their events, one request at a time."""

    nodes: Nodes[HubClient]
    subscription: str
    _waiting: dict[Word, dict[str, asyncio.Future[bool]]] = field(default_factory=dict)
    _some: asyncio.Event = field(default_factory=asyncio.Event)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, word: Word, token: str) -> asyncio.Future[bool]:
        """Say it soon; the future tells whether the hub had the event still locked by the token.

        The future's error is Unavailable: no node took the word, and the event comes again.
        """
        told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(word, {})[token] = told
        self._idle.clear()
        self._some.set()
        return told

    async def flushed(self) -> None:
        """Wait until all that was put has been said, or could not be."""
        while self._waiting:
            await self._idle.wait()

    async def run(self) -> None:
        """Say what is put, until it is cancelled; what has not been said then fails."""
        try:
            while True:
                await self._some.wait()
                word, told = next(iter(self._waiting.items()))
                tokens = dict(list(told.items())[:_MOST])
                await self._say(word, tokens)
                for token in tokens:
                    del told[token]
                if not told:
                    del self._waiting[word]
                if not self._waiting:
                    self._some.clear()
                    self._idle.set()
        finally:
            for told in self._waiting.values():
                for future in told.values():
                    _fail(future, Unavailable("the client was closed before the hub answered"))

    async def _say(self, word: Word, told: Mapping[str, asyncio.Future[bool]]) -> None:
        tokens = list(told)
        try:
            settled = await self.nodes.ask(
                lambda hub: _said(Pulling(hub, self.subscription), word, tokens)
            )
        except ChappeError as exc:
            for future in told.values():
                _fail(future, exc)
            return
        lost = {
            # "settled": the first answer to the same word was lost on its way.
            one.locktoken: one.detail
            for one in settled.failed
            if one.code != "settled"
        }
        for token, future in told.items():
            if token in lost:
                _log.info("%s: a lock did not hold: %s", self.subscription, lost[token])
            if not future.done():
                future.set_result(token not in lost)


def _fail(future: asyncio.Future[bool], error: ChappeError) -> None:
    if not future.done():
        future.set_exception(error)


async def _said(pulling: Pulling, word: Word, tokens: Sequence[str]) -> Settled:
    match word:
        case Acknowledge():
            return await pulling.acknowledge(tokens)
        case Release(delay_s):
            return await pulling.release(tokens, delay_s=delay_s)
        case Reject(reason):
            return await pulling.reject(tokens, reason=reason)
