"""Expressions that make a new payload of an event."""

from __future__ import annotations

from typing import Protocol


class CannotReshape(Exception):
    """The expression gives no payload for this event, and would not at another time.

    The text says why; it may quote the expression and the event.
    """


class Reshaper(Protocol):
    """Evaluates JSONata. What strangers wrote runs here: it has bounds of time and memory."""

    async def reshape(self, expression: str, document: bytes) -> bytes | None:
        """The value of the expression over a JSON document, as JSON; None where there is none.

        Raises:
            CannotReshape: the expression fails on the document, or costs more than there is.
            Unavailable: nobody can evaluate it now.
        """
        ...

    def close(self) -> None:
        """End what evaluates; nothing is reshaped afterwards."""
        ...
