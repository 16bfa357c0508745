"""The clients: publishers that send until they are answered, and one that keeps declaring things."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from random import Random

from tests.chaos.http import Answer, Client, NoAnswer
from tests.chaos.ledger import Ledger, Sent
from tests.chaos.sinks import REFUSED_TYPE

AGAIN_S = 0.05
SOURCE = "/chaos"
_TYPES = ("chaos.order", "chaos.order", "chaos.note")


class Publisher:
    """One connection that sends events, singly or `batch` at a time, each until it is answered 202."""

    def __init__(
        self, client: Client, ledger: Ledger, random: Random, *, batch: int = 1, pause_s: float
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._random = random
        self._batch = batch
        self._pause_s = pause_s

    async def run(self, stopped: Callable[[], bool]) -> None:
        """Publish until told to stop; what is under way then is still brought to its end."""
        while not stopped():
            events = [self._event() for _ in range(self._random.randint(1, self._batch))]
            while not await self._published(events):
                self._ledger.sent_again += len(events)
                await asyncio.sleep(AGAIN_S)
            await asyncio.sleep(self._random.uniform(0, 2 * self._pause_s))
        await self._client.close()

    def _event(self) -> Sent:
        number = self._ledger.number()
        type_ = REFUSED_TYPE if number % 97 == 0 else self._random.choice(_TYPES)
        region = self._random.choice(("eu", "us"))
        event = Sent(number, type_, f"{region}-{self._random.randrange(40)}")
        self._ledger.sent[event.id] = event
        return event

    async def _published(self, events: Sequence[Sent]) -> bool:
        try:
            answer = await (self._one(events[0]) if self._batch == 1 else self._many(events))
        except NoAnswer:
            return False
        if answer.status != 202:
            self._ledger.refused(answer.status, answer.body)
            return False
        said = answer.json()
        if self._batch == 1:
            self._ledger.acknowledge(events[0], said["position"], duplicate=said["duplicate"])
        else:
            for index, (event, position) in enumerate(zip(events, said["positions"], strict=True)):
                self._ledger.acknowledge(event, position, duplicate=index in said["duplicates"])
        return True

    async def _one(self, event: Sent) -> Answer:
        headers = {
            "ce-specversion": "1.0",
            "ce-id": event.id,
            "ce-source": SOURCE,
            "ce-type": event.type,
            "ce-subject": event.subject,
            "Content-Type": "application/json",
        }
        return await self._client.ask("POST", "/events", headers, b'{"n": %d}' % event.number)

    async def _many(self, events: Sequence[Sent]) -> Answer:
        batch = [
            {
                "specversion": "1.0",
                "id": event.id,
                "source": SOURCE,
                "type": event.type,
                "subject": event.subject,
                "data": {"n": event.number},
            }
            for event in events
        ]
        kind = {"Content-Type": "application/cloudevents-batch+json"}
        return await self._client.ask("POST", "/events", kind, json.dumps(batch).encode())


class Registrar:
    """Declares schemas, makes idle subscriptions, and changes those that are at work."""

    def __init__(self, client: Client, ledger: Ledger, *, at_work: dict[str, str]) -> None:
        self._client = client
        self._ledger = ledger
        self._at_work = at_work
        """Ids of the subscriptions that get the load, by name."""

    async def run(self, stopped: Callable[[], bool]) -> None:
        """One write after another, each remembered only if it was answered."""
        turn = 0
        while not stopped():
            turn += 1
            try:
                await self._write(turn)
            except NoAnswer:
                await asyncio.sleep(AGAIN_S)
            await asyncio.sleep(0.15)
        await self._client.close()

    async def _write(self, turn: int) -> None:
        match turn % 3:
            case 0:
                type_ = f"chaos.declared.{turn}"
                path = f"/messagegroups/chaos/messages/{type_}"
                schema = {"type": "object", "title": str(turn)}
                document = {
                    "envelope": "CloudEvents/1.0",
                    "envelopemetadata": {"type": {"value": type_}},
                    "dataschemaformat": "JSONSchema/draft-07",
                    "dataschema": schema,
                    "validation": "enforce",
                }
                if self._done(await self._client.ask_json("PUT", path, document)):
                    self._ledger.declarations.add(path)
            case 1:
                idle = {
                    "sink": "http://127.0.0.1:9/idle",
                    "protocol": "HTTP",
                    "types": [f"chaos.idle.{turn}"],
                }
                answer = await self._client.ask_json("POST", "/subscriptions", idle)
                if self._done(answer):
                    self._ledger.subscriptions.add(answer.json()["id"])
            case _:
                names = sorted(self._at_work)
                id_ = self._at_work[names[turn % len(names)]]
                path = f"/subscriptions/{id_}"
                found = await self._client.ask("GET", path)
                if self._done(found):
                    changed = found.json() | {"timeout_s": 10 + turn % 5}
                    del changed["epoch"]
                    self._done(await self._client.ask_json("PUT", path, changed))

    def _done(self, answer: Answer) -> bool:
        if answer.status >= 300:
            self._ledger.refused(answer.status, answer.body)
        return answer.status < 300
