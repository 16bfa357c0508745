"""Transactions and snapshots of the registry <-> bytes, as they lie in the log.

    {"at": "…Z", "by": "ops", "correlation": "", "changes": [
      {"put": "subscription", "id": "s-5k2v9q", "sink": "https://…", …, "credential": {…, "sealed": "v1:…"}},
      {"put": "declaration", …}, {"put": "no subscription", "id": "…"}]}

Secrets are written sealed and with nothing else: who encodes passes `seal`, who decodes `open`.
Unknown fields are passed over when reading, so that a node reads what a newer one wrote.
"""

from __future__ import annotations

from typing import Final, Protocol, TypeAlias

import msgspec

from chappe.domain.channel import Channel
from chappe.domain.errors import Unavailable
from chappe.domain.retry import RetryPolicy
from chappe.domain.subscription import Credential, HttpSettings, Start, Subscription
from chappe.formats.filters_json import parse_filters
from chappe.registry.declaration import Declaration, Mode
from chappe.registry.state import State
from chappe.registry.transaction import (
    Change,
    DropDeclaration,
    DropSubscription,
    PutChannel,
    PutDeclaration,
    PutSubscription,
    Transaction,
)


class Cipher(Protocol):
    """Seals or opens a secret; opens only with the context that it was sealed with."""

    def __call__(self, text: str, /, *, context: str) -> str:
        """The other form of `text`."""
        ...


class _Credential(msgspec.Struct, frozen=True):
    type: str
    sealed: str
    identifier: str | None = None
    expires: str | None = None


class _Subscription(
    msgspec.Struct, frozen=True, omit_defaults=True, tag_field="put", tag="subscription"
):
    id: str
    sink: str
    protocol: str
    channel: str
    filters: msgspec.Raw
    concurrency: int
    timeout_s: float
    retry: RetryPolicy
    start: Start
    starts_after: int
    made_at_revision: int
    epoch: int
    created_at: str
    modified_at: str
    source: str | None = None
    types: tuple[str, ...] = ()
    headers: dict[str, str] = {}
    method: str = "POST"
    credential: _Credential | None = None
    config: dict[str, object] = {}


class _Declaration(msgspec.Struct, frozen=True, tag_field="put", tag="declaration"):
    group: str
    type: str
    format: str
    schema: msgspec.Raw
    mode: Mode
    epoch: int
    created_at: str
    modified_at: str


class _Channel(msgspec.Struct, frozen=True, tag_field="put", tag="channel"):
    name: str
    shards: int


class _DropSubscription(msgspec.Struct, frozen=True, tag_field="put", tag="no subscription"):
    id: str


class _DropDeclaration(msgspec.Struct, frozen=True, tag_field="put", tag="no declaration"):
    type: str


_Change: TypeAlias = _Subscription | _Declaration | _Channel | _DropSubscription | _DropDeclaration


class _Transaction(msgspec.Struct, frozen=True):
    at: str
    changes: list[_Change]
    by: str = ""
    correlation: str = ""


class _State(msgspec.Struct, frozen=True):
    revision: int
    channels: list[_Channel]
    subscriptions: list[_Subscription]
    declarations: list[_Declaration]


_encode: Final = msgspec.json.Encoder().encode
_decode_transaction: Final = msgspec.json.Decoder(_Transaction).decode
_decode_state: Final = msgspec.json.Decoder(_State).decode


def encode_transaction(transaction: Transaction, *, seal: Cipher) -> bytes:
    """The transaction as bytes."""
    return _encode(
        _Transaction(
            transaction.at,
            [_written(change, seal) for change in transaction.changes],
            transaction.by,
            transaction.correlation,
        )
    )


def decode_transaction(data: bytes, *, open: Cipher) -> Transaction:
    """The transaction that `encode_transaction` wrote.

    Raises:
        Unavailable: the bytes are no transaction that this release knows, or a secret does not open.
    """
    try:
        found = _decode_transaction(data)
    except msgspec.MsgspecError as exc:
        raise Unavailable(f"registry: a transaction cannot be read: {exc}") from exc
    return Transaction(
        tuple(_read(change, open) for change in found.changes),
        found.at,
        found.by,
        found.correlation,
    )


