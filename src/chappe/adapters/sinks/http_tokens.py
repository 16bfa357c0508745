"""Access tokens that are renewed: credentials REFRESHTOKEN (subscriptions/spec.md 3.2.3, RFC 6749 6).

    POST /token                                    {"access_token": "…", "expires_in": 3600}
    grant_type=refresh_token&refresh_token=…

A token is renewed shortly before it expires, and when the sink answers 401. Attempts of one
subscription that need another token wait for one request.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

import msgspec

from chappe.adapters.sinks.http_answers import excerpt, without
from chappe.adapters.sinks.http_connection import Answer
from chappe.adapters.sinks.http_request import BadSubscription, forms_of
from chappe.domain.subscription import Credential, Subscription
from chappe.formats.times import rfc3339, unix_ms

EARLY_MS: Final = 30_000
"""So long before its end a token is renewed: it must still be good when the sink reads it."""

MOST: Final = 10_000
"""Subscriptions whose tokens are kept."""
REMEMBERED: Final = 4
"""Tokens of one subscription that are known as its own."""

Ask = Callable[[Subscription, str, bytes], Awaitable[Answer]]
"""Posts a form to a URL, as the sink is asked: vetted, with the same bounds."""

Renewed = Callable[[str, Credential], Awaitable[None]]
"""Told of a subscription's new credential, which is to be kept."""


class NotRenewed(Exception):
    """No token can be had; the text says why and holds no secret."""


@dataclass(slots=True)
class _Kept:
    """What a subscription came with, and what that has become since: the last is the one to use.

    An attempt that began earlier still carries an earlier one, and must not bring it back.
    """

    became: deque[Credential]
    renewing: asyncio.Future[Credential] | None = None

    @property
    def now(self) -> Credential:
        return self.became[-1]


class _Answered(msgspec.Struct):
    """RFC 6749 5.1."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105  # the type of a token is no token
    expires_in: float | None = None
    refresh_token: str | None = None


class Tokens:
    """The current access token of each subscription with a REFRESHTOKEN credential."""

    def __init__(self, *, now_ms: Callable[[], int], ask: Ask, renewed: Renewed) -> None:
        self._now_ms = now_ms
        self._ask = ask
        self._renewed = renewed
        self._kept: dict[str, _Kept] = {}

    async def token(self, subscription: Subscription, *, other_than: str | None = None) -> str:
        """A token that has not expired; with `other_than` (which the sink refused) another one.

        Raises:
            NotRenewed: there is none.
        """
        credential = subscription.credential
        assert credential is not None
        kept = self._kept.get(subscription.id)
        if kept is None or credential not in kept.became:
            kept = self._keep(subscription.id, credential)
        if kept.now.secret != other_than and not self._ends_soon(kept.now):
            return kept.now.secret
        if kept.renewing is None:
            kept.renewing = asyncio.ensure_future(self._renew(subscription, kept))
            kept.renewing.add_done_callback(_seen)
        # One attempt that is cancelled must not take the token from the others.
        return (await asyncio.shield(kept.renewing)).secret

    def _keep(self, subscription_id: str, credential: Credential) -> _Kept:
        self._kept.pop(subscription_id, None)
        if len(self._kept) >= MOST:
            # The oldest: most likely its subscription has ended. Else the registry has what it became.
            del self._kept[next(iter(self._kept))]
        kept = self._kept[subscription_id] = _Kept(deque((credential,), maxlen=REMEMBERED))
        return kept

    def _ends_soon(self, credential: Credential) -> bool:
        ends_ms = None if credential.expires is None else unix_ms(credential.expires)
        return ends_ms is not None and ends_ms - EARLY_MS <= self._now_ms()

    async def _renew(self, subscription: Subscription, kept: _Kept) -> Credential:
        try:
            renewed = await self._traded(subscription, kept.now)
            kept.became.append(renewed)
            await self._renewed(subscription.id, renewed)
            return renewed
        finally:
            kept.renewing = None

    async def _traded(self, subscription: Subscription, old: Credential) -> Credential:
        if old.endpoint is None or old.refresh_token is None:
            raise NotRenewed("sinkcredential: there is no refresh token")
        form = urlencode({"grant_type": "refresh_token", "refresh_token": old.refresh_token})
        try:
            answer = await self._ask(subscription, old.endpoint, form.encode("ascii"))
        except BadSubscription as error:
            raise NotRenewed(f"refreshtokenendpoint: {error}") from error
        if answer.status != 200:
            said = excerpt(without(forms_of(old.refresh_token), answer.body))
            raise NotRenewed(f"refreshtokenendpoint: answered {answer.status} {said}".rstrip())
        try:
            got = msgspec.json.decode(answer.body, type=_Answered)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise NotRenewed(f"refreshtokenendpoint: no token in its answer ({error})") from error
        if got.token_type.lower() != "bearer":
            raise NotRenewed(f"refreshtokenendpoint: a token of type {got.token_type[:40]!r}")
        expires = (
            None
            if got.expires_in is None
            else rfc3339(self._now_ms() + round(got.expires_in * 1000))
        )
        return replace(
            old,
            secret=got.access_token,
            expires=expires,
            refresh_token=got.refresh_token or old.refresh_token,
        )


def _seen(done: asyncio.Future[Credential]) -> None:
    """Those who wait get the error; if all were cancelled meanwhile, nobody has to."""
    if not done.cancelled():
        done.exception()
