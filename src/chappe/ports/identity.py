"""Logging in: an identity provider that says who somebody is, and the sessions that begin with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from chappe.domain.access import Principal


@dataclass(frozen=True, slots=True)
class Asked:
    """A login that has begun: what its answer must match. All of it is secret to the browser."""

    state: str
    nonce: str
    verifier: str
    next: str


@dataclass(frozen=True, slots=True)
class Client:
    """What a program needs to log somebody in by itself: the command line asks the hub for it."""

    issuer: str
    client_id: str
    scopes: str


class IdentityProvider(Protocol):
    """Logs people in by OpenID Connect: the authorization code flow with PKCE."""

    @property
    def client(self) -> Client:
        """Who it is, and who the hub is to it."""
        ...

    def login_url(self, asked: Asked, redirect_uri: str) -> str:
        """Where the browser goes to log in.

        Raises:
            Unavailable: the provider has not answered yet.
        """
        ...

    def logout_url(self, back_to: str) -> str | None:
        """Where the browser goes to log out at the provider, too; None: it has no such place.

        OpenID Connect RP-Initiated Logout 1.0, 2: `back_to` is where it may come back to.
        """
        ...

    async def redeem(self, code: str, asked: Asked, redirect_uri: str) -> Person:
        """Trade the code that came back for who it is.

        Raises:
            Unauthenticated: the provider takes the code for none, or its answer is not to be trusted.
            Unavailable: it does not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom a provider knows: a name, and those values of the claim that roles are held by."""

    name: str
    values: tuple[str, ...]


class Sessions(Protocol):
    """Sealed values for cookies: any node of the hub reads them, nobody else can make or read one."""

    def begin(self, login: Person | str) -> tuple[str, Principal] | None:
        """A session for a person, or for who holds a token (the token itself); None: it is nobody's."""
        ...

    def find(self, cookie: str) -> Principal | None:
        """Whose session it is, with the rights of now; None: nobody's, or it has ended."""
        ...

    def end(self, cookie: str) -> None:
        """Let this node take it no more."""
        ...

    def seal_asked(self, asked: Asked) -> str:
        """Keep what a login asked for with the browser, for some minutes."""
        ...

    def open_asked(self, cookie: str) -> Asked | None:
        """What was asked; None where that is too old, or not from here."""
        ...
