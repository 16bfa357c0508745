"""Confluent's Schema Registry upon the registry: reads of its index, and writes that are one transaction.

There is no state besides the registry's. The index is made when somebody first asks, and kept up with
the trees that follow; nobody who does not use the API pays for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from chappe.formats.confluent.bodies import formatted
from chappe.formats.confluent.edit import Edit
from chappe.formats.confluent.errors import InvalidSchema
from chappe.formats.confluent.framed import entry_at
from chappe.formats.confluent.index import Entry, Index
from chappe.formats.confluent.looking import Found
from chappe.formats.confluent.numbering import number_all
from chappe.formats.confluent.parsing import Parser, resolve_entry
from chappe.formats.confluent.projection import project_schemas
from chappe.formats.confluent.registering import Registration, already, register
from chappe.formats.schema_language import Check
from chappe.kit.latest import Latest
from chappe.registry.entity import Tree, Version
from chappe.registry.request import Rules, Written
from chappe.registry.state import State
from chappe.registry.writing import Writing

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(slots=True)
class Confluent:
    """The Schema Registry of the hub; `parser` knows the schema languages."""

    state: Latest[State]
    registry: Writing
    parser: Parser
    _index: Index | None = field(default=None, init=False, repr=False)

    def index(self) -> Index:
        """The schemas as they are now."""
        return self._of(self.state.value.tree)

    async def ask(self, question: Callable[[Index], T]) -> T:
        """The answer to a question for which schemas are parsed or compared.

        That takes a second where they are large, and so it is done beside the node's other work.
        """
        return await asyncio.to_thread(question, self.index())

    async def formatted(self, entry: Entry, format: str) -> str | None:
        """The text of a version in a format that a client asks for; None for the usual one ("").

        Raises:
            Refused: it, or what it refers to, cannot be read any more.
        """
        if not format:
            return None
        return await self.ask(lambda index: formatted(index, self.parser, entry, format))

    def check_of(self, version: Version, xid: str) -> Check:
        """The check of payloads by a version of the schema at the xid, with what it refers to.

        Raises:
            Refused: something of that is not there.
        """
        index = self.index()
        entry = entry_at(index, xid, version)
        if entry is None:
            raise InvalidSchema(f"{xid}: what it refers to is not known")
        return self.parser.parse(resolve_entry(index, entry)).check

    async def ready(self, *, by: str) -> Index:
        """The same, with an id for each schema that came through the registry's own API.

        Raises:
            Unavailable: there are such, and the engine did not acknowledge.
        """
        index = self.index()
        if index.unnumbered:
            await self.write(lambda edit: number_all(edit, self.parser), by=by)
            index = self.index()
        return index

    async def register(self, wanted: Registration, *, by: str) -> Found:
        """Register a schema, unless it is registered already.

        Raises:
            Refused: it is no schema, or may not be registered.
            Unavailable: the engine did not acknowledge.
        """
        found = await self.ask(lambda index: already(index, self.parser, wanted))
        if found is not None:
            return found
        return await self.write(lambda edit: register(edit, self.parser, wanted), by=by)

    async def write(self, decide: Callable[[Edit], T], *, by: str) -> T:
        """Do the steps of a decision, all of them or none.

        Raises:
            Refused: the decision refuses.
            Unavailable: the engine did not acknowledge.
        """
        edits: list[Edit] = []

        def decided(tree: Tree, now: str, rules: Rules) -> tuple[Written, T]:
            edit = Edit(self._of(tree), now, rules, self.parser)
            edits[:] = [edit]
            answer = decide(edit)
            return edit.written(), answer

        committed = await self.registry.write(decided, by=by, heavy=True)
        if edits and self.state.value.tree is edits[0].index.tree:
            self._index = edits[0].index
        return committed.answer

    def _of(self, tree: Tree) -> Index:
        index = self._index = project_schemas(self._index, tree, self.parser.type_of)
        return index
