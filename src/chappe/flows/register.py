"""Declaring: each write of the registry is one transaction, all or nothing.

A write decides upon the tree that this node sees and commits for its revision. If another node was
faster, the write reads what that one did and decides again. What a write answers is rendered before
it is committed, so that a response that cannot be made undoes it, too.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal, TypeVar

from chappe.domain.channel import Channel
from chappe.domain.errors import ChappeError, Conflict, Malformed, NotFound, Unavailable
from chappe.domain.grant import Agreed
from chappe.domain.holding import held
from chappe.domain.subscription import DEFAULTS, Credential, Defaults, Subscription
from chappe.formats.hub_entities import (
    CHANNELS,
    ENDPOINTS,
    FIELDS,
    GRANT,
    HUB,
    REPLAY,
    SUBSCRIPTIONS,
    project,
)
from chappe.formats.hub_rules import (
    check_changes,
    check_projected,
    invalid,
    stored_subscription,
)
from chappe.formats.hub_state import advanced
from chappe.formats.json_schema import JsonSchema
from chappe.formats.replay_json import KeptReplay, encode_replay
from chappe.formats.schema_language import SchemaLanguage
from chappe.formats.source_entity import SOURCES, stored_source
from chappe.formats.times import rfc3339_us
from chappe.formats.transaction_json import encode_transaction
from chappe.kit.latest import Latest
from chappe.ports.clock import Clock
from chappe.ports.registry_log import RegistryLog
from chappe.ports.secrets import Secrets
from chappe.registry.capabilities import NO_FORMATS, Offer
from chappe.registry.changes import events_of
from chappe.registry.entity import Attributes, Tree
from chappe.registry.errors import RegistryError
from chappe.registry.flags import Flags
from chappe.registry.hub_model import RESERVED
from chappe.registry.model import ResourceType
from chappe.registry.request import ABSENT, Formats, Rules, Write, Written
from chappe.registry.state import State
from chappe.registry.target import Level, Target
from chappe.registry.transaction import Transaction
from chappe.registry.write import write
from chappe.registry.writing import Committed, Decide

MAX_TRIES: Final = 20
"""Each lost try is a commit that another node won; twenty in a row mean a crowd, not bad luck."""
MOST_REASON: Final = 1_000
BEHIND_S: Final = 1.0
"""How long a refusal waits to learn whether another node has changed what it is about."""

_log = logging.getLogger("chappe.register")

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class _NeedsExtent(Exception):
    """A subscription is made on a channel that must first be asked where its start is."""

    def __init__(self, channel: str, start: str) -> None:
        self.place = channel, start


@dataclass(slots=True)
class Register:
    """Makes, replaces and ends what is declared.

    `extent` gives the block of a channel after which a start begins, `open_channel` prepares the log for a
    channel that is made, `check_sink` raises Malformed for a URL (of the named field) that the hub must not
    reach, and `root` is the registry's URL as its events of change name it.
    Writers of one node take turns; what a write committed is in `state` when it returns, so a node
    reads its own writes.

    Every method raises Unavailable when the engine did not acknowledge: the write may or may not
    have happened.
    """

    log: RegistryLog
    state: Latest[State]
    clock: Clock
    secrets: Secrets
    new_id: Callable[[], str]
    extent: Callable[[str, str], Awaitable[int]]
    formats: Formats
    offer: Offer = NO_FORMATS
    root: Callable[[], str] = lambda: "/"
    correlation: Callable[[], str] = lambda: ""
    defaults: Defaults = DEFAULTS
    language: SchemaLanguage = field(default_factory=JsonSchema)
    open_channel: Callable[[Channel], Awaitable[None]] | None = None
    check_sink: Callable[[str, str], None] = lambda url, name: None
    counted: Callable[[str], None] = lambda result: None
    """Told of each write that was committed ("written"), or lost to another node's ("conflict")."""
    _last_us: int = field(default=0, init=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False)

    async def write(
        self, decide: Decide[T], *, by: str = "", heavy: bool = False, dry_run: bool = False
    ) -> Committed[T]:
        """Decide, commit, and show it; decide again when another node was faster.

        A `heavy` decision runs in a thread, beside what else the node does. A dry run commits nothing.
        What is refused, or changes nothing, is decided once more if another node has written something
        that this one had not seen: its epochs and entities may be what the request was made for.

        Raises:
            RegistryError: the request breaks a rule; nothing was done.
        """
        ends: dict[tuple[str, str], int] = {}
        async with self._turn:
            tries = 0
            is_refused = False
            while tries < MAX_TRIES:
                state = self.state.value
                now = self._now()
                rules = self._rules(state, ends)
                try:
                    if heavy:
                        written, answer = await asyncio.to_thread(decide, state.tree, now, rules)
                    else:
                        written, answer = decide(state.tree, now, rules)
                except _NeedsExtent as needed:
                    # Asked before the commit: what is accepted after the answer stands in later blocks.
                    ends[needed.place] = await self.extent(*needed.place)
                    continue
                except (RegistryError, ChappeError):
                    if not is_refused and await self._was_behind(state):
                        is_refused = True
                        continue
                    raise
                if not written.changes and not is_refused and await self._was_behind(state):
                    is_refused = True
                    continue
                if dry_run or not written.changes:
                    return Committed(answer, state.revision)
                correlation = self.correlation()
                try:
                    revision = await self._commit(state, written, now, by, correlation)
                except Conflict:
                    self.counted("conflict")
                    await self._catch_up(state)
                    tries += 1
                    continue
                self.counted("written")
                await self._open(state, written)
                return Committed(answer, revision, correlation)
        raise Unavailable(
            f"registry: {MAX_TRIES} writes of other nodes came first, one after another; try again"
        )

    async def amend(self, wanted: Callable[[Tree, str], Write | None], *, by: str) -> bool:
        """Do the write that `wanted` gives for the newest tree and the time; False where it gives none.

        Raises:
            RegistryError: the write breaks a rule.
        """

        def decide(tree: Tree, now: str, rules: Rules) -> tuple[Written, bool]:
            request = wanted(tree, now)
            if request is None:
                return Written(tree, (), None), False
            return write(tree, request, rules), True

        return (await self.write(decide, by=by)).answer

    async def create_subscription(
        self, attributes: Mapping[str, Any], *, id: str | None = None, by: str = ""
    ) -> Subscription:
        """Make a subscription of a Subscriptions API object: of this id, or under one of its own.

        Raises:
            Malformed: the channel does not exist, the credential lacks its secret, or the id is none.
            Conflict: the registry's model has no place for subscriptions, or there is one of that id.
        """
        id_ = id or self.new_id()
        with _plainly():
            await self.write(self._creation(id_, attributes), by=by)
        return self.state.value.subscriptions[id_]

    async def rehearse_subscription(
        self,
        attributes: Mapping[str, Any],
        *,
        id: str | None = None,
        replaces: bool = False,
        epoch: int | None = None,
    ) -> Subscription:
        """The subscription as it would be made, or as it would replace that of the id; nothing is written.

        Raises:
            NotFound, Malformed, Conflict: as `create_subscription` and `replace_subscription`.
        """
        id_ = id or self.new_id()
        decide = (
            self._replacement(id_, attributes, epoch)
            if replaces
            else self._creation(id_, attributes)
        )

        with _plainly():
            return (await self.rehearse(decide)).subscriptions[id_]

    async def rehearse(self, decide: Decide[T]) -> State:
        """The registry as it would be after a write; nothing is written.

        Raises:
            RegistryError, ChappeError: what the write would be refused with.
        """

        def rehearsed(tree: Tree, now: str, rules: Rules) -> tuple[Written, State]:
            before = self.state.value
            written, _ = decide(tree, now, rules)
            after = project(
                before,
                written.tree,
                written.changes,
                before.revision + 1,
                open=self.secrets.open,
            )
            check_projected(before, after, datetime.fromisoformat(now))
            return written, after

        return (await self.write(rehearsed, dry_run=True)).answer

    async def create_companion(
        self, prefix: str, attributes: Mapping[str, Any], kept: KeptReplay, by: str = ""
    ) -> Subscription:
        """Make a subscription that delivers a part of the log again, under an id of its own.

        Raises:
            Malformed: an attribute breaks a rule.
        """
        id_ = f"{prefix}-{self.new_id().removeprefix('s-')}"
        plain = self._subscription_write("PUT", id_, attributes)

        def decide(tree: Tree, now: str, rules: Rules) -> tuple[Written, None]:
            self._present(kept.of)

            def incoming(
                type: ResourceType, xid: str, sent: dict[str, Any], before: Attributes | None
            ) -> dict[str, Any]:
                return {**rules.incoming(type, xid, sent, before), REPLAY: encode_replay(kept)}

            return plain(tree, now, replace(rules, incoming=incoming))

        with _plainly():
            await self.write(decide, by=by)
        return self.state.value.subscriptions[id_]

    async def replace_subscription(
        self, id: str, attributes: Mapping[str, Any], *, epoch: int | None = None, by: str = ""
    ) -> Subscription:
        """Replace all but what is fixed: id, channel, start; a secret that was not sent stays.

        The subscription gets another version, which is the default from now on.

        Raises:
            NotFound: there is no such subscription.
            Conflict: the epoch is not the present one.
            Malformed: the attributes contradict what is fixed, or lack a secret that they need.
        """
        with _plainly():
            await self.write(self._replacement(id, attributes, epoch), by=by)
        return self.state.value.subscriptions[id]

    async def disable_subscription(self, id: str, reason: str, *, by: str = "") -> None:
        """Declare that a subscription is delivered to no more; nothing is written where it is so.

        No version is made: a revision says what is delivered, not whether. One that has ended stays so.
        """

        def decide(tree: Tree, now: str, rules: Rules) -> tuple[Written, None]:
            present = self.state.value.subscriptions.get(id)
            if present is None or present.disabled is not None:
                return Written(tree, (), None), None
            target = _subscription_target(tree, id)
            body = {"disabled": {"reason": reason[:MOST_REASON], "at": now}}
            return write(tree, Write("PATCH", target, body, Flags(), now, target.xid), rules), None

        with _plainly():
            await self.write(decide, by=by)

    async def pause_subscription(
        self, id: str, *, paused: bool, by: str = "", dry_run: bool = False
    ) -> Subscription:
        """Let delivery rest, or go on; nothing is written where it does already.

        No version is made: a revision says what is delivered, not when.

        Raises:
            NotFound: there is no such subscription.
        """

        def decide(tree: Tree, now: str, rules: Rules) -> tuple[Written, None]:
            present = self._present(id)
            is_so = present.options.paused if paused else held(present) is None
            if is_so:
                return Written(tree, (), None), None
            target = _subscription_target(tree, id)
            body: dict[str, Any] = {"paused": paused}
            if not paused and present.disabled is not None:
                body["disabled"] = None
            request = Write("PATCH", target, body, Flags(), now, target.xid)
            return write(tree, request, rules), None

        with _plainly():
            if dry_run:
                return (await self.rehearse(decide)).subscriptions[id]
            await self.write(decide, by=by)
        return self.state.value.subscriptions[id]

    async def remove_subscription(
        self, id: str, *, by: str = "", dry_run: bool = False
    ) -> Subscription:
        """End a subscription; its last state.

        Raises:
            NotFound: there is no such subscription.
        """

        def decide(tree: Tree, now: str, rules: Rules) -> tuple[Written, Subscription]:
            last = self._present(id)
            target = _subscription_target(tree, id)
            request = Write("DELETE", target, ABSENT, Flags(), now, target.xid)
            return write(tree, request, rules), last

        return (await self.write(decide, by=by, dry_run=dry_run)).answer

    async def keep_grant(self, id: str, sink: str, agreed: Agreed) -> None:
        """Keep what a subscription's sink agreed to; nothing where it has another sink by now.

        No version is made: a revision says what is delivered, not who has agreed.
        """

        def decide(tree: Tree, now: str, rules: Rules) -> tuple[Written, None]:
            present = self.state.value.subscriptions.get(id)
            if present is None or present.sink != sink or present.options.handshake == "off":
                return Written(tree, (), None), None
            kept = {"sink": sink, "at": now, "per_minute": agreed.per_minute}

            def incoming(
                type: ResourceType, xid: str, sent: dict[str, Any], before: Attributes | None
            ) -> dict[str, Any]:
                return {**rules.incoming(type, xid, sent, before), GRANT: kept}

            target = _subscription_target(tree, id)
            request = Write("PATCH", target, {}, Flags(), now, target.xid)
            return write(tree, request, replace(rules, incoming=incoming)), None

        with _plainly():
            await self.write(decide, by="hub")

    async def renew_credential(self, id: str, credential: Credential) -> None:
        """Keep a subscription's renewed tokens; nothing where it has another credential by now.

        The version that counts is changed in place: a token is no revision.
        """

        def wanted(tree: Tree, now: str) -> Write | None:
            present = self.state.value.subscriptions.get(id)
            if (
                present is None
                or present.credential is None
                or present.credential.credentialtype != credential.credentialtype
                or present.credential.endpoint != credential.endpoint
            ):
                return None
            body: dict[str, Any] = {
                "credentialtype": credential.credentialtype,
                "accesstoken": credential.secret,
                "accesstokentype": "bearer",
                "refreshtokenendpoint": credential.endpoint,
                "refreshtoken": credential.refresh_token,
            }
            if credential.expires is not None:
                body["accesstokenexpiresutc"] = credential.expires
            target = _subscription_target(tree, id)
            return Write("PATCH", target, {"sinkcredential": body}, Flags(), now, target.xid)

        await self.amend(wanted, by="hub")

    def _creation(self, id_: str, attributes: Mapping[str, Any]) -> Decide[None]:
        plain = self._subscription_write("PUT", id_, attributes)

        def decide(tree: Tree, now: str, rules: Rules) -> tuple[Written, None]:
            if id_ in self.state.value.subscriptions:
                raise Conflict(f"subscriptions/{id_}: there is one of that id")
            return plain(tree, now, rules)

        return decide

    def _replacement(
        self, id_: str, attributes: Mapping[str, Any], epoch: int | None
    ) -> Decide[None]:
        plain = self._subscription_write("POST", id_, attributes)

        def decide(tree: Tree, now: str, rules: Rules) -> tuple[Written, None]:
            present = self._present(id_)
            if epoch is not None and epoch != present.epoch:
                raise Conflict(
                    f"subscriptions/{id_}: epoch {epoch} was sent, the present one is"
                    f" {present.epoch}"
                )
            return plain(tree, now, rules)

        return decide

    def _subscription_write(
        self, method: Literal["PUT", "POST"], id_: str, attributes: Mapping[str, Any]
    ) -> Decide[None]:
        body = {name: attributes[name] for name in FIELDS if name in attributes}

        def decide(tree: Tree, now: str, rules: Rules) -> tuple[Written, None]:
            target = _subscription_target(tree, id_)
            return write(tree, Write(method, target, body, Flags(), now, target.xid), rules), None

        return decide

    def _present(self, id: str) -> Subscription:
        present = self.state.value.subscriptions.get(id)
        if present is None:
            raise NotFound(f"subscriptions/{id}: does not exist")
        return present

    def _now(self) -> str:
        """The time of a write: after that of the node's write before it, whatever the clock did."""
        self._last_us = max(self.clock.now_ms() * 1000, self._last_us + 1)
        return rfc3339_us(self._last_us)

    def _rules(self, state: State, ends: Mapping[tuple[str, str], int]) -> Rules:
        def starts_after(channel: str, start: str) -> int:
            if start == "earliest":
                return 0
            if channel in state.channels and (channel, start) not in ends:
                raise _NeedsExtent(channel, start)
            return ends.get((channel, start), 0)

        def incoming(
            type: ResourceType, xid: str, attributes: dict[str, Any], before: Attributes | None
        ) -> dict[str, Any]:
            if type.plural not in (SUBSCRIPTIONS, SOURCES) or type.group != ENDPOINTS:
                return attributes
            resource_xid = xid.rpartition("/versions/")[0] or xid
            resource = state.tree.resource(resource_xid)
            default = None if resource is None else resource.default
            stored = None if default is None else default.attributes
            id_ = resource_xid.rpartition("/")[2]
            try:
                if type.plural == SOURCES:
                    made = stored_source(
                        attributes, stored, id=id_, defaults=self.defaults, seal=self.secrets.seal
                    )
                    if "url" in made:
                        self.check_sink(str(made["url"]), "url")
                    return made
                made = stored_subscription(
                    attributes,
                    stored,
                    id=id_,
                    defaults=self.defaults,
                    seal=self.secrets.seal,
                    starts_after=starts_after,
                    made_at=state.revision + 1,
                )
                self.check_sink(str(made["sink"]), "sink")
                return made
            except Malformed as error:
                raise invalid(resource_xid, error) from error

        def guard(tree: Tree, changes: Any) -> None:
            check_changes(state, tree, changes, language=self.language)

        return Rules(self.formats, incoming, guard, self.offer, RESERVED)

    async def _commit(
        self, state: State, written: Written, now: str, by: str, correlation: str
    ) -> int:
        root = self.root()
        events = events_of(state.tree, written)
        transaction = Transaction(
            written.changes,
            now,
            by,
            correlation,
            root,
            written.tree.next_uid,
            events,
        )
        after = project(
            state, written.tree, written.changes, state.revision + 1, open=self.secrets.open
        )
        check_projected(state, after, datetime.fromisoformat(now))
        revision = await self.log.commit(
            encode_transaction(transaction), expected_revision=state.revision
        )
        # What follows the log may have seen this commit already, and more.
        if self.state.value.revision < revision:
            self.state.set(replace(after, revision=revision))
        return revision

    async def _open(self, before: State, written: Written) -> None:
        """Make room for the events of channels that are there from now on.

        Nodes do that by themselves when they see a channel; here it is done before the answer.
        """
        if self.open_channel is None:
            return
        for change in written.changes:
            if len(change.path) == 2 and change.path[0] == CHANNELS:
                channel = self.state.value.channels.get(change.path[1])
                if channel is not None and channel.name not in before.channels:
                    try:
                        await self.open_channel(channel)
                    except Unavailable as error:
                        _log.warning("channel %s: %s; it opens later", channel.name, error)

    async def _catch_up(self, state: State) -> None:
        for commit in await self.log.read(state.revision):
            state = advanced(state, commit.transaction, commit.revision, open=self.secrets.open)
        if state.revision > self.state.value.revision:
            self.state.set(state)

    async def _was_behind(self, state: State) -> bool:
        """Catch up; whether there was something that a decision upon `state` did not see."""
        try:
            async with asyncio.timeout(BEHIND_S):
                await self._catch_up(state)
        except (Unavailable, TimeoutError):  # nobody can tell, so what this node saw stands
            return False
        return self.state.value.revision > state.revision


@contextmanager
def _plainly() -> Iterator[None]:
    """What the registry says of a subscription's attribute, in the Subscriptions API's way."""
    try:
        yield
    except RegistryError as error:
        if error.kind == "invalid_attribute":
            name, rule = error.args_shown["name"], error.args_shown["error_detail"]
            raise Malformed(f"{name.replace('.', '/')}: {rule}") from error
        raise Malformed(error.args_shown.get("error_detail", error.message)) from error


def _subscription_target(tree: Tree, id_: str) -> Target:
    group_type = tree.model.groups.get(ENDPOINTS)
    type_ = tree.model.resource_type(ENDPOINTS, SUBSCRIPTIONS)
    if group_type is None or type_ is None:
        raise Conflict(
            "subscriptions: the registry's model has no place for them (--model hub has)"
        )
    return Target(Level.RESOURCE, group_type, HUB, type_, id_)
