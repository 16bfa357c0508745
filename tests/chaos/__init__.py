"""Chaos: the hub and its engine are killed under load, again and again; then everything is counted.

    python -m tests.chaos --rounds 21                       one hub, its engine
    python -m tests.chaos --features --clock-jumps          all that delivery has, and bad sinks
    python -m tests.chaos.cluster --cycles 3                two hubs over three servers
    python -m tests.chaos.registry --rounds 12              the registry's writes

`test_*` are short forms of them; `test_disk` fills a disk, where one may be mounted.
"""
