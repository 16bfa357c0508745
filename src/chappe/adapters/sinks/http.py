"""Delivery by HTTP: one event, one request, in binary mode unless the subscription wants another.

    POST /hook HTTP/1.1
    host: example.com
    webhook-id: 2dQ...            the same for each attempt of this event to this subscription
    webhook-timestamp: 1790000000
    webhook-signature: v1,K5oZ...  where the subscription has keys (Standard Webhooks)
    ce-id: ...

The pieces: `http_request` (what the subscription says), `http_pool` (connections), `http_answers`
(what an answer means). Which event goes where, and when again, is `flows/deliver`'s.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Coroutine
from http import HTTPStatus

from chappe.adapters.sinks.http_answers import DELIVERED, header_of, outcome_of, without
from chappe.adapters.sinks.http_body import whole_events
from chappe.adapters.sinks.http_connection import Answer, NoAnswer
from chappe.adapters.sinks.http_fields import binary_lines, joined
from chappe.adapters.sinks.http_pool import CONNECTIONS_PER_ORIGIN, IDLE_S, Pool
from chappe.adapters.sinks.http_replies import delivered_with_replies
from chappe.adapters.sinks.http_request import (
    BadSubscription,
    Head,
    bearer,
    form_request,
    forms_of,
    head_of,
    permission_request,
    trace_lines,
)
from chappe.adapters.sinks.http_tokens import NotRenewed, Renewed, Tokens
from chappe.domain.delivery import Failed, Outcome
from chappe.domain.errors import Malformed
from chappe.domain.event import Event
from chappe.domain.grant import Agreed, agreed, asked_rate
from chappe.domain.subscription import Credential, Subscription
from chappe.formats.cloudevents_http import encode_structured
from chappe.formats.webhook_signatures import signatures
from chappe.ports.egress import Egress
from chappe.ports.handshake import Handshake, NotGranted
from chappe.ports.sink import Attempt, Sink

PREPARED = 10_000
"""How many subscriptions' heads are kept encoded, some 500 bytes each."""

_LINES = b"webhook-id: %b\r\nwebhook-timestamp: %d\r\ncontent-length: %d\r\n%b\r\n"


async def _not_kept(subscription_id: str, credential: Credential) -> None:
    """Nobody keeps a renewed token: after a restart it is traded again."""


class HttpSink:
    """Posts events to http and https sinks; redirects are never followed.

    `now` gives Unix seconds. `egress` decides what may be connected to. `tls` replaces the system's
    trust store and settings, for subscriptions that say nothing of their own. `renewed` is told of
    tokens that were traded for others, to keep them. `origin` is the hub's name to sinks that must
    agree (webhook spec 4.1.2).
    """

    def __init__(
        self,
        *,
        now: Callable[[], float],
        egress: Egress,
        tls: ssl.SSLContext | None = None,
        connections_per_origin: int = CONNECTIONS_PER_ORIGIN,
        idle_s: float = IDLE_S,
        renewed: Renewed = _not_kept,
        origin: str = "",
    ) -> None:
        self._origin = origin
        self._now = now
        self._pool = Pool(egress=egress, tls=tls, per_origin=connections_per_origin, idle_s=idle_s)
        self._tokens = Tokens(
            now_ms=lambda: round(now() * 1000), ask=self._ask_for_token, renewed=renewed
        )
        self._other_mode: set[str] = set()
        self._heads: dict[str, tuple[Subscription, Head]] = {}

    @property
    def open_connections(self) -> int:
        """How many connections are open or being opened."""
        return self._pool.open_connections

    async def send(self, attempt: Attempt) -> Outcome:
        """Try once; see the port.

        Where the sink does not understand the mode (415), once more in the other one; what it
        understood is taken first from then on (webhook spec 2.2).
        """
        subscription = attempt.subscription
        other = subscription.id in self._other_mode
        try:
            head = self._head(subscription)
            (status, headers, body), token = await self._asked(head, attempt, other=other)
            if status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE and attempt.batch is None:
                (status, headers, body), token = await self._asked(head, attempt, other=not other)
                if status in DELIVERED:
                    self._understood(subscription.id, other=not other)
        except (NoAnswer, BadSubscription, NotRenewed) as exc:
            return Failed(str(exc))
        delivered = DELIVERED.get(status)
        if delivered is not None:
            if subscription.options.replies is not None:
                return delivered_with_replies(status, headers, body)
            return delivered
        secrets = head.secrets if token is None else forms_of(token)
        if secrets:
            body = without(secrets, body)
            headers = [(name, without(secrets, value)) for name, value in headers]
        return outcome_of(status, headers, body, now_s=self._now())

    async def _asked(
        self, head: Head, attempt: Attempt, *, other: bool
    ) -> tuple[Answer, str | None]:
        """The answer, and the token that was sent where the credential is one that changes."""
        if not head.renews:
            return await self._exchanged(head, attempt, other=other), None
        # With a token that is good, and once more with another one where the sink says 401.
        refused: str | None = None
        while True:
            token = await self._tokens.token(attempt.subscription, other_than=refused)
            answer = await self._exchanged(head, attempt, bearer(token), other=other)
            if answer.status != HTTPStatus.UNAUTHORIZED or refused is not None:
                return answer, token
            refused = token

    def _exchanged(
        self, head: Head, attempt: Attempt, authorization: bytes = b"", *, other: bool
    ) -> Coroutine[None, None, Answer]:
        request = _request(head, attempt, self._now(), authorization, other=other)
        return self._pool.exchange(
            head.origin,
            request,
            timeout_s=attempt.subscription.timeout_s,
            keep_bytes=head.keep_bytes,
        )

    def _understood(self, subscription_id: str, *, other: bool) -> None:
        if not other:
            self._other_mode.discard(subscription_id)
            return
        if len(self._other_mode) >= PREPARED:
            self._other_mode.clear()  # It is found out again with one request.
        self._other_mode.add(subscription_id)

    async def ask(self, subscription: Subscription, callback: str) -> Agreed:
        """Whether the sink agrees to be delivered to; see ports/handshake."""
        rate = subscription.options.rate
        asked = asked_rate(None if rate is None else rate.per_second)
        try:
            where, request = permission_request(
                subscription, origin=self._origin, callback=callback, rate=asked
            )
            answer = await self._pool.exchange(where, request, timeout_s=subscription.timeout_s)
            return agreed(
                allowed_origin=header_of(answer.headers, b"webhook-allowed-origin"),
                allowed_rate=header_of(answer.headers, b"webhook-allowed-rate"),
                origin=self._origin,
                asked=asked,
            )
        except (NoAnswer, BadSubscription) as error:
            raise NotGranted(str(error)) from error
        except Malformed as error:
            raise NotGranted(error.message) from error

    async def _ask_for_token(self, subscription: Subscription, url: str, form: bytes) -> Answer:
        origin, request = form_request(url, form)
        try:
            return await self._pool.exchange(origin, request, timeout_s=subscription.timeout_s)
        except NoAnswer as exc:
            raise NotRenewed(f"refreshtokenendpoint: {exc}") from exc

    async def close(self) -> None:
        """Close every connection; attempts under way end as Failed."""
        self._pool.close()

    def _head(self, subscription: Subscription) -> Head:
        """Encoded once for each state of a subscription, also one made again under an old id."""
        kept = self._heads.get(subscription.id)
        if kept is not None and (kept[0] is subscription or kept[0] == subscription):
            return kept[1]
        head = head_of(subscription, self._origin)
        self._heads.pop(subscription.id, None)
        if len(self._heads) >= PREPARED:
            del self._heads[next(iter(self._heads))]
        self._heads[subscription.id] = subscription, head
        return head


