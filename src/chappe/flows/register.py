"""Declaring: subscriptions and payload schemas, each write one transaction, all or nothing.

A write decides against the state that this node sees and commits for its revision. If another node
was faster, the write reads what that one did and decides again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar
from urllib.parse import urlsplit

from chappe.domain.channel import DEFAULT
from chappe.domain.errors import Conflict, Malformed, NotFound, Unavailable
from chappe.domain.subscription import Credential, Subscription
from chappe.formats.declaration_json import DeclarationDraft
from chappe.formats.json_schema import JsonSchema
from chappe.formats.schema_language import SchemaLanguage
from chappe.formats.sink_settings import CredentialDraft
from chappe.formats.subscription_json import SubscriptionDraft
from chappe.formats.times import rfc3339
from chappe.formats.transaction_json import decode_transaction, encode_transaction
from chappe.kit.latest import Latest
from chappe.ports.clock import Clock
from chappe.ports.registry_log import RegistryLog
from chappe.ports.secrets import Secrets
from chappe.registry.declaration import Declaration
from chappe.registry.state import State
from chappe.registry.transaction import (
    Change,
    DropDeclaration,
    DropSubscription,
    PutDeclaration,
    PutSubscription,
    Transaction,
    check_channel,
    check_declared_once,
    check_epoch,
)

MAX_TRIES: Final = 20
"""Each lost try is a commit that another node won; twenty in a row mean a crowd, not bad luck."""

T = TypeVar("T")


@dataclass(slots=True)
class Register:
    """Makes, replaces and ends what is declared.

    `extent` gives a channel's last block. Writers of one node take turns; what a write committed is
    in `state` when it returns, so a node reads its own writes.

    Every method raises Unavailable when the engine did not acknowledge: the write may or may not
    have happened.
    """

    log: RegistryLog
    state: Latest[State]
    clock: Clock
    secrets: Secrets
    new_id: Callable[[], str]
    extent: Callable[[str], Awaitable[int]]
    language: SchemaLanguage = field(default_factory=JsonSchema)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False)

    async def create_subscription(self, draft: SubscriptionDraft, *, by: str = "") -> Subscription:
        """Make a subscription under an id of its own.

        Raises:
            Malformed: the channel does not exist, or the credential lacks its secret.
        """
        channel = draft.channel or DEFAULT
        check_channel(self.state.value.channels, channel)
        credential = _credential(draft.credential, None)
        # Asked before the commit: what is accepted after the answer stands in later blocks.
        starts_after = 0 if draft.start == "earliest" else await self.extent(channel)
        id_ = self.new_id()

        def decide(state: State, now: str) -> tuple[list[Change], Subscription]:
            check_channel(state.channels, channel)
            made = _drafted(
                draft,
                Subscription(
                    id=id_,
                    sink=draft.sink,
                    channel=channel,
                    start=draft.start or "latest",
                    starts_after=starts_after,
                    made_at_revision=state.revision + 1,
                    created_at=now,
                ),
                credential=credential,
                now=now,
            )
            return [PutSubscription(made)], made

        return await self._write(decide, by=by)

    async def replace_subscription(
        self, id: str, draft: SubscriptionDraft, *, by: str = ""
    ) -> Subscription:
        """Replace all but what is fixed: id, channel, start; a secret that was not sent stays.

        Raises:
            NotFound: there is no such subscription.
            Conflict: the draft's epoch is not the present one.
            Malformed: the draft contradicts what is fixed, or lacks a secret that it needs.
        """

        def decide(state: State, now: str) -> tuple[list[Change], Subscription]:
            present = _subscription(state, id)
            check_epoch(f"subscriptions/{id}", draft.epoch, present.epoch)
            _check_fixed(draft, present)
            made = _drafted(
                draft,
                replace(present, epoch=present.epoch + 1),
                credential=_credential(draft.credential, present, sink=draft.sink),
                now=now,
            )
            return [PutSubscription(made)], made

        return await self._write(decide, by=by)

    async def remove_subscription(self, id: str, *, by: str = "") -> Subscription:
        """End a subscription; its last state.

        Raises:
            NotFound: there is no such subscription.
        """

        def decide(state: State, now: str) -> tuple[list[Change], Subscription]:
            return [DropSubscription(id)], _subscription(state, id)

        return await self._write(decide, by=by)

    async def put_declaration(
        self, draft: DeclarationDraft, *, by: str = ""
    ) -> tuple[Declaration, bool]:
        """Declare a type's payload schema, or replace it; True when it was made.

        Raises:
            Malformed: the schema is none.
            Conflict: another group declares the type, or the epoch is not the present one.
        """
        # A schema near the limit takes 0.2 s to compile.
        await asyncio.to_thread(self.language.compile, draft.schema, draft.format)

        def decide(state: State, now: str) -> tuple[list[Change], tuple[Declaration, bool]]:
            check_declared_once(state.declarations, draft.group, draft.type)
            present = state.declarations.get(draft.type)
            if present is not None:
                check_epoch(present.path, draft.epoch, present.epoch)
            made = Declaration(
                group=draft.group,
                type=draft.type,
                format=draft.format,
                schema=draft.schema,
                mode=draft.mode,
                epoch=1 if present is None else present.epoch + 1,
                created_at=now if present is None else present.created_at,
                modified_at=now,
            )
            return [PutDeclaration(made)], (made, present is None)

        return await self._write(decide, by=by)

    async def remove_declaration(self, group: str, type: str, *, by: str = "") -> Declaration:
        """Declare the type no more; the declaration's last state.

        Raises:
            NotFound: the group does not declare the type.
        """

        def decide(state: State, now: str) -> tuple[list[Change], Declaration]:
            present = state.declarations.get(type)
            if present is None or present.group != group:
                raise NotFound(f"messagegroups/{group}/messages/{type}: does not exist")
            return [DropDeclaration(type)], present

        return await self._write(decide, by=by)

    async def _write(
        self, decide: Callable[[State, str], tuple[Sequence[Change], T]], *, by: str
    ) -> T:
        """Decide, commit, and show it; decide again when another node was faster."""
        async with self._turn:
            for _ in range(MAX_TRIES):
                state = self.state.value
                now = rfc3339(self.clock.now_ms())
                changes, result = decide(state, now)
                transaction = encode_transaction(
                    Transaction(changes, now, by), seal=self.secrets.seal
                )
                try:
                    revision = await self.log.commit(transaction, expected_revision=state.revision)
                except Conflict:
                    await self._catch_up(state)
                    continue
                # What follows the log may have seen this commit already, and more: `apply` passes
                # over what the newest state holds.
                self.state.set(self.state.value.apply(changes, revision))
                return result
        raise Unavailable(
            f"registry: {MAX_TRIES} writes of other nodes came first, one after another; try again"
        )

    async def _catch_up(self, state: State) -> None:
        commits = await self.log.read(state.revision)
        changes: list[Change] = []
        for commit in commits:
            transaction = decode_transaction(commit.transaction, open=self.secrets.open)
            changes += transaction.changes
        if commits:
            caught_up = state.apply(changes, commits[-1].revision)
            if caught_up.revision > self.state.value.revision:
                self.state.set(caught_up)


def _subscription(state: State, id_: str) -> Subscription:
    present = state.subscriptions.get(id_)
    if present is None:
        raise NotFound(f"subscriptions/{id_}: does not exist")
    return present


def _drafted(
    draft: SubscriptionDraft, fixed: Subscription, *, credential: Credential | None, now: str
) -> Subscription:
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
        credential=credential,
        config=draft.config,
        concurrency=draft.concurrency,
        timeout_s=draft.timeout_s,
        retry=draft.retry,
        modified_at=now,
    )


def _check_fixed(draft: SubscriptionDraft, present: Subscription) -> None:
    if draft.id is not None and draft.id != present.id:
        raise Malformed(f"id: {draft.id!r} is not that of the path, {present.id!r}")
    if draft.channel is not None and draft.channel != present.channel:
        raise Malformed(
            f"channel: {draft.channel!r} was sent, it is {present.channel!r};"
            " it is fixed when the subscription is made"
        )
    if draft.start not in (None, present.start):
        raise Malformed(
            f"start: {draft.start!r} was sent, it was {present.start!r};"
            " it is fixed when the subscription is made"
        )


def _credential(
    draft: CredentialDraft | None, present: Subscription | None, *, sink: str = ""
) -> Credential | None:
    """The credential with its secret: the one that was sent, or the one that is kept.

    A kept secret goes to no other origin: who may change a sink must not learn it that way.
    """
    if draft is None:
        return None
    if draft.secret is not None:
        return Credential(draft.credentialtype, draft.identifier, draft.secret, draft.expires)
    name = "secret" if draft.credentialtype == "PLAIN" else "accesstoken"
    kept = None if present is None else present.credential
    if present is None or kept is None or kept.credentialtype != draft.credentialtype:
        raise Malformed(f"sinkcredential/{name}: is missing and is required")
    if _origin(sink) != _origin(present.sink):
        raise Malformed(
            f"sinkcredential/{name}: must be sent again, because the sink moves to another origin"
        )
    return Credential(draft.credentialtype, draft.identifier, kept.secret, draft.expires)


def _origin(sink: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(sink)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}[parts.scheme]
