"""Handing events in: one, several, or each by itself; at the nodes of a hub, or at a sink (K_SINK).

A hub stores a batch whole or not at all. `each` sends again without those that it refused, so that one
bad event does not keep back the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import msgspec

from chappe.client.hub_client import HubClient
from chappe.client.nodes import Nodes
from chappe.client.sink_client import SinkClient
from chappe.client.views import BatchReceipt, Receipt
from chappe.domain.errors import CallerError, ChappeError, InvalidBatch, TooLarge

MOST_EVENTS: Final = 500
MOST_BYTES: Final = 4 * 1024 * 1024
"""Half of what a hub takes in one request, if its operator has set nothing."""


class Intake(Protocol):
    """Where events go; all of them in the JSON format."""

    async def one(self, event: bytes, channel: str) -> Receipt:
        """Hand in one.

        Raises:
            CallerError: it is refused.
            Unavailable: it may or may not have been stored.
        """
        ...

    async def batch(self, events: Sequence[bytes], channel: str) -> BatchReceipt:
        """Hand in several: all of them are stored, or none.

        Raises:
            InvalidBatch: with the error of each that is refused.
            Unavailable: they may or may not have been stored.
        """
        ...

    async def each(self, events: Sequence[bytes], channel: str) -> list[Receipt | ChappeError]:
        """Hand in several; for each what became of it."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class HubIntake:
    """A hub: what it takes is on disk, and an event that is sent twice is stored once."""

    def __init__(self, nodes: Nodes[HubClient]) -> None:
        self._nodes = nodes

    async def one(self, event: bytes, channel: str) -> Receipt:
        """See Intake."""
        answer = await self._nodes.ask(lambda hub: hub.publish_json(event, channel=channel))
        return _receipt(answer.body)

    async def batch(self, events: Sequence[bytes], channel: str) -> BatchReceipt:
        """See Intake."""
        answer = await self._nodes.ask(lambda hub: hub.publish_json_batch(events, channel=channel))
        return msgspec.json.decode(answer.body, type=BatchReceipt)

    async def each(self, events: Sequence[bytes], channel: str) -> list[Receipt | ChappeError]:
        """See Intake."""
        told: list[Receipt | ChappeError] = []
        for part in parts(events):
            told += await self._part(part, channel)
        return told

    async def close(self) -> None:
        """See Intake."""
        await self._nodes.close()

    async def _part(self, events: Sequence[bytes], channel: str) -> Sequence[Receipt | ChappeError]:
        if len(events) == 1:
            try:
                return [await self.one(events[0], channel)]
            except ChappeError as exc:
                return [exc]
        try:
            return _receipts(await self.batch(events, channel))
        except InvalidBatch as exc:
            refused = exc.errors
        except TooLarge:
            middle = len(events) // 2
            first = await self._part(events[:middle], channel)
            return [*first, *await self._part(events[middle:], channel)]
        except ChappeError as exc:
            return [exc] * len(events)
        kept = [event for index, event in enumerate(events) if index not in refused]
        if not refused or not kept:
            return [refused.get(index, _UNTOLD) for index in range(len(events))]
        others = iter(await self._part(kept, channel))
        return [
            refused[index] if index in refused else next(others) for index in range(len(events))
        ]


class SinkIntake:
    """Any sink of CloudEvents: events go one by one, and nothing is known of positions."""

    def __init__(self, nodes: Nodes[SinkClient]) -> None:
        self._nodes = nodes

    async def one(self, event: bytes, channel: str) -> Receipt:
        """See Intake; the address says where events go, so the channel says nothing."""
        answer = await self._nodes.ask(lambda sink: sink.send_json(event))
        try:
            return _receipt(answer.body)
        except msgspec.MsgspecError:
            return Receipt(position="")

    async def batch(self, events: Sequence[bytes], channel: str) -> BatchReceipt:
        """See Intake, but for all or none: those before the one that is refused have gone."""
        receipts = [await self.one(event, channel) for event in events]
        return BatchReceipt(positions=[receipt.position for receipt in receipts])

    async def each(self, events: Sequence[bytes], channel: str) -> list[Receipt | ChappeError]:
        """See Intake."""
        told: list[Receipt | ChappeError] = []
        for event in events:
            try:
                told.append(await self.one(event, channel))
            except ChappeError as exc:
                told.append(exc)
        return told

    async def close(self) -> None:
        """See Intake."""
        await self._nodes.close()


_UNTOLD: Final = CallerError("the batch was refused, and the hub did not say which event it was")


def parts(events: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """The events in order, in pieces that a request can hold."""
    part: list[bytes] = []
    size = 0
    for event in events:
        if part and (len(part) == MOST_EVENTS or size + len(event) > MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(event)
        size += len(event)
    if part:
        yield part


def _receipt(body: bytes) -> Receipt:
    return msgspec.json.decode(body, type=Receipt)


def _receipts(stored: BatchReceipt) -> list[Receipt | ChappeError]:
    duplicates = frozenset(stored.duplicates)
    held = {one.index: one.channel for one in stored.quarantined}
    return [
        Receipt(
            position=position,
            duplicate=index in duplicates,
            warnings=[one for one in stored.warnings if one.index == index],
            quarantine=held.get(index),
        )
        for index, position in enumerate(stored.positions)
    ]
