"""Chaos: the hub and its engine are killed under load, again and again; then everything is counted.

`python -m tests.chaos --rounds 21` is the whole; `test_chaos` is a short form of it. The registry has
a run of its own: `python -m tests.chaos.registry --rounds 12`, and `test_registry`.
"""
