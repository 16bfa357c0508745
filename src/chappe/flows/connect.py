"""Sources declared: made, replaced and taken away in the registry, and shown with how they do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

from chappe.domain.errors import Conflict, Malformed, NotFound
from chappe.domain.source import Source, SourceStatus
from chappe.formats.hub_entities import ENDPOINTS, HUB
from chappe.formats.source_entity import SOURCES
from chappe.formats.source_json import FIELDS
from chappe.kit.latest import Latest
from chappe.ports.source_status import SourceStatuses
from chappe.registry.entity import Tree
from chappe.registry.errors import RegistryError
from chappe.registry.flags import Flags
from chappe.registry.request import ABSENT, Rules, Write, Written
from chappe.registry.state import State
from chappe.registry.target import Level, Target
from chappe.registry.write import write
from chappe.registry.writing import Committed, Decide

T = TypeVar("T")


class Writing(Protocol):
    """flows.register.Register."""

    def write(
        self, decide: Decide[T], *, by: str = "", dry_run: bool = False
    ) -> Awaitable[Committed[T]]:
        """Decide and commit."""
        ...

    def rehearse(self, decide: Decide[T]) -> Awaitable[State]:
        """The registry as it would be."""
        ...


@dataclass(frozen=True, slots=True)
class Connect:
    """What is declared of sources, over the registry's writes; `statuses` are what nodes say of them.

    With `dry_run` a method answers what would be, or raises what it would, and writes nothing.
    """

    state: Latest[State]
    register: Writing
    statuses: SourceStatuses
    new_id: Callable[[], str]

    def one(self, id: str) -> Source:
        """A source.

        Raises:
            NotFound: there is none of that id.
        """
        found = self.state.value.sources.get(id)
        if found is None:
            raise NotFound(f"source {id!r}: there is none")
        return found

    async def status(self) -> Mapping[str, SourceStatus]:
        """How each source does, where a node has said it. Raises Unavailable."""
        said = await self.statuses.all()
        return {id: said.get(id, SourceStatus()) for id in self.state.value.sources}

    async def create(
        self,
        attributes: Mapping[str, Any],
        *,
        id: str | None = None,
        by: str = "",
        dry_run: bool = False,
    ) -> Source:
        """Make a source; without an id it gets one.

        Raises:
            Malformed: the channel does not exist, or a secret is missing.
            Conflict: there is one of that id, or the registry's model has no place for sources.
        """
        id_ = id or self.new_id()

        def decide(tree: Tree, now: str, rules: Rules) -> tuple[Written, None]:
            if _has(tree, id_):
                raise Conflict(f"source {id_!r}: there is one already; PUT replaces it")
            return _written("PUT", tree, id_, attributes, now, rules)

        return await self._commit(decide, id_, by, dry_run=dry_run)

    async def put(
        self,
        id: str,
        attributes: Mapping[str, Any],
        *,
        epoch: int | None = None,
        by: str = "",
        dry_run: bool = False,
    ) -> tuple[Source, bool]:
        """Replace a source, or make it; whether it was made. A secret that was not sent stays.

        Raises:
            Conflict: the epoch is not the present one.
            Malformed: the channel does not exist, or a secret is missing.
        """
        made = False

        def decide(tree: Tree, now: str, rules: Rules) -> tuple[Written, None]:
            nonlocal made
            made = not _has(tree, id)
            present = self.state.value.sources.get(id)
            if epoch is not None and epoch != (0 if present is None else present.epoch):
                has = "there is none" if present is None else f"the present one is {present.epoch}"
                raise Conflict(f"source {id!r}: epoch {epoch} was sent, {has}")
            return _written("PUT" if made else "POST", tree, id, attributes, now, rules)

        return await self._commit(decide, id, by, dry_run=dry_run), made

    async def pause(self, id: str, *, paused: bool, by: str = "", dry_run: bool = False) -> Source:
        """Let reading rest, or go on; nothing is written where it does already.

        No version is made: a revision says what is read, not when.

        Raises:
            NotFound: there is none of that id.
        """

        def decide(tree: Tree, now: str, rules: Rules) -> tuple[Written, None]:
            if self.one(id).options.paused is paused:
                return Written(tree, (), None), None
            target = _target(tree, id)
            request = Write("PATCH", target, {"paused": paused}, Flags(), now, target.xid)
            return write(tree, request, rules), None

        return await self._commit(decide, id, by, dry_run=dry_run)

    async def remove(self, id: str, *, by: str = "", dry_run: bool = False) -> Source:
        """Take a source away; its last state. What the broker keeps for it, such as the offsets of a
        consumer group, stays there.

        Raises:
            NotFound: there is none of that id.
        """

        def decide(tree: Tree, now: str, rules: Rules) -> tuple[Written, Source]:
            last = self.one(id)
            target = _target(tree, id)
            return write(
                tree, Write("DELETE", target, ABSENT, Flags(), now, target.xid), rules
            ), last

        return (await self.register.write(decide, by=by, dry_run=dry_run)).answer

    async def _commit(self, decide: Decide[None], id: str, by: str, *, dry_run: bool) -> Source:
        try:
            if dry_run:
                return (await self.register.rehearse(decide)).sources[id]
            await self.register.write(decide, by=by)
        except RegistryError as error:
            shown = error.args_shown
            if error.kind == "invalid_attribute":
                raise Malformed(
                    f"{shown['name'].replace('.', '/')}: {shown['error_detail']}"
                ) from error
            raise Malformed(shown.get("error_detail", error.message)) from error
        return self.state.value.sources[id]


def _has(tree: Tree, id: str) -> bool:
    group = tree.of(ENDPOINTS).get(HUB)
    return group is not None and group.of(SOURCES).get(id) is not None


def _written(
    method: Literal["PUT", "POST"],
    tree: Tree,
    id: str,
    attributes: Mapping[str, Any],
    now: str,
    rules: Rules,
) -> tuple[Written, None]:
    target = _target(tree, id)
    body = {name: attributes[name] for name in FIELDS if name in attributes}
    return write(tree, Write(method, target, body, Flags(), now, target.xid), rules), None


def _target(tree: Tree, id: str) -> Target:
    group_type = tree.model.groups.get(ENDPOINTS)
    type_ = tree.model.resource_type(ENDPOINTS, SOURCES)
    if group_type is None or type_ is None:
        raise Conflict("sources: the registry's model has no place for them (--model hub has)")
    return Target(Level.RESOURCE, group_type, HUB, type_, id)
