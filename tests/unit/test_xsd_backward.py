"""What makes documents of one XML Schema unreadable with another: each rule, and its loosening."""

from __future__ import annotations

import pytest

from chappe.formats.xsd.language import Xsd
from tests.unit.xsd_fixture import codes, document, element, is_valid, parse, sequence, simple

B = '<xs:element name="b" type="xs:int"/>'
B_OPTIONAL = '<xs:element name="b" type="xs:int" minOccurs="0"/>'
C = '<xs:element name="c" type="xs:string"/>'
C_OPTIONAL = '<xs:element name="c" type="xs:string" minOccurs="0"/>'
ANY = '<xs:any namespace="##any" processContents="{}" minOccurs="0" maxOccurs="unbounded"/>'


def _typed(type_: str) -> str:
    return f'<xs:element name="a" type="{type_}"/>'


def _attribute(text: str) -> str:
    return element(f"<xs:attribute {text}/>")


def _occurs(least: int, most: str) -> str:
    return element(sequence(f'<xs:element name="b" minOccurs="{least}" maxOccurs="{most}"/>'))


def _derived(model: str, base: str = "p") -> str:
    return (
        f'<xs:complexType name="p">{sequence(B)}</xs:complexType>'
        f'<xs:complexType name="q"><xs:complexContent><xs:extension base="{base}">{model}'
        "</xs:extension></xs:complexContent></xs:complexType>"
    )


STRUCTURE = [
    # rule, writer, reader; the other way round nothing is to say where `loosens`
    ("ELEMENT_REMOVED", _typed("xs:int") + '<xs:element name="z"/>', _typed("xs:int")),
    ("ELEMENT_REMOVED", element(sequence(B, C_OPTIONAL)), element(sequence(B))),
    ("REQUIRED_ELEMENT_ADDED", element(sequence(B)), element(sequence(B, C))),
    ("MIN_OCCURS_RAISED", _occurs(0, "3"), _occurs(1, "3")),
    ("MIN_OCCURS_RAISED", _occurs(1, "unbounded"), _occurs(2, "unbounded")),
    ("MAX_OCCURS_LOWERED", _occurs(1, "3"), _occurs(1, "2")),
    ("MAX_OCCURS_LOWERED", _occurs(1, "unbounded"), _occurs(1, "1000")),
    ("CONTENT_MODEL_CHANGED", element(sequence(B, C)), element(sequence(C, B))),
    (
        "CONTENT_MODEL_CHANGED",
        element(f'<xs:choice maxOccurs="2">{B}{C}</xs:choice>'),
        element(
            '<xs:sequence><xs:element name="b" type="xs:int" minOccurs="0" maxOccurs="2"/>'
            '<xs:element name="c" type="xs:string" minOccurs="0" maxOccurs="2"/></xs:sequence>'
        ),
    ),
    ("CONTENT_MODEL_CHANGED", element(f"<xs:all>{B}{C}</xs:all>"), element(sequence(B, C))),
    ("ATTRIBUTE_REMOVED", _attribute('name="i" type="xs:int"'), element("")),
    ("REQUIRED_ATTRIBUTE_ADDED", element(""), _attribute('name="i" use="required"')),
    ("ATTRIBUTE_REQUIRED", _attribute('name="i"'), _attribute('name="i" use="required"')),
    ("TYPE_REMOVED", _typed("xs:int") + simple(""), _typed("xs:int")),
    ("TYPE_CHANGED", _typed("xs:string"), _typed("xs:int")),
    ("TYPE_CHANGED", _typed("xs:anyType"), _typed("xs:string")),
    ("TYPE_CHANGED", _attribute('name="i" type="xs:date"'), _attribute('name="i" type="xs:int"')),
    ("NILLABLE_REMOVED", '<xs:element name="a" type="xs:int" nillable="true"/>', _typed("xs:int")),
    ("ABSTRACT_ADDED", _typed("xs:int"), '<xs:element name="a" type="xs:int" abstract="true"/>'),
    ("FIXED_ADDED", _typed("xs:int"), '<xs:element name="a" type="xs:int" fixed="1"/>'),
    ("FIXED_ADDED", _attribute('name="i"'), _attribute('name="i" fixed="1"')),
    ("DEFAULT_REMOVED", '<xs:element name="a" type="xs:int" default="1"/>', _typed("xs:int")),
    ("BLOCK_ADDED", _typed("xs:int"), '<xs:element name="a" type="xs:int" block="#all"/>'),
    ("MIXED_REMOVED", element(sequence(B), 'mixed="true"'), element(sequence(B))),
    ("CONTENT_KIND_CHANGED", element(sequence(B)), _typed("xs:string")),
    ("CONTENT_KIND_CHANGED", _typed("xs:string"), element(sequence(B))),
    ("WILDCARD_NARROWED", element("<xs:anyAttribute/>"), element("")),
    (
        "WILDCARD_STRICTER",
        element(sequence(ANY.format("skip"))),
        element(sequence(ANY.format("strict"))),
    ),
    (
        "WILDCARD_STRICTER",
        element('<xs:anyAttribute processContents="lax"/>'),
        element("<xs:anyAttribute/>"),
    ),
    (
        "IDENTITY_CONSTRAINT_ADDED",
        element(sequence(B)),
        element(sequence(B)).replace(
            "</xs:complexType>",
            '</xs:complexType><xs:unique name="u"><xs:selector xpath="b"/><xs:field xpath="."/>'
            "</xs:unique>",
        ),
    ),
]


