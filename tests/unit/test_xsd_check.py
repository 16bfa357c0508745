"""Payloads against an XML Schema: what is wrong, where, by which rule, and never at a high price."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time

import pytest

from tests.speed import slowness
from tests.unit.xsd_fixture import XML, element, is_valid, parse, sequence, simple

LINE = '<xs:element name="line" type="xs:int" maxOccurs="unbounded"/>'
ORDER = parse(
    '<xs:element name="order"><xs:complexType><xs:sequence>'
    f'{LINE}</xs:sequence><xs:attribute name="id" type="xs:int" use="required"/></xs:complexType></xs:element>'
)
QUALIFIED = parse(element(sequence(LINE)), 'targetNamespace="urn:o" elementFormDefault="qualified"')


def _found(payload: str) -> list[tuple[str, str, str]]:
    return [(e.pointer, e.rule, e.value) for e in ORDER.check(payload.encode(), XML)]


def test_a_valid_payload_has_nothing_wrong() -> None:
    assert ORDER.check(b'<order id="1"><line>1</line></order>', XML) == ()


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        ('<order id="x"><line>1</line></order>', ("/order/@id", "cvc-datatype-valid.1.2.1", "'x'")),
        ("<order><line>1</line></order>", ("/order/@id", "cvc-complex-type.4", "")),
        ('<order id="1"/>', ("/order", "cvc-complex-type.2.4", "")),
        (
            '<order id="1"><line>1</line><line>z</line></order>',
            ("/order/line[2]", "cvc-datatype-valid.1.2.1", "'z'"),
        ),
        ('<order id="1"><line>1</line><b/></order>', ("/order/b", "cvc-complex-type.2.4", "")),
        ("<other/>", ("/other", "cvc-elt.1", "")),
        ("<order", ("", "xml", "")),
        ("", ("", "xml", "")),
        ("<!DOCTYPE order><order/>", ("", "xml", "")),
        ("<order>&e;</order>", ("", "xml", "")),
    ],
)
def test_what_is_wrong_has_its_place_rule_and_value(
    payload: str, found: tuple[str, str, str]
) -> None:
    assert _found(payload) == [found]


def test_namespaces_do_not_hide_the_place() -> None:
    payload = b'<a xmlns="urn:o"><line>1</line><o:line xmlns:o="urn:o">x</o:line></a>'
    assert [each.pointer for each in QUALIFIED.check(payload, XML)] == ["/a/line[2]"]


def test_all_that_is_wrong_is_told_up_to_a_hundred() -> None:
    assert len(_found('<order id="1">' + "<line>x</line>" * 150 + "</order>")) == 100


@pytest.mark.parametrize("blank", ["", "\n"])
def test_of_a_large_payload_the_first_mistake_is_told(blank: str) -> None:
    lines = f"<line>1</line>{blank}" * 3_000
    found = _found(f'<order id="1">{lines}<line>x</line><line>y</line></order>')
    assert found == [("/order/line[3001]", "cvc-datatype-valid.1.2.1", "'x'")]


def test_of_a_large_payload_that_lacks_something_the_place_is_told() -> None:
    schema = parse(element(sequence(LINE, '<xs:element name="end"/>')))
    (found,) = schema.check(b"<a>" + b"<line>1</line>" * 3_000 + b"</a>", XML)
    assert (found.pointer, found.rule) == ("/a", "cvc-complex-type.2.4")


@pytest.mark.parametrize(
    ("content_type", "is_xml"),
    [
        *((each, True) for each in (XML, "text/xml; charset=utf-8", "Application/SOAP+XML")),
        *((each, False) for each in ("application/json", "text/plain", None, "", "xml")),
    ],
)
def test_only_xml_is_checked(content_type: str | None, is_xml: bool) -> None:
    found = ORDER.check(b'<order id="1"><line>1</line></order>', content_type)
    assert [each.rule for each in found] == ([] if is_xml else ["datacontenttype"])


def test_an_event_without_data_is_told() -> None:
    assert [each.rule for each in ORDER.check(None, None)] == ["data"]


def test_utf_16_and_latin_1_are_read() -> None:
    text = '<order id="1"><line>1</line><!-- é --></order>'
    latin = '<?xml version="1.0" encoding="ISO-8859-1"?>' + text
    assert ORDER.check(text.encode("utf-16"), XML) == ()
    assert ORDER.check(latin.encode("latin-1"), XML) == ()


def test_a_doctype_in_a_comment_or_a_cdata_section_is_none() -> None:
    schema = parse('<xs:element name="a" type="xs:string"/>')
    assert is_valid(schema, "<?p <!DOCTYPE?><!-- <!DOCTYPE a> --> <a><![CDATA[<!DOCTYPE a>]]></a>")


def test_xsi_type_is_served() -> None:
    schema = parse('<xs:element name="a" type="xs:decimal"/>')
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema"'
    assert is_valid(schema, f'<a {xsi} xsi:type="xs:int">1</a>')
    assert not is_valid(schema, f'<a {xsi} xsi:type="xs:int">1.5</a>')


def _seconds(act: Callable[[], object]) -> float:
    start = process_time()
    act()
    return process_time() - start


HOSTILE = {
    "many mistakes": b'<order id="1">' + b"<line>x</line>\n" * 20_000 + b"</order>",
    "many attributes": b"<order " + b" ".join(b'a%d=""' % n for n in range(20_000)) + b"/>",
    "long text": b'<order id="1">' + b"x" * 1_000_000 + b"</order>",
    "deep": b"<order>" * 100_000,
    "entities": b'<!DOCTYPE a [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><a>&b;</a>',
    "comments": b"<!-- <!DOCTYPE -->" * 20_000 + b"<order/>",
    "blanks before a doctype": b" " * 1_000_000 + b"<!DOCTYPE a><a/>",
    "declared twice": b'<?xml version="1.0"?>' * 10_000,
    "utf-16": ("<order>" * 50_000).encode("utf-16"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_3b_a_hostile_payload_takes_no_time(name: str) -> None:
    assert _seconds(lambda: ORDER.check(HOSTILE[name], XML)) < 0.2 * slowness()


def test_3b_nested_keys_are_not_compared_for_minutes() -> None:
    schema = parse(
        '<xs:element name="a" type="t"><xs:key name="k"><xs:selector xpath=".//*"/>'
        '<xs:field xpath="@k"/></xs:key><xs:keyref name="r" refer="k"><xs:selector xpath=".//*"/>'
        '<xs:field xpath="@r"/></xs:keyref></xs:element><xs:complexType name="t"><xs:sequence>'
        '<xs:element ref="a" minOccurs="0" maxOccurs="unbounded"/></xs:sequence>'
        '<xs:attribute name="k"/><xs:attribute name="r"/></xs:complexType>'
    )
    flat = "".join(f'<a k="{number}" r="{number}"/>' for number in range(2_500))
    deep = f"{'<a k=>' * 200}{flat}{'</a>' * 200}".replace("k=>", 'k="">')
    assert is_valid(schema, f'<a k="">{flat}</a>')
    assert _seconds(lambda: schema.check(deep.encode(), XML)) < 0.1 * slowness()
    assert "cannot be checked" in schema.check(deep.encode(), XML)[0].message


def test_3b_values_are_not_compared_with_thousands_without_bound() -> None:
    values = "".join(f'<xs:enumeration value="v{number}"/>' for number in range(3_000))
    schema = parse(
        simple(values) + element(sequence('<xs:element name="b" type="t" maxOccurs="unbounded"/>'))
    )
    payload = "<a>" + "<b>v2999</b>" * 20_000 + "</a>"
    assert is_valid(schema, "<a><b>v2999</b></a>")
    assert "comparisons" in schema.check(payload.encode(), XML)[0].message
    assert _seconds(lambda: schema.check(payload.encode(), XML)) < 0.1 * slowness()


def test_words_of_a_heavy_list_count_as_values() -> None:
    values = "".join(f'<xs:enumeration value="v{number}"/>' for number in range(3_000))
    list_ = '<xs:simpleType name="l"><xs:list itemType="t"/></xs:simpleType><xs:element name="a" type="l"/>'
    schema = parse(simple(values) + list_)
    assert is_valid(schema, "<a>v1 v2</a>")
    assert "comparisons" in schema.check(f"<a>{'v2 ' * 10_000}</a>".encode(), XML)[0].message
