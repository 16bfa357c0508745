"""Comparison, parsing and the canonical text of XML Schemas, against the checker itself."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from chappe.domain.errors import Malformed
from chappe.formats.xsd.components import local
from chappe.formats.xsd.content_models import Budget, Contained, Counterexample, contains
from chappe.formats.xsd.language import Xsd, XsdSchema
from tests.unit.xsd_fixture import XML, document, is_valid, parse

NAMES = ("b", "c", "d")
OCCURS = st.sampled_from([(0, "1"), (1, "1"), (0, "2"), (1, "2"), (2, "3"), (0, "unbounded")])
LEAVES = st.builds(
    lambda name, occurs: (
        f'<xs:element name="{name}" minOccurs="{occurs[0]}" maxOccurs="{occurs[1]}"/>'
    ),
    st.sampled_from(NAMES),
    OCCURS,
)
MODELS = st.recursive(
    LEAVES,
    lambda parts: st.builds(
        lambda kind, occurs, inner: (
            f'<xs:{kind} minOccurs="{occurs[0]}" maxOccurs="{occurs[1]}">{"".join(inner)}</xs:{kind}>'
        ),
        st.sampled_from(["sequence", "choice"]),
        OCCURS,
        st.lists(parts, min_size=1, max_size=3),
    ),
    max_leaves=5,
)
CHANGES = [
    *(('minOccurs="1"', 'minOccurs="0"'), ('minOccurs="0"', 'minOccurs="1"')),
    *(('maxOccurs="1"', 'maxOccurs="2"'), ('maxOccurs="2"', 'maxOccurs="unbounded"')),
    *(("sequence", "choice"), ("choice", "sequence"), ('name="b"', 'name="d"')),
    ('maxOccurs="unbounded"', 'maxOccurs="3"'),
]


@st.composite
def model_pairs(draw: st.DrawFn) -> tuple[str, str]:
    """Two models, mostly one the other with a few changes."""
    one = other = draw(MODELS)
    for before, after in draw(st.lists(st.sampled_from(CHANGES), max_size=3)):
        other = other.replace(before, after)
    return one, draw(MODELS) if draw(st.integers(0, 4)) == 0 else other


SEQUENCES = [each for length in range(4) for each in product(NAMES, repeat=length)]


def _schema(model: str) -> XsdSchema:
    """An element "a" with the model; only what the compiler takes for deterministic."""
    wrapped = f"<xs:sequence>{model}</xs:sequence>"
    try:
        return parse(
            f'<xs:element name="a"><xs:complexType>{wrapped}</xs:complexType></xs:element>'
        )
    except Malformed:
        assume(condition=False)
        raise


def _takes(schema: XsdSchema, names: tuple[str, ...]) -> bool:
    return is_valid(schema, f"<a>{''.join(f'<{name}/>' for name in names)}</a>")


@settings(
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
    deadline=None,
    max_examples=50,
)
@given(model_pairs())
def test_a_content_model_that_contains_another_takes_all_that_it_takes(
    models: tuple[str, str],
) -> None:
    reader, writer = map(_schema, models)
    if Xsd().backward(reader, writer):
        return
    refused = [each for each in SEQUENCES if _takes(writer, each) and not _takes(reader, each)]
    assert refused == []


@settings(
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
    deadline=None,
    max_examples=50,
)
@given(model_pairs())
def test_a_content_model_that_does_not_contain_another_has_an_example(
    models: tuple[str, str],
) -> None:
    reader, writer = map(_schema, models)
    sides = [
        (each.model, each.model.content(each.model.elements["a"].type).particle)  # type: ignore[arg-type]
        for each in (reader, writer)
    ]
    answer = contains(sides[0], sides[1], Budget(100_000))
    if isinstance(answer, Counterexample) and answer.is_complete:
        names = tuple(map(local, answer.names))
        assert (_takes(writer, names), _takes(reader, names)) == (True, False)
    elif isinstance(answer, Contained):
        assert all(_takes(reader, each) for each in SEQUENCES if _takes(writer, each))


VALUES = [
    *("", " ", "0", "1", "-1", "5", "5.0", "5.5", "10", "100", "127", "128", "255", "1e3", "INF"),
    *(
        "a",
        "ab",
        "abc",
        "A",
        "a b",
        " a ",
        "true",
        "2020-01-01",
        "2021-06-30",
        "2020-01-01Z",
        "a:b",
    ),
    *("1 2", "1 2 3", "P1D", "x" * 10, "-", "00", "+1", "1.50", "99999", "a\tb"),
]
BASES = st.sampled_from(
    [
        *("string", "normalizedString", "token", "NCName", "NMTOKEN", "decimal", "integer", "int"),
        *("byte", "unsignedByte", "short", "double", "float", "boolean", "date", "anyURI"),
        *("nonNegativeInteger", "positiveInteger", "anySimpleType"),
    ]
)
FACETS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["minLength", "maxLength", "length"]), st.sampled_from("0123")),
        st.tuples(
            st.sampled_from(["minInclusive", "maxInclusive", "minExclusive", "maxExclusive"]),
            st.sampled_from(["0", "1", "5.5", "10", "2020-01-01", "2021-01-01"]),
        ),
        st.tuples(st.sampled_from(["totalDigits", "fractionDigits"]), st.sampled_from("123")),
        st.tuples(st.just("pattern"), st.sampled_from(["[a-z]+", "[0-9]+", "a.*", "[0-9]{1,2}"])),
        st.tuples(st.just("enumeration"), st.sampled_from(["a", "ab", "1", "5", "5.0", "10"])),
        st.tuples(st.just("whiteSpace"), st.sampled_from(["replace", "collapse"])),
    ),
    max_size=3,
)


@st.composite
def simple_types(draw: st.DrawFn) -> str:
    """A simple type "t": a restriction, or a list or union of one."""
    facets = "".join(f'<xs:{kind} value="{value}"/>' for kind, value in draw(FACETS))
    inner = f'<xs:restriction base="xs:{draw(BASES)}">{facets}</xs:restriction>'
    match draw(st.sampled_from(["plain", "plain", "list", "union"])):
        case "list":
            inner = f"<xs:list><xs:simpleType>{inner}</xs:simpleType></xs:list>"
        case "union":
            members = f"xs:{draw(BASES)}"
            inner = f'<xs:union memberTypes="{members}"><xs:simpleType>{inner}</xs:simpleType></xs:union>'
        case _:
            pass
    return f'<xs:simpleType name="t">{inner}</xs:simpleType><xs:element name="a" type="t"/>'


@st.composite
def simple_pairs(draw: st.DrawFn) -> tuple[str, str]:
    """Two simple types, mostly one the other with another base or other numbers."""
    one = other = draw(simple_types())
    if draw(st.booleans()):
        other = re.sub(r'base="xs:\w+"', f'base="xs:{draw(BASES)}"', other)
    if draw(st.booleans()):
        other = re.sub(r'value="\d"', f'value="{draw(st.sampled_from("0125"))}"', other)
    return one, draw(simple_types()) if draw(st.integers(0, 3)) == 0 else other


def _compiled(body: str) -> XsdSchema:
    try:
        return parse(body)
    except Malformed:
        assume(condition=False)
        raise


@settings(
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
    deadline=None,
    max_examples=150,
)
@given(simple_pairs())
def test_a_simple_type_that_is_compatible_takes_every_value(types: tuple[str, str]) -> None:
    reader, writer = map(_compiled, types)
    if Xsd().backward(reader, writer):
        return
    payloads = [f"<a>{value}</a>" for value in VALUES]
    assert [e for e in payloads if is_valid(writer, e) and not is_valid(reader, e)] == []


@given(
    st.one_of(
        simple_types(),
        MODELS.map(lambda each: f'<xs:group name="g"><xs:sequence>{each}</xs:sequence></xs:group>'),
    )
)
def test_a_schema_is_compatible_with_itself_and_has_one_canonical_text(body: str) -> None:
    schema = _compiled(body)
    text = schema.canonical()
    again = Xsd().parse(text.encode(), "XSD")
    assert again.canonical() == text
    assert list(Xsd().backward(schema, again)) == list(Xsd().backward(again, schema)) == []


SPACE = st.sampled_from(["", " ", "\n\t", "<!-- a comment -->", "\n<!-- two --> <!-- lines -->\n"])


@given(SPACE, SPACE, st.booleans(), MODELS)
def test_white_space_comments_and_the_order_of_attributes_are_not_in_the_canonical_text(
    one: str, other: str, swap: bool, model: str
) -> None:
    attributes = ['name="g"', 'id="x"']
    plain = f"<xs:group {' '.join(attributes)}><xs:sequence>{model}</xs:sequence></xs:group>"
    spaced = (
        f"{one}<xs:group {'  '.join(reversed(attributes) if swap else attributes)} >{other}"
        f"<xs:sequence>{one}{model}{other}</xs:sequence >{one}</xs:group>{other}"
    )
    assert _compiled(spaced).canonical() == _compiled(plain).canonical()


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_a_schema_or_malformed(data: bytes) -> None:
    try:
        schema = Xsd().parse(data, "XSD")
    except Malformed as exc:
        text = exc.message
    else:
        text = f"dataschema: {schema.format}"
    assert text.startswith("dataschema: ")


@given(st.text(alphabet='<>/="! ?-[]xs:schemaelntypquc01&;', max_size=120))
def test_any_content_of_a_schema_is_a_schema_or_malformed(text: str) -> None:
    try:
        message = f"dataschema: {Xsd().parse(document(text), 'XSD').format}"
    except Malformed as exc:
        message = exc.message
    assert message.startswith("dataschema: ")


@given(st.binary(max_size=200) | st.text(alphabet='<a>/b ="! ?-[]&;', max_size=80).map(str.encode))
def test_checking_any_bytes_never_raises(data: bytes) -> None:
    schema = parse('<xs:element name="a" type="xs:int"/>')
    found = schema.check(data, XML)
    assert all(each.rule and each.message for each in found)


@pytest.mark.parametrize("policy", ["STRICT", "LENIENT", "SEMANTIC"])
def test_the_policies_are_one(policy: str) -> None:
    schema = parse('<xs:element name="a" type="xs:int"/>')
    assert list(Xsd().backward(schema, schema, policy=policy)) == []  # type: ignore[arg-type]
