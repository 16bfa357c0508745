"""What all tests share: how long hypothesis searches.

`ci` (the default) finds the same examples each time; `nightly` searches anew and longer:
    pytest --hypothesis-profile nightly
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Hubs and commands are started by the hundred: without bytecode each compiles every module anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

settings.register_profile(
    "ci",
    derandomize=True,
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("nightly", deadline=None, max_examples=5_000)
settings.load_profile("ci")
