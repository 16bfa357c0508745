"""The entities that the event plane lives on, read from the registry's tree.

/endpoints/hub/subscriptions/{id}          -> Subscription
/endpoints/hub/sources/{id}                -> Source
/messagegroups/{g}/messages/{m}            -> Declaration, where it says `validation`
/endpoints/{e}/messages/{m}                   likewise
/channels/{name}                           -> Channel
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from chappe.domain.channel import AS_SET, LEAST_AGE_S, LEAST_BYTES, Channel, Kept
from chappe.domain.errors import Malformed
from chappe.domain.grant import Grant
from chappe.domain.source import Source
from chappe.domain.subscription import Credential, Defaults, Subscription
from chappe.formats.envelope_rules import attribute_rules
from chappe.formats.json_schema import canonical_format
from chappe.formats.kept_secret import SEALED, SEALED_REFRESH, with_opened
from chappe.formats.replay_json import decode_replay, span_of
from chappe.formats.sealed import Cipher
from chappe.formats.source_entity import SOURCES, source_of
from chappe.formats.subscription_json import OPTIONS, parse_subscription
from chappe.registry.declaration import Declaration, Framing
from chappe.registry.entity import Attributes, Group, Resource, Tree
from chappe.registry.journal import images
from chappe.registry.lineage import instant
from chappe.registry.request import Change
from chappe.registry.state import State, own_channels

ENDPOINTS: Final = "endpoints"
HUB: Final = "hub"
"""The endpoint whose subscriptions this hub delivers for."""
SUBSCRIPTIONS: Final = "subscriptions"
MESSAGES: Final = "messages"
CHANNELS: Final = "channels"

# Private attributes of a subscription's versions, beside those of formats/kept_secret.
GRANT: Final = ".grant"  # what the sink agreed to: {"sink", "at", "per_minute"}
STARTS_AFTER: Final = ".startsafter"  # the channel's last block when it was made
MADE_AT: Final = ".madeat"  # the revision that it was made upon, plus one
REPLAY: Final = ".replay"  # what it delivers again, and up to where (formats/replay_json)

FIELDS: Final = (
    "source",
    "types",
    "config",
    "filters",
    "sink",
    "protocol",
    "protocolsettings",
    "sinkcredential",
    "channel",
    "start",
    "concurrency",
    "timeout_s",
    "retry",
    *OPTIONS,
)
"""The attributes of a subscription's version that are the Subscriptions API's fields."""

_SUBSCRIPTIONS: Final = (ENDPOINTS, HUB, SUBSCRIPTIONS)
_SOURCES: Final = (ENDPOINTS, HUB, SOURCES)

STORED: Final = Defaults(served=None)
"""What is stored is read by every node, also by one that cannot deliver it."""

_encode = msgspec.json.Encoder(decimal_format="number").encode


def project(
    state: State, tree: Tree, changes: Iterable[Change], revision: int, *, open: Cipher
) -> State:
    """The state after `changes`, which made `tree`; what they did not touch is shared.

    Raises:
        WrongKey: a stored secret does not open with this node's key.
        Malformed: an entity is none that this release knows; a guard has let none in.
    """
    subscriptions: dict[str, Subscription] | None = None
    declarations: dict[str, Declaration] | None = None
    declared: dict[str, str] = {}  # type by path
    channels: dict[str, Channel] | None = None
    sources: dict[str, Source] | None = None
    for path in _resources(changes):
        match path:
            case (plural, name) if plural == CHANNELS:
                if channels is None:
                    channels = dict(state.channels)
                group = tree.of(CHANNELS).get(name)
                if group is not None:
                    channels[name] = channel_of(group, channels.get(name))
            case (plural, group_id, kind, id) if (plural, group_id, kind) == _SUBSCRIPTIONS:
                if subscriptions is None:
                    subscriptions = dict(state.subscriptions)
                resource = _found(tree, path)
                if resource is None or resource.default is None:
                    subscriptions.pop(id, None)
                else:
                    subscriptions[id] = subscription_of(resource, open=open)
            case (plural, group_id, kind, id) if (plural, group_id, kind) == _SOURCES:
                if sources is None:
                    sources = dict(state.sources)
                resource = _found(tree, path)
                if resource is None or resource.default is None:
                    sources.pop(id, None)
                else:
                    sources[id] = source_of(resource, open=open)
            case (plural, group_id, kind, id) if kind == MESSAGES:
                if declarations is None:
                    declarations = dict(state.declarations)
                    declared = {one.path: one.type for one in declarations.values()}
                xid = f"/{plural}/{group_id}/{kind}/{id}"
                type_ = declared.pop(xid, None)
                # Another message of the same write may have taken the type over.
                if type_ is not None and declarations[type_].path == xid:
                    del declarations[type_]
                resource = _found(tree, path)
                declaration = None if resource is None else declaration_of(resource, xid)
                if declaration is not None:
                    declarations[declaration.type] = declaration
            case _:
                pass
    return State(
        revision,
        state.subscriptions if subscriptions is None else subscriptions,
        state.declarations if declarations is None else declarations,
        state.channels if channels is None else channels,
        tree,
        state.sources if sources is None else sources,
    )


def project_all(tree: Tree, revision: int, *, shards: int, open: Cipher) -> State:
    """The state of a whole tree, as when it was loaded; raises as `project` does."""
    state = State(channels=own_channels(shards))
    return project(state, tree, images(tree), revision, open=open)


def channel_of(group: Group, present: Channel | None = None) -> Channel:
    """The channel that a group of the type `channels` declares.

    Raises:
        Malformed: its name or its number of shards is none. The model sees to the other attributes.
    """
    shards = group.attributes.get("shards", 1 if present is None else present.shards)
    if not isinstance(shards, int):
        raise Malformed(f"shards: {shards!r} is no whole number")
    undeclared: Any = group.attributes.get("undeclared", "allow")
    quarantine: Any = group.attributes.get("quarantine")
    made = Channel(
        group.id, shards, undeclared, quarantine, _kept(group.attributes.get("retention"))
    )
    return present if made == present else made


def _kept(retention: object) -> Kept:
    """{"max_age_s": 3600, "max_bytes": 0} -> Kept(3600.0, 0)."""
    if not isinstance(retention, Mapping):
        return AS_SET
    age, size = retention.get("max_age_s"), retention.get("max_bytes")
    if age is not None and float(age) != 0 and float(age) < LEAST_AGE_S:
        raise Malformed(f"retention/max_age_s: {age} is less than {LEAST_AGE_S:g}; 0 is no bound")
    if size is not None and int(size) != 0 and int(size) < LEAST_BYTES:
        raise Malformed(f"retention/max_bytes: {size} is less than {LEAST_BYTES}; 0 is no bound")
    return Kept(None if age is None else float(age), None if size is None else int(size))


def subscription_of(resource: Resource, *, open: Cipher) -> Subscription:
    """The subscription that a resource's default version describes.

    Its epoch counts every change: versions that were added or made the default (the resource's own
    epoch) and versions that were changed in place (theirs).
    """
    version = resource.default
    assert version is not None
    attributes = version.attributes
    draft = parse_subscription(document_of(attributes), STORED)
    credential = None
    if draft.credential is not None:
        context = secret_context(resource.id)
        refresh = attributes.get(SEALED_REFRESH)
        credential = Credential(
            draft.credential.credentialtype,
            draft.credential.identifier,
            open(str(attributes.get(SEALED, "")), context=context),
            draft.credential.expires,
            draft.credential.endpoint,
            None if refresh is None else open(str(refresh), context=f"{context}/refreshtoken"),
        )
    options = with_opened(draft.options, attributes, open, secret_context(resource.id))
    start = draft.start or "latest"
    kept = decode_replay(str(attributes[REPLAY])) if REPLAY in attributes else None
    edits = sum(int(one.attributes["epoch"]) - 1 for one in resource.versions.values())
    return Subscription(
        id=resource.id,
        sink=draft.sink,
        protocol=draft.protocol,
        channel=draft.channel or "default",
        source=draft.source,
        types=draft.types,
        filter=draft.filter,
        filters_json=draft.filters_json,
        settings=draft.settings,
        credential=credential,
        config=draft.config,
        concurrency=draft.concurrency,
        timeout_s=draft.timeout_s,
        retry=draft.retry,
        options=options,
        grant=_grant_of(attributes.get(GRANT)),
        start=start,
        starts_after=int(attributes.get(STARTS_AFTER, 0)),
        span=span_of(start, kept),
        replay=None if kept is None else kept.replay(resource.id),
        epoch=int(resource.meta["epoch"]) + edits,
        made_at_revision=int(attributes.get(MADE_AT, 0)),
        created_at=str(resource.meta["createdat"]),
        modified_at=max(
            str(version.attributes["modifiedat"]), str(resource.meta["modifiedat"]), key=instant
        ),
    )


def _grant_of(kept: Any) -> Grant | None:
    return None if kept is None else Grant(kept["sink"], kept["at"], kept.get("per_minute"))


def document_of(attributes: Attributes) -> bytes:
    """The Subscriptions API's object that a version's attributes hold, without secrets."""
    return _encode({name: attributes[name] for name in FIELDS if name in attributes})


def secret_context(id: str) -> str:
    """What a subscription's secret is sealed for."""
    return f"subscriptions/{id}/sinkcredential"


