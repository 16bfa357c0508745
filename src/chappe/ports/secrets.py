"""Secrets at rest."""

from __future__ import annotations

from typing import Protocol


class Secrets(Protocol):
    """Seals what must not lie in the clear on disk."""

    def seal(self, secret: str, *, context: str) -> str:
        """Encrypt; the result opens only with the same `context` (such as a subscription's id)."""
        ...

    def open(self, sealed: str, *, context: str) -> str:
        """Decrypt.

        Raises:
            WrongKey: the key is another one, or the text was altered.
            Unavailable: it was not sealed in a way that is known.
        """
        ...
