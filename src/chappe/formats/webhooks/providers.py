"""The mappings that come with the hub, by provider.

GitHub's and GitLab's follow CloudEvents' adapter documents (modules of their own), as SNS's does
(cloudevents/adapters/aws-sns.md). Those of the others are ours, over what each documents:

    stripe    https://docs.stripe.com/api/events/object
    slack     https://docs.slack.dev/apis/events-api
    shopify   https://shopify.dev/docs/apps/build/webhooks
    standard  https://github.com/standard-webhooks/standard-webhooks (`type` and `timestamp` in the body)
    generic   nothing but what the source's own `attributes` say
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from chappe.domain.event import Event
from chappe.formats.webhooks.github import github_event
from chappe.formats.webhooks.gitlab import gitlab_event
from chappe.formats.webhooks.notation import Mapped, mapped_event, read_mapping
from chappe.formats.webhooks.webhook import JSON, Webhook, event_of, required

Convert: TypeAlias = Callable[[Webhook], Event]

_TEMPLATES: Final[Mapping[str, Mapping[str, str]]] = {
    "sns": {
        "id": "{header.x-amz-sns-message-id}",
        # A confirmation comes before there is a subscription.
        "source": "{header.x-amz-sns-subscription-arn|header.x-amz-sns-topic-arn}",
        "type": "com.amazonaws.sns.{header.x-amz-sns-message-type}",
        "subject": "{body./Subject}",
        "time": "{body./Timestamp}",
    },
    "stripe": {
        "id": "{body./id}",
        "source": "https://api.stripe.com",
        "type": "com.stripe.{body./type}",
        "subject": "{body./data/object/id}",
        "time": "{body./created}",
    },
    "slack": {
        "id": "{body./event_id|sha256}",
        "source": "https://slack.com/{body./team_id|'app'}",
        "type": "com.slack.{body./event/type|body./type}",
        "subject": "{body./event/channel}",
        "time": "{body./event_time}",
    },
    "shopify": {
        "id": "{header.x-shopify-webhook-id}",
        "source": "https://{header.x-shopify-shop-domain}",
        "type": "com.shopify.{header.x-shopify-topic}",
        "subject": "{body./id}",
        "time": "{header.x-shopify-triggered-at}",
    },
    "standard": {
        "id": "{header.webhook-id}",
        "type": "{body./type}",
        "time": "{body./timestamp|header.webhook-timestamp}",
    },
    "generic": {},
}
# SNS sends its JSON as text/plain.
_TYPES: Final = {"sns": JSON}
_OWN: Final[Mapping[str, Convert]] = {"github": github_event, "gitlab": gitlab_event}

MAPPED: Final[Mapping[str, Mapped]] = {
    name: read_mapping(templates, name) for name, templates in _TEMPLATES.items()
}
PROVIDERS: Final = (*_OWN, *_TEMPLATES)
"""The providers that the hub knows."""


def convert(provider: str, own: Mapped, webhook: Webhook) -> Event:
    """The event of a webhook: as the provider's mapping says, and before it the source's `own`.

    Raises:
        Malformed, InvalidEvent: the webhook lacks what the mapping needs, or breaks a rule.
    """
    made = _OWN.get(provider)
    if made is None:
        mapped = {**MAPPED[provider], **own}
        return mapped_event(webhook, mapped, datacontenttype=_TYPES.get(provider))
    event = made(webhook)
    if not own:
        return event
    values = {name: str(value) for name, value in event.attributes() if name != "specversion"}
    for name, template in own.items():
        value = template.time(webhook) if name == "time" else template.fill(webhook)
        if value is not None:
            values[name] = value
        elif name in ("id", "source", "type"):
            required(value, name, template.text)
    return event_of(webhook, values, data=event.data or b"")
