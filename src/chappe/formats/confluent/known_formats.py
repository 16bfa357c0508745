"""What the registry's engine asks of documents, where they may refer to others.

The engine knows a document alone. What the API registers was parsed with all that it refers to, so its
documents are valid. Two versions may have one document that stands for different things, so those with
references are compared where they are registered (comparing.breaks_rule), and not here.
"""

from __future__ import annotations

from chappe.formats.confluent.index import Entry
from chappe.formats.confluent.parsing import Parser, Resolved
from chappe.registry.request import Formats


class KnownFormats:
    """The hub's formats, and the documents that a write knows more of."""

    def __init__(self, formats: Formats, parser: Parser) -> None:
        self._formats = formats
        self._parser = parser
        self._valid: set[bytes] = set()
        self._referring: set[bytes] = set()

    def add(self, document: bytes, resolved: Resolved) -> str:
        """Know a document; its format."""
        self._valid.add(document)
        if resolved.content.references:
            self._referring.add(document)
        return self._parser.format_of(resolved)

    def add_entry(self, entry: Entry) -> None:
        """Know what is registered."""
        if entry.references:
            self._valid.add(entry.source.document or b"")
            self._referring.add(entry.source.document or b"")

    def known(self, format: str) -> bool:
        """Whether documents of that format can be checked."""
        return self._formats.known(format)

    def fault(self, format: str, document: bytes) -> str | None:
        """Why the document is none of the format."""
        return None if document in self._valid else self._formats.fault(format, document)

    def compatibilities(self, format: str) -> frozenset[str]:
        """The rules that can be checked for a format."""
        return self._formats.compatibilities(format)

    def incompatibility(self, format: str, older: bytes, newer: bytes) -> str | None:
        """Why data of `older` cannot be read with `newer`, where neither refers to anything."""
        if older in self._referring or newer in self._referring:
            return None
        return self._formats.incompatibility(format, older, newer)


_: type[Formats] = KnownFormats
