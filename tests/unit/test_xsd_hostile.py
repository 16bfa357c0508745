"""Hostile XML Schemas: each is refused, or compiled, in no time, and compared in no time either."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from xml.sax.saxutils import quoteattr

import pytest

from chappe.domain.errors import Malformed
from chappe.formats.xsd.language import Xsd
from tests.speed import slowness
from tests.unit.xsd_fixture import document, element, sequence, simple

# Half of this is usual here; other work on the machine takes its share.
LIMIT_S = 0.1


def _repeat(count: int, text: str) -> str:
    """The text with {0} for a number and {1} for the next."""
    return "".join(text.format(number, number + 1) for number in range(count))


def _chain(kind: str, length: int, parts: str, end: str) -> str:
    return _repeat(length, f'<xs:{kind} name="g{{0}}">{parts}</xs:{kind}>') + (
        f'<xs:{kind} name="g{length}">{end}</xs:{kind}>'
    )


def _pattern(pattern: str) -> str:
    return simple(f"<xs:pattern value={quoteattr(pattern)}/>")


USE = element('<xs:group ref="g0"/>')
Z = sequence('<xs:element name="z"/>')
TWICE = sequence('<xs:group ref="g{1}"/><xs:group ref="g{1}"/>')
OPTIONAL = '<xs:element name="b{0}" minOccurs="0"/>'
MEMBER = '<xs:element name="m{0}" type="xs:string" substitutionGroup="{1}"/>'

REFUSED = {
    "groups within groups, twice each": (_chain("group", 26, TWICE, Z) + USE, "10000 elements"),
    "a long chain of groups": (
        _chain("group", 300, sequence('<xs:group ref="g{1}"/>'), Z) + USE,
        "60 deep",
    ),
    "a group within itself": (
        '<xs:group name="g0"><xs:sequence><xs:group ref="g0"/></xs:sequence></xs:group>' + USE,
        "contains itself",
    ),
    "attribute groups within each other": (
        _chain("attributeGroup", 26, '<xs:attributeGroup ref="g{1}"/>' * 2, '<xs:attribute name="z"/>'),
        "10000 attributes",
    ),
    "unions within unions": (
        _repeat(26, '<xs:simpleType name="u{0}"><xs:union memberTypes="u{1} u{1}"/></xs:simpleType>')
        + '<xs:simpleType name="u26"><xs:restriction base="xs:int"/></xs:simpleType>',
        "1000 types",
    ),
    "unions within restrictions within unions": (
        _repeat(
            26,
            '<xs:simpleType name="u{0}"><xs:restriction><xs:simpleType>'
            '<xs:union memberTypes="u{1} u{1}"/></xs:simpleType><xs:enumeration value="1"/>'
            "</xs:restriction></xs:simpleType>",
        )
        + '<xs:simpleType name="u26"><xs:restriction base="xs:int"/></xs:simpleType>',
        "1000 types",
    ),
    "a long union": (
        f'<xs:simpleType name="u"><xs:union memberTypes="{"xs:int " * 20_000}"/></xs:simpleType>',
        "1000 types",
    ),
    "types derived from each other in a circle": (
        '<xs:complexType name="p"><xs:complexContent><xs:extension base="q"/></xs:complexContent>'
        '</xs:complexType><xs:complexType name="q"><xs:complexContent><xs:extension base="p"/>'
        "</xs:complexContent></xs:complexType>",
        "60 deep",
    ),
    "simple types derived from each other in a circle": (
        '<xs:simpleType name="p"><xs:restriction base="q"/></xs:simpleType>'
        '<xs:simpleType name="q"><xs:restriction base="p"/></xs:simpleType>',
        "60 deep",
    ),
    "a long chain of derivations": (
        _repeat(
            300,
            '<xs:complexType name="s{1}"><xs:complexContent><xs:extension base="s{0}"/>'
            "</xs:complexContent></xs:complexType>",
        )
        + '<xs:complexType name="s0"><xs:sequence/></xs:complexType>',
        "60 deep",
    ),
    "a list of itself": (
        '<xs:simpleType name="l"><xs:list itemType="l"/></xs:simpleType>',
        "60 deep",
    ),
    "many optional elements in a row": (element(sequence(_repeat(1_000, OPTIONAL))), "in a row"),
    "a choice of very many, repeated": (
        element(f'<xs:choice maxOccurs="unbounded">{_repeat(2_000, OPTIONAL)}</xs:choice>'),
        "may follow each other",
    ),
    "an all of very many": (element(f"<xs:all>{_repeat(4_000, OPTIONAL)}</xs:all>"), "follow"),
    "many substitutes, used often": (
        '<xs:element name="h" type="xs:string"/>'
        + "".join(MEMBER.format(number, "h") for number in range(2_000))
        + element(sequence('<xs:element ref="h"/>' * 20)),
        "10000 elements",
    ),
    "a long chain of substitutes": (
        '<xs:element name="m0" type="xs:string"/>'
        + "".join(MEMBER.format(number + 1, f"m{number}") for number in range(2_000)),
        "60 deep",
    ),
    "a count beyond counting": (
        element(sequence('<xs:element name="b" maxOccurs="99999999999999999999"/>')),
        "at most 1000000000 can be counted",
    ),
    "very many elements": (_repeat(9_000, '<xs:element name="e{0}"/>'), "5000 elements"),
    "very many tags in annotations": (
        f"<xs:annotation><xs:documentation>{'<b/>' * 60_000}</xs:documentation></xs:annotation>",
        "50000 tags",
    ),
    "a megabyte": (f'<xs:element name="{"a" * (1 << 20)}"/>', "1048576 are possible"),
    "deep": (element("<xs:sequence>" * 100 + "</xs:sequence>" * 100), "60 deep"),
    "very deep": (element("<xs:sequence>" * 9_000), "not well-formed"),
    "very many prefixes": (
        '<xs:element name="a" type="xs:int" ' + _repeat(3_000, 'xmlns:n{0}="u:{0}" ') + "/>",
        "100 prefixes",
    ),
    "a pattern of choices of the same": (_pattern("(a|a)*b"), "in more than 16 ways"),
    "a pattern of stars in a star": (_pattern("(a*)*b"), "in more than 16 ways"),
    "a pattern of three stars": (_pattern(".*foo.*bar.*"), "in more than 16 ways"),
    "a pattern of counts in counts": (_pattern("(a{0,50}){0,50}"), "in more than 16 ways"),
    "a pattern of many optional letters": (_pattern("[a-z]?" * 150), "in more than 16 ways"),
    "a pattern that looks back": (_pattern(".*a.{12}"), "takes too long"),
    "a pattern of parentheses": (_pattern("(" * 400 + "a" + ")" * 400), "nested more than"),
    "a long pattern": (_pattern("a" * 2_000), "1000 are possible"),
    "very many patterns": (
        simple('<xs:pattern value="a"/>' * 2_000),
        "1000 patterns",
    ),
}  # fmt: skip

SERVED = {
    "counts of counts of counts": element(
        '<xs:sequence minOccurs="99999" maxOccurs="100000">' * 3
        + '<xs:element name="b" minOccurs="0" maxOccurs="100000"/><xs:element name="c"/>'
        + "</xs:sequence>" * 3
    ),
    "types that use each other in a circle": _repeat(
        1_000,
        '<xs:complexType name="t{0}"><xs:sequence><xs:element name="x" type="t{1}" minOccurs="0"/>'
        "</xs:sequence></xs:complexType>",
    )
    + '<xs:complexType name="t1000"><xs:sequence><xs:element name="y" type="t0"/></xs:sequence></xs:complexType>',
    "an element within itself": element(sequence('<xs:element ref="a" minOccurs="0"/>')),
    "a large enumeration": simple(_repeat(3_000, '<xs:enumeration value="v{0}"/>')),
    "long numbers": simple(
        _repeat(500, f'<xs:enumeration value="{"9" * 300}{{0}}"/>'), "xs:decimal"
    ),
    "200 optional elements in a row": element(sequence(_repeat(200, OPTIONAL))),
    "many keys": '<xs:element name="a">'
    + _repeat(500, '<xs:key name="k{0}"><xs:selector xpath=".//*"/><xs:field xpath="@i"/></xs:key>')
    + "</xs:element>",
    "a long count in a pattern": _pattern("[A-Z]{1,99999}"),
}


def _best_s(act: Callable[[], object]) -> float:
    """The better of three: seconds of work, without what collecting the tests' garbage took."""
    times = []
    for _ in range(3):
        start = process_time()
        act()
        times.append(process_time() - start)
    return min(times)


