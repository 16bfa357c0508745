"""Avro 1.12, the specification's sections on schemas, names, encodings, canonical form, fingerprints."""

from __future__ import annotations

import json

import pytest

from chappe.domain.errors import Malformed
from chappe.formats.avro.canonical import normalized
from chappe.formats.avro.language import Avro, AvroSchema
from chappe.formats.avro.parsing_form import fingerprint64, parsing_canonical_form


def parsed(schema: object, references: dict[str, object] | None = None) -> AvroSchema:
    documents = {name: json.dumps(each).encode() for name, each in (references or {}).items()}
    return Avro().parse(json.dumps(schema).encode(), "Avro/1.12", documents)


def refused(schema: object) -> str:
    with pytest.raises(Malformed) as caught:
        parsed(schema)
    return caught.value.message


def record(*types: object, **more: object) -> dict[str, object]:
    fields = [{"name": f"f{at}", "type": each} for at, each in enumerate(types)]
    return {"type": "record", "name": "R", "fields": fields, **more}


def field_with(of_type: object, default: object) -> dict[str, object]:
    return {
        "type": "record",
        "name": "R",
        "fields": [{"name": "a", "type": of_type, "default": default}],
    }


# --- Schema Declaration


@pytest.mark.parametrize(
    "schema", ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]
)
def test_primitive_types_stand_as_a_name_or_an_object(schema: str) -> None:
    assert parsed(schema).canonical() == parsed({"type": schema}).canonical() == f'"{schema}"'


def test_attributes_that_are_not_defined_are_kept() -> None:
    schema = {"type": "string", "avro.java.string": "String"}
    assert json.loads(parsed(schema).canonical()) == schema


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (7, "dataschema: a number was sent; a schema is a name, an object or an array"),
        ({}, "dataschema/type: nothing was sent, the name of a type is needed"),
        ({"type": "array"}, "dataschema/items: is missing and is required"),
        ({"type": "map"}, "dataschema/values: is missing and is required"),
        (
            {"type": "record", "name": "R"},
            "dataschema/fields: nothing was sent, an array is needed",
        ),
        (record({"type": "enum", "name": "E"}), "dataschema/fields/0/type/symbols: nothing was"),
        ({"type": "fixed", "name": "F", "size": 1.5}, "dataschema/size: 1.5 was sent, a whole"),
        ({"type": "fixed", "name": "F", "size": -1}, "dataschema/size: -1 was sent, a whole"),
        (["int", ["null"]], "dataschema/1: a union cannot directly contain a union"),
        (["int", {"type": "int"}], "dataschema/1: 'int' is in the union already"),
        (
            [{"type": "array", "items": "int"}, {"type": "array", "items": "long"}],
            "dataschema/1: 'array' is in the union already",
        ),
        ({"type": "enum", "name": "E", "symbols": ["A", "A"]}, "dataschema/symbols/1: 'A' is a"),
        (
            {"type": "enum", "name": "E", "symbols": ["A"], "default": "B"},
            "dataschema/default: 'B' is no symbol of 'E'; known: 'A'",
        ),
    ],
)
def test_complex_types_break_no_rule(schema: object, message: str) -> None:
    assert refused(schema).startswith(message)


def test_a_record_has_each_field_once() -> None:
    field = {"name": "a", "type": "int"}
    schema = {"type": "record", "name": "R", "fields": [field, field]}
    assert refused(schema) == "dataschema/fields/1/name: 'a' is a field of 'R' already"


# --- Complex Types, default values


@pytest.mark.parametrize(
    ("of_type", "default"),
    [
        ("null", None),
        ("boolean", True),
        ("int", 1),
        ("long", -(1 << 63)),
        ("float", 1),
        ("double", 1.1),
        ("double", "NaN"),
        ("bytes", "\u00ff"),
        ("string", "foo"),
        ({"type": "array", "items": "int"}, [1]),
        ({"type": "map", "values": "int"}, {"a": 1}),
        ({"type": "fixed", "name": "F", "size": 1}, "\u00ff"),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, "A"),
        (record("int", name="I"), {"f0": 1}),
        (["null", "string"], None),
        (["null", "string"], "of another branch than the first"),
    ],
)
def test_a_default_is_a_value_of_its_type(of_type: object, default: object) -> None:
    assert json.loads(parsed(field_with(of_type, default)).canonical())["fields"][0]["default"] == (
        default
    )


