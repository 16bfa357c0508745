"""Commands whose exit code 1 says "they differ": what kept them from telling must end otherwise."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from chappe.cli.failures import exit_code
from chappe.domain.errors import ChappeError, Malformed

P = ParamSpec("P")
T = TypeVar("T")


def no_verdict(command: Callable[P, T]) -> Callable[P, T]:
    """What the hub refuses ends with 2 instead of 1."""

    @functools.wraps(command)
    def told(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except ChappeError as exc:
            if exit_code(exc) != 1:
                raise
            # Without a status it counts as not sent: wrong usage.
            details = {k: v for k, v in exc.details.items() if k not in ("status", "message")}
            raise Malformed(exc.message, **details) from exc

    return told
