"""What each subscription's deliveries came to last, from the delivery log of all nodes."""

from __future__ import annotations

from collections.abc import Iterable

from chappe.domain.attempt import AttemptRow


class Outcomes:
    """The last success and the last failure by subscription."""

    def __init__(self) -> None:
        self.succeeded: dict[str, AttemptRow] = {}
        self.failed: dict[str, AttemptRow] = {}

    def note(self, rows: Iterable[AttemptRow]) -> None:
        """Take rows in, in the order of the log."""
        for row in rows:
            if row.result != "discarded":
                kept = self.succeeded if row.result == "delivered" else self.failed
                kept[row.subscription] = row

    def forget(self, subscription_id: str) -> None:
        """The subscription ended."""
        self.succeeded.pop(subscription_id, None)
        self.failed.pop(subscription_id, None)