def declaration_of(message: Resource, xid: str) -> Declaration | None:
    """What a message declares of its type's events; None where it does not say `validation`.

    Raises:
        Malformed: it says so without anything that can be checked.
    """
    version = message.default
    if version is None or "validation" not in version.attributes:
        return None
    attributes = version.attributes
    mode = attributes["validation"]
    if mode not in ("off", "warn", "enforce"):
        raise Malformed(f"validation: {mode!r} is none of off, warn, enforce")
    envelope = attributes.get("envelope")
    if isinstance(envelope, str) and envelope.lower() != "cloudevents/1.0":
        raise Malformed(f"envelope: {envelope!r} is not checked; checked: CloudEvents/1.0")
    schema, format_ = b"", ""
    if "dataschema" in attributes:
        named = attributes.get("dataschemaformat")
        if not isinstance(named, str):
            raise Malformed("dataschemaformat: is missing; `dataschema` needs it to be checked")
        # A Protobuf schema is a text, and stands there as one.
        inline = attributes["dataschema"]
        schema = inline.encode() if isinstance(inline, str) else _encode(inline)
        format_ = canonical_format(named) or named
    declared = Declaration(
        path=xid,
        type=_type_of(attributes) or message.id,
        format=format_,
        schema=schema,
        mode=mode,
        schemaxid=schema_xid(attributes),
        datacontenttype=attributes.get("datacontenttype"),
        attributes=attribute_rules(attributes.get("envelopemetadata")),
        framing=_framing(attributes),
        context=_context(attributes),
    )
    if not (declared.schema or declared.schemaxid or declared.attributes or declared.framing):
        raise Malformed(
            "dataschema: is missing; `validation` needs a schema, `dataschemaxid`, rules for"
            " attributes or `dataframing`"
        )
    return declared


