"""Who is behind a token."""

from __future__ import annotations

from typing import Protocol

from chappe.domain.access import ANYONE, Principal


class Authorizer(Protocol):
    """Knows the tokens. Answers from memory: it is asked for every request."""

    @property
    def is_open(self) -> bool:
        """Whether there are no tokens at all, so that everybody may do everything."""
        ...

    def identify(self, token: str) -> Principal | None:
        """Whose token it is; None when nobody's.

        Takes the same time for every wrong token, however much of it is right.

        Raises:
            Unauthenticated: nobody's, where more is to be said of it.
            Unavailable: nobody can tell yet.
        """
        ...

    def session(self, cookie: str) -> Principal | None:
        """Whose session a cookie is of; None when nobody's."""
        ...


class Open:
    """No tokens: everybody may do everything."""

    is_open = True

    def identify(self, token: str) -> Principal | None:
        """Anyone."""
        return ANYONE

    def session(self, cookie: str) -> Principal | None:
        """There are none."""
        return None
