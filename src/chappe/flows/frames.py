"""Judging payloads by the schemas that their frames name, in the numbering of the Confluent API.

Each schema is looked up and compiled when its first payload comes; what was found is kept until the
registry's schemas change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from chappe.domain.errors import Malformed
from chappe.domain.event import AttributeValue
from chappe.formats.confluent.errors import Refused
from chappe.formats.confluent.framed import Wanted, find_named
from chappe.formats.confluent.framing import (
    CheckBehind,
    check_behind,
    frame_of,
    frame_violation,
    framed_type,
    key_of,
)
from chappe.formats.confluent.index import Entry, Index
from chappe.formats.confluent.parsing import Parser, resolve_entry
from chappe.formats.fields import shortened
from chappe.formats.schema_language import Violation
from chappe.registry.entity import Collection, Group

MOST_KNOWN: Final = 1_000


@dataclass(slots=True)
class Frames:
    """Knows the schemas of frames that came; `index` gives the schemas as they are now."""

    index: Callable[[], Index]
    parser: Parser
    _of: Collection[Group] | None = field(default=None, init=False)
    _known: dict[tuple[Wanted, bytes], tuple[str, CheckBehind]] = field(
        default_factory=dict, init=False
    )

    def __call__(
        self,
        data: bytes | None,
        content_type: str | None,
        beside: AttributeValue | None,
        wanted: Wanted,
    ) -> Sequence[Violation]:
        """What is wrong with the frame, or with the payload by the schema that it names.

        `beside` is the value of the attribute that has the frame instead of the data.
        """
        try:
            head, payload = frame_of(data, beside)
            type_, check = self._check(head, wanted)
        except Malformed as error:
            return (frame_violation(error.message, "" if data is None else data[:17].hex()),)
        said = framed_type(content_type)
        if said is not None and said != type_:
            message = f"the frame names a schema of type {type_}, the media type says {said}"
            return (Violation("", "datacontenttype", shortened(content_type), message),)
        return check(payload)

    def _check(self, head: bytes, wanted: Wanted) -> tuple[str, CheckBehind]:
        index = self.index()
        schemas = index.tree.of("schemagroups")
        if schemas is not self._of:
            self._of = schemas
            self._known.clear()
        key = (wanted, head)
        known = self._known.get(key)
        if known is not None:
            return known
        try:
            entry = find_named(index, self.parser, key_of(head), wanted)
            check = self._compile(index, entry)
        except Refused as error:
            raise Malformed(f"the schema of the frame cannot be used: {error.message}") from error
        if len(self._known) >= MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[key] = entry.type, check
        return entry.type, check

    def _compile(self, index: Index, entry: Entry) -> CheckBehind:
        if entry.rules is not None and any(not one.disabled for one in entry.rules.encoding):
            return _encoded
        return check_behind(self.parser.parse(resolve_entry(index, entry)), entry.type)


def _encoded(data: bytes) -> Sequence[Violation]:
    """By its rules the payload was encrypted; only its frame can be judged."""
    return ()
