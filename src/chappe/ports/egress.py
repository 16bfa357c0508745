"""Where connections to others may go: the way of every adapter that connects on a user's behalf."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class NotReachable(Exception):
    """The host has no address, or none that may be connected to; the text says which and why."""


class Egress(Protocol):
    """Gives the addresses to connect to, each time a connection is opened.

        for address in await egress.vetted_addresses("hooks.example.com", 443):
            ...connect to exactly this address; the name stays in Host and in TLS (SNI)...

    Who resolves the name once more, in a library for instance, has given the guard away: the name may lead
    elsewhere by then.
    """

    async def vetted_addresses(self, host: str, port: int) -> Sequence[str]:
        """At least one address, those to try first in front: families in turn (RFC 8305 4).

        `host` is an ASCII name or an address in any notation, without brackets.

        Raises:
            NotReachable: the name is not found, or every address of it is refused.
        """
        ...

    def refusal_of_plain(self, host: str) -> str | None:
        """Why the host must not be asked without TLS; None: it may be."""
        ...
