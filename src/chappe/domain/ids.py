"""Identifiers that are computed."""

from __future__ import annotations

import hashlib

from chappe.domain.event import Event


def webhook_id(event: Event, subscription_id: str) -> str:
    """The same for every attempt of the same event to the same subscription, on any node."""
    name = f"{subscription_id}\n{event.source}\n{event.id}".encode("utf-8", "surrogatepass")
    return f"msg_{hashlib.blake2b(name, digest_size=16).hexdigest()}"
