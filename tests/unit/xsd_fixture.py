"""Short ways to write XML Schemas and to ask questions about them."""

from __future__ import annotations

from collections.abc import Mapping

from chappe.formats.xsd.language import Xsd, XsdSchema

XS = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"'
XML = "application/xml"


def document(body: str, attributes: str = "") -> bytes:
    return f"<xs:schema {XS} {attributes}>{body}</xs:schema>".encode()


def element(model: str, attributes: str = "") -> str:
    """An element "a" of a complex type."""
    return (
        f'<xs:element name="a"><xs:complexType {attributes}>{model}</xs:complexType></xs:element>'
    )


def sequence(*parts: str) -> str:
    return f"<xs:sequence>{''.join(parts)}</xs:sequence>"


def simple(facets: str, base: str = "xs:string") -> str:
    """A simple type "t"."""
    return f'<xs:simpleType name="t"><xs:restriction base="{base}">{facets}</xs:restriction></xs:simpleType>'


def parse(
    body: str, attributes: str = "", references: Mapping[str, bytes] | None = None
) -> XsdSchema:
    schema = Xsd().parse(document(body, attributes), "XSD/1.0", references)
    assert isinstance(schema, XsdSchema)
    return schema


def codes(reader: str, writer: str, attributes: str = "") -> list[str]:
    """The rules by which documents of the writer may be refused by the reader."""
    found = Xsd().backward(parse(reader, attributes), parse(writer, attributes))
    return sorted(each.code for each in found)


def is_valid(schema: XsdSchema, payload: str) -> bool:
    return not schema.check(payload.encode(), XML)
