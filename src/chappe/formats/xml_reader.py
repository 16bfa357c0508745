"""An XML document with events, read into plain members; what they mean is `cloudevents_xml`'s.

One pass of expat over the bytes, without a tree. A document type, and so every entity but XML's own
five, is refused; so are depth, elements and namespaces beyond any real event. The child of a
`data` of type xs:any is cut out of the document as it stands, byte for byte, and gets the
namespace declarations that it inherits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from chappe.domain.errors import InvalidEvent

CE: Final = "http://cloudevents.io/xmlformat/V1"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
XS: Final = "http://www.w3.org/2001/XMLSchema"

MAX_DEPTH: Final = 100
MAX_ELEMENTS: Final = {"event": 100_000, "batch": 200_000}
"""How many there may be in a document, by its root: a tenth of a second for a loop that all share."""
MAX_MEMBERS: Final = 10_000
"""How many children an event may have."""
MAX_NAMESPACES: Final = 100
"""How many prefixes may be bound at one place."""

ANY: Final = (XS, "any")

_NOT_BOUND: Final = {"ce": CE, "xs": XS}
"""What the prefixes in an xsi:type mean where the document does not bind them, as many writers do."""

_SEPARATOR: Final = "\x01"  # no character of XML, so in no name and no URI
_START_TAG = re.compile(rb"<([^\s/>]++)(?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*+>")
_DECLARED = re.compile(rb"""<\?xml\s[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_ENCODINGS: Final = frozenset({"utf-8", "us-ascii", "iso-8859-1", "utf-16"})
_BLANK: Final = " \t\r\n"


@dataclass(slots=True)
class Member:
    """A child element of an event: an attribute, or `data` with the bytes of its child."""

    name: str
    type: tuple[str, str] | None
    """xsi:type as namespace and local name."""
    text: list[str] = field(default_factory=list)
    children: int = 0
    child: bytes = b""


@dataclass(slots=True)
class RawEvent:
    """An element `event`; `error` is the first thing in it that breaks the format."""

    specversion: str | None
    members: list[Member] = field(default_factory=list)
    error: InvalidEvent | None = None


def read(body: bytes, root: str) -> list[RawEvent]:
    """The events of a document whose root is {CE}event or {CE}batch, as `root` says.

    Raises:
        InvalidEvent: it is no XML, not in a known encoding, has a DOCTYPE, or another root.
    """
    document = _utf8(body)
    reader = _Reader(document, root)
    try:
        reader.parser.Parse(document, True)  # noqa: FBT003  # it has no name
    except expat.ExpatError as exc:
        rule = f"MUST be well-formed XML; {exc}"
        raise invalid("body", document[:100].decode("utf-8", "replace"), rule, "1.2") from exc
    return reader.events


def invalid(name: str, value: object, rule: str, section: str) -> InvalidEvent:
    """The error for what breaks the format."""
    spec = f"xml-format.md {section}"
    return InvalidEvent(attribute=name, value=value, rule=rule, spec=spec)


def _utf8(body: bytes) -> bytes:
    """The document in UTF-8; what its XML declaration says of the encoding no longer counts."""
    declared = _DECLARED.match(body[:200].removeprefix(b"\xef\xbb\xbf"))
    encoding = declared[1].decode("ascii").lower() if declared else "utf-8"
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    if encoding not in _ENCODINGS:
        known = ", ".join(sorted(_ENCODINGS))
        raise invalid(
            "body", encoding, f"is no encoding that is known here; use one of {known}", "1.2"
        )
    try:
        text = body.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as exc:
        rule = f"MUST be {encoding}, and is not at byte {exc.start}"
        raise invalid("body", body[exc.start : exc.start + 40], rule, "1.2") from exc
    return text.encode("utf-8")


class _Reader:
    """The handlers of one parse; what stands in an element of no concern is skipped."""

    def __init__(self, document: bytes, root: str) -> None:
        self._document = document
        self._root = root
        self._most = MAX_ELEMENTS[root]
        self._event_depth = 1 if root == "event" else 2
        self.events: list[RawEvent] = []
        self._event: RawEvent | None = None
        self._member: Member | None = None
        self._depth = self._elements = 0
        self._skipped_from = 0
        """The depth of the element that is skipped, with all below it; 0 outside of one."""
        self._scope: dict[str, str] = {}
        """What prefixes mean at this place; "" is the default namespace."""
        self._scopes: list[dict[str, str]] = []
        self._declared: dict[str, str] = {}
        """What the element that begins next declares."""
        self._child: _Child | None = None
        self.parser = parser = expat.ParserCreate("utf-8", _SEPARATOR)
        parser.namespace_prefixes = True
        parser.ordered_attributes = True
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartNamespaceDeclHandler = self._declare
        parser.EndNamespaceDeclHandler = self._undeclare
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text

    def _declare(self, prefix: str | None, uri: str | None) -> None:
        self._declared[prefix or ""] = uri or ""
        if prefix is None and self._child is not None:
            self._child.own_defaults += 1

    def _undeclare(self, prefix: str | None) -> None:
        if prefix is None and self._child is not None:
            self._child.own_defaults -= 1

    def _start(self, name: str, xml_attributes: list[str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH:
            raise invalid("body", None, f"MUST NOT nest more than {MAX_DEPTH} deep", "1.2")
        if self._elements > self._most:
            raise invalid("body", None, f"MUST NOT have more than {self._most} elements", "1.2")
        declared, self._declared = self._declared, {}
        if self._skipped_from:
            child = self._child
            # Only a prefix makes a name of three parts; without one the default namespace counts.
            if child and not child.own_defaults and name.count(_SEPARATOR) == 1:
                child.uses_default = True
            return
        self._scopes.append(self._scope)
        if declared:
            self._scope = {**self._scope, **declared}
            if len(self._scope) > MAX_NAMESPACES:
                rule = f"MUST NOT bind more than {MAX_NAMESPACES} namespaces at one place"
                raise invalid("body", None, rule, "1.2")
        parts = name.split(_SEPARATOR)
        uri, local = (parts[0], parts[1]) if len(parts) > 1 else ("", name)
        if self._depth <= self._event_depth:
            self._open_event(uri, local, xml_attributes)
        elif self._member is None:
            if uri == CE:
                assert self._event is not None
                if len(self._event.members) == MAX_MEMBERS:
                    rule = f"MUST NOT have more than {MAX_MEMBERS} elements in one event"
                    raise invalid("body", None, rule, "4")
                self._member = Member(local, self._type(xml_attributes))
            else:
                self._skipped_from = self._depth
        else:
            self._member.children += 1
            self._skipped_from = self._depth
            if self._member.type == ANY and self._member.children == 1:
                uses_default = len(parts) == 2 and "" not in declared
                own_defaults = int("" in declared)
                at = self.parser.CurrentByteIndex
                self._child = _Child(at, frozenset(declared), uses_default, own_defaults)

    def _open_event(self, uri: str, local: str, xml_attributes: list[str]) -> None:
        expected = self._root if self._depth == 1 else "event"
        if (uri, local) != (CE, expected):
            if self._depth > 1 and uri != CE:
                self._skipped_from = self._depth
                return
            shown = f"{{{uri}}}{local}"
            raise invalid("body", shown, f"MUST be the element {{{CE}}}{expected}", "4, 5")
        if self._depth == self._event_depth:
            names, values = xml_attributes[::2], xml_attributes[1::2]
            self._event = RawEvent(dict(zip(names, values, strict=True)).get("specversion"))

    def _type(self, xml_attributes: list[str]) -> tuple[str, str] | None:
        for at in range(0, len(xml_attributes), 2):
            if xml_attributes[at].split(_SEPARATOR)[:2] == [XSI, "type"]:
                name = xml_attributes[at + 1].strip(_BLANK)
                prefix, _, local = name.rpartition(":")
                uri = self._scope.get(prefix) or _NOT_BOUND.get(prefix, "")
                return uri, local if uri else name
        return None

    def _end(self, _name: str) -> None:
        self._depth -= 1
        if self._skipped_from:
            if self._depth >= self._skipped_from:
                return
            self._skipped_from = 0
            if self._child is not None:
                self._cut(self._child)
                self._child = None
        elif self._member is not None:
            assert self._event is not None
            self._event.members.append(self._member)
            self._member = None
        elif self._event is not None:
            self.events.append(self._event)
            self._event = None
        self._scope = self._scopes.pop()

    def _cut(self, child: _Child) -> None:
        assert self._member is not None
        element = cut_out(self._document, child.start, self.parser.CurrentByteIndex)
        inherited = {
            prefix: uri for prefix, uri in self._scopes[-1].items() if prefix not in child.declared
        }
        if not child.uses_default:
            inherited.pop("", None)
        self._member.child = with_namespaces(element, inherited)

    def _text(self, text: str) -> None:
        if self._skipped_from:
            return
        if self._member is not None:
            self._member.text.append(text)
        elif text.strip(_BLANK):
            where = "event" if self._event is not None else self._root
            error = invalid(
                "body", text.strip(_BLANK), f"MUST NOT stand directly in {where}", "4, 5"
            )
            if self._event is None:
                raise error
            self._event.error = self._event.error or error


@dataclass(slots=True)
class _Child:
    """The child of a `data` of type xs:any, while it is read."""

    start: int
    declared: frozenset[str]
    """The prefixes that its own start tag binds."""
    uses_default: bool
    """Whether a name in it needs the default namespace from outside."""
    own_defaults: int
    """How many elements around this place bind a default namespace inside of it."""


def _refuse_doctype(name: str, *_: object) -> None:
    raise invalid("body", name, "MUST NOT have a DOCTYPE: no entities are read", "1.2")


def cut_out(document: bytes, start: int, at: int) -> bytes:
    """The element that begins at `start`, `at` being expat's position when it ends."""
    tag = _START_TAG.match(document, start)
    assert tag is not None
    # For an empty element expat stands behind it already, else before its end tag.
    end = tag.end() if tag[0].endswith(b"/>") else document.index(b">", at) + 1
    return document[start:end]


def with_namespaces(element: bytes, inherited: Mapping[str, str]) -> bytes:
    """The element with the declarations whose prefixes stand anywhere in it, names or values.

    A value such as xsi:type="xs:string" needs its prefix, too, and no parser can tell which do.
    """
    used = [
        b" xmlns%b=%b" % (b":" + name if name else b"", quoteattr(uri).encode("utf-8"))
        for name, uri in ((prefix.encode("utf-8"), uri) for prefix, uri in inherited.items())
        if not name or name + b":" in element
    ]
    if not used:
        return element
    tag = _START_TAG.match(element)
    assert tag is not None
    return b"".join((element[: tag.end(1)], *used, element[tag.end(1) :]))


def is_one_element(data: bytes) -> bool:
    """Whether the bytes, UTF-8, are one element from the first to the last of them, within limits."""
    if not data.startswith(b"<") or data.startswith((b"<!", b"<?")):
        return False
    depth = elements = 0
    closed_at = -1

    def start(_name: str, _attributes: object) -> None:
        nonlocal depth, elements
        depth += 1
        elements += 1
        if depth > MAX_DEPTH // 2 or elements > MAX_ELEMENTS["event"] // 2:
            raise _TooMuch

    def end(_name: str) -> None:
        nonlocal depth, closed_at
        depth -= 1
        if not depth:
            closed_at = parser.CurrentByteIndex

    parser = expat.ParserCreate("utf-8", _SEPARATOR)
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(data, True)  # noqa: FBT003  # it has no name
    except (expat.ExpatError, _TooMuch):
        return False
    return len(cut_out(data, 0, closed_at)) == len(data)


class _TooMuch(Exception):
    """Deeper or more than is read."""
