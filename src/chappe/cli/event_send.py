"""Sending what `event_input` has read: one by one, a batch as a batch, lines in groups.

Lines are sent in groups of what is there already, so a pipe that is fed slowly waits for nothing and
a large file is not sent one round trip a line. A group with a bad event is stored up to that event.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import click
import msgspec

from chappe.cli.event_input import Batch, One
from chappe.cli.event_trace import settled
from chappe.cli.session import Session
from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.client.views import BatchReceipt, Receipt, Warned
from chappe.domain.errors import CallerError, ChappeError, InvalidBatch

_GROUP_EVENTS = 100
_GROUP_BYTES = 256 * 1024

Item: TypeAlias = One | Batch


@dataclass(slots=True)
class Sender:
    """Sends to one channel and prints a receipt for each event; `sent` counts them."""

    session: Session
    hub: HubClient
    channel: str
    sent: int = 0
    waits: bool = False
    """Whether positions are kept, to wait for them: of a stream without end they would be too many."""
    positions: list[str] = field(default_factory=list)

    async def wait(self, wait_s: float | None) -> None:
        """Wait until every subscription is through with what was sent; None: not at all.

        The command ends with 1 where one is not by then.
        """
        if wait_s is None:
            return
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        for position in self.positions:
            path = paths.trace(position, self.channel)
            _, is_settled = await settled(self.hub, path, max(0.0, until - loop.time()))
            if not is_settled:
                self.session.note(f"not settled within {wait_s:g} s: chappe event trace {position}")
                click.get_current_context().exit(1)

    async def send_stream(self, items: Iterable[Item]) -> None:
        """Send what comes, in its order.

        Raises:
            ChappeError: an event was refused; those before it are stored.
        """
        async for group in _groups(items):
            match group:
                case Batch(events):
                    answer = await self.hub.publish_json_batch(events, channel=self.channel)
                    self._print_batch(answer.body)
                case [only]:
                    await self.send(only.event, line=only.line)
                case _:
                    await self._send_group(group)

    async def send(self, event: bytes, *, line: int | None = None) -> None:
        """Send one event."""
        try:
            answer = await self.hub.publish_json(event, channel=self.channel)
        except CallerError as exc:
            raise self._placed(exc, line) from exc
        self.sent += 1
        receipt = msgspec.json.decode(answer.body, type=Receipt)
        if self.waits and receipt.quarantine is None:
            self.positions.append(receipt.position)
        if self.session.output in ("json", "jsonl"):
            self.session.pass_through(answer.body + b"\n")
        else:
            self._print(receipt.position, duplicate=receipt.duplicate)
        self._warn(receipt.warnings)
        if receipt.quarantine is not None:
            self.session.note(f"refused, and held in the channel {receipt.quarantine}")

    async def send_paced(self, events: Sequence[bytes], *, rate_per_s: float | None) -> None:
        """Send a burst: at a steady rate, or as fast as the hub takes it."""
        if rate_per_s is None:
            await self.send_stream(One(event, number) for number, event in enumerate(events, 1))
            return
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for number, event in enumerate(events):
            await asyncio.sleep(max(0.0, begun + number / rate_per_s - loop.time()))
            await self.send(event)

    async def _send_group(self, group: Sequence[One]) -> None:
        try:
            answer = await self.hub.publish_json_batch(
                [one.event for one in group], channel=self.channel
            )
        except InvalidBatch as exc:
            if not exc.errors:
                raise
            bad = min(exc.errors)
            if bad:
                await self._send_group(group[:bad])
            raise self._placed(exc.errors[bad], group[bad].line) from exc
        except CallerError:
            # Too large as a group, or a refusal that names no event: one by one it gets a name.
            for one in group:
                await self.send(one.event, line=one.line)
            return
        self._print_batch(answer.body)

    def _print_batch(self, body: bytes) -> None:
        receipt = msgspec.json.decode(body, type=BatchReceipt)
        self.sent += len(receipt.positions)
        if self.waits:
            self.positions += receipt.positions
        if self.session.output == "json":
            self.session.pass_through(body + b"\n")
        else:
            duplicates = frozenset(receipt.duplicates)
            for index, position in enumerate(receipt.positions):
                self._print(position, duplicate=index in duplicates)
        self._warn(receipt.warnings)

    def _print(self, position: str, *, duplicate: bool) -> None:
        match self.session.output:
            case "json" | "jsonl":
                receipt = {"position": position, "duplicate": duplicate}
                self.session.say(msgspec.json.encode(receipt).decode())
            case "name":
                self.session.say(position)
            case _:
                self.session.say(f"{position}  duplicate" if duplicate else position)

    def _warn(self, warnings: Sequence[Warned]) -> None:
        for warned in warnings:
            self.session.note(
                f"warning: the payload of event {warned.index} breaks its schema at "
                f"{warned.pointer or '(the whole payload)'}: {warned.message}"
            )

    def _placed(self, error: ChappeError, line: int | None) -> ChappeError:
        if line is not None and self.sent + line > 1:
            error.message = f"line {line}: {error.message} ({self.sent} stored before it)"
        return error


async def _groups(items: Iterable[Item]) -> AsyncIterator[Batch | Sequence[One]]:
    """What has come since the last group, bounded; an array stands alone."""
    queue: asyncio.Queue[Item | Exception | None] = asyncio.Queue()
    room = threading.Semaphore(4 * _GROUP_EVENTS)
    loop = asyncio.get_running_loop()

    def read() -> None:
        end: Exception | None = None
        try:
            for item in items:
                room.acquire()
                loop.call_soon_threadsafe(queue.put_nowait, item)
        except Exception as exc:  # noqa: BLE001 - raised again by the task that reads the queue
            end = exc
        if not loop.is_closed():
            loop.call_soon_threadsafe(queue.put_nowait, end)

    # A thread, because reading standard input blocks; a daemon, because Ctrl-C must not wait for it.
    threading.Thread(target=read, name="read-events", daemon=True).start()
    waiting: Item | Exception | None = await queue.get()
    while waiting is not None:
        if isinstance(waiting, Exception):
            raise waiting
        room.release()
        if isinstance(waiting, Batch):
            yield waiting
            waiting = await queue.get()
            continue
        group, size = [waiting], len(waiting.event)
        following: Item | Exception | None = None
        taken = False
        while len(group) < _GROUP_EVENTS and not queue.empty():
            following = queue.get_nowait()
            if not isinstance(following, One) or size + len(following.event) > _GROUP_BYTES:
                taken = True
                break
            room.release()
            group.append(following)
            size += len(following.event)
        yield group
        waiting = following if taken else await queue.get()
