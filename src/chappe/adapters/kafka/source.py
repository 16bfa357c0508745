"""Events from Kafka: a member of a consumer group, whose offsets follow what is on disk here.

The client blocks, so it has one thread; each batch is taken in before the next is asked for. An
offset is stored for the next commit only after its message, and all before it in the partition, were
taken: what was taken and not committed comes again, nothing is left out. At least once.

The group moves partitions while a batch is asked for, never while one is being taken, so that
nothing is under way then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from chappe.adapters.kafka.client import (
    MOST_BYTES,
    Brokers,
    advertised,
    check_advertised,
    configuration,
    said,
    vetted,
)
from chappe.domain.errors import CallerError, Unavailable
from chappe.domain.source import KafkaSource, Source
from chappe.formats.cloudevents_kafka import decode
from chappe.formats.content_type import format_of
from chappe.kit.dial import Addresses, NotConnected, every_address
from chappe.ports.event_source import EventSource, Intake

BATCH: Final = 500
WAIT_S: Final = 0.5
"""How long a batch is waited for; also how long it may take to notice the end."""
COMMIT_MS: Final = 1_000
SESSION_MS: Final = 10_000
"""After which a node that died is out of the group, and another gets its partitions."""
ASSIGNED_WITHIN_S: Final = 60.0


class KafkaReader:
    """One source at Kafka."""

    def __init__(self, source: Source, *, addresses: Addresses = every_address) -> None:
        assert isinstance(source.settings, KafkaSource)
        self._source = source
        self._settings = source.settings
        self._format = format_of(source.options.envelopeoptions.format)
        self._addresses = addresses

    async def run(self, intake: Intake, ready: Callable[[], None]) -> None:
        """Receive until cancelled; see the port."""
        settings = self._settings
        brokers = Brokers.of(
            self._source.url,
            self._source.credential,
            self._source.options.tls,
            mechanism=settings.saslmechanism,
            clientid=settings.clientid,
        )
        loop = asyncio.get_running_loop()
        try:
            brokers = await vetted(brokers, self._addresses)
        except NotConnected as error:
            raise Unavailable(f"Kafka: {error}") from error
        thread = ThreadPoolExecutor(1, f"kafka {self._source.id}")
        member = _Member(brokers, self._source.id, settings)
        try:
            await check_advertised(
                await loop.run_in_executor(thread, member.connect), self._addresses
            )
            await loop.run_in_executor(thread, member.join)
            await self._read(member, thread, intake, ready)
        except NotConnected as error:
            raise Unavailable(f"Kafka: {error}") from error
        finally:
            # Behind what the thread is at. It commits what was taken, and leaves the group.
            leaving = loop.run_in_executor(thread, member.leave)
            thread.shutdown(wait=False)
            await asyncio.shield(leaving)

    async def _read(
        self,
        member: _Member,
        thread: ThreadPoolExecutor,
        intake: Intake,
        ready: Callable[[], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        is_ready, began_s = False, loop.time()
        while True:
            messages = await loop.run_in_executor(thread, member.more)
            if not is_ready and member.is_assigned:
                is_ready = True
                ready()
            if not is_ready and loop.time() - began_s > ASSIGNED_WITHIN_S:
                raise Unavailable("Kafka: the group has given us no partitions")
            if messages:
                await self._take(member, intake, messages)

    async def _take(self, member: _Member, intake: Intake, messages: Sequence[Message]) -> None:
        """Hand messages in, in their order; then store the offsets as far as all were taken.

        Also where it is cancelled: what was taken by then does not come again.
        """
        tasks = [asyncio.ensure_future(self._one(intake, message)) for message in messages]
        try:
            results = await asyncio.gather(*tasks, return_exceptions=True)
        finally:  # by now every task has ended
            member.store(_taken(messages, tasks))
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _one(self, intake: Intake, message: Message) -> None:
        headers = _headers(message)
        try:
            event = decode(headers, message.value(), self._format)
        except CallerError as error:
            topic, partition, offset = _place(message)
            details = {
                "topic": topic,
                "partition": str(partition),
                "offset": str(offset),
                **{f"header {name}": _shown(raw) for name, raw in headers[:32]},
            }
            key = message.key()
            if key is not None:
                details["key"] = _shown(key)
            await intake.set_aside(error.message, message.value() or b"", details)
        else:
            await intake.take(event)


class _Member:
    """The client; every method but `store` belongs to its thread."""

    def __init__(self, brokers: Brokers, source: str, settings: KafkaSource) -> None:
        self._trouble: KafkaError | None = None
        self._topics = list(settings.topics)
        self.is_assigned = False
        self._config: Mapping[str, Any] = {
            **configuration(brokers),
            "group.id": settings.consumergroup or f"chappe.{source}",
            "auto.offset.reset": settings.start,
            "enable.auto.commit": True,
            "auto.commit.interval.ms": COMMIT_MS,
            # A commit holds what `store` was told, and nothing else.
            "enable.auto.offset.store": False,
            "session.timeout.ms": SESSION_MS,
            "heartbeat.interval.ms": SESSION_MS // 4,
            "fetch.message.max.bytes": MOST_BYTES // 4,
            "queued.max.messages.kbytes": 32_768,
            "error_cb": self._on_error,
        }
        self._consumer: Consumer | None = None

    def connect(self) -> Sequence[tuple[str, int]]:
        """Connect, and say which brokers the cluster names.

        Raises:
            NotConnected: nobody answers.
            Unavailable: a setting is of no use.
        """
        try:
            self._consumer = Consumer(dict(self._config))
        except KafkaException as error:
            raise Unavailable(f"Kafka: {said(error.args[0])}") from error
        try:
            return advertised(self._consumer)
        except NotConnected as error:
            if self._trouble is not None:
                raise NotConnected(said(self._trouble)) from error
            raise

    def join(self) -> None:
        """Ask to be let into the group; raises Unavailable where a topic is of no use."""
        assert self._consumer is not None
        try:
            self._consumer.subscribe(self._topics, on_assign=self._on_assign)
        except KafkaException as error:
            raise Unavailable(f"Kafka: {said(error.args[0])}") from error

    def more(self) -> Sequence[Message]:
        """The next messages, or none within some time.

        Raises:
            Unavailable: no broker answers, or one refuses us.
        """
        assert self._consumer is not None
        try:
            found = self._consumer.consume(BATCH, WAIT_S)
        except KafkaException as error:
            raise Unavailable(f"Kafka: {said(error.args[0])}") from error
        messages: list[Message] = []
        for message in found:
            trouble = message.error()
            if trouble is None:
                messages.append(message)
            elif not trouble.retriable():
                self._trouble = trouble
        # What came before the trouble is taken first; the trouble stays.
        if self._trouble is not None and not messages:
            raise Unavailable(f"Kafka: {said(self._trouble)}")
        return messages

    def store(self, taken: Mapping[tuple[str, int], int]) -> None:
        """Say how far each partition was taken, for the next commit."""
        assert self._consumer is not None
        for (topic, partition), offset in taken.items():
            try:
                self._consumer.store_offsets(offsets=[TopicPartition(topic, partition, offset + 1)])
            except KafkaException as error:
                # The group gave the partition to another meanwhile, who takes these again.
                if error.args[0].code() != KafkaError._STATE:
                    raise Unavailable(f"Kafka: {said(error.args[0])}") from error

    def leave(self) -> None:
        """Commit, and leave the group."""
        if self._consumer is not None:
            self._consumer.close()

    def _on_assign(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        self.is_assigned = True

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal() or error.code() in (
            KafkaError._ALL_BROKERS_DOWN,
            KafkaError._AUTHENTICATION,
        ):
            self._trouble = error


def _taken(
    messages: Sequence[Message], tasks: Sequence[asyncio.Future[None]]
) -> Mapping[tuple[str, int], int]:
    """By topic and partition, the last message before which, and with which, all were taken."""
    taken: dict[tuple[str, int], int] = {}
    stopped: set[tuple[str, int]] = set()
    for message, task in zip(messages, tasks, strict=True):
        topic, partition, offset = _place(message)
        if task.cancelled() or task.exception() is not None:
            stopped.add((topic, partition))
        elif (topic, partition) not in stopped:
            taken[topic, partition] = offset
    return taken


def _place(message: Message) -> tuple[str, int, int]:
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None
    assert partition is not None
    assert offset is not None
    return topic, partition, offset


def _headers(message: Message) -> Sequence[tuple[str, bytes | None]]:
    found: Any = message.headers()
    return found or ()


def _shown(raw: bytes | None) -> str:
    return "" if raw is None else raw[:256].decode("utf-8", "replace")


_: type[EventSource] = KafkaReader
