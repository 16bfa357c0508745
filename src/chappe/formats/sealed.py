"""What seals or opens a secret, as the formats see it (see ports/secrets)."""

from __future__ import annotations

from typing import Protocol


class Cipher(Protocol):
    """Seals or opens a secret; opens only with the context that it was sealed with."""

    def __call__(self, text: str, /, *, context: str) -> str:
        """The other form of `text`."""
        ...
