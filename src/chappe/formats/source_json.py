"""A source in JSON (docs/api.md "Sources") -> a draft; and back, without secrets.

{"id": "orders", "protocol": "KAFKA", "url": "kafka://k1:9092", "protocolsettings": {"topics": ["orders"]}}
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass
from typing import Any, Final

from chappe.domain.errors import Malformed
from chappe.domain.options import described
from chappe.domain.source import (
    NO_SOURCE_OPTIONS,
    SETTINGS_OF,
    Source,
    SourceOptions,
    SourceSettings,
)
from chappe.domain.webhook_source import WEBHOOK, WebhookSource
from chappe.formats.binding_rules import check_reading
from chappe.formats.broker_url import EXTRAS, read_url
from chappe.formats.fields import Fields, decode_json, shortened
from chappe.formats.options_json import read_option, rendered_option
from chappe.formats.sink_settings import (
    CredentialDraft,
    parse_credential,
    rendered_credential,
)
from chappe.formats.webhooks.declared import check_webhook

SOURCE_OPTIONS: Final = tuple(field.name for field in described(SourceOptions).fields)
"""The fields of a source that `domain/source.SourceOptions` describes."""
FIELDS: Final = ("url", "protocol", "protocolsettings", "credential", *SOURCE_OPTIONS)
"""The fields that a source's entity holds as they are shown."""
_READ_ONLY: Final = ("createdat", "modifiedat", "status", "webhook")
_KNOWN: Final = frozenset(("id", "epoch", *FIELDS, *_READ_ONLY))
_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_MOST_EPOCH: Final = 2**53


@dataclass(frozen=True, slots=True)
class SourceDraft:
    """A source as somebody asks for it: every rule of one document holds."""

    url: str
    protocol: str
    settings: SourceSettings
    id: str | None = None
    credential: CredentialDraft | None = None
    options: SourceOptions = NO_SOURCE_OPTIONS
    epoch: int | None = None


def parse_source(body: bytes, served: Set[str] | None = None) -> SourceDraft:
    """Read the body of a POST or PUT; `served` are the protocols that this hub has clients for.

    Raises:
        Malformed: a field breaks a rule; the message begins with its path.
    """
    fields = Fields(decode_json(body, "body"), known=_KNOWN)
    protocol = _protocol(fields, served)
    id_ = fields.text("id")
    if id_ is not None:
        check_id(id_)
    sent = fields.raw("protocolsettings")
    settings = read_option(SETTINGS_OF[protocol], {} if sent is None else sent, "protocolsettings")
    credential = parse_credential(fields.raw("credential"), "credential")
    check_reading(protocol, settings, credential)
    options = read_option(
        SourceOptions, {name: fields.raw(name) for name in SOURCE_OPTIONS if name in fields}, ""
    )
    if isinstance(settings, WebhookSource):
        check_webhook(fields, settings, options.verification)
    elif options.verification is not None:
        raise Malformed(f"verification: is for {WEBHOOK} alone; the protocol is {protocol}")
    return SourceDraft(
        url=""
        if protocol == WEBHOOK
        else read_url(fields, "url", protocol, credential="credential"),
        protocol=protocol,
        settings=settings,
        id=id_,
        credential=credential,
        options=options,
        epoch=fields.whole("epoch", 0, least=1, most=_MOST_EPOCH) if "epoch" in fields else None,
    )


def check_id(id: str) -> None:
    """See that a source can have this id: its lease and its status are kept under it.

    Raises:
        Malformed: it cannot.
    """
    if not _ID.fullmatch(id):
        raise Malformed(
            f"id: {shortened(id)} is no name of a source; 1 to 64 of a-z, 0-9 and '-', no '-' at the"
            " ends"
        )


def render_source(source: Source) -> dict[str, Any]:
    """The object that a GET answers, without secrets and without its status."""
    document: dict[str, Any] = {
        "id": source.id,
        "protocol": source.protocol,
        **({"url": source.url} if source.url else {}),
        "protocolsettings": rendered_option(source.settings),
    }
    if source.credential is not None:
        document["credential"] = rendered_credential(source.credential)
    return {
        **document,
        "channel": source.options.channel,
        "paused": source.options.paused,
        **rendered_option(source.options),
        "epoch": source.epoch,
        "createdat": source.created_at,
        "modifiedat": source.modified_at,
    }


def _protocol(fields: Fields, served: Set[str] | None) -> str:
    protocol = fields.need_text("protocol")
    if protocol == WEBHOOK or (protocol in SETTINGS_OF and (served is None or protocol in served)):
        return protocol
    shown = ", ".join(SETTINGS_OF if served is None else sorted({*served, WEBHOOK}))
    if protocol not in SETTINGS_OF:
        hint = "; the name is case-sensitive" if protocol.upper() in SETTINGS_OF else ""
        raise Malformed(f"protocol: {shortened(protocol)} is unknown; served: {shown}{hint}")
    extra = EXTRAS.get(protocol)
    hint = f"; it needs chappe[{extra}]" if extra else ""
    raise Malformed(f"protocol: {protocol!r} is not served by this hub; served: {shown}{hint}")
