"""A checkout of cloudevents/conformance, branch format-tests; nothing of it is kept here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

VARIABLE: Final = "CHAPPE_CE_CONFORMANCE"


def folder(name: str) -> Path:
    """A folder of the checkout that the variable names; without one, the test is skipped."""
    root = os.environ.get(VARIABLE)
    if root is None:
        pytest.skip(f"{VARIABLE} names no checkout of cloudevents/conformance (format-tests)")
    found = Path(root) / name
    if not found.is_dir():
        pytest.fail(f"{VARIABLE}={root}: there is no folder {name!r} in it; is it format-tests?")
    return found
