"""Ctrl-C while the loop of a command runs."""

from __future__ import annotations

import asyncio
import contextlib
import signal


class Interrupt:
    """Cancels the task that listens, once; a second Ctrl-C ends the command at once.

    asyncio's own runner sets a handler that runs when the interpreter next looks, and nothing makes it
    look: a signal that comes just before the loop goes to sleep is heard when something else wakes
    it, which may be never. A handler of the loop is told through a socket, and so wakes it.
    """

    def __init__(self) -> None:
        self.came = False

    def listen(self) -> None:
        """From now on, in the present task."""
        task = asyncio.current_task()
        assert task is not None

        def interrupted() -> None:
            if self.came:
                raise KeyboardInterrupt
            self.came = True
            task.cancel()

        # Not where a loop has no handlers (Windows), nor outside of the main thread.
        with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupted)
