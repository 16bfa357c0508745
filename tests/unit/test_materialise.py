"""flows/materialise when the log cannot be read."""

from __future__ import annotations

import asyncio

from typing_extensions import override

from chappe.adapters.memory.registry_log import MemoryRegistryLog
from chappe.adapters.system.secrets import SystemSecrets
from chappe.domain.errors import Unavailable
from chappe.flows.materialise import RETRY_MOST_S, Materialise
from chappe.kit.latest import Latest
from chappe.ports.registry_log import Commit
from chappe.registry.state import State, empty
from chappe.testing.fake_clock import FakeClock


class BrokenLog(MemoryRegistryLog):
    """Answers nothing while `broken`."""

    broken = True

    @override
    async def read(self, after_revision: int) -> list[Commit]:
        if self.broken:
            raise Unavailable("no answer")
        return await super().read(after_revision)


async def test_a_trouble_lasts_until_the_log_is_loaded_again_however_quiet_it_is() -> None:
    log, clock, state = BrokenLog(), FakeClock(), Latest[State](empty())
    materialise = Materialise(log, state, clock, SystemSecrets(b"k" * 32))
    task = asyncio.ensure_future(materialise.run())
    try:
        await clock.until(lambda: bool(materialise.trouble))
        assert materialise.trouble == "no answer"
        log.broken = False
        await clock.advance(RETRY_MOST_S)
        async with asyncio.timeout(60):
            # A thread applies what is loaded, so the fake clock cannot wait for it.
            while materialise.trouble:  # noqa: ASYNC110 - the flow has no event for it
                await asyncio.sleep(0.001)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
