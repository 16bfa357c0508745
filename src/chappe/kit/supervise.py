"""Named tasks in a group: the only place that starts tasks.

One failure fails the group; leaving the group waits for its tasks. `cancel` ends them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any


class Supervisor:
    """A TaskGroup whose tasks have names and can be ended together or one by one."""

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Supervisor:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._group.__aexit__(exc_type, exc, traceback)

    def start_soon(self, work: Coroutine[Any, Any, None], *, name: str) -> asyncio.Task[None]:
        """Run `work` in the group from the next turn of the loop on.

        Raises:
            CancelledError: the group is ending; `work` is closed unstarted.
        """
        try:
            task = self._group.create_task(work, name=name)
        except RuntimeError as error:
            work.close()
            raise asyncio.CancelledError(f"{name}: its group is ending") from error
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def cancel(self) -> None:
        """Ask every task to end; leaving the group still waits for them."""
        for task in tuple(self._tasks):
            task.cancel()

    def __len__(self) -> int:
        return len(self._tasks)
