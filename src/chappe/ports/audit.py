"""Where what was done is told."""

from __future__ import annotations

from typing import Protocol

from chappe.domain.audit import Audited


class Audit(Protocol):
    """Takes what was done; never makes anybody wait."""

    def record(self, one: Audited) -> None:
        """Keep it; it is on disk some 50 ms later.

        Not promised: that it is kept if the node is killed before. What is refused or failed is told
        up to a rate, and how many were left out with the next.
        """
        ...

    def new_correlation(self) -> str:
        """An id for a request and all that it brings about."""
        ...


class Unaudited:
    """Tells nobody."""

    def record(self, one: Audited) -> None:
        """Do nothing."""

    def new_correlation(self) -> str:
        """No id: what comes about gets one of its own."""
        return ""
