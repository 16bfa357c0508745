"""Asking a sink whether it wants to be delivered to."""

from __future__ import annotations

from typing import Protocol

from chappe.domain.grant import Agreed
from chappe.domain.subscription import Subscription


class NotGranted(Exception):
    """The sink does not agree, or did not answer; the text says which."""


class Handshake(Protocol):
    """One validation request (webhook spec 4.1)."""

    async def ask(self, subscription: Subscription, callback: str) -> Agreed:
        """Ask once; `callback` is where the sink may agree later, by GET or POST.

        Raises:
            NotGranted: not now.
        """
        ...