@pytest.mark.parametrize(
    ("of_type", "default", "message"),
    [
        ("int", "1", "dataschema/fields/0/default: '1' is no int"),
        ("int", 1 << 31, "dataschema/fields/0/default: 2147483648 is no int"),
        ("int", True, "dataschema/fields/0/default: true is no int"),
        ("string", None, "dataschema/fields/0/default: null is no string"),
        ("bytes", "\u0100", "dataschema/fields/0/default: 'Ā' has characters beyond \\u00FF"),
        ("float", "x", "dataschema/fields/0/default: 'x' is no number"),
        (["null", "int"], "null", "dataschema/fields/0/default: 'null' fits no branch"),
        (
            {"type": "array", "items": {"type": "map", "values": "int"}},
            [{}, {"a/b": "x"}],
            "dataschema/fields/0/default/1/a~1b: 'x' is no int",
        ),
        (record("int", name="I"), {}, "dataschema/fields/0/default: 'f0' is missing"),
        (record("int", name="I"), {"f0": "x"}, "dataschema/fields/0/default/f0: 'x' is no int"),
    ],
)
def test_a_default_of_another_type_is_refused_with_its_place(
    of_type: object, default: object, message: str
) -> None:
    assert refused(field_with(of_type, default)).startswith(message)


# --- Names


def test_names_the_namespace_is_that_of_the_closest_type_around() -> None:
    inner = {"type": "enum", "name": "Understanding", "symbols": ["d"]}
    schema = record(inner, "Understanding", name="a.full.Name", namespace="ignored")
    assert parsing_canonical_form(parsed(schema).parsed) == (
        '{"name":"a.full.Name","type":"record","fields":[{"name":"f0","type":{"name":'
        '"a.full.Understanding","type":"enum","symbols":["d"]}},{"name":"f1","type":'
        '"a.full.Understanding"}]}'
    )


def test_names_the_empty_namespace_is_none() -> None:
    inner = {"type": "fixed", "name": "F", "namespace": "", "size": 1}
    schema = record(inner, "F", namespace="n")
    assert '"fields":[{"name":"f0","type":{"name":"F"' in parsing_canonical_form(
        parsed(schema).parsed
    )


def test_names_a_type_of_one_name_in_two_namespaces_is_two_types() -> None:
    inner = {"type": "fixed", "name": "R", "namespace": "n", "size": 1}
    assert parsed(record(inner, "n.R", "R")).canonical()


@pytest.mark.parametrize("name", ["", "1a", "a-b", "a b", "é", "a.", "a..b", "a.1.b"])
def test_names_are_of_letters_digits_and_underscores(name: str) -> None:
    assert "is no name" in refused(record(name=name))
    if "." not in name:
        assert "is no name" in refused({"type": "enum", "name": "E", "symbols": [name]})
        field = {"name": name, "type": "int"}
        assert "is no name" in refused({"type": "record", "name": "R", "fields": [field]})


def test_names_of_other_scripts_are_taken_where_that_is_asked_for() -> None:
    schema = json.dumps(field_with("int", "no int") | {"name": "Größe", "namespace": "a-b"})
    assert Avro(strict=False).parse(schema.encode(), "Avro").canonical()


@pytest.mark.parametrize("name", ["int", "a.string"])
def test_names_of_primitives_are_not_defined(name: str) -> None:
    assert "no type can be named like a primitive" in refused(record(name=name))


def test_names_of_complex_types_may_be_used() -> None:
    assert parsed(record("record", name="record")).canonical()


def test_names_are_defined_once() -> None:
    fixed = {"type": "fixed", "name": "F", "size": 1}
    message = refused(record(fixed, fixed))
    assert message == "dataschema/fields/1/type/name: 'F' is defined already"


def test_names_are_defined_before_they_are_used() -> None:
    message = refused(record("n.F", {"type": "fixed", "name": "n.F", "size": 1}))
    assert message.startswith("dataschema/fields/0/type: 'n.F' is used before it is defined")


def test_names_that_nothing_has_are_refused() -> None:
    message = refused(record("Missing", namespace="n"))
    assert message.startswith("dataschema/fields/0/type: 'n.Missing' is no type that is known")


def test_aliases_are_of_the_namespace_of_the_type_and_any_text() -> None:
    schema = parsed(record(name="a.b", aliases=["c", "x.y", "not a name"]))
    assert json.loads(schema.canonical())["aliases"] == ["c", "x.y", "not a name"]


# --- references to other documents

ADDRESS = record("string", name="Address", namespace="shop")
PERSON = record("shop.Address", name="Person", namespace="shop")


def test_a_reference_is_found_by_the_name_of_its_type() -> None:
    order = parsed(record("Person", namespace="shop"), {"shop.Person": PERSON, "x": ADDRESS})
    assert order.references == ("shop.Person",)
    assert order.canonical() == (
        '{"type":"record","name":"R","namespace":"shop","fields":[{"name":"f0","type":"Person"}]}'
    )
    assert '"name":"shop.Address"' in parsing_canonical_form(order.parsed)


