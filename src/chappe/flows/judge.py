"""May a schema change? The verdict of each policy, and what stored events say to it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chappe.domain.errors import Malformed, NotFound
from chappe.domain.event import Event
from chappe.domain.position import Position
from chappe.formats.confluent.framing import (
    ATTRIBUTE,
    check_behind,
    frame_of,
    frame_violation,
    framed_type,
)
from chappe.formats.confluent.texts import type_of
from chappe.formats.languages import Languages
from chappe.formats.schema_language import Check, Difference, Policy, Schema, Violation
from chappe.kit.latest import Latest
from chappe.ports.event_index import LIMIT, Query
from chappe.ports.stored_events import Stored, StoredEvents
from chappe.registry.lines import Document, line_at
from chappe.registry.state import State

MOST_EXAMPLES: Final = 10


@dataclass(frozen=True, slots=True)
class Misfit:
    """A stored event that the new schema would refuse."""

    position: Position
    id: str
    source: str
    violations: Sequence[Violation]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the newest events of a type say: how many were looked at, how many would not fit."""

    type: str
    looked_at: int
    misfits: int
    examples: Sequence[Misfit]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A schema beside the one at `xid`.

    `backward` tells why data of that one cannot be read with the new one, `forward` why data of the
    new one cannot be read with that one; both empty: fully compatible.
    """

    xid: str
    backward: Sequence[Difference]
    forward: Sequence[Difference]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a change comes to: beside the present schema, then beside each one before it.

    `rule` is the compatibility that the schema itself keeps, "" where it has none.
    """

    format: str
    rule: str
    compared: Sequence[Comparison]
    evidence: Sequence[Evidence] = ()


@dataclass(frozen=True, slots=True)
class _Offered:
    """The schema that is offered, as a check of stored events; those in frames are taken out first."""

    state: Latest[State]
    schema: Schema
    bare: Check

    def __call__(self, event: Event) -> Sequence[Violation]:
        declared = self.state.value.declarations.get(event.type)
        expects = declared is not None and declared.framing is not None
        type_ = type_of(self.schema.format)
        if type_ is None or not (expects or framed_type(event.datacontenttype)):
            return self.bare(event.data, event.datacontenttype)
        try:
            frame = frame_of(event.data, event.extensions.get(ATTRIBUTE))
        except Malformed as error:
            return (frame_violation(error.message),)
        return check_behind(self.schema, type_)(frame.data)


@dataclass(frozen=True, slots=True)
class Judge:
    """Compares a schema with the one that is in the registry, and with the events that were sent."""

    state: Latest[State]
    languages: Languages
    find: StoredEvents

    async def __call__(
        self,
        document: bytes,
        present: str,
        *,
        policy: Policy = "STRICT",
        type: str | None = None,
        channel: str = "default",
        last: int = LIMIT,
    ) -> Judgement:
        """The judgement on `document` instead of the schema at the xid `present`.

        `present` is a schema, a version of one, or a message that holds or names one. Evidence is of
        `type`, or of the types whose messages name the schema; `last` events of each.

        Raises:
            NotFound: there is no such schema or channel.
            Malformed: the document is no schema of the present one's format.
        """
        state = self.state.value
        line = line_at(state.tree, state.declarations, present)
        if line is None:
            raise NotFound(f"schema {present!r}: the registry has none there")
        format_ = line.documents[0].format
        # Large schemas take seconds, and whoever sends one may not keep others waiting.
        new = await asyncio.to_thread(self.languages.parse, document, format_)
        compared = await asyncio.to_thread(self._compared, new, line.documents, policy)
        types = [type] if type is not None else self._types_of(line.xid)
        evidence: list[Evidence] = []
        if types:
            bare = await asyncio.to_thread(self.languages.compile, document, format_)
            check = _Offered(self.state, new, bare)
            evidence = [await self._evidence(check, one, channel, last) for one in types]
        return Judgement(new.format, line.rule, compared, evidence)

    def _compared(
        self, new: Schema, documents: Sequence[Document], policy: Policy
    ) -> list[Comparison]:
        found = []
        for there in documents:
            old = self.languages.parse(there.text, there.format)
            backward = self.languages.compare(new, old, policy=policy)
            forward = self.languages.compare(old, new, policy=policy)
            found.append(Comparison(there.xid, backward, forward))
        return found

    def _types_of(self, place: str) -> list[str]:
        """The event types whose messages hold the schema, name it, or name a version of it."""
        return sorted(
            one.type
            for one in self.state.value.declarations.values()
            if one.path == place or (one.schemaxid or "").partition("/versions/")[0] == place
        )

    async def _evidence(self, check: _Offered, type: str, channel: str, last: int) -> Evidence:
        looked_at = misfits = 0
        examples: list[Misfit] = []
        after: tuple[int, int] | None = None
        while looked_at < last:
            query = Query(channel, type=type, after=after, limit=min(LIMIT, last - looked_at))
            page = await self.find.page(query)
            checked = await asyncio.to_thread(_checked, check, page.items)
            for item, violations in zip(page.items, checked, strict=True):
                looked_at += 1
                if violations:
                    misfits += 1
                    if len(examples) < MOST_EXAMPLES:
                        event = item.event
                        examples.append(Misfit(item.position, event.id, event.source, violations))
            after = page.next
            if after is None or not page.items:
                break
        return Evidence(type, looked_at, misfits, examples)


def _checked(check: _Offered, items: Sequence[Stored]) -> list[Sequence[Violation]]:
    return [check(one.event) for one in items]
