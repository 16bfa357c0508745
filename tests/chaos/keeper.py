"""Who looks after the subscriptions with features: pauses, resumes, lets go on what was disabled, replays."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random

from tests.chaos.features import FEATURES
from tests.chaos.http import Client, NoAnswer
from tests.chaos.hub import HubProcess
from tests.chaos.ledger import Ledger, Tally

EVERY_S = 0.3
AGAIN_S = 0.1
WITHIN_S = 30.0
_TRANSIENT = (409, 412, 500, 503)


def subscribed_features(shards: int) -> Sequence[str]:
    """The names of those that are subscribed to from the beginning; some need a channel of one shard."""
    return [
        name
        for name, feature in FEATURES.items()
        if name != "replayed" and (shards == 1 or not feature.one_shard)
    ]


class Keeper:
    """Pauses and resumes `paused`, and takes `disabled` away wherever a 410 put it."""

    def __init__(self, client: Client, ids: Mapping[str, str], random: Random) -> None:
        self._client = client
        self._ids = ids
        self._random = random
        self.pauses = 0
        self.enabled_again = 0

    async def run(self, stopped: Callable[[], bool]) -> None:
        """Until told to stop; then everything goes on, and nothing is disabled any more."""
        paused = False
        while not stopped():
            await asyncio.sleep(EVERY_S)
            if self._random.random() < 0.3:
                paused = not paused
                self.pauses += paused
                await self._ask("pause" if paused else "resume")
            await self._enable()
        await self._surely(lambda: self._ask("resume"))
        await self._surely(self._enable)

    async def tend(self) -> None:
        """Once more: a 410 that was on its way when it stopped is told to the hub after that."""
        await self._enable()

    async def close(self) -> None:
        """Hang up."""
        await self._client.close()

    async def _ask(self, what: str) -> bool:
        return await self._done("POST", f"/subscriptions/{self._ids['paused']}/{what}") is not None

    async def _enable(self) -> bool:
        path = f"/subscriptions/{self._ids['gone']}"
        found = await self._done("GET", path)
        if found is None or "disabled" not in found:
            return found is not None
        changed = {key: value for key, value in found.items() if key not in ("disabled", "epoch")}
        changed.pop("status", None)
        self.enabled_again += 1
        return await self._done("PUT", path, changed) is not None

    async def _done(self, method: str, path: str, value: object = None) -> dict[str, object] | None:
        try:
            answer = await self._client.ask_json(method, path, value)
        except NoAnswer:
            return None
        if answer.status in _TRANSIENT:
            return None
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.body[:300]!r}"
        document: dict[str, object] = answer.json()
        return document

    async def _surely(self, ask: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not await ask():  # noqa: ASYNC110 - the hub is another process
                await asyncio.sleep(AGAIN_S)


async def replayed(hub: HubProcess, ledger: Ledger, id_: str, sink: str) -> None:
    """Ask for everything that was acknowledged until now once more, at another sink."""
    had = frozenset(ledger.acknowledged)
    ledger.tallies["replayed"] = Tally(lambda event: event.id in had)
    client = hub.client()
    path = f"/subscriptions/{id_}/replay"
    document = {"from": "earliest", "sink": sink, "protocol": "HTTP"}
    try:
        async with asyncio.timeout(WITHIN_S):
            while not await _asked(client, path, document):  # noqa: ASYNC110 - another process
                await asyncio.sleep(AGAIN_S)
    finally:
        await client.close()


async def _asked(client: Client, path: str, document: object) -> bool:
    try:
        answer = await client.ask_json("POST", path, document)
    except NoAnswer:
        return False  # it may have been made: then the sink gets everything twice
    assert answer.status in (201, *_TRANSIENT), answer.body
    return answer.status == 201
