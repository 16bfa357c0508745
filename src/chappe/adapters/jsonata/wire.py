"""What the hub and its helper process agree on; apart, so that the hub need not load the library."""

from __future__ import annotations

from typing import Final

HELPER: Final = "chappe.adapters.jsonata.helper"
DIRECTORY_PREFIX: Final = "chappe-jsonata-"
MAX_ANSWER_BYTES: Final = 1 << 24
