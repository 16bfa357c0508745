"""Limits that a helper process sets itself before it touches what strangers wrote."""

from __future__ import annotations

import contextlib
import math
from typing import Final

_MAX_FILE_BYTES: Final = 64 << 20


def limit(memory_bytes: int) -> None:
    """No more memory than that, no large or many files, no other process, no core dump."""
    try:
        import resource
    except ImportError:  # Windows has no such limits; the watchdog remains
        return
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_FSIZE: _MAX_FILE_BYTES,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_CORE: 0,
    }
    for which, value in limits.items():
        # macOS refuses some of them.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(which, (value, value))


def limit_cpu(cpu_s: int) -> None:
    """From here on so many seconds more; over it the kernel ends the process (SIGXCPU)."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = math.ceil(used.ru_utime + used.ru_stime) + cpu_s
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (most, hard))