def encode_state(state: State, *, seal: Cipher) -> bytes:
    """The whole state as bytes: a snapshot."""
    return _encode(
        _State(
            state.revision,
            [_Channel(channel.name, channel.shards) for channel in state.channels.values()],
            [_write_subscription(each, seal) for each in state.subscriptions.values()],
            [_write_declaration(each) for each in state.declarations.values()],
        )
    )


def decode_state(data: bytes, *, open: Cipher) -> State:
    """The state that `encode_state` wrote; raises as `decode_transaction` does."""
    try:
        found = _decode_state(data)
    except msgspec.MsgspecError as exc:
        raise Unavailable(f"registry: the snapshot cannot be read: {exc}") from exc
    return State(
        found.revision,
        {each.id: _read_subscription(each, open) for each in found.subscriptions},
        {each.type: _read_declaration(each) for each in found.declarations},
        {each.name: Channel(each.name, each.shards) for each in found.channels},
    )


def _written(change: Change, seal: Cipher) -> _Change:
    match change:
        case PutSubscription(subscription):
            return _write_subscription(subscription, seal)
        case DropSubscription(id_):
            return _DropSubscription(id_)
        case PutDeclaration(declaration):
            return _write_declaration(declaration)
        case DropDeclaration(type_):
            return _DropDeclaration(type_)
        case PutChannel(channel):
            return _Channel(channel.name, channel.shards)


def _read(change: _Change, open_: Cipher) -> Change:
    match change:
        case _Subscription():
            return PutSubscription(_read_subscription(change, open_))
        case _DropSubscription():
            return DropSubscription(change.id)
        case _Declaration():
            return PutDeclaration(_read_declaration(change))
        case _DropDeclaration():
            return DropDeclaration(change.type)
        case _Channel():
            return PutChannel(Channel(change.name, change.shards))


def _write_subscription(subscription: Subscription, seal: Cipher) -> _Subscription:
    credential = subscription.credential
    return _Subscription(
        id=subscription.id,
        sink=subscription.sink,
        protocol=subscription.protocol,
        channel=subscription.channel,
        filters=msgspec.Raw(subscription.filters_json),
        concurrency=subscription.concurrency,
        timeout_s=subscription.timeout_s,
        retry=subscription.retry,
        start=subscription.start,
        starts_after=subscription.starts_after,
        made_at_revision=subscription.made_at_revision,
        epoch=subscription.epoch,
        created_at=subscription.created_at,
        modified_at=subscription.modified_at,
        source=subscription.source,
        types=tuple(sorted(subscription.types)),
        headers=dict(subscription.settings.headers),
        method=subscription.settings.method,
        credential=None
        if credential is None
        else _Credential(
            credential.credentialtype,
            seal(credential.secret, context=_context(subscription.id)),
            credential.identifier,
            credential.expires,
        ),
        config=dict(subscription.config),
    )


def _read_subscription(found: _Subscription, open_: Cipher) -> Subscription:
    filters = bytes(found.filters)
    credential = found.credential
    return Subscription(
        id=found.id,
        sink=found.sink,
        protocol=found.protocol,
        channel=found.channel,
        source=found.source,
        types=frozenset(found.types),
        filter=parse_filters(msgspec.json.decode(filters)),
        filters_json=filters,
        settings=HttpSettings(found.headers, found.method),
        credential=None
        if credential is None
        else Credential(
            credential.type,
            credential.identifier,
            open_(credential.sealed, context=_context(found.id)),
            credential.expires,
        ),
        config=found.config,
        concurrency=found.concurrency,
        timeout_s=found.timeout_s,
        retry=found.retry,
        start=found.start,
        starts_after=found.starts_after,
        made_at_revision=found.made_at_revision,
        epoch=found.epoch,
        created_at=found.created_at,
        modified_at=found.modified_at,
    )


def _write_declaration(declaration: Declaration) -> _Declaration:
    return _Declaration(
        declaration.group,
        declaration.type,
        declaration.format,
        msgspec.Raw(declaration.schema),
        declaration.mode,
        declaration.epoch,
        declaration.created_at,
        declaration.modified_at,
    )


def _read_declaration(found: _Declaration) -> Declaration:
    return Declaration(
        found.group,
        found.type,
        found.format,
        bytes(found.schema),
        found.mode,
        found.epoch,
        found.created_at,
        found.modified_at,
    )


def _context(id_: str) -> str:
    return f"subscriptions/{id_}/sinkcredential"
