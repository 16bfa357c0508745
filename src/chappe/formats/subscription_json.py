"""A subscription in JSON (subscriptions/spec.md 3.2.1, docs/api.md) -> a draft; and back.

What is not in the spec (`channel`, `start`, `concurrency`, `timeout_s`, `retry`, `epoch`,
`createdat`, `modifiedat`, and what `domain/options` lists; `warnings`, which only an answer has) is an
extension. No error and no `repr` holds a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from chappe.domain.errors import Malformed
from chappe.domain.filters import ALWAYS, Filter
from chappe.domain.options import NO_OPTIONS, Options, described
from chappe.domain.position import is_position
from chappe.domain.retry import RetryPolicy
from chappe.domain.subscription import (
    DEFAULT_CONCURRENCY,
    DEFAULT_TIMEOUT_S,
    DEFAULTS,
    Defaults,
    HttpSettings,
    ProtocolSettings,
    Subscription,
)
from chappe.formats.binding_rules import check_fits
from chappe.formats.broker_url import EXTRAS, URI, check_uri, read_url
from chappe.formats.envelope_options import check_envelope
from chappe.formats.fields import Fields, decode_json, kind_of, shortened
from chappe.formats.filters_json import parse_filters
from chappe.formats.options_json import read_option, rendered_option
from chappe.formats.options_rules import check_options
from chappe.formats.retry_json import parse_retry, plain_number, rendered_retry
from chappe.formats.sink_settings import (
    PROTOCOLS,
    CredentialDraft,
    parse_credential,
    parse_settings,
    rendered_credential,
    rendered_settings,
)
from chappe.formats.times import is_rfc3339

OPTIONS: Final = tuple(field.name for field in described(Options).fields)
"""The extension fields that `domain/options` describes."""
_KNOWN: Final = frozenset(
    "id source types config filters sink protocol protocolsettings sinkcredential channel start"
    " concurrency timeout_s retry epoch createdat modifiedat warnings replay status".split()
) | frozenset(OPTIONS)
_MAX_TYPES: Final = 1024
_MOST_EPOCH: Final = 2**53
_PULLED = re.compile(r"/subscriptions/[^/]+")


@dataclass(frozen=True, slots=True)
class SubscriptionDraft:
    """A subscription as somebody asks for it: every rule of one document holds.

    None stands for what was not sent, where that matters: `id` (only a PUT looks at it), `channel`
    and `start` (fixed when the subscription is made), `epoch`.
    """

    sink: str
    protocol: str = "HTTP"
    id: str | None = None
    channel: str | None = None
    start: str | None = None
    source: str | None = None
    types: frozenset[str] = frozenset()
    filter: Filter = ALWAYS
    filters_json: bytes = b"[]"
    settings: ProtocolSettings = field(default_factory=HttpSettings)
    credential: CredentialDraft | None = None
    config: Mapping[str, object] = field(default_factory=dict)
    concurrency: int = DEFAULT_CONCURRENCY
    timeout_s: float = DEFAULT_TIMEOUT_S
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    options: Options = NO_OPTIONS
    epoch: int | None = None


def parse_subscription(body: bytes, defaults: Defaults = DEFAULTS) -> SubscriptionDraft:
    """Read the body of a POST or PUT.

    Raises:
        Malformed: a field breaks a rule; the message begins with its path.
    """
    fields = Fields(decode_json(body, "body"), known=_KNOWN)
    for read_only in ("createdat", "modifiedat"):
        fields.text(read_only)
    protocol = _protocol(fields, defaults)
    filters = fields.raw("filters")
    settings = parse_settings(protocol, fields.raw("protocolsettings"), "protocolsettings")
    credential = parse_credential(fields.raw("sinkcredential"), "sinkcredential")
    if (
        credential is not None
        and isinstance(settings, HttpSettings)
        and any(name.lower() == "authorization" for name in settings.headers)
    ):
        raise Malformed("protocolsettings/headers/authorization: sinkcredential sets this header")
    options = read_option(
        Options, {name: fields.raw(name) for name in OPTIONS if name in fields}, ""
    )
    check_options(options, protocol)
    check_envelope(protocol, options)
    if options.deadletter is not None and options.deadletter.sink is not None:
        check_uri(
            options.deadletter.sink,
            ("http", "https"),
            "deadletter/sink",
            credential="sinkcredential",
        )
    sink = _sink(fields, protocol)
    check_fits(protocol, sink, settings, options, credential)
    return SubscriptionDraft(
        sink=sink,
        protocol=protocol,
        # subscriptions/spec.md 3.2.1 id: "if present on the input … it MUST be ignored"; whether a
        # PUT's body names the id of its path is for the flow to see.
        id=fields.text("id"),
        channel=fields.text("channel"),
        start=_start(fields),
        source=_source(fields),
        types=_types(fields),
        filter=parse_filters(filters),
        filters_json=msgspec.json.encode(filters if filters is not None else []),
        settings=settings,
        credential=credential,
        config=fields.object_of_any("config"),
        concurrency=fields.whole("concurrency", defaults.concurrency, least=1, most=1024),
        timeout_s=fields.number("timeout_s", defaults.timeout_s, least=0.1, most=300.0),
        retry=parse_retry(fields.raw("retry")),
        options=options,
        epoch=fields.whole("epoch", 0, least=1, most=_MOST_EPOCH) if "epoch" in fields else None,
    )


def render_subscription(subscription: Subscription) -> dict[str, object]:
    """The object that a GET answers, without secrets."""
    document: dict[str, object] = {"id": subscription.id}
    if subscription.source is not None:
        document["source"] = subscription.source
    if subscription.types:
        document["types"] = sorted(subscription.types)
    if subscription.config:
        document["config"] = subscription.config
    if subscription.filters_json != b"[]":
        document["filters"] = msgspec.Raw(subscription.filters_json)
    document["sink"] = subscription.sink
    document["protocol"] = subscription.protocol
    document["protocolsettings"] = rendered_settings(subscription.settings)
    if subscription.credential is not None:
        document["sinkcredential"] = rendered_credential(subscription.credential)
    document |= {
        "channel": subscription.channel,
        "start": subscription.start,
        "concurrency": subscription.concurrency,
        "timeout_s": plain_number(subscription.timeout_s),
        "retry": rendered_retry(subscription.retry),
        **rendered_option(subscription.options),
        **_replay(subscription),
        "epoch": subscription.epoch,
        "createdat": subscription.created_at,
        "modifiedat": subscription.modified_at,
    }
    return document


def _replay(subscription: Subscription) -> dict[str, object]:
    """Read-only: what a companion delivers again, for whom, and how much."""
    replay, span = subscription.replay, subscription.span
    if replay is None or span is None or span.end is None:
        return {}
    shown: dict[str, object] = {"kind": replay.kind, "of": replay.of, "lastblock": span.end.block}
    if replay.events is not None:
        shown["events"] = replay.events
    return {"replay": shown}


def render_subscription_bytes(subscription: Subscription) -> bytes:
    """`render_subscription` as a JSON text."""
    return msgspec.json.encode(render_subscription(subscription))


def _protocol(fields: Fields, defaults: Defaults) -> str:
    protocol = fields.need_text("protocol")
    served = PROTOCOLS if defaults.served is None else sorted(defaults.served)
    if protocol in served:
        return protocol
    if protocol in PROTOCOLS:
        extra = EXTRAS.get(protocol)
        hint = f"; it needs chappe[{extra}]" if extra else ""
        raise Malformed(
            f"protocol: {protocol!r} is not served by this hub; served: {', '.join(served)}{hint}"
        )
    hint = "; the name is case-sensitive" if protocol.upper() in PROTOCOLS else ""
    raise Malformed(
        f"protocol: {shortened(protocol)} is unknown; served: {', '.join(served)}{hint}"
    )


def _sink(fields: Fields, protocol: str) -> str:
    if protocol == "PULL":
        return _pulled(fields)
    return read_url(fields, "sink", protocol, credential="sinkcredential")


def _pulled(fields: Fields) -> str:
    """Consumers come to the hub; it says where when the subscription is made."""
    sink = fields.text("sink") or ""
    if sink and not _PULLED.fullmatch(sink):
        raise Malformed(
            f"sink: {shortened(sink)} was sent; with protocol PULL the hub is the sink, leave it out"
        )
    return sink


def _start(fields: Fields) -> str | None:
    start = fields.text("start")
    if start is None or start in ("latest", "earliest") or is_position(start):
        return start
    if is_rfc3339(start):
        return start
    raise Malformed(
        f"start: {shortened(start)} is none of 'latest', 'earliest', a time (RFC 3339) and a"
        " position, such as 0-1041-7"
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """Which events somebody wants: `source`, `types` and `filters` must all hold."""

    source: str | None
    types: frozenset[str]
    filter: Filter


def parse_choice(document: object) -> Choice:
    """Read `source`, `types` and `filters` alone.

    Raises:
        Malformed: a field breaks a rule of a subscription's, or is none of the three.
    """
    fields = Fields(document, known=frozenset(("source", "types", "filters")))
    return Choice(_source(fields), _types(fields), parse_filters(fields.raw("filters")))


def _source(fields: Fields) -> str | None:
    source = fields.text("source")
    if source is not None and not URI.fullmatch(source):
        raise Malformed(
            f"source: {shortened(source)} is no URI-reference: a character is not allowed there"
        )
    return source


def _types(fields: Fields) -> frozenset[str]:
    if "types" not in fields:
        return frozenset()
    types = fields.raw("types")
    if not isinstance(types, list):
        raise Malformed(f"types: {kind_of(types)} was sent, an array of strings is needed")
    if len(types) > _MAX_TYPES:
        raise Malformed(f"types: {len(types)} were sent; at most {_MAX_TYPES} are possible")
    for index, type_ in enumerate(types):
        if not isinstance(type_, str) or not type_:
            raise Malformed(
                f"types/{index}: a non-empty string is needed,"
                f" {'an empty one' if type_ == '' else kind_of(type_)} was sent"
            )
    return frozenset(types)
