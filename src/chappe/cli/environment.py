"""What the command line reads of the environment, besides the options that click reads there."""

from __future__ import annotations

import os
from typing import Final

CONFIG: Final = "CHAPPE_CLI_CONFIG"
"""Names the user's configuration. CHAPPE_CONFIG is the node's (server/settings)."""


def variable(name: str) -> str | None:
    """The variable's value; an empty one counts as not set."""
    return os.environ.get(name) or None


def config_directory() -> str:
    """XDG_CONFIG_HOME/chappe, else ~/.config/chappe."""
    return os.path.join(variable("XDG_CONFIG_HOME") or home(".config"), "chappe")


def cache_directory() -> str:
    """XDG_CACHE_HOME/chappe, else ~/.cache/chappe."""
    return os.path.join(variable("XDG_CACHE_HOME") or home(".cache"), "chappe")


def home(*below: str) -> str:
    """The user's home, or what is below it."""
    return os.path.join(os.path.expanduser("~"), *below)
