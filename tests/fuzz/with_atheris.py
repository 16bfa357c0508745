"""python -m tests.fuzz.with_atheris <decoder> [libFuzzer's options]: coverage-guided, in-process.

A process of its own, because libFuzzer ends the process that it runs in.
"""

from __future__ import annotations

import importlib
import sys


def main() -> None:
    """Fuzz one decoder until libFuzzer's limits or a failure."""
    atheris = importlib.import_module("atheris")  # optional: it has no wheel for every platform
    with atheris.instrument_imports(include=["chappe"]):
        targets = importlib.import_module("tests.fuzz.targets")
    decoder = targets.DECODERS[sys.argv.pop(1)]

    def once(wire: bytes) -> None:
        targets.run(decoder, wire)

    atheris.Setup(sys.argv, once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
