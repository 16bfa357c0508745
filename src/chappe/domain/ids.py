"""Identifiers that are computed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from chappe.domain.event import Event


def webhook_id(event: Event, subscription_id: str) -> str:
    """The same for every attempt of the same event to the same subscription, on any node."""
    name = f"{subscription_id}\n{event.source}\n{event.id}".encode("utf-8", "surrogatepass")
    return f"msg_{hashlib.blake2b(name, digest_size=16).hexdigest()}"


def batch_id(webhook_ids: Sequence[str]) -> str:
    """The same for every attempt of the same events together; that of the event where it is one."""
    if len(webhook_ids) == 1:
        return webhook_ids[0]
    name = "\n".join(webhook_ids).encode("ascii")
    return f"msg_{hashlib.blake2b(name, digest_size=16).hexdigest()}"
