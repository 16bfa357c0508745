"""The hub's own rules for entities that the event plane lives on, as the registry's engine asks them.

What a client sends for a subscription is completed here (`stored_subscription`), its secret sealed
away; `check_changes` looks at everything that a write changed before it is committed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from chappe.domain.channel import DEFAULT, OWN, UNDELIVERED, Channel
from chappe.domain.errors import Malformed
from chappe.domain.options import Tls
from chappe.domain.ordering import not_in_order
from chappe.domain.replay import REDRIVES, REPLAYS
from chappe.domain.subscription import Credential, Defaults, Subscription
from chappe.formats.hub_entities import (
    CHANNELS,
    ENDPOINTS,
    FIELDS,
    GRANT,
    HUB,
    MADE_AT,
    MESSAGES,
    REPLAY,
    STARTS_AFTER,
    STORED,
    SUBSCRIPTIONS,
    channel_of,
    declaration_of,
    document_of,
    secret_context,
)
from chappe.formats.kept_secret import (
    OPTION_SECRETS,
    SEALED,
    SEALED_REFRESH,
    kept_refresh_token,
    kept_secret,
    option_secrets,
)
from chappe.formats.schema_language import SchemaLanguage
from chappe.formats.sealed import Cipher
from chappe.formats.source_entity import SOURCES, check_source
from chappe.formats.subscription_config import check_config
from chappe.formats.subscription_json import (
    SubscriptionDraft,
    parse_subscription,
    render_subscription,
)
from chappe.formats.tls_pem import check_tls
from chappe.registry.entity import Attributes, Group, Resource, Tree
from chappe.registry.errors import RegistryError
from chappe.registry.request import Change
from chappe.registry.state import State

T = TypeVar("T")

NEEDED: Final = ((CHANNELS, None), (ENDPOINTS, SUBSCRIPTIONS), (ENDPOINTS, SOURCES))
"""The types without which the hub's own entities have no place."""

_encode = msgspec.json.Encoder(decimal_format="number").encode
_PRIVATE = (SEALED, SEALED_REFRESH, OPTION_SECRETS, GRANT, STARTS_AFTER, MADE_AT, REPLAY)
_COMPANIONS = (REPLAYS, REDRIVES)
_META = ("id", "epoch", "createdat", "modifiedat")


def stored_subscription(
    attributes: Mapping[str, Any],
    before: Attributes | None,
    *,
    id: str,
    defaults: Defaults,
    seal: Cipher,
    starts_after: Callable[[str, str], int],
    made_at: int,
) -> dict[str, Any]:
    """What is stored of a subscription's version: complete, checked, the secret sealed.

    `before` is what the resource's default version held, None where it is made. What is fixed then
    (channel, start) stays; `starts_after` gives the
    block of a channel after which a start begins.

    Raises:
        Malformed: a field breaks a rule, or contradicts what is fixed; no message holds a secret.
    """
    sent = {name: attributes[name] for name in FIELDS if name in attributes}
    draft = parse_subscription(_encode(sent), defaults)
    if before is not None:
        _check_fixed(draft, before)
    channel = draft.channel or _text(before, "channel") or DEFAULT
    start = draft.start or _text(before, "start") or "latest"
    private: dict[str, Any] = {}
    if before is None:
        private[STARTS_AFTER] = starts_after(channel, start)
        private[MADE_AT] = made_at
    else:
        fixed = (STARTS_AFTER, MADE_AT, GRANT, REPLAY)
        private = {name: before[name] for name in fixed if name in before}
    credential = None
    if draft.credential is not None:
        private[SEALED] = (
            kept_secret(
                draft.credential, draft.sink, before, credential="sinkcredential", place="sink"
            )
            if draft.credential.secret is None
            else seal(draft.credential.secret, context=secret_context(id))
        )
        if draft.credential.credentialtype == "REFRESHTOKEN":
            private[SEALED_REFRESH] = (
                kept_refresh_token(draft.credential, before)
                if draft.credential.refresh_token is None
                else seal(
                    draft.credential.refresh_token, context=f"{secret_context(id)}/refreshtoken"
                )
            )
        credential = Credential(
            draft.credential.credentialtype,
            draft.credential.identifier,
            "",
            draft.credential.expires,
            draft.credential.endpoint,
        )
    within = option_secrets(draft.options, before, seal, secret_context(id))
    if within:
        private[OPTION_SECRETS] = within
    sink = f"/subscriptions/{id}" if draft.protocol == "PULL" else draft.sink
    shown = render_subscription(
        replace(
            drafted(draft, Subscription(id=id, sink=sink, channel=channel, start=start)),
            sink=sink,
            credential=credential,
        )
    )
    for name in _META:
        del shown[name]
    rest = {
        name: value
        for name, value in attributes.items()
        if name not in FIELDS and name not in _PRIVATE
    }
    complete: dict[str, Any] = msgspec.json.decode(_encode(shown))
    return {**rest, **complete, **private}


