"""What the registry's engine asks of documents, where they may refer to others.

The engine knows a document alone. What the API registers was parsed with all that it refers to, so its
documents are valid, and are compared with their references.
"""

from __future__ import annotations

import contextlib

from chappe.formats.confluent.errors import InvalidSchema
from chappe.formats.confluent.index import Entry, Index
from chappe.formats.confluent.parsing import Parser, Resolved, resolve_entry
from chappe.registry.request import Formats


class KnownFormats:
    """The hub's formats, and the documents that a write knows more of."""

    def __init__(self, formats: Formats, parser: Parser) -> None:
        self._formats = formats
        self._parser = parser
        self._resolved: dict[bytes, Resolved] = {}

    def add(self, document: bytes, resolved: Resolved) -> str:
        """Know a document; its format."""
        self._resolved[document] = resolved
        return self._parser.format_of(resolved)

    def add_entry(self, index: Index, entry: Entry) -> None:
        """Know what is registered."""
        if entry.references:
            with contextlib.suppress(InvalidSchema):
                self._resolved[entry.source.document or b""] = resolve_entry(index, entry)

    def known(self, format: str) -> bool:
        """Whether documents of that format can be checked."""
        return self._formats.known(format)

    def fault(self, format: str, document: bytes) -> str | None:
        """Why the document is none of the format."""
        return None if document in self._resolved else self._formats.fault(format, document)

    def compatibilities(self, format: str) -> frozenset[str]:
        """The rules that can be checked for a format."""
        return self._formats.compatibilities(format)

    def incompatibility(self, format: str, older: bytes, newer: bytes) -> str | None:
        """Why data of `older` cannot be read with `newer`."""
        old, new = self._resolved.get(older), self._resolved.get(newer)
        if old is None or new is None:
            return self._formats.incompatibility(format, older, newer)
        try:
            found = self._parser.backward(new, old, "STRICT")
        except InvalidSchema as error:
            return error.message
        return "; ".join(one.message for one in found) or None


_: type[Formats] = KnownFormats