def _why(data: bytes) -> str:
    with pytest.raises(Malformed) as caught:
        Xsd().parse(data, "XSD")
    return caught.value.message


@pytest.mark.parametrize("name", REFUSED)
def test_3b_a_hostile_schema_is_refused_in_no_time(name: str) -> None:
    body, why = REFUSED[name]
    data = document(body)
    message = _why(data)
    assert why in message
    assert len(message) < 600
    assert _best_s(lambda: _why(data)) < LIMIT_S * slowness()


@pytest.mark.parametrize("name", SERVED)
def test_3b_a_strange_schema_is_compiled_and_compared_in_no_time(name: str) -> None:
    data = document(SERVED[name])
    schema = Xsd().parse(data, "XSD")
    assert list(Xsd().backward(schema, schema)) == []
    assert _best_s(lambda: Xsd().parse(data, "XSD")) < LIMIT_S * slowness()
    assert _best_s(lambda: Xsd().backward(schema, schema)) < LIMIT_S * slowness()


def test_3b_very_many_documents_are_refused() -> None:
    names = [f"r{number}" for number in range(1_000)]
    body = "".join(f'<xs:include schemaLocation="{name}"/>' for name in names)
    with pytest.raises(Malformed, match="more than 200 documents"):
        Xsd().parse(document(body), "XSD", dict.fromkeys(names, document("")))


def _choices(depth: int, path: str) -> str:
    """Choices of three choices each, `depth` deep, with an element of its own name at each end."""
    if depth == 0:
        return f'<xs:element name="{path}"/>'
    parts = "".join(_choices(depth - 1, f"{path}{number}") for number in range(3))
    return f'<xs:choice minOccurs="0" maxOccurs="9">{parts}</xs:choice>'


def test_3b_choices_within_choices_are_compared_in_no_time() -> None:
    reader, writer = (
        Xsd().parse(document(element(_choices(4, prefix))), "XSD") for prefix in ("p", "q")
    )
    assert _best_s(lambda: Xsd().backward(reader, writer)) < 2 * LIMIT_S * slowness()
    assert {each.code for each in Xsd().backward(reader, writer)} == {"ELEMENT_REMOVED"}
