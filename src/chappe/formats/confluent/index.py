"""The registry's schemas as the Confluent API looks for them: by subject, by id, by content.

    /schemagroups/{gid}                              context    (names.py)
    /schemagroups/{gid}/schemas/{rid}                subject
    /schemagroups/{gid}/schemas/{rid}/versions/{n}   version n

An index is of one tree. It is made of nothing when it is first asked for, and of an earlier one and
the changes since then; nothing of it is stored. What the API adds to an entity stands in its private
attribute PRIVATE: a version's id, a subject's settings, a context's next id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from chappe.formats.confluent.contracts import Metadata, RuleSet, parse_metadata, parse_rule_set
from chappe.formats.confluent.identity import Content, Reference
from chappe.formats.confluent.names import DEFAULT, Name
from chappe.formats.confluent.settings import NOTHING_SET, Settings
from chappe.formats.confluent.shared_map import SharedMap
from chappe.registry.entity import Tree, Version

SCHEMAGROUPS: Final = "schemagroups"
SCHEMAS: Final = "schemas"
PRIVATE: Final = ".confluent"

TypeOf: TypeAlias = Callable[[str], str | None]
"""The schema type of a format, such as "Avro/1.12" -> "AVRO"; None for a format that is not known."""

Place: TypeAlias = tuple[str, str]
"""A schema's group and its own id."""


class Entry:
    """One version that has an id.

    `id` is unique to the content in its context, `ts` when it was registered, in ms since 1970, and
    `body` what GET /schemas/ids/{id} answers, once it was asked for.
    """

    __slots__ = (
        "_content",
        "body",
        "deleted",
        "guid",
        "id",
        "name",
        "private",
        "source",
        "ts",
        "type",
        "version",
    )

    def __init__(self, name: Name, version: int, type: str, one: Version) -> None:
        private = one.attributes[PRIVATE]
        self.name = name
        self.version = version
        self.type = type
        self.source = one
        self.id: int = private["id"]
        self.guid: str = private["guid"]
        self.deleted: bool = private.get("deleted", False)
        self.ts: int = private.get("ts", 0)
        self.private: Mapping[str, Any] = private
        self.body: bytes | None = None
        self._content: Content | None = None

    @property
    def uid(self) -> int:
        """Unique in the registry for ever; tells which came first."""
        return self.source.uid

    @property
    def document(self) -> str:
        """The document as it was sent."""
        return (self.source.document or b"").decode("utf-8", "replace")

    @property
    def content(self) -> Content:
        """What was registered; worked out when it is first asked for."""
        if self._content is None:
            self._content = Content(
                self.type,
                self.private.get("text") or self.document,
                self.references,
                self.metadata,
                self.rules,
            )
        return self._content

    @property
    def references(self) -> Sequence[Reference]:
        """What it refers to."""
        return tuple(Reference(*one) for one in self.private.get("references", ()))

    @property
    def metadata(self) -> Metadata | None:
        """What is said of it."""
        return parse_metadata(self.private.get("metadata"))

    @property
    def rules(self) -> RuleSet | None:
        """Its rules."""
        return parse_rule_set(self.private.get("ruleSet"))

    @property
    def key(self) -> tuple[str, str]:
        """Its content in its context."""
        return self.type, self.guid


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A subject; `versions` ascending, those that were deleted among them.

    `latest` is the newest that was not deleted, `text` the name as the API shows it.
    """

    name: Name
    text: str
    place: Place
    versions: Sequence[Entry]
    latest: Entry | None
    settings: Settings
    associations: Sequence[Mapping[str, Any]]
    last_version: int

    @property
    def active(self) -> Sequence[Entry]:
        """The versions that were not deleted."""
        return [one for one in self.versions if not one.deleted]

    def version(self, number: int) -> Entry | None:
        """A version, deleted or not."""
        return next((one for one in self.versions if one.version == number), None)


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """A context: its subjects by name, versions by id, ids by content.

    `pending` are settings of subjects that have no versions.
    """

    name: str
    gid: str
    next_id: int
    settings: Settings = NOTHING_SET
    pending: Mapping[str, Settings] = field(default_factory=dict)
    subjects: SharedMap[str, Subject] = field(default_factory=SharedMap)
    ids: SharedMap[int, tuple[Entry, ...]] = field(default_factory=SharedMap)
    contents: SharedMap[tuple[str, str], tuple[Entry, ...]] = field(default_factory=SharedMap)


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """Everything of one tree.

    `places` are the subjects' names by where they stand, `references` those that refer to a version,
    `unnumbered` the versions that have no id yet, `associated` the subjects that belong to something.
    """

    tree: Tree
    contexts: Mapping[str, Context] = field(default_factory=dict)
    places: SharedMap[Place, Name] = field(default_factory=SharedMap)
    references: SharedMap[tuple[Name, int], tuple[Entry, ...]] = field(default_factory=SharedMap)
    unnumbered: Mapping[Place, Sequence[str]] = field(default_factory=dict)
    associated: Mapping[Name, Subject] = field(default_factory=dict)

    def context(self, name: str) -> Context | None:
        """A context that is there."""
        return self.contexts.get(name)

    def subject(self, name: Name) -> Subject | None:
        """A subject that has versions, if only deleted ones."""
        context = self.contexts.get(name.context)
        return None if context is None else context.subjects.find(name.subject)

    def by_id(self, context: str, id: int) -> Sequence[Entry]:
        """The versions of an id, the first registered one first."""
        found = self.contexts.get(context)
        return () if found is None else found.ids.find(id) or ()

    def by_content(self, context: str, content: Content) -> Sequence[Entry]:
        """The versions of that content in a context."""
        found = self.contexts.get(context)
        return () if found is None else found.contents.find((content.type, content.guid)) or ()

    def named_contexts(self) -> Iterator[Context]:
        """The contexts but for the default one, in the order of their names."""
        for name in sorted(self.contexts):
            if name != DEFAULT:
                yield self.contexts[name]


def fingerprint(document: bytes) -> str:
    """What tells that a document is still the one that was numbered."""
    return hashlib.md5(document, usedforsecurity=False).hexdigest()[:16]
