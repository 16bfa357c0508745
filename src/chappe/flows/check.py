"""Checking an event against what is declared for its type: its attributes and its payload."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from chappe.domain.errors import CallerError, Malformed
from chappe.domain.event import AttributeValue, Event
from chappe.formats.confluent.framed import Wanted
from chappe.formats.confluent.framing import ATTRIBUTE, frame_violation, framed_type
from chappe.formats.confluent.index import PRIVATE
from chappe.formats.envelope_rules import envelope_violations
from chappe.formats.held import MOST, held_bytes
from chappe.formats.json_schema import JsonSchema
from chappe.formats.schema_language import Check as Compiled
from chappe.formats.schema_language import SchemaLanguage, Verdict, Violation
from chappe.kit.kept import Kept
from chappe.kit.latest import Latest
from chappe.registry.declaration import Declaration
from chappe.registry.entity import Tree, Version
from chappe.registry.state import State
from chappe.registry.versions_at import version_at

MAX_COMPILED: Final = 1_000


class _Entry(NamedTuple):
    """What is kept of a type: valid as long as its declaration and the version are those of now."""

    declaration: Declaration
    version: Version | None
    payload: Compiled | None
    good: Verdict
    frame: Wanted
    has_rules: bool


class ByFrame(Protocol):
    """flows.frames.Frames."""

    def __call__(
        self,
        data: bytes | None,
        content_type: str | None,
        beside: AttributeValue | None,
        wanted: Wanted,
    ) -> Sequence[Violation]: ...


def _no_frames(
    data: bytes | None, content_type: str | None, beside: AttributeValue | None, wanted: Wanted
) -> Sequence[Violation]:
    return (frame_violation("there is no registry whose numbers a frame could hold"),)


@dataclass(slots=True)
class Check:
    """Compiles a schema when the first event of its type comes, and keeps the last 1,000, if
    there is room for them.

    The schema is the one in the message, the version in the registry that the message names, or,
    where it says neither, the version that the event's own `dataschema` names by its URL (`root` is
    that of the hub). `referring` compiles a version that refers to others. `by_frame` checks payloads
    in frames: by the version that the frame names, which must be of that schema.
    """

    state: Latest[State]
    language: SchemaLanguage = field(default_factory=JsonSchema)
    root: Callable[[], str] = lambda: ""
    by_frame: ByFrame = _no_frames
    referring: Callable[[Version, str], Compiled] | None = None
    _of: State | None = field(default=None, init=False)
    _current: dict[str, _Entry] = field(default_factory=dict, init=False)
    _compiled: Kept[str, _Entry] = field(
        default_factory=lambda: Kept(MAX_COMPILED, MOST), init=False
    )
    _of_versions: Kept[int, tuple[Version, Compiled]] = field(
        default_factory=lambda: Kept(MAX_COMPILED, MOST), init=False
    )

    def __call__(self, event: Event) -> Verdict | None:
        """The verdict, or None where nothing is declared for the type, or its mode is "off"."""
        state = self.state.value
        if state is not self._of:
            self._of = state
            self._current.clear()
        entry = self._current.get(event.type)
        if entry is None:
            entry = self._entry(state, event.type)
            if entry is None:
                return None
        declaration, payload = entry.declaration, entry.payload
        if payload is None and event.dataschema is not None:
            payload = self._of_event(state.tree, event.dataschema)
        content_type = event.datacontenttype
        if declaration.framing is not None or framed_type(content_type) is not None:
            violations = self._framed(event, entry, payload)
        else:
            violations = () if payload is None else payload(event.data, content_type)
        if entry.has_rules:
            found = envelope_violations(event, declaration.attributes, declaration.datacontenttype)
            violations = (*found, *violations)
        return Verdict(declaration.mode, declaration, violations) if violations else entry.good

    def by_schema(self, xid: str) -> Compiled | None:
        """The check of payloads by a schema in the registry; None where there is none."""
        version = version_at(self.state.value.tree, xid)
        if version is None:
            return None
        bare, wanted = self._of_version(version, xid), Wanted("the request", xid=xid)

        def check(data: bytes | None, content_type: str | None) -> Sequence[Violation]:
            if framed_type(content_type) is None:
                return bare(data, content_type)
            return self.by_frame(data, content_type, None, wanted)

        return check

    def is_declared(self, type: str) -> bool:
        """Whether a message says what events of the type look like, whatever its mode."""
        return type in self.state.value.declarations

    def _entry(self, state: State, type_: str) -> _Entry | None:
        """What holds for a type, looked up in a state for the first time."""
        declaration = state.declarations.get(type_)
        if declaration is None or declaration.mode == "off":
            return None
        named = declaration.schemaxid
        version = None if named is None else version_at(state.tree, named)
        entry = self._compiled.find(type_)
        if entry is None or entry.declaration is not declaration or entry.version is not version:
            entry = self._compile(declaration, version)
        self._current[type_] = entry
        return entry

    def _compile(self, declaration: Declaration, version: Version | None) -> _Entry:
        payload: Compiled | None
        if declaration.schema:
            payload = self._usable(declaration.schema, declaration.format)
        elif version is not None:
            assert declaration.schemaxid is not None
            payload = self._of_version(version, declaration.schemaxid)
        elif declaration.schemaxid is not None:
            payload = _Unusable(f"{declaration.schemaxid} is not in the registry", missing=True)
        else:
            payload = None
        wanted = Wanted(
            declaration.path,
            declaration.context,
            declaration.schemaxid,
            declaration.schema,
            declaration.format,
        )
        good = Verdict(declaration.mode, declaration)
        has_rules = bool(declaration.attributes) or declaration.datacontenttype is not None
        entry = _Entry(declaration, version, payload, good, wanted, has_rules)
        document = declaration.schema or (b"" if version is None else version.document or b"")
        before = len(self._compiled)
        self._compiled.keep(declaration.type, entry, held_bytes((document,)))
        if len(self._compiled) <= before:
            self._current.clear()  # What is not kept any more is not to be held by this either.
        return entry

    def _framed(self, event: Event, entry: _Entry, payload: Compiled | None) -> Sequence[Violation]:
        if isinstance(payload, _Unusable) and payload.missing:
            return payload(event.data, event.datacontenttype)
        wanted = entry.frame
        if payload is not None and entry.payload is None:
            # It is the one that the event's own dataschema names.
            assert event.dataschema is not None
            wanted = Wanted(
                "the event's dataschema", xid=event.dataschema.removeprefix(self.root())
            )
        beside = event.extensions.get(ATTRIBUTE)
        return self.by_frame(event.data, event.datacontenttype, beside, wanted)

    def _of_event(self, tree: Tree, dataschema: str) -> Compiled | None:
        """The check by the version that the event names; None where that is not of this registry."""
        root = self.root()
        if not root or not dataschema.startswith(f"{root}/"):
            return None
        xid = dataschema.removeprefix(root)
        version = version_at(tree, xid)
        if version is None:
            return _Unusable(f"{dataschema} is not in the registry", missing=True)
        return self._of_version(version, xid)

    def _of_version(self, version: Version, xid: str) -> Compiled:
        kept = self._of_versions.find(id(version))
        if kept is not None and kept[0] is version:
            return kept[1]
        document = version.document or b""
        if self.referring is not None and version.attributes.get(PRIVATE, {}).get("references"):
            check = self._referring(self.referring, version, xid)
        else:
            check = self._usable(document, str(version.attributes.get("format", "")))
        self._of_versions.keep(id(version), (version, check), held_bytes((document,)))
        return check

    def _referring(
        self, compiled: Callable[[Version, str], Compiled], version: Version, xid: str
    ) -> Compiled:
        try:
            return compiled(version, xid)
        except CallerError as exc:
            return _Unusable(exc.message)

    def _usable(self, document: bytes, format: str) -> Compiled:
        try:
            return self.language.compile(document, format)
        except Malformed as exc:
            return _Unusable(exc.message)


@dataclass(frozen=True, slots=True)
class _Unusable:
    """A schema that is not there, or that another release took and this one cannot compile."""

    why: str
    missing: bool = False

    def __call__(self, data: bytes | None, content_type: str | None) -> Sequence[Violation]:
        return (Violation("", "dataschema", "", f"the declared schema cannot be used: {self.why}"),)
