"""Asks helper processes for the values of expressions.

Each expression belongs to one of a few processes, so one that is slow holds few others.
"""

from __future__ import annotations

import asyncio
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from chappe.adapters.jsonata.wire import DIRECTORY_PREFIX, HELPER, MAX_ANSWER_BYTES
from chappe.domain.errors import Unavailable
from chappe.kit.helper_process import HelperProcess, NoHelper, TooCostly
from chappe.ports.reshaper import CannotReshape, Reshaper

MEMORY_BYTES: Final = 1 << 29
CPU_S: Final = 1
WATCHDOG_S: Final = 2.0
PROCESSES: Final = 2


class HelpedReshaper:
    """JSONata with bounds. `close` it: it owns processes and threads."""

    def __init__(
        self,
        *,
        memory_bytes: int = MEMORY_BYTES,
        cpu_s: int = CPU_S,
        watchdog_s: float = WATCHDOG_S,
        processes: int = PROCESSES,
    ) -> None:
        self._helpers = [
            (
                HelperProcess(
                    HELPER,
                    [str(memory_bytes).encode(), str(cpu_s).encode()],
                    prefix=DIRECTORY_PREFIX,
                    cpu_s=cpu_s,
                    watchdog_s=watchdog_s,
                    most_answer_bytes=MAX_ANSWER_BYTES,
                ),
                # One thread a process: those who wait for it wait in its queue, and hold no other's.
                ThreadPoolExecutor(1, f"chappe-jsonata-{number}"),
            )
            for number in range(processes)
        ]

    async def reshape(self, expression: str, document: bytes) -> bytes | None:
        """See the port."""
        text = expression.encode()
        process, thread = self._helpers[zlib.crc32(text) % len(self._helpers)]
        try:
            answer = await asyncio.get_running_loop().run_in_executor(
                thread, process.ask, (text, document)
            )
        except TooCostly as error:
            raise CannotReshape(str(error)) from error
        except NoHelper as error:
            raise Unavailable(f"transform: the process that evaluates it {error}") from error
        match answer:
            case [b"value", value]:
                return value
            case [b"nothing"]:
                return None
            case [_, said]:
                raise CannotReshape(said.decode("utf-8", "replace"))
            case _:
                raise Unavailable("transform: no answer of the process that evaluates it")

    def close(self) -> None:
        """See the port."""
        for process, thread in self._helpers:
            process.close()
            thread.shutdown(wait=False, cancel_futures=True)


_: type[Reshaper] = HelpedReshaper