def _request(
    head: Head,
    attempt: Attempt,
    now_s: float,
    authorization: bytes = b"",
    *,
    other: bool = False,
) -> bytes:
    """The whole request, head and body; `authorization` is a line of its own, or nothing.

    With `other` a single event is not in the mode that the subscription names, but in the other one.

    Raises:
        BadSubscription: a value from the event would break a line. Formats let none in; a second
            look here costs nothing, and a forged request to a sink would cost a lot.
    """
    if other:
        (fields, count), body = _in_other_mode(attempt)
    else:
        (fields, count), body = whole_events(attempt) or _encoded(attempt.event)
    breaks = count + 4
    if head.signers:
        signers = head.signers_at(now_s)
        signed = signatures(signers, attempt.webhook_id, int(now_s), body)
        fields = b"webhook-signature: %b\r\n%b" % (signed.encode("ascii"), fields)
        breaks += 1
    lines = _LINES % (attempt.webhook_id.encode(), now_s, len(body), fields)
    if lines.count(b"\n") != breaks or lines.count(b"\r") != breaks:
        raise BadSubscription(f"event {attempt.event.id!r}: an attribute holds a line break")
    trace = attempt.trace
    # A subscription's own header of that name says what its sink is to be told.
    if trace is not None and b"\r\ntraceparent:" not in head.lines:
        authorization += trace_lines(trace)
    return b"".join((head.lines, authorization, lines, body))


def _in_other_mode(attempt: Attempt) -> tuple[tuple[bytes, int], bytes]:
    """Structured where the subscription wants binary mode, and the other way round."""
    whole = whole_events(attempt)
    if attempt.batch is not None and whole is not None:
        return whole
    if whole is not None:
        return _encoded(attempt.event)
    headers, body = encode_structured(attempt.event)
    return joined(headers), body


def _encoded(event: Event) -> tuple[tuple[bytes, int], bytes]:
    """The event's header lines, with their number, and the body.

    Binary mode, unless that had no payload or no Content-Type: webhook spec 2.1 demands both.

    A JSON payload that nobody called so is called so (json-format.md 3.1.2); untyped bytes travel
    in structured mode, which can say that they have no type.
    """
    data, media_type = event.data, event.datacontenttype
    if media_type is None and event.text:
        media_type = "application/json"
    if not data or media_type is None:
        headers, body = encode_structured(event)
        return joined(headers), body
    return binary_lines(event, media_type), data


_: type[Sink] = HttpSink
_asks: type[Handshake] = HttpSink