def test_a_reference_that_is_not_used_is_not_read() -> None:
    schema = Avro().parse(b'"int"', "Avro", {"x": b"no schema at all"})
    assert schema.references == ()


def test_references_may_lead_in_circles() -> None:
    a, b = record("B", name="A"), record("A", name="B")
    assert parsed("A", {"A": a, "B": b}).references == ("A",)


def test_a_mistake_in_a_reference_names_the_reference() -> None:
    with pytest.raises(Malformed) as caught:
        parsed(record("A"), {"A": record("Missing", name="A")})
    assert caught.value.message.startswith("reference 'A'/fields/0/type: 'Missing' is no type")


# --- Parsing Canonical Form for Schemas, Schema Fingerprints


def test_parsing_canonical_form_keeps_what_matters_to_a_reader() -> None:
    schema = {
        "fields": [
            {"type": {"type": "int", "logicalType": "date"}, "name": "a", "default": 1, "doc": "d"},
            {"name": "b", "type": ["null", "R"], "aliases": ["c"]},
        ],
        "namespace": "n",
        "doc": "gone",
        "name": "R",
        "type": "record",
    }
    assert parsing_canonical_form(parsed(schema).parsed) == (
        '{"name":"n.R","type":"record","fields":[{"name":"a","type":"int"},'
        '{"name":"b","type":["null","n.R"]}]}'
    )


@pytest.mark.parametrize(
    ("schema", "fingerprint"),
    [
        ("null", 0x63DD24E7CC258F8A),
        ("boolean", 0x9F42FC78A4D4F764),
        ("int", 0x7275D51A3F395C8F),
        ("string", 0x8F014872634503C7),
        ({"type": "fixed", "name": "X", "size": 0}, None),
    ],
)
def test_schema_fingerprints_are_crc_64_avro(schema: object, fingerprint: int | None) -> None:
    found = fingerprint64(parsed(schema).parsed)
    assert found == fingerprint if fingerprint else 0 <= found < 1 << 64


# --- the text of a schema, as Java writes it


def test_the_canonical_text_is_javas() -> None:
    schema = {
        "fields": [
            {"default": 1e10, "type": "double", "name": "a", "order": "descending"},
            {"name": "b", "type": {"scale": 2, "type": "bytes", "logicalType": "decimal"}},
            {"name": "c", "type": ["null", "n.R"], "default": None, "zz": {"b": [1e-5], "a": 1}},
        ],
        "aliases": ["Q", "x.Y"],
        "name": "n.R",
        "type": "record",
        "doc": 'line\n"\u001f\u00e9',
    }
    assert parsed(schema).canonical() == (
        '{"type":"record","name":"R","namespace":"n","doc":"line\\n\\"\\u001F\u00e9","fields":['
        '{"name":"a","type":"double","default":1.0E10,"order":"descending"},'
        '{"name":"b","type":{"type":"bytes","scale":2,"logicalType":"decimal"}},'
        '{"name":"c","type":["null","R"],"default":null,"zz":{"b":[1.0E-5],"a":1}}],'
        '"aliases":["Q","x.Y"]}'
    )


def test_the_normal_text_has_properties_aliases_and_defaults_in_one_order() -> None:
    schema = {
        "type": "record",
        "name": "n.R",
        "doc": "",
        "aliases": ["z", "b.c"],
        "fields": [
            {
                "name": "a",
                "type": {"type": "bytes", "zz": 1, "scale": 0, "precision": 5, "aa": 2}
                | {"logicalType": "decimal"},
            },
            {"name": "b", "type": "float", "default": 1},
            {"name": "c", "type": {"type": "map", "values": "double"}, "default": {"z": 1, "a": 2}},
        ],
    }
    assert normalized(parsed(schema).parsed) == (
        '{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":{"type":"bytes",'
        '"logicalType":"decimal","precision":5,"aa":2,"scale":0,"zz":1}},'
        '{"name":"b","type":"float","default":1.0},{"name":"c","type":{"type":"map","values":'
        '"double"},"default":{"a":2.0,"z":1.0}}],"aliases":["b.c","z"]}'
    )


@pytest.mark.parametrize(
    ("format_", "canonical"),
    [
        ("avro", "Avro"),
        ("AVRO/1.9", "Avro/1.9"),
        ("Avro/1.10", "Avro/1.10"),
        ("Avro/1.11.3", "Avro/1.11"),
        ("aVrO/1.12", "Avro/1.12"),
        ("Avro/1.8", None),
        ("Avro/2", None),
        ("JsonSchema", None),
    ],
)
def test_a_format_has_one_spelling(format_: str, canonical: str | None) -> None:
    assert Avro().canonical_format(format_) == canonical
