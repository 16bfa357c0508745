"""One registry on two nodes that share an engine: what a client sees that talks to both."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from tests.chaos.engine import an_engine
from tests.chaos.http import Answer, Client
from tests.chaos.hub import HubProcess, wait_until
from tests.chaos.registry_check import check, keep_copy
from tests.chaos.registry_load import Requests, Writer, prepare

from chappe.adapters.nats.connection import Connection, NatsAddress

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]

SEEN_WITHIN_S = 30.0
"""Far more than it takes, so that a machine under load does not fail; the figures are printed."""


@dataclass
class Cluster:
    one: HubProcess
    other: HubProcess
    engine: str


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with an_engine(tmp_path) as url:
        async with (
            HubProcess(tmp_path / "data-1", "--nats", url) as one,
            HubProcess(tmp_path / "data-2", "--nats", url) as other,
        ):
            yield Cluster(one, other, url)


def revision(answer: Answer) -> int:
    return int(answer.headers["chappe-revision"])


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


async def put(client: Client, path: str, value: object) -> Answer:
    answer = await client.ask_json("PUT", path, value)
    assert answer.status in (200, 201), answer.body
    return answer


async def loaded(
    hubs: tuple[HubProcess, ...], requests: Requests, over: asyncio.Event, *, pause_s: float
) -> None:
    """Three writers to each node until it is over."""
    async with asyncio.TaskGroup() as tasks:
        for number, hub in enumerate(hubs * 3):
            writer = Writer(hub.client(), requests, Random(number), pause_s)
            tasks.create_task(writer.run(over.is_set))


async def test_what_one_node_answered_it_shows_at_once_and_the_other_soon(cluster: Cluster) -> None:
    one, other = cluster.one.client(), cluster.other.client()
    await prepare(one)
    requests, over = Requests(), asyncio.Event()
    delays_s: list[float] = []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(loaded((cluster.one, cluster.other), requests, over, pause_s=0.02))
        for number in range(60):
            here, there = (one, other) if number % 2 else (other, one)
            path = f"/schemagroups/mine-{number}"
            written = await put(here, path, {"name": "mine"})
            answered_s = time.monotonic()
            own = await here.ask("GET", path)
            assert own.status == 200
            assert revision(own) >= revision(written)
            async with asyncio.timeout(SEEN_WITHIN_S):
                while revision(found := await there.ask("GET", path)) < revision(written):
                    pass
            assert found.status == 200
            delays_s.append(time.monotonic() - answered_s)
        over.set()
    assert not requests.refused
    assert len(requests.acknowledged) > 20
    ms = sorted(1000 * one for one in delays_s)
    say(
        f"seen by the other node after {ms[len(ms) // 2]:.1f} ms (median),"
        f" {ms[int(len(ms) * 0.9)]:.1f} ms (90 %), {ms[-1]:.1f} ms (the slowest of {len(ms)})"
    )
    assert statistics.median(delays_s) < 0.5


async def test_the_other_node_never_answers_older_than_the_revision_that_was_asked_for(
    cluster: Cluster,
) -> None:
    one, other = cluster.one.client(), cluster.other.client()
    for number in range(60):
        here, there = (one, other) if number % 2 else (other, one)
        path = f"/schemagroups/group-{number}"
        written = await put(here, path, {"name": f"{number}"})
        wanted = written.headers["chappe-revision"]
        found = await there.ask("GET", path, {"chappe-min-revision": wanted})
        assert found.status == 200, found.body
        assert revision(found) >= int(wanted)


async def test_of_two_writes_with_one_epoch_to_two_nodes_exactly_one_wins(
    cluster: Cluster,
) -> None:
    one, other = cluster.one.client(), cluster.other.client()
    known = await put(one, "/schemagroups/contested", {"name": "first"})
    epochs = [known.json()["epoch"]]
    winners: list[str] = []
    for number in range(40):
        seen = {"chappe-min-revision": known.headers["chappe-revision"]}
        answers = dict(
            zip(
                ("one", "other"),
                await asyncio.gather(
                    *(
                        client.ask(
                            "PUT",
                            "/schemagroups/contested",
                            {**seen, "Content-Type": "application/json"},
                            b'{"epoch": %d, "name": "%d of %b"}' % (epochs[-1], number, name),
                        )
                        for name, client in ((b"one", one), (b"other", other))
                    )
                ),
                strict=True,
            )
        )
        won = [name for name, answer in answers.items() if answer.status == 200]
        lost = [answer for answer in answers.values() if answer.status != 200]
        assert (len(won), len(lost)) == (1, 1), [one.body for one in answers.values()]
        assert lost[0].status == 400
        assert lost[0].json()["type"].endswith("#mismatched_epoch")
        known = answers[won[0]]
        assert known.json()["name"] == f"{number} of {won[0]}"
        winners.append(won[0])
        epochs.append(known.json()["epoch"])
    assert epochs == list(range(epochs[0], epochs[0] + 41))
    say(f"won: {winners.count('one')} here, {winners.count('other')} there")


async def test_a_write_to_the_other_node_goes_by_what_the_first_has_just_answered(
    cluster: Cluster,
) -> None:
    one, other = cluster.one.client(), cluster.other.client()
    for number in range(60):
        here, there = (one, other) if number % 2 else (other, one)
        path = f"/schemagroups/group-{number}"
        made = await put(here, path, {"name": "first"})
        second = await there.ask_json("PATCH", path, {"epoch": made.json()["epoch"], "name": "2"})
        assert second.status == 200, second.body
        assert (await here.ask("DELETE", f"{path}?epoch={second.json()['epoch']}")).status == 204


async def test_writes_to_two_nodes_are_told_of_once_though_each_is_killed(
    cluster: Cluster,
) -> None:
    connection = await Connection.open(NatsAddress((cluster.engine,), None, None), name="count")
    await keep_copy(connection)
    client = cluster.one.client()
    await prepare(client)
    epoch = (await client.ask("GET", "/")).json()["epoch"]
    requests, over = Requests(), asyncio.Event()

    async def more(what: str) -> None:
        least = len(requests.acknowledged) + 60
        await wait_until(lambda: len(requests.acknowledged) >= least, what)

    async with asyncio.TaskGroup() as tasks:
        nodes = (cluster.one, cluster.other)
        tasks.create_task(loaded(nodes, requests, over, pause_s=0.01))
        for node in nodes:
            await more("both write")
            await node.crash()
            await more("the other goes on")
            await node.start()
        over.set()
    found = await check(requests, cluster.other, connection, epoch)
    await connection.close()
    assert not found.problems, found
    assert found.events > found.acknowledged > 240