def drafted(draft: SubscriptionDraft, fixed: Subscription) -> Subscription:
    """The draft's fields over what it cannot say."""
    return replace(
        fixed,
        sink=draft.sink,
        protocol=draft.protocol,
        source=draft.source,
        types=draft.types,
        filter=draft.filter,
        filters_json=draft.filters_json,
        settings=draft.settings,
        config=draft.config,
        concurrency=draft.concurrency,
        timeout_s=draft.timeout_s,
        retry=draft.retry,
        options=draft.options,
    )


def _check_fixed(draft: SubscriptionDraft, before: Attributes) -> None:
    for name, sent in (("channel", draft.channel), ("start", draft.start)):
        kept = before.get(name)
        if sent is not None and kept is not None and sent != kept:
            raise Malformed(
                f"{name}: {sent!r} was sent, it is {kept!r};"
                " it is fixed when the subscription is made"
            )


def _text(attributes: Attributes | None, name: str) -> str | None:
    value = None if attributes is None else attributes.get(name)
    return value if isinstance(value, str) else None


def invalid(xid: str, error: Malformed) -> RegistryError:
    """A rule of ours that an entity breaks, as the registry's error.

    "retry/base_s: …" names the attribute "retry.base_s"; "channel shop: …" names none.
    """
    name, colon, rest = error.message.partition(": ")
    if not colon or " " in name:
        return RegistryError("bad_request", xid, error_detail=error.message)
    return RegistryError("invalid_attribute", xid, name=name.replace("/", "."), error_detail=rest)


def check_changes(
    state: State, tree: Tree, changes: Sequence[Change], *, language: SchemaLanguage
) -> None:
    """See that everything that a write changed can be lived with.

    Raises:
        RegistryError: a rule of the hub is broken; the subject is the entity.
    """
    declared: _Declared | None = None
    seen: set[tuple[str, ...]] = set()
    for change in changes:
        if not change.path:
            _check_model(state.tree, tree)
            continue
        path = change.path[:4]
        if path in seen:
            continue
        seen.add(path)
        xid = "/" + "/".join(path)
        try:
            if path[0] == CHANNELS and len(path) == 2:
                _check_channel(state, tree, path[1], xid)
            elif path == (ENDPOINTS, HUB) and change.after is None:
                raise Malformed(
                    f"endpoint {HUB!r} is the hub's own; its subscriptions and sources can be deleted"
                )
            elif len(path) == 4 and path[2] == SUBSCRIPTIONS and path[0] == ENDPOINTS:
                _check_subscription(tree, path, xid)
            elif len(path) == 4 and path[2] == SOURCES and path[0] == ENDPOINTS:
                check_source(tree, _found(tree, path)[1], path[1], HUB)
            elif len(path) == 4 and path[2] == MESSAGES:
                if declared is None:
                    declared = _Declared(state)
                _check_message(tree, path, xid, declared, language)
        except Malformed as error:
            raise invalid(xid, error) from error


def check_projected(before: State, after: State, now: datetime) -> None:
    """See that subscriptions and sources which a write changed can connect, with all their secrets.

    Raises:
        RegistryError: one cannot; it is the subject.
    """
    for id, source in _replaced(before.sources, after.sources):
        if source.options.tls is not None:
            _check_tls(source.options.tls, source.url, f"{SOURCES}/{id}", now)
    for id, subscription in _replaced(before.subscriptions, after.subscriptions):
        tls = subscription.options.tls
        if tls is not None:
            _check_tls(tls, subscription.sink, f"{SUBSCRIPTIONS}/{id}", now)


def _replaced(before: Mapping[str, T], after: Mapping[str, T]) -> Iterator[tuple[str, T]]:
    """Those that are new, or no longer the same; most writes leave the whole table as it was."""
    if before is not after:
        yield from ((id, one) for id, one in after.items() if before.get(id) is not one)


def _check_tls(tls: Tls, url: str, entity: str, now: datetime) -> None:
    try:
        check_tls(tls, "tls", sink=url, now=now)
    except Malformed as error:
        raise invalid(f"/{ENDPOINTS}/{HUB}/{entity}", error) from error


def _check_model(before: Tree, after: Tree) -> None:
    """A hub that began with its own model keeps what it cannot do without."""
    for plural, kind in NEEDED:
        had = before.model.groups.get(plural)
        if had is None or (kind is not None and kind not in had.resources):
            continue
        has = after.model.groups.get(plural)
        if has is None or (kind is not None and kind not in has.resources):
            name = plural if kind is None else f"{plural}.resources.{kind}"
            raise RegistryError(
                "model_error", "/model", error_detail=f"{name}: the hub needs this type"
            )


