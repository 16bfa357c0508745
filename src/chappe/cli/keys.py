"""Single keys of a person who watches a command: `async with pressed({"r": again, "q": end})`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager


def are_there() -> bool:
    """Whether a person is there to press them: both ways are a terminal, and this is in front."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    try:
        # In the background (&), changing the terminal would stop the process.
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (AttributeError, OSError):
        return False


@contextmanager
def pressed(actions: Mapping[str, Callable[[], object]]) -> Iterator[bool]:
    """Call what belongs to a key when it is pressed; False where nobody is there, or no such terminal.

    Keys come one by one and are not shown meanwhile; Ctrl-C stays what it is.
    """
    if not are_there():
        yield False
        return
    import termios
    import tty

    terminal = sys.stdin.fileno()
    loop = asyncio.get_running_loop()

    def read() -> None:
        found = os.read(terminal, 64)
        if not found:
            loop.remove_reader(terminal)  # the terminal is gone
        for key in found.decode("ascii", "ignore"):
            if key in actions:
                actions[key]()

    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)
    loop.add_reader(terminal, read)
    try:
        yield True
    finally:
        loop.remove_reader(terminal)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
