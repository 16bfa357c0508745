"""Checking Standard Webhooks signatures, for receivers: no hub is asked."""

from __future__ import annotations

from chappe.formats.webhook_signatures import TOLERANCE_S, new_key_pair, new_secret, verify

__all__ = ("TOLERANCE_S", "new_key_pair", "new_secret", "verify")