@pytest.mark.parametrize(("rule", "writer", "reader"), STRUCTURE)
def test_2d_what_narrows_a_schema_is_told_by_its_rule(rule: str, writer: str, reader: str) -> None:
    assert rule in codes(reader, writer)


ONE_WAY = (
    *("MIN_OCCURS_RAISED", "MAX_OCCURS_LOWERED", "ATTRIBUTE_REQUIRED", "NILLABLE_REMOVED"),
    *("ABSTRACT_ADDED", "BLOCK_ADDED", "MIXED_REMOVED", "WILDCARD_NARROWED", "WILDCARD_STRICTER"),
    *("IDENTITY_CONSTRAINT_ADDED", "DEFAULT_REMOVED", "TYPE_REMOVED"),
)


@pytest.mark.parametrize(
    ("rule", "writer", "reader"), [each for each in STRUCTURE if each[0] in ONE_WAY]
)
def test_2d_the_same_change_the_other_way_loosens(rule: str, writer: str, reader: str) -> None:
    assert codes(writer, reader) == []


def test_a_choice_may_become_a_repeated_choice() -> None:
    writer = element(f"<xs:choice>{B}{C}</xs:choice>")
    reader = element(f'<xs:choice minOccurs="0" maxOccurs="unbounded">{B}{C}</xs:choice>')
    assert codes(reader, writer) == []


def test_a_sequence_may_become_an_all() -> None:
    assert codes(element(f"<xs:all>{B}{C}</xs:all>"), element(sequence(B, C))) == []


def test_elements_may_be_wrapped_into_an_optional_group() -> None:
    reader = element(sequence(f'<xs:sequence minOccurs="0">{B}{C_OPTIONAL}</xs:sequence>'))
    assert codes(reader, element(sequence(B))) == []


def test_a_named_group_is_what_it_holds() -> None:
    group = f'<xs:group name="g">{sequence(B, C)}</xs:group>'
    reader = group + element('<xs:group ref="g"/>')
    assert codes(reader, element(sequence(B, C))) == []


def test_a_content_model_that_was_rearranged_names_a_sequence_that_is_refused() -> None:
    (found,) = Xsd().backward(parse(element(sequence(C, B))), parse(element(sequence(B, C))))
    assert (found.path, found.message) == (
        "/a",
        "elements that were taken are refused now: what begins with <b/>",
    )


WIDENING = [
    *(("byte", "short"), ("short", "int"), ("int", "long"), ("long", "integer")),
    *(("integer", "decimal"), ("unsignedByte", "short"), ("unsignedInt", "long")),
    *(("decimal", "double"), ("float", "double"), ("int", "float"), ("int", "string")),
    *(("dateTime", "string"), ("token", "string"), ("NCName", "token"), ("ID", "NCName")),
    *(("int", "anySimpleType"), ("NMTOKENS", "string"), ("positiveInteger", "nonNegativeInteger")),
]


@pytest.mark.parametrize(("narrow", "wide"), WIDENING)
def test_2d_a_type_may_be_widened(narrow: str, wide: str) -> None:
    assert codes(_typed(f"xs:{wide}"), _typed(f"xs:{narrow}")) == []


