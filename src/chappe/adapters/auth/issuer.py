"""An OpenID Connect provider: what it publishes, whose tokens it signs, and logging in with it.

Its discovery document and keys are fetched by a task of their own, every few minutes and when a token
names a key that is not known, but never sooner than some seconds after the last time: however many
such tokens come, they make no more requests. A request is answered from memory.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from chappe.adapters.auth.fetch import Fetch, NotFetched
from chappe.adapters.auth.jwt import Key, UnknownKey, Untrusted, check, read_keys
from chappe.domain.access import How, Principal
from chappe.domain.claims import ClaimRole, roles_of, values_at
from chappe.domain.errors import Unauthenticated, Unavailable
from chappe.ports.clock import Clock
from chappe.ports.identity import Asked, Client, IdentityProvider, Person

REFRESH_S: Final = 300.0
AGAIN_S: Final = 10.0
"""How long after the keys were fetched they may be again, because a token names an unknown one."""
STALE_S: Final = 86_400.0
"""How long keys are believed in while the issuer does not answer: one may have been taken back."""
MOST_KNOWN: Final = 10_000
"""Tokens whose signature was found right lately."""
MOST_NAME: Final = 200

_log = logging.getLogger("chappe.oidc")


@dataclass(frozen=True, slots=True)
class Provider:
    """Which issuer, who the hub is to it, and what its claims mean; as the settings say."""

    issuer: str
    client_id: str
    client_secret: str | None = None
    audience: str = ""
    scopes: str = "openid profile email"
    claim: str = "groups"
    name_claim: str = "preferred_username"
    roles: Sequence[ClaimRole] = ()
    leeway_s: float = 30.0

    @property
    def audiences(self) -> frozenset[str]:
        """Whom a token may be for."""
        return frozenset(one for one in (self.audience, self.client_id) if one)


class _Discovered(msgspec.Struct):
    """OpenID Connect Discovery 1.0, 3."""

    issuer: str
    jwks_uri: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    end_session_endpoint: str = ""


class _Answered(msgspec.Struct):
    """RFC 6749 5.1, OpenID Connect Core 3.1.3.3."""

    id_token: str


class OidcIssuer:
    """Knows its issuer's keys; `run` renews them."""

    def __init__(self, provider: Provider, fetch: Fetch, clock: Clock) -> None:
        self._provider = provider
        self._fetch = fetch
        self._clock = clock
        self._discovered: _Discovered | None = None
        self._keys: Sequence[Key] = ()
        self._fetched_s = float("-inf")
        self._tried_s = float("-inf")
        self._wanted = asyncio.Event()
        self._known: dict[bytes, tuple[Principal, float]] = {}

    @property
    def client(self) -> Client:
        """See the port."""
        return Client(self._provider.issuer, self._provider.client_id, self._provider.scopes)

    def identify(self, token: str) -> Principal | None:
        """Whose JWT it is; None: it is not to be believed.

        Raises:
            Unauthenticated: it is not; the message says why.
            Unavailable: it may be, but is signed with a key that the issuer must be asked for.
        """
        hashed = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        known = self._known.get(hashed)
        now_s = self._clock.now_ms() / 1000
        if known is not None and now_s < known[1]:
            return known[0]
        claims = self._checked(token, self._provider.audiences)
        principal = self.principal(self._person(claims), how="oidc")
        if len(self._known) >= MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[hashed] = principal, float(claims["exp"]) + self._provider.leeway_s
        return principal

    def principal(self, person: Person, *, how: How) -> Principal:
        """What somebody may by the settings of now."""
        return Principal.holding(
            person.name, roles_of(person.values, self._provider.roles), how=how
        )

    def login_url(self, asked: Asked, redirect_uri: str) -> str:
        """See the port."""
        found = self._discovered
        if found is None or not found.authorization_endpoint:
            raise Unavailable(f"{self._provider.issuer} has not told where to log in; try again")
        digest = hashlib.sha256(asked.verifier.encode("ascii")).digest()
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self._provider.client_id,
                "redirect_uri": redirect_uri,
                "scope": self._provider.scopes,
                "state": asked.state,
                "nonce": asked.nonce,
                "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii"),
                "code_challenge_method": "S256",
            },
            quote_via=quote,
        )
        return _asking(found.authorization_endpoint, query)

    def logout_url(self, back_to: str) -> str | None:
        """See the port."""
        found = self._discovered
        if found is None or not found.end_session_endpoint:
            return None
        query = {"client_id": self._provider.client_id, "post_logout_redirect_uri": back_to}
        return _asking(found.end_session_endpoint, urlencode(query, quote_via=quote))

    async def redeem(self, code: str, asked: Asked, redirect_uri: str) -> Person:
        """See the port."""
        found = self._discovered
        if found is None or not found.token_endpoint:
            raise Unavailable(f"{self._provider.issuer} has not told where its tokens are")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self._provider.client_id,
            "code_verifier": asked.verifier,
        }
        try:
            answer = await self._fetch(
                found.token_endpoint, urlencode(form).encode("ascii"), self._authorization()
            )
        except NotFetched as error:
            raise Unavailable(str(error)) from error
        if answer.status != 200:
            raise Unauthenticated(f"login: the provider answered {answer.status} to the code")
        try:
            token = msgspec.json.decode(answer.body, type=_Answered).id_token
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Unauthenticated("login: the provider sent no id_token") from error
        claims = self._checked(token, frozenset({self._provider.client_id}))
        if claims.get("nonce") != asked.nonce:
            raise Unauthenticated("login: the id_token was made for another login (nonce)")
        authorized = claims.get("azp", self._provider.client_id)
        if authorized != self._provider.client_id:
            raise Unauthenticated("login: the id_token was given to another client (azp)")
        return self._person(claims)

    async def refresh(self) -> None:
        """Fetch what the issuer publishes; what is known stays where it cannot be had."""
        self._tried_s = self._clock.monotonic_s()
        self._wanted.clear()
        try:
            discovered = await self._discover()
            keys = read_keys(await self._document(discovered.jwks_uri))
        except (NotFetched, Untrusted) as error:
            _log.warning("issuer %s: %s", self._provider.issuer, error)
            if self._clock.monotonic_s() - self._fetched_s > STALE_S:
                self._keys = ()
                self._known.clear()
            return
        # A key that is gone takes its tokens along.
        self._known.clear()
        self._discovered, self._keys = discovered, keys
        self._fetched_s = self._clock.monotonic_s()

    async def run(self) -> None:
        """Renew the keys now and then, and when they are wanted, for ever."""
        await self.refresh()
        while True:
            if await self._clock.wait(self._wanted, REFRESH_S if self._keys else AGAIN_S):
                await self._clock.sleep(max(0.0, self._tried_s + AGAIN_S - self._now_s()))
            await self.refresh()

    def _now_s(self) -> float:
        return self._clock.monotonic_s()

    def _checked(self, token: str, audiences: frozenset[str]) -> Mapping[str, Any]:
        try:
            return check(
                token,
                self._keys,
                issuer=self._provider.issuer,
                audiences=audiences,
                now_s=self._clock.now_ms() / 1000,
                leeway_s=self._provider.leeway_s,
            )
        except UnknownKey as error:
            may_ask = self._now_s() >= self._tried_s + AGAIN_S
            if may_ask or not self._keys:
                self._wanted.set()
                raise Unavailable(
                    "the token is signed with a key that is not known yet; the issuer is asked"
                ) from error
            raise Unauthenticated(str(error), challenge=_INVALID) from error
        except Untrusted as error:
            raise Unauthenticated(str(error), challenge=_INVALID) from error

    def _person(self, claims: Mapping[str, Any]) -> Person:
        """Only the values that a role is held by: a cookie has room for few."""
        meant = {one.value for one in self._provider.roles}
        values = values_at(claims, self._provider.claim)
        name = claims.get(self._provider.name_claim)
        shown = name if isinstance(name, str) and name.isprintable() and name else claims["sub"]
        return Person(
            str(shown)[:MOST_NAME], tuple(dict.fromkeys(one for one in values if one in meant))
        )

    async def _discover(self) -> _Discovered:
        issuer = self._provider.issuer
        url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            found = msgspec.json.decode(await self._document(url), type=_Discovered)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise NotFetched(f"{url}: no discovery document ({error})") from error
        if found.issuer != issuer:
            # OpenID Connect Discovery 1.0, 4.3: it must be exactly the one that was asked for.
            raise NotFetched(f"{url}: says that it is {found.issuer!r}; the setting is {issuer!r}")
        for each in (
            found.jwks_uri,
            found.authorization_endpoint,
            found.token_endpoint,
            found.end_session_endpoint,
        ):
            if not each.isascii() or not each.isprintable():
                raise NotFetched(f"{url}: {each[:80]!r} is no URL")
            # An issuer without TLS is one on loopback, or somebody's decision.
            allowed = ("https://", "http://") if issuer.startswith("http://") else "https://"
            if each and not each.startswith(allowed):
                raise NotFetched(f"{url}: {each[:80]!r} is not https")
        return found

    async def _document(self, url: str) -> bytes:
        answer = await self._fetch(url)
        if answer.status != 200:
            raise NotFetched(f"{url}: answered {answer.status}")
        return answer.body

    def _authorization(self) -> Mapping[str, str]:
        secret = self._provider.client_secret
        if secret is None:
            return {}
        # RFC 6749 2.3.1: both are form-encoded first.
        pair = f"{quote(self._provider.client_id, safe='')}:{quote(secret, safe='')}"
        return {"authorization": "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii")}


def _asking(url: str, query: str) -> str:
    return f"{url}{'&' if urlsplit(url).query else '?'}{query}"


_INVALID: Final = 'Bearer realm="chappe", error="invalid_token"'

_: Callable[[Provider, Fetch, Clock], IdentityProvider] = OidcIssuer
