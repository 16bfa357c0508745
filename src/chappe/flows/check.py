"""Checking an event's payload against the schema that is declared for its type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from chappe.domain.errors import Malformed
from chappe.domain.event import Event
from chappe.formats.json_schema import JsonSchema
from chappe.formats.schema_language import Check as Compiled
from chappe.formats.schema_language import SchemaLanguage, Verdict, Violation
from chappe.kit.latest import Latest
from chappe.registry.declaration import Declaration
from chappe.registry.state import State

MAX_COMPILED: Final = 1_000


@dataclass(slots=True)
class Check:
    """Compiles a schema when the first event of its type comes, and keeps the last 1,000."""

    state: Latest[State]
    language: SchemaLanguage = field(default_factory=JsonSchema)
    _compiled: dict[str, tuple[Declaration, Compiled, Verdict]] = field(
        default_factory=dict, init=False
    )

    def __call__(self, event: Event) -> Verdict | None:
        """The verdict, or None where nothing is declared for the type, or its mode is "off"."""
        declaration = self.state.value.declarations.get(event.type)
        if declaration is None or declaration.mode == "off":
            return None
        entry = self._compiled.get(event.type)
        if entry is None or entry[0] is not declaration:
            entry = self._compile(declaration)
        violations = entry[1](event.data, event.datacontenttype)
        return Verdict(declaration.mode, declaration, violations) if violations else entry[2]

    def _compile(self, declaration: Declaration) -> tuple[Declaration, Compiled, Verdict]:
        try:
            check = self.language.compile(declaration.schema, declaration.format)
        except Malformed as exc:
            check = _Unusable(exc.message)
        entry = declaration, check, Verdict(declaration.mode, declaration)
        self._compiled.pop(declaration.type, None)
        if len(self._compiled) >= MAX_COMPILED:
            del self._compiled[next(iter(self._compiled))]
        self._compiled[declaration.type] = entry
        return entry


@dataclass(frozen=True, slots=True)
class _Unusable:
    """A schema that another release took and this one cannot compile: nothing fits it."""

    why: str

    def __call__(self, data: bytes | None, content_type: str | None) -> Sequence[Violation]:
        return (Violation("", "dataschema", "", f"the declared schema cannot be used: {self.why}"),)
