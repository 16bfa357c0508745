"""Sessions of browsers: sealed cookies that any node of the hub opens, as all of them share its key.

    {"id": "…", "ends": 1795420000, "token": "<sha256 of the token>"}
    {"id": "…", "ends": 1795420000, "name": "ann", "values": ["platform"]}

The rights are not in it: they are looked up each time, so that a token that was removed, or a role
that the settings no longer give, ends at once. A session that was left is taken no more by the node that
was told; other nodes know it until it ends by itself.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from chappe.adapters.auth.tokens import hashed
from chappe.domain.access import Principal
from chappe.domain.errors import Unavailable
from chappe.ports.identity import Asked, Person
from chappe.ports.identity import Sessions as Port
from chappe.ports.secrets import Secrets

if TYPE_CHECKING:  # who has no issuer need not load what checks its tokens
    from chappe.adapters.auth.issuer import OidcIssuer

LOGIN_S: Final = 600.0
"""How long a login may take, from the hub to the provider and back."""
MOST_ENDED: Final = 10_000
MOST_COOKIE: Final = 4096

T = TypeVar("T", bound=msgspec.Struct)

_SESSION: Final = "session"
_LOGIN: Final = "login"


class _Session(msgspec.Struct, omit_defaults=True):
    id: str
    ends: float
    token: str = ""
    name: str = ""
    values: tuple[str, ...] = ()


class _Login(msgspec.Struct):
    ends: float
    state: str
    nonce: str
    verifier: str
    next: str


def session_key(hub_key: bytes) -> bytes:
    """The key of cookies, from that of the hub, which seals other things too."""
    return hmac.new(hub_key, b"chappe session cookies 1", hashlib.sha256).digest()


class SealedSessions:
    """Seals with the hub's key; `by_hash` gives whose token has a hash, now."""

    def __init__(
        self,
        vault: Secrets,
        by_hash: Callable[[str], Principal | None],
        issuer: OidcIssuer | None,
        now_s: Callable[[], float],
        *,
        lasts_s: float,
    ) -> None:
        self._vault = vault
        self._by_hash = by_hash
        self._issuer = issuer
        self._now_s = now_s
        self._lasts_s = lasts_s
        self._ended: dict[str, float] = {}

    def begin(self, login: Person | str) -> tuple[str, Principal] | None:
        """See the port."""
        made = _Session(secrets.token_hex(12), self._now_s() + self._lasts_s)
        if isinstance(login, Person):
            made.name, made.values = login.name, login.values
        else:
            made.token = hashed(login)
        principal = self._principal(made)
        return None if principal is None else (self._seal(made, _SESSION), principal)

    def find(self, cookie: str) -> Principal | None:
        """See the port."""
        session = self._session(cookie)
        return None if session is None else self._principal(session)

    def end(self, cookie: str) -> None:
        """See the port."""
        session = self._session(cookie)
        if session is not None:
            now_s = self._now_s()
            if len(self._ended) >= MOST_ENDED:
                self._ended = {id: ends for id, ends in self._ended.items() if ends > now_s}
            self._ended[session.id] = session.ends

    def seal_asked(self, asked: Asked) -> str:
        """See the port."""
        made = _Login(self._now_s() + LOGIN_S, asked.state, asked.nonce, asked.verifier, asked.next)
        return self._seal(made, _LOGIN)

    def open_asked(self, cookie: str) -> Asked | None:
        """See the port."""
        found = self._open(cookie, _LOGIN, _Login)
        if found is None or found.ends <= self._now_s():
            return None
        return Asked(found.state, found.nonce, found.verifier, found.next)

    def _session(self, cookie: str) -> _Session | None:
        found = self._open(cookie, _SESSION, _Session)
        if found is None or found.ends <= self._now_s() or found.id in self._ended:
            return None
        return found

    def _principal(self, session: _Session) -> Principal | None:
        if session.token:
            known = self._by_hash(session.token)
            if known is None:
                return None
            return Principal(known.name, known.rights, known.grants, "session")
        if self._issuer is None:
            return None
        return self._issuer.principal(Person(session.name, session.values), how="session")

    def _seal(self, what: msgspec.Struct, kind: str) -> str:
        text = self._vault.seal(msgspec.json.encode(what).decode(), context=kind)
        # What a vault gives holds "+", "/" and "=", which are safe in no place of HTTP.
        return base64.urlsafe_b64encode(text.encode("ascii")).rstrip(b"=").decode("ascii")

    def _open(self, cookie: str, kind: str, made: type[T]) -> T | None:
        if len(cookie) > MOST_COOKIE:
            return None
        try:
            sealed = base64.urlsafe_b64decode(cookie.encode("ascii") + b"=" * (-len(cookie) % 4))
            opened = self._vault.open(sealed.decode("ascii"), context=kind)
            return msgspec.json.decode(opened, type=made)
        except (ValueError, Unavailable, msgspec.MsgspecError):
            return None  # made up, altered, or of another hub


_: Callable[..., Port] = SealedSessions