def _check_channel(state: State, tree: Tree, name: str, xid: str) -> None:
    group: Group | None = tree.of(CHANNELS).get(name)
    if group is None:
        raise RegistryError(
            "bad_request",
            xid,
            error_detail=f"channel {name!r}: a channel stays, and its events with it, until retention"
            " ends them",
        )
    present = state.channels.get(name)
    channel = channel_of(group, present)
    if present is not None and channel.shards != present.shards:
        raise Malformed(
            f"shards: {channel.shards} was sent, they are {present.shards};"
            " their number is fixed when the channel is made"
        )
    if channel.quarantine is not None:
        _check_quarantine(tree, channel)
    possible = name if name in OWN else "events"
    kind = group.attributes.get("kind", possible)
    if kind != possible:
        raise Malformed(f"kind: {kind!r} was sent; the channel {name!r} can only be {possible!r}")


def _check_quarantine(tree: Tree, channel: Channel) -> None:
    if channel.name in OWN:
        raise Malformed("quarantine: the hub alone writes to this channel, so it refuses nothing")
    if channel.quarantine in OWN or channel.quarantine not in tree.of(CHANNELS):
        known = ", ".join(one for one in tree.of(CHANNELS).ordered() if one not in OWN)
        raise Malformed(f"quarantine: {channel.quarantine!r} does not exist; there are: {known}")
    if channel.quarantine == channel.name:
        raise Malformed(f"quarantine: {channel.quarantine!r} is this channel itself")


def _check_subscription(tree: Tree, path: tuple[str, ...], xid: str) -> None:
    group, resource = _found(tree, path)
    if group is None or resource is None:
        return
    if path[1] != HUB:
        raise RegistryError(
            "bad_request",
            xid,
            error_detail=f"endpoint {path[1]!r} takes no subscriptions: this hub manages those of its"
            f" endpoint {HUB!r}",
        )
    version = resource.default
    if version is None:
        raise Malformed("xref: a subscription cannot be another's mirror")
    if path[3].startswith(_COMPANIONS) and REPLAY not in version.attributes:
        raise Malformed(f"id: {path[3]!r} begins as those of replays and redrives do; take another")
    declared: Any = group.attributes.get("subscriptionconfig")
    config: Any = version.attributes.get("config")
    if declared and config:
        check_config(config, declared, f"/{path[0]}/{path[1]}")
    channel = str(version.attributes.get("channel", DEFAULT))
    if channel in UNDELIVERED or channel not in tree.of(CHANNELS):
        known = ", ".join(one for one in tree.of(CHANNELS).ordered() if one not in UNDELIVERED)
        raise Malformed(f"channel: {channel!r} does not exist; there are: {known}")
    options = parse_subscription(document_of(version.attributes), STORED).options
    trouble = not_in_order(options, channel_of(tree.of(CHANNELS)[channel]).shards)
    if trouble is not None:
        raise Malformed(trouble)


class _Declared:
    """Which message declares a type, while the messages of a write are looked at."""

    def __init__(self, state: State) -> None:
        self.path_of = {one.type: one.path for one in state.declarations.values()}
        self._type_of = {one.path: one.type for one in state.declarations.values()}

    def forget(self, xid: str) -> None:
        """Drop what a message declared before the write."""
        type_ = self._type_of.pop(xid, None)
        if type_ is not None and self.path_of.get(type_) == xid:
            del self.path_of[type_]


def _check_message(
    tree: Tree,
    path: tuple[str, ...],
    xid: str,
    declared: _Declared,
    language: SchemaLanguage,
) -> None:
    resource = _found(tree, path)[1]
    declaration = None if resource is None else declaration_of(resource, xid)
    declared.forget(xid)
    if declaration is None:
        return
    other = declared.path_of.get(declaration.type)
    if other is not None and _declares(tree, other, declaration.type):
        raise RegistryError(
            "bad_request",
            xid,
            error_detail=f"type {declaration.type!r}: {other} says what its payloads are already;"
            " one message does that for a type",
        )
    declared.path_of[declaration.type] = xid
    if declaration.schema:
        language.compile(declaration.schema, declaration.format)


def _declares(tree: Tree, xid: str, type_: str) -> bool:
    """Whether the message still declares the type in this tree."""
    resource = _found(tree, tuple(xid.split("/")[1:]))[1]
    found = None if resource is None else declaration_of(resource, xid)
    return found is not None and found.type == type_


def _found(tree: Tree, path: Sequence[str]) -> tuple[Group | None, Resource | None]:
    group = tree.of(path[0]).get(path[1])
    return group, None if group is None else group.of(path[2]).get(path[3])
