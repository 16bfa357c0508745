"""A source of webhooks as it is declared: what it must say, and what is not for it."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from chappe.domain.errors import Malformed
from chappe.domain.webhook_source import Verification, WebhookSource
from chappe.formats.fields import Fields
from chappe.formats.webhooks.notation import Mapped, read_mapping
from chappe.formats.webhooks.verification import check_verification, needs_secrets

_OF_BROKERS: Final = ("url", "credential", "tls", "envelopeoptions")
_ATTRIBUTES: Final = "protocolsettings/attributes"
_SECRETS: Final = "verification/secrets"


def check_webhook(
    fields: Fields, settings: WebhookSource, verification: Verification | None
) -> None:
    """See that the declaration of a WEBHOOK is whole.

    Raises:
        Malformed: a field is missing, is not for webhooks, or breaks a rule.
    """
    for name in _OF_BROKERS:
        if fields.raw(name) is not None:
            hint = "; others post to /sources/ID/webhook" if name == "url" else ""
            raise Malformed(f"{name}: a source of the protocol WEBHOOK has none{hint}")
    mapped = read_mapping(settings.attributes, _ATTRIBUTES)
    if settings.provider == "generic" and "type" not in mapped:
        raise Malformed(
            f"{_ATTRIBUTES}/type: is missing and is required: nothing else says the event's type"
        )
    check_verification(settings, verification)


def check_secrets(
    settings: WebhookSource, verification: Verification | None, *, known: Container[str]
) -> None:
    """See that there is a secret where the proof needs one; `known` are those that were given or kept.

    Raises:
        Malformed: there is none.
    """
    if verification is not None and needs_secrets(settings, verification) and _SECRETS not in known:
        raise Malformed(f"{_SECRETS}: is missing and is required")


def mapping_of(settings: WebhookSource) -> Mapped:
    """The source's own templates, which `check_webhook` has found right."""
    return read_mapping(settings.attributes, _ATTRIBUTES)
