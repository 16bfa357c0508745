"""-w: a command again and again, drawn anew on a terminal, as JSON lines of what changed in a pipe."""

from __future__ import annotations

import contextlib
import functools
import io
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Concatenate, Final, ParamSpec

import click

from chappe.cli.session import Session

EVERY_S: Final = 2.0

P = ParamSpec("P")


def watched(command: Callable[Concatenate[Session, P], None]) -> Callable[..., None]:
    """Gives a command that reads, below its `remote`, the option -w."""

    @functools.wraps(command)
    def again(session: Session, /, *args: Any, watch: bool, **kwargs: Any) -> None:
        if not watch:
            command(session, *args, **kwargs)
            return
        pause = threading.Event()  # Never set: Ctrl-C ends the wait.
        session = replace(session, quiet=True)  # what comes next is no part of a screen
        shown: frozenset[bytes] = frozenset()
        while True:
            if sys.stdout.isatty() and session.accessible:
                with _captured() as drawn:
                    command(session, *args, **kwargs)
                now = frozenset((drawn.getvalue(),))
                _write(b"" if now == shown else drawn.getvalue() + b"\n")
                shown = now
            elif sys.stdout.isatty():
                with _captured() as drawn:
                    command(session, *args, **kwargs)
                # Home, each line with the rest of it cleared, then what stood below.
                lines = drawn.getvalue().replace(b"\n", b"\x1b[K\n")
                _write(b"\x1b[H" + lines + b"\x1b[J")
            else:
                with _captured() as drawn:
                    command(replace(session, output="jsonl"), *args, **kwargs)
                found = drawn.getvalue().splitlines(keepends=True)
                _write(b"".join(line for line in found if line not in shown))
                shown = frozenset(found)
            pause.wait(EVERY_S)

    return click.option(
        "-w", "--watch", is_flag=True, help="Again and again, until Ctrl-C; piped: what changes."
    )(again)


@contextlib.contextmanager
def _captured() -> Iterator[io.BytesIO]:
    """What is written to standard output meanwhile; it says of itself what the real one does."""
    real = sys.stdout
    into = io.BytesIO()
    stand_in = _Like(into, encoding=real.encoding, errors=real.errors, write_through=True)
    stand_in.terminal = real.isatty()
    sys.stdout = stand_in
    try:
        yield into
    finally:
        sys.stdout = real
        stand_in.detach()


class _Like(io.TextIOWrapper):
    terminal = False

    def isatty(self) -> bool:  # type: ignore[explicit-override]
        return self.terminal


def _write(text: bytes) -> None:
    sys.stdout.buffer.write(text)
    sys.stdout.flush()
