"""Webhook in: see that it comes from whom it says, and make it an event for its channel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chappe.domain.errors import NotFound, Unauthenticated, Unavailable
from chappe.domain.event import Event
from chappe.domain.source import Source
from chappe.domain.webhook_source import WEBHOOK, WebhookSource
from chappe.formats.times import rfc3339
from chappe.formats.webhooks.declared import mapping_of
from chappe.formats.webhooks.providers import convert
from chappe.formats.webhooks.verification import verify
from chappe.formats.webhooks.webhook import header_fields, read_webhook
from chappe.ports.clock import Clock


@dataclass(frozen=True, slots=True)
class Echo:
    """What a provider wants to read again before it sends anything; no event."""

    challenge: str


@dataclass(frozen=True, slots=True)
class ReadWebhook:
    """Reads webhooks for the sources that `sources` holds now; `flows/accept` takes the events in."""

    sources: Callable[[], Mapping[str, Source]]
    clock: Clock
    new_id: Callable[[], str]

    def __call__(
        self,
        id: str,
        headers: Iterable[tuple[bytes, bytes]],
        query: Mapping[str, str],
        body: bytes,
    ) -> tuple[str, Event] | Echo:
        """The event, and the channel that takes it.

        Raises:
            NotFound: no such source takes webhooks.
            Unauthenticated: the signature, token or password is missing, wrong or too old.
            Unavailable: the source is paused.
            Malformed, InvalidEvent: it lacks what the mapping needs, or breaks a rule.
        """
        source, settings = self.one(id)
        pairs = list(headers)
        verification = source.options.verification
        if verification is None:
            raise Unauthenticated(f"source {id!r}: it says of no proof; nothing is taken")
        now_ms = self.clock.now_ms()
        verify(settings, verification, header_fields(pairs), body, now_s=now_ms / 1000)
        if source.options.paused:
            raise Unavailable(f"source {id!r}: is paused; send the webhook again later")
        webhook = read_webhook(
            id, pairs, query, body, received=rfc3339(now_ms), fresh_id=self.new_id()
        )
        challenge = _challenge(settings, webhook.document)
        if challenge is not None:
            return Echo(challenge)
        event = convert(settings.provider, mapping_of(settings), webhook)
        return source.options.channel, event

    def one(self, id: str) -> tuple[Source, WebhookSource]:
        """The source of that id.

        Raises:
            NotFound: there is none, or it takes no webhooks.
        """
        source = self.sources().get(id)
        if source is None or not isinstance(source.settings, WebhookSource):
            raise NotFound(f"source {id!r}: there is none of the protocol {WEBHOOK}")
        return source, source.settings


def _challenge(settings: WebhookSource, document: Any) -> str | None:
    """What Slack asks to read again when the address is entered there."""
    if (
        settings.provider == "slack"
        and isinstance(document, dict)
        and document.get("type") == "url_verification"
        and isinstance(document.get("challenge"), str)
    ):
        challenge: str = document["challenge"]
        return challenge
    return None
