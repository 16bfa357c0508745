"""flows/register on a node that has not seen what another one has just written."""

from __future__ import annotations

import pytest
from typing_extensions import override

from chappe.adapters.memory.registry_log import MemoryRegistryLog
from chappe.adapters.system.clock import SystemClock
from chappe.adapters.system.secrets import SystemSecrets
from chappe.domain.errors import Unavailable
from chappe.flows.materialise import Materialise
from chappe.flows.register import Register
from chappe.formats.languages import json_alone
from chappe.kit.latest import Latest
from chappe.ports.registry_log import Commit
from chappe.registry.errors import RegistryError
from chappe.registry.state import State, empty
from chappe.testing.hub_registry import hub_tree, writing

GROUP = "/schemagroups/g"


class Log(MemoryRegistryLog):
    """Counts how often it is read; `is_away` is an engine that does not answer."""

    is_away = False
    reads = 0

    @override
    async def read(self, after_revision: int) -> list[Commit]:
        self.reads += 1
        if self.is_away:
            raise Unavailable("no answer")
        return await super().read(after_revision)


async def node(log: Log) -> Register:
    """A node that has loaded the registry, and does not follow the log."""
    state, clock, secrets = Latest[State](empty()), SystemClock(), SystemSecrets(b"k" * 32)
    materialise = Materialise(log, state, clock, secrets)
    await materialise.load()
    await materialise.found(hub_tree(), by="test")

    async def extent(channel: str, start: str) -> int:
        return 0

    return Register(log, state, clock, secrets, lambda: "id", extent, json_alone())


def epoch(register: Register) -> int:
    return int(register.state.value.tree.of("schemagroups")["g"].attributes["epoch"])


async def test_an_epoch_that_another_node_answered_is_the_present_one_here() -> None:
    log = Log()
    one = await node(log)
    await one.write(writing("PUT", GROUP, {}))
    other = await node(log)
    await one.write(writing("PUT", GROUP, {"name": "second"}))
    await other.write(writing("PUT", GROUP, {"epoch": epoch(one), "name": "third"}))
    assert epoch(other) == epoch(one) + 1


async def test_an_epoch_that_another_node_has_passed_is_refused_here() -> None:
    log = Log()
    one = await node(log)
    await one.write(writing("PUT", GROUP, {}))
    other = await node(log)
    old = epoch(one)
    await one.write(writing("PUT", GROUP, {"name": "second"}))
    with pytest.raises(RegistryError) as caught:
        await other.write(writing("PUT", GROUP, {"epoch": old, "name": "third"}))
    assert caught.value.kind == "mismatched_epoch"


async def test_what_another_node_has_made_is_removed_here() -> None:
    log = Log()
    one, other = await node(log), await node(log)
    await one.write(writing("PUT", GROUP, {}))
    await other.write(writing("DELETE", GROUP))
    assert "g" not in other.state.value.tree.of("schemagroups")


async def test_a_refusal_stands_while_the_log_does_not_answer() -> None:
    log = Log()
    other = await node(log)
    log.is_away = True
    with pytest.raises(RegistryError) as caught:
        await other.write(writing("DELETE", GROUP))
    assert caught.value.kind == "not_found"


async def test_a_write_that_is_done_does_not_read_the_log_before() -> None:
    log = Log()
    one = await node(log)
    before = log.reads
    await one.write(writing("PUT", GROUP, {}))
    assert log.reads == before
