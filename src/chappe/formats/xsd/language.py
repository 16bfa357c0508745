"""XML Schema as one of the schema languages: parse, check payloads, compare, one canonical text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from lxml import etree
from typing_extensions import override

from chappe.domain.errors import Malformed
from chappe.formats.fields import shortened
from chappe.formats.schema_language import Difference, Language, Policy, Schema, Violation
from chappe.formats.xsd import canonical
from chappe.formats.xsd.comparison import differences
from chappe.formats.xsd.components import XS
from chappe.formats.xsd.costs import check_costs
from chappe.formats.xsd.documents import Assembly, assemble
from chappe.formats.xsd.effort import effort_of
from chappe.formats.xsd.model import Model
from chappe.formats.xsd.patterns import harmless
from chappe.formats.xsd.payloads import Payloads
from chappe.formats.xsd.xml_text import parser, read_xml

if TYPE_CHECKING:
    from lxml.etree._docloader import _InputDocument

FORMATS: Final = ("XSD", "XSD/1.0", "XSD/1.1")
_FORMAT = re.compile(r"xsd(?:/(1\.[01]))?", re.I)
_PATTERN: Final = f"{{{XS}}}pattern"
_ELEMENT = re.compile(r"\{http://www\.w3\.org/2001/XMLSchema\}")


class XsdSchema:
    """One schema with all that it refers to."""

    def __init__(
        self, document: bytes, format: str, assembly: Assembly, model: Model, payloads: Payloads
    ) -> None:
        self._document = document
        self._format = format
        self._assembly = assembly
        self._payloads = payloads
        self.model = model

    @property
    def format(self) -> str:
        """The format in its one spelling."""
        return self._format

    @property
    def references(self) -> Sequence[str]:
        """The `schemaLocation`s of the document's own include, import and redefine."""
        return self._assembly.locations

    def canonical(self) -> str:
        """Exclusive C14N of the document, without comments and idle white space."""
        return canonical.canonical(read_xml(self._document))

    def normalized(self) -> str:
        """As `canonical`, and one text whatever the prefixes, annotations and global order are."""
        return canonical.normalized(read_xml(self._document))

    def check(self, data: bytes | None, content_type: str | None) -> Sequence[Violation]:
        """What is wrong with an XML payload; empty when it is valid. Never raises."""
        return self._payloads.check(data, content_type)


class Xsd:
    """XML Schema 1.0. Documents of 1.1 are served as far as they use nothing that 1.0 has not."""

    def canonical_format(self, format: str) -> str | None:
        """Such as "xsd/1.1" -> "XSD/1.1"; None where it is not of this language."""
        return format.upper() if _FORMAT.fullmatch(format) else None

    def parse(
        self, document: bytes, format: str, references: Mapping[str, bytes] | None = None
    ) -> Schema:
        """Parse and compile; nothing is read but the document and the references.

        Raises:
            Malformed: it is no schema of XSD 1.0, refers to what is not among the references, or is
                larger, deeper or costlier than is possible.
        """
        canonical_format = self.canonical_format(format)
        if canonical_format is None:
            raise Malformed(
                f"dataschemaformat: {shortened(format)} is unknown; known: {', '.join(FORMATS)}"
            )
        # The compiler asks the resolvers of the parser that read the schema for all else.
        given, reading = _Given(), parser()
        reading.resolvers.add(given)
        given.assembly = assembly = assemble(document, references or {}, reading)
        model = Model([*assembly.documents])
        check_costs(model)
        return XsdSchema(
            document,
            canonical_format,
            assembly,
            model,
            Payloads(_compile(assembly), effort_of(model)),
        )

    def backward(
        self, reader: Schema, writer: Schema, *, policy: Policy = "STRICT"
    ) -> Sequence[Difference]:
        """Why documents of `writer` may be refused by `reader`; the policies are one here."""
        assert isinstance(reader, XsdSchema)
        assert isinstance(writer, XsdSchema)
        return differences(reader.model, writer.model)


class _Given(etree.Resolver):
    """Answers the compiler's questions from an assembly, and refuses every other."""

    def __init__(self) -> None:
        super().__init__()
        self.assembly: Assembly | None = None

    @override
    def resolve(
        self, system_url: str | None, public_id: str | None, context: Any
    ) -> _InputDocument | None:
        location = system_url or ""
        try:
            if self.assembly is None:
                raise KeyError(location)
            text = self.assembly.document(location)
        except KeyError:
            raise ValueError(f"{shortened(location)} is not served") from None
        return self.resolve_string(text, context, base_url=location)


def _compile(assembly: Assembly) -> etree.XMLSchema:
    for root in assembly.roots:
        for pattern in root.iter(_PATTERN):
            if (value := pattern.get("value")) is not None:
                pattern.set("value", harmless(value))
    try:
        return etree.XMLSchema(assembly.main())
    except etree.XMLSchemaParseError as exc:
        entry = exc.error_log[0] if len(exc.error_log) else None
        message = entry.message if entry is not None else str(exc)
        line = f"line {entry.line}: " if entry is not None and entry.line > 0 else ""
        message = _ELEMENT.sub("xs:", message).strip()
        raise Malformed(f"dataschema: {line}{message[:300]}") from None
    except (etree.XMLSyntaxError, ValueError) as exc:
        raise Malformed(f"dataschema: {str(exc)[:300]}") from None


_: type[Language] = Xsd
