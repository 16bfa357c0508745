"""What a publisher gets for an event that was taken in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chappe.domain.position import Position
from chappe.formats.schema_language import Violation


class Receipt(NamedTuple):
    """The event is on disk at `position`; `duplicate`: it was before this request.

    `quarantine` is the channel that took it instead of the one that refused it for `warnings`.
    """

    position: Position
    duplicate: bool = False
    warnings: Sequence[Violation] = ()
    quarantine: str | None = None
