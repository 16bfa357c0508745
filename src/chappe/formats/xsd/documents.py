"""The documents of a schema, brought together without opening anything.

Every place that could make the compiler fetch (`include`, `import`, `redefine`) is bound to one of
the documents that were given, and rewritten to a number that only `Assembly.document` answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urljoin

from lxml import etree

from chappe.domain.errors import Malformed
from chappe.formats.fields import shortened
from chappe.formats.xsd import limits
from chappe.formats.xsd.components import XS
from chappe.formats.xsd.unserved import refuse_unserved
from chappe.formats.xsd.xml_text import Element, NotXml, read_xml

XML_NAMESPACE: Final = "http://www.w3.org/XML/1998/namespace"
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_SCHEME: Final = "schema:/"
_LINKS: Final = {f"{{{XS}}}{kind}": kind for kind in ("include", "import", "redefine")}
_ANNOTATION: Final = f"{{{XS}}}annotation"

# XML 1.0 2.10 and 2.12, XML Base, xml:id: what nearly every schema imports this namespace for.
_XML_ATTRIBUTES: Final = f"""\
<xs:schema xmlns:xs="{XS}" targetNamespace="{XML_NAMESPACE}">
<xs:attribute name="lang"><xs:simpleType><xs:union memberTypes="xs:language"><xs:simpleType>\
<xs:restriction base="xs:string"><xs:enumeration value=""/></xs:restriction></xs:simpleType>\
</xs:union></xs:simpleType></xs:attribute>
<xs:attribute name="space"><xs:simpleType><xs:restriction base="xs:NCName">\
<xs:enumeration value="default"/><xs:enumeration value="preserve"/></xs:restriction>\
</xs:simpleType></xs:attribute>
<xs:attribute name="base" type="xs:anyURI"/>
<xs:attribute name="id" type="xs:ID"/>
<xs:attributeGroup name="specialAttrs"><xs:attribute ref="xml:base"/><xs:attribute ref="xml:lang"/>\
<xs:attribute ref="xml:space"/><xs:attribute ref="xml:id"/></xs:attributeGroup>
</xs:schema>""".encode()


@dataclass(slots=True)
class Document:
    """One document; `namespace` is its own, or that of the document that includes it."""

    name: str
    root: Element
    namespace: str
    takes_namespace: bool = False
    """Whether it has no namespace of its own and is included into one."""
    redefined_in: list[tuple[Element, Document]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Assembly:
    """All documents, the schema's own first; `roots` are those of all texts, by their numbers."""

    documents: tuple[Document, ...]
    roots: tuple[Element, ...]
    locations: tuple[str, ...]

    def main(self) -> Element:
        """The schema itself, its locations rewritten; its elements know their lines."""
        return self.documents[0].root

    def document(self, location: str) -> bytes:
        """What a rewritten location stands for.

        Raises:
            KeyError: it is none.
        """
        number = location.removeprefix(_SCHEME)
        if number == location or not number.isascii() or not number.isdigit():
            raise KeyError(location)
        if not 0 < int(number) < len(self.roots):
            raise KeyError(location)
        return etree.tostring(self.roots[int(number)])


def assemble(
    document: bytes, references: Mapping[str, bytes], reading: etree.XMLParser
) -> Assembly:
    """Read the schema and all that it refers to; `reading` is the parser of the schema itself.

    Raises:
        Malformed: one of them is not there, no XML, no schema, too large, or of XSD 1.1.
    """
    return _Assembler(references, reading).assemble(document)


@dataclass(frozen=True, slots=True)
class _Link:
    """A place that refers to another document, as it is written."""

    node: Element
    kind: str
    location: str | None
    namespace: str


