"""How fast this machine computes just now: limits of processor time are multiples of it."""

from __future__ import annotations

import time

LOOP_TURNS = 200_000
LOOP_CPU_S = 0.005
"""What the turns cost on the machine on which the limits were measured."""


def slowness() -> float:
    """How many times slower than where the limits were measured; at least 1.

    Processors that share a core, or a cache, are slower by their own clock too.
    """
    began_s = time.process_time()
    for _ in range(LOOP_TURNS):
        pass
    return max(1.0, (time.process_time() - began_s) / LOOP_CPU_S)
