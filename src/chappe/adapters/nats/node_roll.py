"""The roll over NATS requests: each node has subscribed to one subject, and answers to the asker's inbox.

NODES    the asker's token -> a report as JSON, from each node but the asker's own
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from chappe.adapters.nats.connection import Connection
from chappe.adapters.nats.messages import status_of
from chappe.domain.errors import Unavailable
from chappe.domain.node import NodeReport
from chappe.formats.node_json import decode_node, encode_node
from chappe.ports.node_roll import MOST_NODES, Enough, NodeRoll, Reporting

SUBJECT: Final = "NODES"

_log = logging.getLogger("chappe.nats")


@dataclass(slots=True)
class _Heard:
    """The answers to one question."""

    reports: list[NodeReport] = field(default_factory=list)
    left_out: int = 0
    cut_off: bool = False
    more: asyncio.Event = field(default_factory=asyncio.Event)


class NatsNodeRoll:
    """Asks and answers on the hub's connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._token = secrets.token_hex(8).encode()
        self._asked = 0
        self._questions: dict[bytes, _Heard] = {}
        self._inbox = f"_INBOX.{secrets.token_hex(8)}."
        # From the start on, not for each question: the servers of a cluster know it by the time.
        connection.subscribe(f"{self._inbox}*", self._on_answer)
        connection.on_change(self._on_link)

    @contextmanager
    def answering(self, report: Reporting) -> Iterator[None]:
        """Answer what other nodes ask while the context lasts."""

        def on_question(subject: bytes, reply: bytes, block: bytes, payload: bytes) -> None:
            if reply and payload != self._token:
                self._answer(report, reply.decode())

        sid = self._connection.subscribe(SUBJECT, on_question)
        try:
            yield
        finally:
            self._connection.unsubscribe(sid)

    async def others(
        self, enough: Enough, *, least_s: float, most_s: float
    ) -> Sequence[NodeReport]:
        """What the other nodes say of themselves."""
        if not self._connection.connected:
            raise _nobody()
        self._asked += 1
        key = b"%d" % self._asked
        heard = self._questions[key] = _Heard()
        self._connection.send(SUBJECT, self._token, reply=f"{self._inbox}{key.decode()}")
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(most_s):
                    await asyncio.sleep(least_s)
                    while not (heard.cut_off or enough(heard.reports)):
                        heard.more.clear()
                        await heard.more.wait()
        finally:
            del self._questions[key]
        if heard.cut_off:
            raise _nobody()
        if heard.left_out:
            _log.warning("%d nodes answered after %d others did", heard.left_out, MOST_NODES)
        return heard.reports

    def _answer(self, report: Reporting, inbox: str) -> None:
        try:
            told = encode_node(report())
        except Exception:  # noqa: BLE001  # somebody's question must not end the connection
            _log.exception("this node cannot say how it is")
        else:
            self._connection.send(inbox, told)

    def _on_answer(self, subject: bytes, reply: bytes, block: bytes, payload: bytes) -> None:
        heard = self._questions.get(subject[len(self._inbox) :])
        if heard is None or status_of(block) == 503:  # too late, or nobody is there but the server
            return
        try:
            report = decode_node(payload)
        except ValueError as error:
            _log.warning("a node's answer is passed over, of another version? %s", error)
        else:
            if len(heard.reports) < MOST_NODES:
                heard.reports.append(report)
            else:
                heard.left_out += 1
        heard.more.set()

    def _on_link(self, connected: bool) -> None:
        if not connected:
            for heard in self._questions.values():
                heard.cut_off = True
                heard.more.set()


def _nobody() -> Unavailable:
    return Unavailable("no connection to NATS: other nodes cannot be asked")


_: type[NodeRoll] = NatsNodeRoll
