"""A Kafka producer on the event loop: no thread of ours, and one future for each message.

librdkafka has its own threads, and tells what became of messages when it is polled. While some are
under way the loop polls every few milliseconds; when nothing waits, nothing runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from chappe.adapters.kafka.client import ANSWER_WITHIN_S, Brokers, advertised, configuration, said
from chappe.formats.cloudevents_kafka import KafkaMessage
from chappe.kit.dial import NotConnected

POLL_S: Final = 0.002
SLOWEST_POLL_S: Final = 0.05
QUEUED_KIB: Final = 65_536
"""What may wait in the client for a broker, in KiB."""
_OUT_OF_STEP: Final = frozenset(
    {
        KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER,
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.UNKNOWN_PRODUCER_ID,
        KafkaError.PRODUCER_FENCED,
    }
)
"""The broker and an idempotent producer count differently: each further message meets the same."""


class Unsent(Exception):
    """What a broker or the client says of one message; `code` is Kafka's (negative: the client's)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class KafkaProducer:
    """One client for one cluster, credential, and way to confirm."""

    def __init__(self, brokers: Brokers, *, acks: str, timeout_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout_s = timeout_s
        self._trouble = ""
        self._is_broken = False
        self._waiting: set[asyncio.Future[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._poll_s = POLL_S
        self._producer = Producer(
            {
                **configuration(brokers),
                "acks": acks,
                # Retries within the client neither repeat nor reorder messages.
                "enable.idempotence": acks == "all",
                "message.timeout.ms": max(int(timeout_s * 1_000), 100),
                "linger.ms": 2,
                "queue.buffering.max.kbytes": QUEUED_KIB,
                "error_cb": self._on_error,
            }
        )

    @property
    def usable(self) -> bool:
        """False after an error that only another producer gets over."""
        return not self._is_broken

    @property
    def open(self) -> int:
        """Messages under way."""
        return len(self._waiting)

    async def send(self, topic: str, message: KafkaMessage, key: bytes | None) -> None:
        """Hand over a message; done once the broker has confirmed it, as `acks` says.

        Raises:
            Unsent: it was not, within the timeout.
        """
        ended: asyncio.Future[None] = self._loop.create_future()

        def told(error: KafkaError | None, _: Message) -> None:
            self._waiting.discard(ended)
            self._poll_s = POLL_S
            if ended.done():
                return
            if error is None:
                ended.set_result(None)
            else:
                ended.set_exception(self._unsent(error))

        headers: Sequence[tuple[str, bytes]] = message.headers
        more: dict[str, Any] = {} if key is None else {"key": key}
        try:
            self._producer.produce(
                topic, value=message.value, headers=list(headers), on_delivery=told, **more
            )
        except BufferError as error:
            raise Unsent(-184, "the client's buffer is full") from error
        except KafkaException as error:
            raise self._unsent(error.args[0]) from error
        self._waiting.add(ended)
        if self._timer is None:
            self._timer = self._loop.call_later(POLL_S, self._poll)
        await ended

    async def advertised(self, threads: Executor) -> Sequence[tuple[str, int]]:
        """The brokers that the cluster names, host and port; a thread waits for the answer.

        Raises:
            NotConnected: nobody answers within the timeout, or within five seconds.
        """
        within_s = min(ANSWER_WITHIN_S, 0.8 * self._timeout_s)
        try:
            return await self._loop.run_in_executor(threads, advertised, self._producer, within_s)
        except NotConnected as error:
            trouble = f"; the last trouble: {self._trouble}" if self._trouble else ""
            raise NotConnected(f"{error}{trouble}") from error

    def close(self) -> None:
        """Give up what is under way."""
        self._is_broken = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._producer.purge()
        self._producer.poll(0)
        for ended in tuple(self._waiting):
            if not ended.done():
                ended.set_exception(Unsent(-197, "the client was closed"))
        self._waiting.clear()

    def _poll(self) -> None:
        self._poll_s = min(2 * self._poll_s, SLOWEST_POLL_S)
        # Delivery reports are called from here, and shorten the pause again.
        self._producer.poll(0)
        self._timer = self._loop.call_later(self._poll_s, self._poll) if self._waiting else None

    def _on_error(self, error: KafkaError) -> None:
        self._trouble = said(error)
        if error.fatal():
            self._is_broken = True

    def _unsent(self, error: KafkaError) -> Unsent:
        if error.fatal() or error.code() in _OUT_OF_STEP:
            self._is_broken = True
        trouble = (
            f"; the last trouble: {self._trouble}" if error.code() < 0 and self._trouble else ""
        )
        return Unsent(error.code(), f"{said(error)}{trouble}")


def connected(brokers: Brokers, *, acks: str, timeout_s: float) -> KafkaProducer:
    """A producer; librdkafka connects by itself.

    Raises:
        NotConnected: a setting is of no use, such as a certificate.
    """
    try:
        return KafkaProducer(brokers, acks=acks, timeout_s=timeout_s)
    except KafkaException as error:
        raise NotConnected(f"the client refuses its settings: {said(error.args[0])}") from error