def schema_xid(attributes: Attributes) -> str | None:
    """Where the schema stands in this registry, if the message says so."""
    for name in ("dataschemaxid", "dataschemauri"):
        value = attributes.get(name)
        if isinstance(value, str) and value.startswith("/") and not value.startswith("//"):
            return value.removesuffix("$details")
    return None


def _framing(attributes: Attributes) -> Framing | None:
    match attributes.get("dataframing"):
        case None:
            return None
        case "confluent":
            return "confluent"
        case other:
            raise Malformed(f"dataframing: {other!r} is unknown; known: confluent")


def _context(attributes: Attributes) -> str:
    """The Confluent context that ids in frames are of."""
    value = attributes.get("dataframingcontext")
    if value is None:
        return "."
    if attributes.get("dataframing") is None:
        raise Malformed("dataframingcontext: needs `dataframing`, whose ids it is about")
    if schema_xid(attributes) is not None:
        raise Malformed(
            "dataframingcontext: the ids are those of the declared schema's group; name the one or"
            " the other"
        )
    if not isinstance(value, str) or not value.startswith("."):
        raise Malformed(
            f"dataframingcontext: {str(value)[:80]!r} is no context; such as '.' or '.shop'"
        )
    return value


def _type_of(attributes: Attributes) -> str | None:
    metadata: Any = attributes.get("envelopemetadata")
    declared: Any = metadata.get("type") if isinstance(metadata, Mapping) else None
    value: Any = declared.get("value") if isinstance(declared, Mapping) else None
    return value if isinstance(value, str) else None


def _resources(changes: Iterable[Change]) -> Iterable[tuple[str, ...]]:
    """The channels and resources that changes touch, each once."""
    return dict.fromkeys(change.path[:4] for change in changes if change.path)


def _found(tree: Tree, path: tuple[str, ...]) -> Resource | None:
    group = tree.of(path[0]).get(path[1])
    return None if group is None else group.of(path[2]).get(path[3])
