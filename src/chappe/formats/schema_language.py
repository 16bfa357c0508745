"""The seam for schema languages: a document is compiled once, the check runs for every event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chappe.registry.declaration import Declaration, Mode


@dataclass(frozen=True, slots=True)
class Violation:
    """Where and how a payload breaks its schema.

    `pointer` is a JSON pointer into the payload ("" is the whole); `rule` the schema's keyword, or
    "json", "datacontenttype", "data" where the payload is no such thing at all; `value` what stands
    there, as shortened JSON text.
    """

    pointer: str
    rule: str
    value: str
    message: str

    def details(self) -> dict[str, str]:
        """As it stands in an answer."""
        return {
            "pointer": self.pointer,
            "rule": self.rule,
            "value": self.value,
            "message": self.message,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the declaration says about a payload; no violations: it is valid."""

    mode: Mode
    declaration: Declaration
    violations: Sequence[Violation] = ()


class Check(Protocol):
    """A compiled schema."""

    def __call__(self, data: bytes | None, content_type: str | None) -> Sequence[Violation]:
        """What is wrong with the payload; empty when it is valid. Never raises.

        `data` is None when the event has no payload, `content_type` None when it names none.
        """
        ...


class SchemaLanguage(Protocol):
    """Compiles schema documents. Reads no file and opens no socket, whatever a document says."""

    def compile(self, document: bytes, format: str) -> Check:
        """Compile a document of the dialect `format` (such as "JSONSchema/draft-07").

        Raises:
            Malformed: it is no schema of that dialect, refers to something outside of itself, or
                is larger or costlier than is possible.
        """
        ...
