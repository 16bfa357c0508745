"""The loop of a helper process: jobs come in frames, are answered one after the other, until there are
no more.

The first frame says what the process may use: bytes of memory, CPU seconds a job, then whatever the
helper wants to know before its first job.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from chappe.kit.frames import framed, read_frame
from chappe.kit.own_limits import limit, limit_cpu


def serve(
    answer: Callable[[Sequence[bytes]], Sequence[bytes]],
    *,
    directory_prefix: str,
    begin: Callable[[Sequence[bytes]], None] | None = None,
    printed: int | None = None,
) -> None:
    """Answer each job of standard input on standard output, within the limits that are sent first.

    The working directory, where its name begins so, belongs to this process and goes with it. `begin` is
    given the rest of the first frame, before there are limits. What the jobs print goes to the file
    descriptor `printed`, else nowhere.
    """
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing if printed is None else printed, 1)
    if printed is not None:
        os.dup2(printed, 2)
    first = read_frame(requests)
    if first is None:
        return
    memory_bytes, cpu_s = map(int, first[:2])
    if begin is not None:
        begin(first[2:])
    limit(memory_bytes)
    while (job := read_frame(requests)) is not None:
        limit_cpu(cpu_s)
        answers.write(framed(answer(job)))
        answers.flush()
    if Path.cwd().name.startswith(directory_prefix):
        # The hub does so too, unless it was killed.
        shutil.rmtree(Path.cwd(), ignore_errors=True)
