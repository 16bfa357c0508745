"""Both rolls through the one suite, and what only happens where answers come from elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from chappe.adapters.memory.node_roll import MemoryNodeRoll, Present
from chappe.adapters.nats.connection import Connection, NatsAddress
from chappe.adapters.nats.node_roll import SUBJECT, NatsNodeRoll
from chappe.domain.errors import Unavailable
from chappe.domain.node import NodeReport
from chappe.formats.node_json import MOST_BYTES, encode_node
from chappe.ports.node_roll import MOST_NODES, NodeRoll
from chappe.server.embedded_nats import EmbeddedNats
from chappe.testing.node_roll_suite import ONE, YOUNG, NodeRollSuite


class TestMemoryNodeRoll(NodeRollSuite):
    @pytest.fixture
    def node(self) -> Callable[[str], NodeRoll]:
        present = Present()
        made: dict[str, NodeRoll] = {}
        return lambda name: made.setdefault(name, MemoryNodeRoll(present))


class House:
    """An engine and connections to it."""

    def __init__(self, nats: EmbeddedNats, address: NatsAddress, stack: AsyncExitStack) -> None:
        self.nats = nats
        self._address = address
        self._stack = stack

    async def connection(self, name: str) -> Connection:
        """One that is closed at the end."""
        made = await Connection.open(self._address, name=name)
        self._stack.push_async_callback(made.close)
        return made

    async def peer(self, *answers: bytes) -> None:
        """A node that answers each question so; it is heard from now on."""
        connection = await self.connection("peer")

        def on_question(subject: bytes, reply: bytes, block: bytes, payload: bytes) -> None:
            for answer in answers:
                connection.send(reply.decode(), answer)

        connection.subscribe(SUBJECT, on_question)
        # What is asked on the same connection is answered after the server has heard of that.
        await connection.api("INFO")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    nats = EmbeddedNats(tmp_path)
    async with nats as engine, AsyncExitStack() as stack:
        address = NatsAddress((engine.url,), engine.user, engine.password, None)
        yield House(nats, address, stack)


@pytest.mark.engine
class TestNatsNodeRoll(NodeRollSuite):
    @pytest.fixture
    async def node(self, house: House) -> Callable[[str], NodeRoll]:
        made = {
            name: NatsNodeRoll(await house.connection(name)) for name in ("one", "two", "three")
        }
        return made.__getitem__


@pytest.mark.engine
@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\x00", id="no JSON"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b'{"node": "x", "started": "2026-01-01T00:00:00Z"}', id="no version"),
        pytest.param(b'{"node": 7, "version": "9", "started": "x"}', id="another type"),
        pytest.param(b'{"node": "x", "version": "9", "started": "today"}', id="no time"),
        pytest.param(encode_node(ONE).replace(b"70000", b"-1"), id="less than nothing"),
        pytest.param(encode_node(ONE) + b" " * MOST_BYTES, id="too large"),
    ],
)
async def test_an_answer_that_cannot_be_read_is_passed_over_and_told(
    house: House, odd: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await house.peer(odd, encode_node(YOUNG))
    asker = NatsNodeRoll(await house.connection("asker"))
    found = await asker.others(bool, least_s=0, most_s=60)
    assert found == [YOUNG]
    (record,) = caplog.records
    assert record.getMessage().startswith("a node's answer is passed over")


@pytest.mark.engine
async def test_what_a_later_version_says_besides_is_no_matter(house: House) -> None:
    later = encode_node(YOUNG)[:-1] + b', "zone": {"name": "b"}, "status": "resting"}'
    await house.peer(later.replace(b'"status":"ready",', b""))
    asker = NatsNodeRoll(await house.connection("asker"))
    assert await asker.others(bool, least_s=0, most_s=60) == [YOUNG]


@pytest.mark.engine
async def test_more_answers_than_there_can_be_nodes_take_no_memory(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    await house.peer(*[encode_node(YOUNG)] * (MOST_NODES + 7), b"the end")
    asker = NatsNodeRoll(await house.connection("asker"))
    found = await asker.others(lambda heard: "passed over" in caplog.text, least_s=0, most_s=60)
    assert len(found) == MOST_NODES
    assert caplog.messages[1:] == [f"7 nodes answered after {MOST_NODES} others did"]


@pytest.mark.engine
async def test_a_node_that_cannot_tell_is_silent_and_says_why_in_its_log(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    def too_much() -> NodeReport:
        return NodeReport(node="x", version="1", started_ms=0, shards=("a" * 200,) * 2000)

    one = NatsNodeRoll(await house.connection("one"))
    asker = NatsNodeRoll(await house.connection("asker"))
    with one.answering(too_much):
        async with asyncio.timeout(60):
            while not caplog.records:
                assert await asker.others(bool, least_s=0, most_s=0.1) == []
    assert "cannot say how it is" in caplog.text
    assert f"at most {MOST_BYTES}" in caplog.text


@pytest.mark.engine
async def test_without_an_engine_nobody_can_be_heard(house: House) -> None:
    connection = await house.connection("asker")
    asker = NatsNodeRoll(connection)
    asking = asyncio.ensure_future(asker.others(bool, least_s=0, most_s=60))
    await asyncio.sleep(0)
    await house.nats.stop()
    with pytest.raises(Unavailable):
        async with asyncio.timeout(50):
            await asking
    with pytest.raises(Unavailable):
        await asker.others(bool, least_s=0, most_s=60)
