"""A wall clock that jumps: a small library in front of libc, made here with gcc, for the hub alone.

The hub's monotonic clock goes on as it is, as with a real jump. The engine is not moved: it asks the kernel
itself and not libc. Each process reads the offset from a file that is mapped into it, so that a jump needs
no restart.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path
from random import Random

JUMPS_S = (3600, -3600, 7200, -7200, 30, -30)
"""Less than `max_age_s` of a retry (a day): a clock that is set on by more makes dead letters at once."""

_SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long *offset;

__attribute__((constructor)) static void begin(void) {
    int file = open(getenv("CHAOS_CLOCK"), O_RDONLY);
    void *found = file < 0 ? MAP_FAILED : mmap(0, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
    if (found == MAP_FAILED) abort();
    offset = found;
}

int clock_gettime(clockid_t id, struct timespec *out) {
    int result = syscall(SYS_clock_gettime, id, out);
    if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) out->tv_sec += *offset;
    return result;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
"""


class JumpingClock:
    """The offset in seconds that the hub's clock is off by, and the environment that makes it so."""

    def __init__(self, file: Path, library: Path) -> None:
        self._file = file
        self.environment: Mapping[str, str] = {
            "LD_PRELOAD": str(library),
            "CHAOS_CLOCK": str(file),
        }
        self.set(0)

    def set(self, offset_s: int) -> None:
        """From now on."""
        if not self._file.exists():
            self._file.write_bytes(bytes(8))
        with self._file.open("r+b") as file:  # in place: the file is mapped
            file.write(offset_s.to_bytes(8, "little", signed=True))

    def jump(self, random: Random) -> int:
        """Set it to one of the offsets, and tell which."""
        offset_s = random.choice(JUMPS_S)
        self.set(offset_s)
        return offset_s


def can_jump() -> bool:
    """Whether there is a compiler to make the library with."""
    return shutil.which("gcc") is not None


async def jumping_clock(directory: Path) -> JumpingClock:
    """Make the library."""
    source, library = directory / "clock.c", directory / "clock.so"
    source.write_text(_SOURCE)
    gcc = await asyncio.create_subprocess_exec(
        "gcc", "-O1", "-shared", "-fPIC", "-o", library, source
    )
    assert await gcc.wait() == 0, "gcc does not make the clock"
    return JumpingClock(directory / "clock.offset", library)