class _Assembler:
    def __init__(self, references: Mapping[str, bytes], reading: etree.XMLParser) -> None:
        self._references = references
        self._reading = reading
        self._numbers: dict[str, int] = {}
        self._roots: list[Element] = []
        self._links: list[tuple[_Link, ...]] = []
        self._documents: dict[tuple[str, str], Document] = {}
        self._locations: list[str] = []
        self._nodes = 0
        self._bytes = 0

    def assemble(self, document: bytes) -> Assembly:
        number = self._read("", document)
        own = Document("", self._roots[number], _target(self._roots[number]))
        self._documents["", own.namespace] = own
        waiting = [own]
        while waiting:
            each = waiting.pop()
            for link in self._links[self._numbers[each.name]]:
                target = self._bind(each, link)
                if target is not None:
                    waiting.append(target)
        return Assembly(
            tuple(self._documents.values()),
            tuple(self._roots),
            tuple(dict.fromkeys(self._locations)),
        )

    def _read(self, name: str, text: bytes) -> int:
        what = "dataschema" if not name else f"dataschema: the reference {shortened(name)}"
        if name not in self._numbers and len(self._numbers) >= limits.MAX_DOCUMENTS:
            raise Malformed(f"dataschema: more than {limits.MAX_DOCUMENTS} documents")
        self._bytes += len(text)
        if len(text) > limits.MAX_BYTES:
            raise Malformed(f"{what}: {len(text)} bytes; at most {limits.MAX_BYTES} are possible")
        if self._bytes > limits.MAX_TOTAL_BYTES:
            raise Malformed(f"{what}: more than {limits.MAX_TOTAL_BYTES} bytes with all references")
        if text.count(b"<") > limits.MAX_TAGS:
            raise Malformed(f"{what}: more than {limits.MAX_TAGS} tags")
        try:
            root = read_xml(text, None if name else self._reading)
        except NotXml as exc:
            raise Malformed(f"{what}: {exc}") from None
        if root.tag != f"{{{XS}}}schema":
            raise Malformed(f"{what}: the root element {shortened(str(root.tag))} is no xs:schema")
        # Nothing below reads them, and the compiler would copy them.
        etree.strip_elements(root, _ANNOTATION, etree.Comment, with_tail=False)
        for node in _nodes(root, what):
            self._nodes += 1
            if self._nodes > limits.MAX_NODES:
                raise Malformed(
                    f"{what}: more than {limits.MAX_NODES} elements with all references"
                )
            refuse_unserved(node, what)
        for key in list(root.attrib):
            if key.startswith((f"{{{_XSI}}}", f"{{{XML_NAMESPACE}}}base")):
                del root.attrib[key]
        self._roots.append(root)
        self._links.append(
            tuple(
                _Link(
                    child,
                    _LINKS[str(child.tag)],
                    child.get("schemaLocation"),
                    child.get("namespace") or "",
                )
                for child in root.iterchildren(*_LINKS)
            )
        )
        self._numbers[name] = len(self._roots) - 1
        return self._numbers[name]

    def _bind(self, within: Document, link: _Link) -> Document | None:
        """The document that a link leads to, where it was not met yet."""
        found = self._find(within, link)
        if found is None:
            if link.location is None and link.kind == "import":
                return None
            given = ", ".join(map(shortened, sorted(self._references)[:10])) or "none"
            raise Malformed(
                f"dataschema: xs:{link.kind} refers to {shortened(link.location or '')}, which is"
                f" none of the references given ({given}); a schema must come with all that it"
                " refers to"
            )
        name, text = found
        if link.location is not None and not within.name:
            self._locations.append(link.location)
        number = self._numbers[name] if name in self._numbers else self._read(name, text)
        link.node.set("schemaLocation", f"{_SCHEME}{number}")
        root = self._roots[number]
        target = _target(root)
        if link.kind != "import" and target and target != within.namespace:
            raise Malformed(
                f"dataschema: xs:{link.kind} of {shortened(name)}: its namespace"
                f" {shortened(target)} is not {shortened(within.namespace)}"
            )
        takes = link.kind != "import" and not target and bool(within.namespace)
        key = (name, within.namespace if takes else target)
        known = self._documents.get(key)
        document = known
        if document is None:
            if len(self._documents) >= limits.MAX_DOCUMENTS:
                raise Malformed(f"dataschema: more than {limits.MAX_DOCUMENTS} documents")
            document = self._documents[key] = Document(name, root, key[1], takes)
        if link.kind == "redefine":
            document.redefined_in.append((link.node, within))
        return document if known is None else None

    def _find(self, within: Document, link: _Link) -> tuple[str, bytes] | None:
        """A reference by its name as it is written, then as it is seen from the document it is in."""
        wanted = link.namespace if link.kind == "import" else None
        for name in (link.location, _joined(within.name, link.location), wanted):
            if name and name in self._references:
                return name, self._references[name]
        if wanted == XML_NAMESPACE:
            return XML_NAMESPACE, _XML_ATTRIBUTES
        return None


def _joined(base: str, location: str | None) -> str | None:
    if not base or location is None:
        return None
    try:
        return urljoin(base, location)
    except ValueError:
        return None


def _target(root: Element) -> str:
    return " ".join((root.get("targetNamespace") or "").split())


def _nodes(root: Element, what: str) -> Iterator[Element]:
    """All elements; a loop, because the depth is not known yet."""
    waiting = [(root, 1)]
    while waiting:
        node, depth = waiting.pop()
        if depth > limits.MAX_DEPTH:
            raise Malformed(f"{what}: nested more than {limits.MAX_DEPTH} deep")
        yield node
        waiting.extend((child, depth + 1) for child in node.iterchildren("*"))