@pytest.mark.parametrize(("narrow", "wide"), WIDENING)
def test_2d_a_type_may_not_be_narrowed(narrow: str, wide: str) -> None:
    assert codes(_typed(f"xs:{narrow}"), _typed(f"xs:{wide}")) == ["TYPE_CHANGED"]


@pytest.mark.parametrize(
    ("writer", "reader"),
    [
        ("date", "dateTime"),
        ("boolean", "int"),
        ("double", "decimal"),
        ("int", "unsignedInt"),
        ("string", "token"),
        ("string", "anyURI"),
        ("hexBinary", "base64Binary"),
    ],
)
def test_2d_a_type_outside_the_widening_list_is_refused(writer: str, reader: str) -> None:
    assert codes(_typed(f"xs:{reader}"), _typed(f"xs:{writer}")) == ["TYPE_CHANGED"]


def _facet(name: str, value: object) -> str:
    return f'<xs:{name} value="{value}"/>'


FACETS = [
    ("MIN_LENGTH_RAISED", "string", _facet("minLength", 1), _facet("minLength", 2)),
    ("MIN_LENGTH_RAISED", "string", "", _facet("minLength", 1)),
    ("MAX_LENGTH_LOWERED", "string", _facet("maxLength", 5), _facet("maxLength", 4)),
    ("MAX_LENGTH_LOWERED", "string", "", _facet("maxLength", 4)),
    ("MAX_LENGTH_LOWERED", "string", _facet("maxLength", 5), _facet("length", 4)),
    ("RANGE_TIGHTENED", "decimal", _facet("minInclusive", 0), _facet("minInclusive", "0.5")),
    ("RANGE_TIGHTENED", "decimal", _facet("minInclusive", 0), _facet("minExclusive", "0.0")),
    ("RANGE_TIGHTENED", "decimal", _facet("maxInclusive", 10), _facet("maxInclusive", 9)),
    ("RANGE_TIGHTENED", "int", "", _facet("maxInclusive", 9)),
    ("RANGE_TIGHTENED", "date", _facet("minInclusive", "2020-01-01"),
     _facet("minInclusive", "2021-01-01")),
    ("DIGITS_TIGHTENED", "decimal", _facet("totalDigits", 9), _facet("totalDigits", 8)),
    ("DIGITS_TIGHTENED", "decimal", _facet("fractionDigits", 2), _facet("fractionDigits", 1)),
    ("PATTERN_ADDED", "string", "", _facet("pattern", "[a-z]+")),
    ("PATTERN_CHANGED", "string", _facet("pattern", "[a-z]+") + _facet("pattern", "[0-9]+"),
     _facet("pattern", "[a-z]+")),
    ("ENUMERATION_ADDED", "string", "", _facet("enumeration", "A")),
    ("ENUMERATION_VALUE_REMOVED", "string", _facet("enumeration", "A") + _facet("enumeration", "B"),
     _facet("enumeration", "A")),
    ("ENUMERATION_VALUE_REMOVED", "decimal", _facet("enumeration", "1") + _facet("enumeration", "2"),
     _facet("enumeration", "1.0")),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "base", "loose", "tight"), FACETS)
def test_2d_a_tightened_facet_is_refused(rule: str, base: str, loose: str, tight: str) -> None:
    assert rule in codes(simple(tight, f"xs:{base}"), simple(loose, f"xs:{base}"))


@pytest.mark.parametrize(("rule", "base", "loose", "tight"), FACETS)
def test_2d_a_loosened_facet_is_not(rule: str, base: str, loose: str, tight: str) -> None:
    assert codes(simple(loose, f"xs:{base}"), simple(tight, f"xs:{base}")) == []


@pytest.mark.parametrize(
    ("facets", "base"),
    [
        (_facet("enumeration", "12") + _facet("enumeration", "345"), "xs:string"),
        (_facet("length", 3) + _facet("enumeration", "abc"), "xs:token"),
    ],
)
def test_enumerated_values_tell_their_lengths(facets: str, base: str) -> None:
    reader = simple(_facet("minLength", 2) + _facet("maxLength", 3), base)
    assert codes(reader, simple(facets, base)) == []


