"""The connection to NATS, against a real nats-server."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chappe.adapters.nats.connection import (
    ApiError,
    Connection,
    Follower,
    Message,
    NatsAddress,
    WrongSequence,
)
from chappe.adapters.nats.jetstream import (
    delete_message,
    delete_stream,
    ensure_stream,
    find_stream,
    purge,
    stream_info,
    stream_names,
    wait_led,
)
from chappe.domain.errors import ChappeError, Conflict, InvalidSetting, TooLarge, Unavailable
from chappe.server.embedded_nats import EmbeddedNats, Engine, RestartPolicy

pytestmark = pytest.mark.engine

IF_LAST = "Nats-Expected-Last-Subject-Sequence"
IF_LAST_OF = "Nats-Expected-Last-Subject-Sequence-Subject"
LOG = {"subjects": ["LOG.>"], "allow_direct": True, "allow_atomic": True}


@asynccontextmanager
async def connected(engine: Engine) -> AsyncIterator[Connection]:
    address = NatsAddress((engine.url,), engine.user, engine.password)
    connection = await Connection.open(address, name="test")
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
async def nats(tmp_path: Path) -> AsyncIterator[Connection]:
    async with EmbeddedNats(tmp_path) as engine, connected(engine) as connection:
        await ensure_stream(connection, "LOG", LOG)
        yield connection


async def read(follower: Follower, count: int) -> list[Message]:
    messages: list[Message] = []
    async with asyncio.timeout(60):
        while len(messages) < count:
            messages += await follower.next_batch()
    return messages


async def eventually(holds: Callable[[], bool], within_s: float = 60.0) -> None:
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - nothing tells when a real process has got there
            await asyncio.sleep(0.005)


# Opening


async def test_without_a_server_opening_says_where_it_looked() -> None:
    with pytest.raises(Unavailable, match=r"NATS at 127\.0\.0\.1:1 cannot be reached"):
        await Connection.open(NatsAddress(("nats://127.0.0.1:1",)), name="test")


async def test_a_wrong_password_is_refused_with_the_servers_word(tmp_path: Path) -> None:
    async with EmbeddedNats(tmp_path) as engine:
        with pytest.raises(Unavailable, match="Authorization Violation"):
            await Connection.open(NatsAddress((engine.url,), engine.user, "no"), name="test")


async def test_the_next_server_is_tried_when_the_first_is_away(tmp_path: Path) -> None:
    async with EmbeddedNats(tmp_path) as engine:
        address = NatsAddress(("nats://127.0.0.1:1", engine.url), engine.user, engine.password)
        connection = await Connection.open(address, name="test")
        assert connection.connected
        await connection.close()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:4222", "nats://", "127.0.0.1:4222", "nats://h:x"]
)
async def test_a_url_that_is_none_of_nats_is_named(url: str) -> None:
    with pytest.raises(InvalidSetting, match="must be nats://host:port or tls://host:port"):
        await Connection.open(NatsAddress((url,)), name="test")


async def test_a_server_of_another_protocol_is_recognised() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unavailable, match="does not speak NATS"):
            await Connection.open(NatsAddress((f"nats://127.0.0.1:{port}",)), name="test")


# Publishing


async def test_a_published_message_is_stored_with_its_headers(nats: Connection) -> None:
    ack = await nats.publish("LOG.a", b"\x00payload\r\n", {"Content-Type": "text/plain", "k": "é"})
    stored = await nats.get("LOG", ack.seq)
    assert stored is not None
    assert (ack.stream, ack.seq, ack.duplicate) == ("LOG", 1, False)
    assert (stored.subject, stored.payload) == ("LOG.a", b"\x00payload\r\n")
    assert stored.headers == {"Content-Type": "text/plain", "k": "é"}


@pytest.mark.parametrize("size", [0, 1, 65_536, 1_000_003])
async def test_payloads_of_every_size_come_back_whole(nats: Connection, size: int) -> None:
    payload = os.urandom(size)
    ack = await nats.publish("LOG.a", payload)
    stored = await nats.get("LOG", ack.seq)
    assert stored is not None
    assert stored.payload == payload


async def test_the_same_message_id_is_stored_once(nats: Connection) -> None:
    first = await nats.publish("LOG.a", b"1", {"Nats-Msg-Id": "7"})
    again = await nats.publish("LOG.a", b"1", {"Nats-Msg-Id": "7"})
    assert (again.seq, again.duplicate) == (first.seq, True)


async def test_a_wrong_expected_sequence_stores_nothing(nats: Connection) -> None:
    await nats.publish("LOG.a", b"1")
    with pytest.raises(WrongSequence, match="wrong last sequence: 1"):
        await nats.publish("LOG.a", b"2", {IF_LAST: "0"})
    assert len(await nats.get_many("LOG", "LOG.>", 1, limit=9, max_bytes=999)) == 1


async def test_a_publish_may_depend_on_the_sequence_of_another_subject(nats: Connection) -> None:
    lease = await nats.publish("LOG.lease", b"mine")
    ack = await nats.publish("LOG.a", b"1", {IF_LAST: str(lease.seq), IF_LAST_OF: "LOG.lease"})
    await nats.publish("LOG.lease", b"theirs")
    with pytest.raises(WrongSequence):
        await nats.publish("LOG.a", b"2", {IF_LAST: str(lease.seq), IF_LAST_OF: "LOG.lease"})
    last = await nats.get_last("LOG", "LOG.a")
    assert last is not None
    assert last.stream_seq == ack.seq


async def test_a_subject_without_a_stream_fails_at_once(nats: Connection) -> None:
    async with asyncio.timeout(60):
        with pytest.raises(Unavailable, match="no JetStream stream takes the subject"):
            await nats.publish("NOWHERE.a", b"1")


async def test_a_message_over_the_servers_limit_is_not_sent(nats: Connection) -> None:
    with pytest.raises(TooLarge, match=f"at most {nats.max_payload}"):
        await nats.publish("LOG.a", bytes(nats.max_payload + 1))
    assert nats.connected


async def test_a_full_stream_is_unavailable(nats: Connection) -> None:
    full = {"subjects": ["FULL.>"], "max_msgs": 1, "discard": "new"}
    await ensure_stream(nats, "FULL", full)
    await nats.publish("FULL.a", b"1")
    with pytest.raises(Unavailable, match=r"maximum messages exceeded \(error 10077\)"):
        await nats.publish("FULL.a", b"2")


@pytest.mark.parametrize("subject", ["LOG.a b", "LOG.a\r\nPUB LOG.b 0", "", "LOG.\x00"])
async def test_a_subject_cannot_smuggle_a_frame(nats: Connection, subject: str) -> None:
    with pytest.raises(ChappeError, match="subject"):
        await nats.publish(subject, b"1")


async def test_a_header_cannot_smuggle_a_header(nats: Connection) -> None:
    with pytest.raises(ChappeError, match="line breaks"):
        await nats.publish("LOG.a", b"1", {"a": "b\r\nNats-Rollup: all"})


async def test_a_cancelled_waiter_disturbs_nobody(nats: Connection) -> None:
    cancelled, kept = nats.publish("LOG.a", b"1"), nats.publish("LOG.a", b"2")
    cancelled.cancel()
    assert (await kept).seq == 2


# Atomic batches


async def test_an_atomic_batch_is_stored_side_by_side(nats: Connection) -> None:
    ack = await nats.publish_atomic([("LOG.a", b"1", None), ("LOG.b", b"2", {"k": "v"})])
    assert [m.payload for m in await nats.get_many("LOG", "LOG.>", 1, limit=9, max_bytes=999)] == [
        b"1",
        b"2",
    ]
    assert ack.seq == 2


@pytest.mark.parametrize("where", [0, 1])
async def test_one_wrong_sequence_rejects_the_whole_batch(nats: Connection, where: int) -> None:
    await nats.publish("LOG.lease", b"mine")
    messages: list[tuple[str, bytes, dict[str, str]]] = [("LOG.a", b"1", {}), ("LOG.b", b"2", {})]
    messages[where][2].update({IF_LAST: "99", IF_LAST_OF: "LOG.lease"})
    with pytest.raises(WrongSequence):
        await nats.publish_atomic(messages)
    assert (await nats.get("LOG", 2)) is None


async def test_a_stream_without_atomic_batches_says_so(nats: Connection) -> None:
    await ensure_stream(nats, "PLAIN", {"subjects": ["PLAIN.>"]})
    with pytest.raises(ApiError, match="disabled"):
        await nats.publish_atomic([("PLAIN.a", b"1", None), ("PLAIN.a", b"2", None)])


# Reading


async def test_what_is_not_there_reads_as_none(nats: Connection) -> None:
    assert await nats.get("LOG", 1) is None
    assert await nats.get_last("LOG", "LOG.a") is None
    assert await nats.get_many("LOG", "LOG.>", 1, limit=5, max_bytes=1000) == []
    assert await nats.get_last_of_each("LOG", "LOG.>") == []


async def test_many_are_read_by_subject_in_order_with_what_is_left(nats: Connection) -> None:
    for number in range(6):
        await nats.publish(f"LOG.{number % 2}", b"%d" % number)
    read = await nats.get_many("LOG", "LOG.1", 3, limit=1, max_bytes=1000)
    assert [(m.stream_seq, m.payload, m.pending) for m in read] == [(4, b"3", 1)]


async def test_a_message_above_the_byte_limit_is_still_read(nats: Connection) -> None:
    await nats.publish("LOG.a", bytes(5000))
    await nats.publish("LOG.a", bytes(5000))
    read = await nats.get_many("LOG", "LOG.a", 1, limit=10, max_bytes=100)
    assert [m.stream_seq for m in read] == [1]


@pytest.mark.parametrize("subjects", [3, 1024, 1500])
async def test_the_last_of_each_subject_is_found_however_many(
    nats: Connection, subjects: int
) -> None:
    acks = [nats.publish(f"LOG.{number}", b"old") for number in range(3)]
    acks += [nats.publish(f"LOG.{number}", b"last") for number in range(subjects)]
    await asyncio.gather(*acks)
    last = await nats.get_last_of_each("LOG", "LOG.*")
    assert [m.subject for m in last] == [f"LOG.{number}" for number in range(subjects)]
    assert {m.payload for m in last} == {b"last"}


async def test_reading_a_stream_that_is_not_there_is_unavailable_at_once(nats: Connection) -> None:
    async with asyncio.timeout(60):
        with pytest.raises(Unavailable, match="no such stream"):
            await nats.get("NOWHERE", 1)


# Following


async def test_a_follower_gives_what_is_stored_and_then_what_comes(nats: Connection) -> None:
    await asyncio.gather(*(nats.publish("LOG.a", b"%d" % n) for n in range(700)))
    follower = nats.follow("LOG", "LOG.a", 101)
    stored = await read(follower, 600)
    await nats.publish("LOG.b", b"other")
    await nats.publish("LOG.a", b"700")
    (live,) = await read(follower, 1)
    await follower.close()
    assert [m.payload for m in [*stored, live]] == [b"%d" % n for n in range(100, 701)]
    assert (stored[-1].pending, live.stream_seq) == (0, 702)


async def test_a_slow_reader_is_not_flooded(nats: Connection) -> None:
    await asyncio.gather(*(nats.publish("LOG.a", bytes(20_000)) for _ in range(300)))
    follower = nats.follow("LOG", "LOG.a", 1, max_bytes=500_000)
    first = await follower.next_batch()
    await nats.api("STREAM.INFO.LOG")  # what was under way has arrived by now
    held = await follower.next_batch()
    assert len(first) + len(held) + len(await read(follower, 300 - len(first) - len(held))) == 300
    assert sum(len(m.payload) for m in held) <= 2 * 500_000
    await follower.close()


@pytest.mark.parametrize("after_turns", [1, 2, 5, 50])
async def test_cancelling_a_reader_loses_nothing(nats: Connection, after_turns: int) -> None:
    follower = nats.follow("LOG", "LOG.a", 1)
    reader = asyncio.ensure_future(follower.next_batch())
    for _ in range(after_turns):
        await asyncio.sleep(0)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    await nats.publish("LOG.a", b"1")
    assert [m.payload for m in await read(follower, 1)] == [b"1"]
    await follower.close()


async def test_a_closed_follower_leaves_no_consumer_and_ends_its_reader(nats: Connection) -> None:
    follower = nats.follow("LOG", "LOG.a", 1)
    await nats.publish("LOG.a", b"1")
    await read(follower, 1)
    reader = asyncio.ensure_future(follower.next_batch())
    await asyncio.sleep(0)
    await follower.close()
    with pytest.raises(Unavailable, match="closed"):
        await reader
    info = await stream_info(nats, "LOG")
    assert info.consumers == 0


async def test_a_consumer_that_somebody_deletes_is_made_again(nats: Connection) -> None:
    follower = nats.follow("LOG", "LOG.a", 1)
    await nats.publish("LOG.a", b"1")
    first = await read(follower, 1)
    names = (await nats.api("CONSUMER.NAMES.LOG"))["consumers"]
    assert isinstance(names, list)
    await nats.api(f"CONSUMER.DELETE.LOG.{names[0]}")
    await nats.publish("LOG.a", b"2")
    assert [m.payload for m in first + await read(follower, 1)] == [b"1", b"2"]
    await follower.close()


async def test_following_a_stream_that_is_not_there_says_so(nats: Connection) -> None:
    follower = nats.follow("NOWHERE", "NOWHERE.a", 1)
    with pytest.raises(ApiError, match="stream not found"):
        await follower.next_batch()
    await follower.close()


async def test_a_follower_of_a_closed_connection_ends(nats: Connection) -> None:
    follower = nats.follow("LOG", "LOG.a", 1)
    await nats.publish("LOG.a", b"1")
    await read(follower, 1)
    reader = asyncio.ensure_future(follower.next_batch())
    await asyncio.sleep(0)
    await nats.close()
    with pytest.raises(Unavailable):
        await reader


# Core NATS


async def test_an_ordinary_message_reaches_a_subscriber(nats: Connection) -> None:
    arrived: asyncio.Future[tuple[bytes, ...]] = asyncio.get_running_loop().create_future()
    sid = nats.subscribe("greet.*", lambda *message: arrived.set_result(message))
    nats.send("greet.me", b"hello", reply="back")
    assert await asyncio.wait_for(arrived, 60) == (b"greet.me", b"back", b"", b"hello")
    nats.unsubscribe(sid)


# Streams


async def test_ensuring_a_stream_twice_changes_nothing(nats: Connection) -> None:
    await ensure_stream(nats, "LOG", LOG)
    before = await find_stream(nats, "LOG")
    await ensure_stream(nats, "LOG", LOG)
    after = await find_stream(nats, "LOG")
    assert before is not None
    assert after is not None
    assert before == after


async def test_ensuring_a_stream_updates_what_may_change(nats: Connection) -> None:
    await ensure_stream(nats, "LOG", {**LOG, "max_age": 10**12})
    info = await stream_info(nats, "LOG")
    assert info.config["max_age"] == 10**12


async def test_a_stream_with_other_shards_is_refused(nats: Connection) -> None:
    await ensure_stream(nats, "EV", {"subjects": ["EV.>"], "metadata": {"chappe-shards": "4"}})
    with pytest.raises(Conflict, match=r"metadata chappe-shards is '4', not '8'"):
        await ensure_stream(nats, "EV", {"subjects": ["EV.>"], "metadata": {"chappe-shards": "8"}})


async def test_many_nodes_may_ensure_a_stream_at_once(nats: Connection) -> None:
    await asyncio.gather(*(ensure_stream(nats, "EV", {"subjects": ["EV.>"]}) for _ in range(8)))
    assert sorted(await stream_names(nats)) == ["EV", "LOG"]


async def test_purging_takes_a_subject_up_to_a_sequence(nats: Connection) -> None:
    for number in range(4):
        await nats.publish(f"LOG.{number % 2}", b"")
    assert await purge(nats, "LOG", subject="LOG.0", before_seq=3) == 1
    left = await nats.get_many("LOG", "LOG.>", 1, limit=9, max_bytes=999)
    assert [m.stream_seq for m in left] == [2, 3, 4]


async def test_deleting_says_whether_there_was_something(nats: Connection) -> None:
    await nats.publish("LOG.a", b"1")
    assert [await delete_message(nats, "LOG", 1) for _ in range(2)] == [True, False]
    assert [await delete_stream(nats, "LOG") for _ in range(2)] == [True, False]


# Losing the server


def kill(engine: EmbeddedNats) -> None:
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)


@asynccontextmanager
async def restarting(data: Path) -> AsyncIterator[tuple[EmbeddedNats, Connection]]:
    """An engine that is started again whenever it is killed."""
    embedded = EmbeddedNats(data, restarts=RestartPolicy(quick_deaths=1000, base_s=0.001))
    engine = await embedded.start()
    watcher = asyncio.ensure_future(embedded.watch())
    try:
        async with connected(engine) as connection:
            await ensure_stream(connection, "LOG", LOG)
            yield embedded, connection
    finally:
        await embedded.stop()
        await watcher


@pytest.mark.chaos
async def test_what_is_under_way_fails_at_once_when_the_server_dies(tmp_path: Path) -> None:
    async with restarting(tmp_path) as (engine, nats):
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGSTOP)
        changes: list[bool] = []
        nats.on_change(changes.append)
        waiting: list[Awaitable[object]] = [nats.publish("LOG.a", b"1"), nats.api("INFO")]
        ends = asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.sleep(0)
        kill(engine)
        async with asyncio.timeout(60):
            outcomes = await ends
        assert [type(outcome) for outcome in outcomes] == [Unavailable, Unavailable]
        if not nats.connected:
            with pytest.raises(Unavailable, match="no connection to NATS"):
                await nats.publish("LOG.a", b"2")
        await nats.wait_connected()
        assert changes == [False, True]


@pytest.mark.chaos
async def test_a_server_that_answers_no_more_fails_publishes_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chappe.adapters.nats.connection.ACK_WITHIN_S", 0.2)
    async with restarting(tmp_path) as (engine, nats):
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGSTOP)
        async with asyncio.timeout(60):
            with pytest.raises(Unavailable, match="gave no answer"):
                await nats.publish("LOG.a", b"1")
        os.kill(engine.pid, signal.SIGCONT)


@pytest.mark.chaos
async def test_who_starts_waits_until_streams_are_led_and_asks_again(tmp_path: Path) -> None:
    async with restarting(tmp_path) as (engine, nats):
        await wait_led(nats, "LOG", "NONE")
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGSTOP)
        async with asyncio.timeout(60):
            with pytest.raises(Unavailable, match=r"STREAM\.INFO\.LOG"):
                await wait_led(nats, "LOG", ask_again_s=0.1, within_s=0.2)
            waiting = asyncio.create_task(wait_led(nats, "LOG", ask_again_s=0.1))
            done, _ = await asyncio.wait([waiting], timeout=0.5)
            assert not done
            os.kill(engine.pid, signal.SIGCONT)
            await waiting


@pytest.mark.chaos
async def test_no_acked_message_is_missed_or_seen_twice_over_ten_kills(tmp_path: Path) -> None:
    async with restarting(tmp_path) as (engine, nats):
        acked: dict[int, bytes] = {}
        done = False

        async def publish(writer: int) -> None:
            number = 0
            while not done:
                number += 1
                payload = b"%d-%d" % (writer, number)
                try:
                    acked[(await nats.publish("LOG.a", payload)).seq] = payload
                except Unavailable:
                    await nats.wait_connected()

        follower = nats.follow("LOG", "LOG.a", 1)
        seen: list[Message] = []

        async def follow() -> None:
            async for batch in follower:
                seen.extend(batch)

        writers = [asyncio.ensure_future(publish(writer)) for writer in range(16)]
        reader = asyncio.ensure_future(follow())
        for _ in range(10):
            reached = len(acked) + 150
            await eventually(lambda reached=reached: len(acked) >= reached)  # type: ignore[misc]
            kill(engine)
            await eventually(lambda: not nats.connected)
        done = True
        await asyncio.gather(*writers)
        last = (await nats.publish("LOG.a", b"end")).seq
        await eventually(lambda: bool(seen) and seen[-1].stream_seq >= last)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        await follower.close()

        assert [m.stream_seq for m in seen] == list(range(1, last + 1))
        by_seq = {m.stream_seq: m.payload for m in seen}
        assert {seq: by_seq.get(seq) for seq in acked} == acked
