"""The audit: in order, within bounds, kept while the engine does not answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chappe.adapters.memory.event_log import MemoryEventLog
from chappe.domain.audit import Audited
from chappe.domain.channel import AUDIT, Channel
from chappe.flows import audit
from chappe.flows.audit import MOST_REFUSALS, AuditTrail
from chappe.kit.supervise import Supervisor
from chappe.testing.fake_clock import FakeClock

CHANNEL = Channel(AUDIT, 1)


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.log = MemoryEventLog(self.clock)
        self._ids = 0
        self.trail = AuditTrail(self.log, CHANNEL, self.clock, self._new_id, "n-1")

    def _new_id(self) -> str:
        self._ids += 1
        return f"a-{self._ids}"

    async def told(self) -> list[dict[str, Any]]:
        blocks = await self.log.read(CHANNEL, None, 0, limit_blocks=100_000)
        return [json.loads(event.data or b"") for block in blocks for event in block.events]


@pytest.fixture
async def world() -> World:
    made = World()
    await made.log.open_channel(CHANNEL)
    return made


def done(number: int = 0) -> Audited:
    return Audited("write", "done", "ann", "oidc", "PUT", f"/schemagroups/{number}", 200)


def refused() -> Audited:
    return Audited("refused", "refused", "eve", "token", "PUT", "/", 403, "forbidden", "admin", "*")


async def test_what_is_done_is_told_in_its_order_a_moment_later(world: World) -> None:
    async with Supervisor() as tasks:
        tasks.start_soon(world.trail.run(), name="audit")
        for number in range(3):
            world.trail.record(done(number))
        assert await world.told() == []
        await world.clock.advance(audit.GATHER_S)
        tasks.cancel()

    paths = [one["what"]["path"] for one in await world.told()]
    assert paths == ["/schemagroups/0", "/schemagroups/1", "/schemagroups/2"]


async def test_an_event_says_who_what_and_where_from(world: World) -> None:
    world.trail.record(
        Audited(
            "write", "done", "ann", "session", "POST", "/subscriptions", 201,
            address="10.0.0.7", forwarded_for="203.0.113.9", correlation="c-1",
        )
    )  # fmt: skip
    await world.trail.flush()

    (block,) = await world.log.read(CHANNEL, None, 0, limit_blocks=10)
    (event,) = block.events
    assert (event.type, event.source, event.subject) == (
        "io.chappe.audit.write.v1",
        "/nodes/n-1",
        "/subscriptions",
    )
    assert event.extensions == {"correlationid": "c-1"}
    assert json.loads(event.data or b"") == {
        "who": {"name": "ann", "how": "session"},
        "what": {"method": "POST", "path": "/subscriptions", "outcome": "done", "status": 201},
        "from": {"address": "10.0.0.7", "forwarded_for": "203.0.113.9"},
        "correlation": "c-1",
    }


async def test_refusals_are_told_up_to_a_rate_and_the_rest_is_counted(world: World) -> None:
    for _ in range(MOST_REFUSALS + 30):
        world.trail.record(refused())
    world.trail.record(done())
    await world.clock.advance(1.0)
    world.trail.record(refused())
    await world.trail.flush()

    told = await world.told()
    assert len(told) == MOST_REFUSALS + 2
    assert [one.get("left_out") for one in told[-2:]] == [30, None]


async def test_what_was_done_is_told_however_much_is_refused(world: World) -> None:
    for number in range(1000):
        world.trail.record(refused())
        world.trail.record(done(number))
    await world.trail.flush()

    assert sum(one["what"]["outcome"] == "done" for one in await world.told()) == 1000


async def test_what_waits_for_an_engine_is_bounded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "MOST_WAITING", 10)
    for number in range(15):
        world.trail.record(done(number))
    await world.trail.flush()
    world.trail.record(done(99))
    await world.trail.flush()

    told = await world.told()
    assert len(told) == 11
    assert told[-1]["left_out"] == 5