def test_enumerated_numbers_tell_their_range_and_digits() -> None:
    writer = simple(_facet("enumeration", "1.5") + _facet("enumeration", "20"), "xs:decimal")
    narrow = _facet("maxInclusive", 20) + _facet("totalDigits", 2) + _facet("fractionDigits", 1)
    assert codes(simple(narrow, "xs:decimal"), writer) == []


def test_white_space_counts_where_lengths_do() -> None:
    writer = simple(_facet("maxLength", 5), "xs:token")
    assert codes(simple(_facet("maxLength", 5), "xs:string"), writer) == ["WHITE_SPACE_CHANGED"]


def test_a_union_may_take_more_types_and_not_fewer() -> None:
    one = '<xs:simpleType name="t"><xs:union memberTypes="xs:int"/></xs:simpleType>'
    two = one.replace("xs:int", "xs:int xs:date")
    assert codes(two, one) == []
    assert codes(one, two) == ["UNION_MEMBER_REMOVED"]


def test_an_enumeration_may_become_a_union_with_more_of_them() -> None:
    values = _facet("enumeration", "A") + _facet("enumeration", "B")
    open_ = (
        '<xs:simpleType name="t"><xs:union><xs:simpleType><xs:restriction base="xs:string">'
        f"{_facet('enumeration', 'A')}</xs:restriction></xs:simpleType><xs:simpleType>"
        f'<xs:restriction base="xs:string">{_facet("enumeration", "B")}</xs:restriction>'
        "</xs:simpleType></xs:union></xs:simpleType>"
    )
    assert codes(open_, simple(values)) == []


def test_a_list_takes_what_its_items_take() -> None:
    ints = '<xs:simpleType name="t"><xs:list itemType="xs:int"/></xs:simpleType>'
    assert codes(ints.replace("xs:int", "xs:long"), ints) == []
    assert codes(ints, ints.replace("xs:int", "xs:long")) == ["TYPE_CHANGED"]


def test_text_may_become_a_complex_type_with_optional_attributes() -> None:
    reader = element(
        '<xs:simpleContent><xs:extension base="xs:string"><xs:attribute name="i"/></xs:extension>'
        "</xs:simpleContent>"
    )
    assert codes(reader, _typed("xs:string")) == []
    assert codes(_typed("xs:string"), reader) == ["ATTRIBUTE_REMOVED"]


def test_simple_content_is_compared_through_its_bases() -> None:
    base = (
        '<xs:complexType name="p"><xs:simpleContent><xs:extension base="xs:decimal"/>'
        "</xs:simpleContent></xs:complexType>"
    )
    most = (
        '<xs:complexType name="q"><xs:simpleContent><xs:restriction base="p">{}</xs:restriction>'
        "</xs:simpleContent></xs:complexType>"
    )
    tight, loose = most.format(_facet("maxInclusive", 5)), most.format(_facet("maxInclusive", 6))
    assert codes(base + tight, base + loose) == ["RANGE_TIGHTENED"]
    assert codes(base + loose, base + tight) == []


def test_recursion_through_named_types_ends() -> None:
    tree = '<xs:complexType name="t"><xs:sequence><xs:element name="b" type="t" minOccurs="0"/>{}</xs:sequence></xs:complexType>'
    assert codes(tree.format(C_OPTIONAL), tree.format("")) == []
    assert codes(tree.format(""), tree.format(C_OPTIONAL)) == ["ELEMENT_REMOVED"]


def test_a_change_deep_in_a_cycle_is_told_once_where_it_stands() -> None:
    types = (
        '<xs:complexType name="p"><xs:sequence><xs:element name="x" type="q" minOccurs="0"/>'
        '</xs:sequence></xs:complexType><xs:complexType name="q"><xs:sequence>'
        '<xs:element name="y" type="p" minOccurs="0"/><xs:element name="z" type="xs:{}"/>'
        "</xs:sequence></xs:complexType>"
    )
    found = Xsd().backward(parse(types.format("int")), parse(types.format("long")))
    assert [(each.code, each.path) for each in found] == [("TYPE_CHANGED", "/q/z")]


def test_an_extension_has_what_its_base_has() -> None:
    assert codes(_derived(sequence(C_OPTIONAL)), _derived("")) == []
    assert codes(_derived(sequence(C)), _derived("")) == ["REQUIRED_ELEMENT_ADDED"]


