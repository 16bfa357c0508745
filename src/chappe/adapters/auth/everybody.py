"""Whoever may call: holders of hub tokens, people of an issuer, sessions of browsers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chappe.adapters.auth.sessions import SealedSessions
from chappe.adapters.auth.tokens import TokenFile
from chappe.domain.access import Principal
from chappe.ports.authorizer import Authorizer

if TYPE_CHECKING:  # who has no issuer need not load what checks its tokens
    from chappe.adapters.auth.issuer import OidcIssuer


class Everybody:
    """Asks the one who knows; without tokens and issuer the hub is open."""

    def __init__(
        self, tokens: TokenFile, issuer: OidcIssuer | None, sessions: SealedSessions
    ) -> None:
        self._tokens = tokens
        self._issuer = issuer
        self._sessions = sessions

    @property
    def is_open(self) -> bool:
        """See the port."""
        return self._issuer is None and self._tokens.is_open

    def identify(self, token: str) -> Principal | None:
        """See the port."""
        if self._issuer is not None and _looks_like_jwt(token):
            return self._issuer.identify(token)
        return None if self._tokens.is_open else self._tokens.identify(token)

    def session(self, cookie: str) -> Principal | None:
        """See the port."""
        return self._sessions.find(cookie)


_: type[Authorizer] = Everybody


def _looks_like_jwt(token: str) -> bool:
    """Whether it is a signed token, "header.claims.signature", by its looks; no hub token is."""
    return token.count(".") == 2