def test_a_type_stays_derived_from_its_base_for_the_sake_of_xsi_type() -> None:
    alone = (
        f'<xs:complexType name="p">{sequence(B)}</xs:complexType>'
        f'<xs:complexType name="q">{sequence(B)}</xs:complexType>'
    )
    assert codes(alone, _derived("")) == ["DERIVATION_CHANGED"]


def test_a_substitute_stays_one() -> None:
    head = '<xs:element name="h" type="xs:string"/>' + element(sequence('<xs:element ref="h"/>'))
    member = '<xs:element name="m" type="xs:string" substitutionGroup="h"/>'
    assert codes(head + member, head) == []
    assert codes(head + member.replace('substitutionGroup="h"', ""), head + member) == [
        "ELEMENT_REMOVED",
        "MIN_OCCURS_RAISED",
    ]


def test_what_a_wildcard_took_may_not_be_declared_otherwise() -> None:
    writer = element(sequence(ANY.format("skip")))
    reader = element(
        sequence(
            B_OPTIONAL,
            '<xs:any namespace="##other" processContents="skip" minOccurs="0" maxOccurs="unbounded"/>',
        )
    )
    assert "ELEMENT_ADDED_OVER_WILDCARD" in codes(reader, writer)


def test_an_element_may_go_where_a_wildcard_that_skips_takes_it() -> None:
    assert codes(element(sequence(ANY.format("skip"))), element(sequence(B, C))) == []


def test_an_attribute_may_go_where_a_wildcard_takes_it() -> None:
    reader = element('<xs:anyAttribute processContents="lax"/>')
    assert codes(reader, _attribute('name="i" type="xs:int"')) == []


def test_an_attribute_over_a_wildcard_of_any_values_has_to_take_any_text() -> None:
    any_ = '<xs:anyAttribute processContents="skip"/>'
    writer = element(any_)
    typed = element('<xs:attribute name="i" type="xs:{}"/>' + any_)
    assert codes(typed.replace("{}", "int"), writer) == ["ATTRIBUTE_ADDED_OVER_WILDCARD"]
    assert codes(typed.replace("{}", "string"), writer) == []


def test_anything_may_become_any_type() -> None:
    assert codes(_typed("xs:anyType"), element(sequence(B, C))) == []


def test_namespaces_tell_elements_apart() -> None:
    local = element(sequence(B))
    reader = parse(local, 'targetNamespace="urn:x" elementFormDefault="qualified"')
    writer = parse(local, 'targetNamespace="urn:x"')
    found = {each.code for each in Xsd().backward(reader, writer)}
    assert found == {"ELEMENT_REMOVED", "REQUIRED_ELEMENT_ADDED"}


def test_large_counts_are_compared_without_counting() -> None:
    model = element(
        f'<xs:sequence maxOccurs="100000"><xs:sequence maxOccurs="{{}}">{B}{C}</xs:sequence></xs:sequence>'
    )
    assert codes(model.format(100000), model.format(99999)) == []
    assert codes(model.format(99999), model.format(100000)) == ["MAX_OCCURS_LOWERED"] * 2


def test_each_difference_tells_how_to_mend_it() -> None:
    (found,) = Xsd().backward(parse(element(sequence(B, C))), parse(element(sequence(B))))
    assert (found.path, found.message, found.fix) == (
        "/a/c",
        "the element c is new and required",
        'minOccurs="0"',
    )


def test_what_is_told_ends_at_a_hundred() -> None:
    many = "".join(f'<xs:element name="e{number}"/>' for number in range(300))
    assert len(codes(_typed("xs:int"), _typed("xs:int") + many)) == 100


def test_a_redefined_type_is_compared_as_redefined() -> None:
    base = {"base": document(simple(_facet("maxLength", 9)))}
    again = (
        '<xs:redefine schemaLocation="base"><xs:simpleType name="t"><xs:restriction base="t">'
        f"{_facet('maxLength', 5)}</xs:restriction></xs:simpleType></xs:redefine>"
    )
    reader = parse(again + _typed("t"), references=base)
    writer = parse('<xs:include schemaLocation="base"/>' + _typed("t"), references=base)
    assert [each.code for each in Xsd().backward(reader, writer)] == ["MAX_LENGTH_LOWERED"]
    assert list(Xsd().backward(writer, reader)) == []
    assert is_valid(writer, "<a>1234567</a>")
    assert not is_valid(reader, "<a>1234567</a>")
