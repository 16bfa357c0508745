"""JSON Schema as a language of the registry: formats, references, canonical texts, hostile schemas."""

from __future__ import annotations

import json
import time

import pytest

from chappe.domain.errors import Malformed
from chappe.formats.json_compat.pattern_weight import pattern_weight
from chappe.formats.json_language import (
    FORMATS,
    JsonSchemaDocument,
    JsonSchemaLanguage,
    format_of,
)
from chappe.formats.schema_language import Policy
from tests.speed import slowness

LANGUAGE = JsonSchemaLanguage()
DRAFT_7 = "JsonSchema/draft-07"
DRAFT_2020 = "JsonSchema/draft/2020-12"


def parsed(
    schema: object, format_: str = DRAFT_7, references: dict[str, object] | None = None
) -> JsonSchemaDocument:
    given = {name: json.dumps(one).encode() for name, one in (references or {}).items()}
    return LANGUAGE.parse(json.dumps(schema).encode(), format_, given)


def codes(old: object, new: object, policy: Policy = "STRICT", format_: str = DRAFT_7) -> list[str]:
    found = LANGUAGE.backward(parsed(new, format_), parsed(old, format_), policy=policy)
    return [one.code for one in found]


def accepts(schema: JsonSchemaDocument, value: object) -> bool:
    return not schema.check(json.dumps(value).encode(), "application/json")


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("JsonSchema", "JsonSchema"),
        ("jsonschema", "JsonSchema"),
        ("JSONSchema/draft-07", "JsonSchema/draft-07"),
        ("JSONSCHEMA/DRAFT-7", "JsonSchema/draft-07"),
        ("JsonSchema/draft-04", "JsonSchema/draft-04"),
        ("jsonschema/draft/06", "JsonSchema/draft-06"),
        ("JsonSchema/draft/2019-09", "JsonSchema/draft/2019-09"),
        ("JSONSchema/draft2019-09", "JsonSchema/draft/2019-09"),
        ("JSONSchema/draft-2020-12", "JsonSchema/draft/2020-12"),
        ("JsonSchema/2020-12", "JsonSchema/draft/2020-12"),
        ("JsonSchema/draft-05", None),
        ("JsonSchema/", None),
        ("Avro/1.12", None),
        ("JsonSchemas", None),
    ],
)
def test_a_format_has_one_spelling(name: str, canonical: str | None) -> None:
    assert LANGUAGE.canonical_format(name) == canonical


def test_the_one_spellings_are_their_own() -> None:
    assert [LANGUAGE.canonical_format(name) for name in FORMATS] == list(FORMATS)


@pytest.mark.parametrize(
    ("declared", "format_", "expected"),
    [
        (None, "JsonSchema", "JsonSchema/draft/2020-12"),
        ("http://json-schema.org/draft-07/schema#", "JsonSchema", "JsonSchema/draft-07"),
        ("https://json-schema.org/draft/2019-09/schema", "JsonSchema", "JsonSchema/draft/2019-09"),
        (None, "jsonschema/draft-4", "JsonSchema/draft-04"),
    ],
)
def test_a_schema_tells_its_draft(declared: str | None, format_: str, expected: str) -> None:
    schema = {"$schema": declared} if declared else {}
    assert parsed(schema, format_).format == expected


def test_a_schema_that_came_without_a_format_is_what_it_declares_else_draft_7() -> None:
    declared = b'{"$schema": "https://json-schema.org/draft/2020-12/schema"}'
    assert [format_of(declared), format_of(b"{}"), format_of(b"true")] == [
        DRAFT_2020,
        DRAFT_7,
        DRAFT_7,
    ]


@pytest.mark.parametrize(
    ("document", "format_", "message"),
    [
        (b"{}", "JsonSchema/draft-05", "format: 'JsonSchema/draft-05' is unknown; known: Json"),
        (b"{", DRAFT_7, "dataschema: not JSON"),
        (b"[]", DRAFT_7, "an array was sent, an object or a boolean is needed"),
        (b'{"type": "text"}', DRAFT_7, "dataschema: /type:"),
        (b'{"$schema": "http://json-schema.org/draft-04/schema#"}', DRAFT_7, "is draft-04"),
        (b'{"pattern": "(?=a)"}', DRAFT_7, "look-around and back-references are not served"),
        (b'{"$ref": "#/definitions/a"}', DRAFT_7, "leads to nothing that is a schema"),
        (b'{"$ref": "#here"}', DRAFT_7, "leads to nothing that is a schema"),
        (b'{"$ref": "http://[x"}', DRAFT_7, "is no URI reference"),
    ],
)
def test_what_is_no_schema_is_refused(document: bytes, format_: str, message: str) -> None:
    with pytest.raises(Malformed) as refused:
        LANGUAGE.parse(document, format_)
    assert message in str(refused.value)


def test_the_canonical_text_keeps_the_order_and_drops_white_space() -> None:
    schema = LANGUAGE.parse('{ "type" : "string",\n "title": "é\\u0041" }'.encode(), DRAFT_7)
    assert schema.canonical() == '{"type":"string","title":"éA"}'


def test_the_normalized_text_has_sorted_keys_at_every_depth() -> None:
    schema = LANGUAGE.parse(
        b'{"type":"object","properties":{"b":true,"a":{"type":"integer","maximum":1.0}}}', DRAFT_7
    )
    assert LANGUAGE.normalized(schema) == (
        '{"properties":{"a":{"maximum":1.0,"type":"integer"},"b":true},"type":"object"}'
    )


def test_payloads_are_checked() -> None:
    schema = parsed({"type": "object", "required": ["a"]})
    assert [accepts(schema, {"a": 1}), accepts(schema, {})] == [True, False]


MONEY = {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}
ORDER = {"type": "object", "properties": {"total": {"$ref": "money.json"}}}


def test_a_reference_leads_to_the_document_of_that_name() -> None:
    schema = parsed(ORDER, references={"money.json": MONEY})
    assert [accepts(schema, {"total": {"amount": 1}}), accepts(schema, {"total": {}})] == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("root", "name", "document", "reference"),
    [
        ({}, "m.json", {"definitions": {"x": MONEY}}, "m.json#/definitions/x"),
        ({"$id": "http://example.com/o.json"}, "m.json", MONEY, "m.json"),
        ({"$id": "http://example.com/o.json"}, "m.json", MONEY, "http://example.com/m.json"),
        ({}, "http://example.com/m.json", MONEY, "http://example.com/m.json"),
        ({}, "m.json", MONEY, "./m.json"),
        ({}, "a/m.json", MONEY, "a/m.json"),
        ({}, "m.json", {**MONEY, "$id": "http://money.example/m"}, "http://money.example/m"),
        ({}, "m.json", {"definitions": {"x y": MONEY}}, "m.json#/definitions/x%20y"),
        ({}, "m.json", {"definitions": {"x": {**MONEY, "$id": "#x"}}}, "m.json#x"),
        ({}, "m.json", {"definitions": {"x": MONEY}}, "m.json#/$defs/x"),
    ],
)
def test_names_are_found_as_written_and_as_uris(
    root: dict[str, object], name: str, document: object, reference: str
) -> None:
    schema = parsed(
        {**root, "properties": {"total": {"$ref": reference}}}, references={name: document}
    )
    assert not accepts(schema, {"total": {}})
    assert accepts(schema, {"total": {"amount": 1}})
    assert tuple(schema.references) == (name,)


def test_only_what_the_schema_itself_refers_to_is_named() -> None:
    references = {"a.json": {"$ref": "b.json"}, "b.json": MONEY, "c.json": {}}
    assert tuple(parsed({"$ref": "a.json"}, references=references).references) == ("a.json",)


def test_a_document_refers_to_its_neighbour_though_it_has_an_id_elsewhere() -> None:
    middle = {"$id": "http://elsewhere.example/a", "properties": {"b": {"$ref": "b.json"}}}
    schema = parsed({"$ref": "a.json"}, references={"a.json": middle, "b.json": MONEY})
    assert not accepts(schema, {"b": {}})


def test_a_change_in_a_referred_document_is_found() -> None:
    writer = parsed(ORDER, references={"money.json": MONEY})
    reader = parsed(ORDER, references={"money.json": {**MONEY, "required": []}})
    found = LANGUAGE.backward(writer, reader)
    assert [(one.code, one.path) for one in found] == [
        ("REQUIRED_ATTRIBUTE_ADDED", "/properties/total/required/amount")
    ]


def test_a_schema_may_refer_to_the_meta_schema() -> None:
    schema = parsed({"$ref": "http://json-schema.org/draft-07/schema#"})
    assert [accepts(schema, {"type": "string"}), accepts(schema, {"type": 1})] == [True, False]
    assert codes(schema.raw, schema.raw) == []


@pytest.mark.parametrize("reference", ["x.json", "http://127.0.0.1:9/x", "file:///etc/passwd"])
def test_a_reference_to_what_was_not_given_is_refused_by_name(reference: str) -> None:
    with pytest.raises(Malformed) as refused:
        parsed({"properties": {"a": {"$ref": reference}}}, references={"y.json": {}})
    assert str(refused.value) == (
        f"dataschema: $ref: {reference!r} is not in the schema, and not among its references"
        " (y.json); a schema must hold all that it refers to, or come with it"
    )


def test_a_name_of_two_schemas_is_refused_only_where_it_is_used() -> None:
    twice = {"definitions": {"a": {"$id": "x", "const": 1}, "b": {"$id": "x", "const": 2}}}
    assert accepts(parsed(twice), 3)
    with pytest.raises(Malformed, match="is the name of two schemas"):
        parsed({**twice, "properties": {"c": {"$ref": "x"}}})


def test_documents_that_lead_ever_deeper_into_one_another_are_refused() -> None:
    deeper = {"properties": {"a": {"$id": "d/", "$ref": "x.json"}}}
    begun = time.process_time()
    with pytest.raises(Malformed, match="is one of more than 400 addresses"):
        parsed({"$ref": "x.json"}, DRAFT_2020, {"x.json": deeper})
    assert time.process_time() - begun < 1.0 * slowness()


def test_a_malformed_reference_is_told_by_its_name() -> None:
    with pytest.raises(Malformed, match=r"references/bad\.json: dataschema: not JSON"):
        LANGUAGE.parse(b"{}", DRAFT_7, {"bad.json": b"{"})


def test_a_string_that_only_looks_like_a_reference_is_data() -> None:
    schema = parsed({"enum": [{"$ref": "nowhere.json"}], "default": {"$ref": "nowhere.json"}})
    assert accepts(schema, {"$ref": "nowhere.json"})


def fan_out(reference: str, root_id: str = "") -> dict[str, object]:
    """Each of 26 definitions holds the next one twice: 2 KB, and 2^26 subschemas for one value."""
    definitions: dict[str, object] = {"d26": {"$id": "d26", "type": "string"}}
    for level in range(26):
        following = {"$ref": reference.format(level + 1)}
        own = {"$id": f"d{level}"} if root_id else {}
        definitions[f"d{level}"] = {**own, "allOf": [following, following]}
    return {"$id": root_id or "urn:x", "$ref": reference.format(0), "$defs": definitions}


@pytest.mark.parametrize(
    "schema",
    [
        fan_out("#/$defs/d{}"),
        fan_out("./d{}", "http://x.example/"),
        fan_out("http://x.example/d{}", "http://x.example/"),
    ],
    ids=["by pointer", "by relative id", "by absolute id"],
)
def test_references_that_multiply_are_refused(schema: dict[str, object]) -> None:
    with pytest.raises(Malformed, match="more than 10000 subschemas would check one value"):
        parsed(schema, DRAFT_2020)


def test_references_that_multiply_across_documents_are_refused() -> None:
    given: dict[str, object] = {
        f"d{level}": {"allOf": [{"$ref": f"d{level + 1}"}, {"$ref": f"d{level + 1}"}]}
        for level in range(26)
    }
    with pytest.raises(Malformed, match="more than 10000 subschemas would check one value"):
        parsed({"$ref": "d0"}, references={**given, "d26": {"type": "string"}})


def chain(last: object, length: int) -> dict[str, object]:
    links: dict[str, object] = {
        f"d{at}": {"properties": {"a": {"$ref": f"#/$defs/d{at + 1}"}}} for at in range(length)
    }
    return {"$ref": "#/$defs/d0", "$defs": {**links, f"d{length}": last}}


def doubled(last: object) -> dict[str, object]:
    links: dict[str, object] = {
        f"d{at}": {"properties": {key: {"$ref": f"#/$defs/d{at + 1}"} for key in "ab"}}
        for at in range(30)
    }
    return {"$ref": "#/$defs/d0", "$defs": {**links, "d30": last}}


def test_a_long_chain_of_references_is_compared_to_its_end() -> None:
    old, new = chain({"type": "string"}, 800), chain({"type": "integer"}, 800)
    assert codes(old, new, format_=DRAFT_2020) == ["TYPE_CHANGED"]


def nested(depth: int, key: str) -> dict[str, object]:
    schema: dict[str, object] = {"type": "string"}
    for _ in range(depth):
        schema = {key: schema if key != "allOf" else [schema]}
    return schema


COSTLY = [
    pytest.param(doubled({"type": "string"}), doubled({"type": "integer"}), id="told 2^30 times"),
    pytest.param(nested(126, "not"), nested(126, "not"), id="not, nested"),
    pytest.param(nested(62, "allOf"), nested(62, "allOf"), id="allOf, nested"),
    pytest.param(
        {"oneOf": [{"type": "integer", "minimum": at} for at in range(190)]},
        {"oneOf": [{"type": "string", "minLength": at} for at in range(190)]},
        id="no two branches fit",
    ),
    pytest.param(
        {"oneOf": [{"type": "integer", "minimum": at} for at in range(190)]},
        {"oneOf": [{"type": "integer", "minimum": at} for at in range(1, 191)]},
        id="all but one fit",
    ),
    pytest.param(
        {"type": "object", "patternProperties": {f"^{at}$": {} for at in range(200)}},
        {
            "type": "object",
            "patternProperties": {f"^{at}$": {} for at in range(200)},
            "properties": {f"x{at}": {"type": "string"} for at in range(500)},
        },
        id="names times patterns",
    ),
    pytest.param({"multipleOf": 1e-300}, {"multipleOf": 1e300}, id="numbers far apart"),
    pytest.param(
        {"allOf": [{"anyOf": [{"required": [f"a{at}"]}, {"required": [f"b{at}"]}]}
                   for at in range(20)]},
        {"allOf": [{"anyOf": [{"required": [f"b{at}"]}, {"required": [f"a{at}"]}]}
                   for at in range(20)]},
        id="2^20 ways",
    ),
    pytest.param({"enum": list(range(9_000))}, {"enum": list(range(1, 9_000))}, id="large enums"),
    pytest.param({"$ref": "#"}, {"$ref": "#"}, id="itself"),
]  # fmt: skip


@pytest.mark.parametrize("policy", ["STRICT", "LENIENT", "SEMANTIC"])
@pytest.mark.parametrize(("old", "new"), COSTLY)
def test_hostile_schemas_are_compared_in_bounded_time(
    old: object, new: object, policy: Policy
) -> None:
    reader, writer = parsed(new, DRAFT_2020), parsed(old, DRAFT_2020)
    begun = time.process_time()
    LANGUAGE.backward(reader, writer, policy=policy)
    assert (
        time.process_time() - begun < 1.0 * slowness()
    )  # some 0.1 s; ten times that for a slow machine


def test_what_takes_too_long_is_not_compatible() -> None:
    old = {"oneOf": [{"type": "integer", "minimum": at} for at in range(300)]}
    new = {"oneOf": [{"type": "string", "minLength": at} for at in range(300)]}
    assert codes(old, new) == ["COMPARISON_TOO_COSTLY"]


def test_a_large_but_plain_schema_is_compared() -> None:
    wide = {"type": "object", "properties": {f"p{at}": {"type": "string"} for at in range(12_000)}}
    assert codes(wide, wide) == []


@pytest.mark.parametrize(
    "schema",
    [
        {"patternProperties": {f"(a{{1,900}}){{1,9}}{at}": {} for at in range(500)}},
        {"allOf": [{"pattern": f"{at}.{{1,900}}"} for at in range(500)]},
        {"allOf": [{"pattern": rf"\p{{L}}{{1,9}}\w{{30}}{at}"} for at in range(5_000)]},
        {"properties": {f"p{at}": {"pattern": f"{at}"} for at in range(20_000)}},
    ],
    ids=["nested", "repeated", "classes", "many"],
)
def test_patterns_that_take_long_to_compile_are_refused_unseen(schema: object) -> None:
    begun = time.process_time()
    with pytest.raises(Malformed, match="the patterns are too large together"):
        parsed(schema)
    assert time.process_time() - begun < 3.0 * slowness()


@pytest.mark.parametrize(
    ("pattern", "weight"),
    [
        ("abc", 33),
        ("a{9}", 39),
        ("a{2,9}", 39),
        ("a{5,}", 35),
        ("(ab){10}", 50),
        ("((a{3}b){2}c){10}", 120),
        (r"\w\(", 81),
        ("", 30),
        ("))((", 32),
        ("a{999999999}{999999999}", 40_000),
    ],
)
def test_a_pattern_weighs_its_characters_times_their_repetitions(pattern: str, weight: int) -> None:
    assert pattern_weight(pattern) == weight


def test_too_deep_a_schema_is_refused() -> None:
    with pytest.raises(Malformed, match="nested"):
        parsed(nested(200, "not"))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"type": "integer"}, {"type": "number"}, []),
        ({"enum": ["a"], "type": "string"}, {"type": "string"}, []),
        ({"const": 1}, {"enum": [1, 2]}, []),
        ({"required": ["a"]}, {"required": ["b"]}, ["NOT_CONTAINED"]),
        ({"type": "string"}, {"type": "integer"}, ["NOT_CONTAINED", "TYPE_CHANGED"]),
    ],
)
def test_the_semantic_policy_goes_by_what_schemas_mean(
    old: object, new: object, expected: list[str]
) -> None:
    assert codes(old, new, "SEMANTIC") == expected


def test_the_semantic_policy_does_not_compare_drafts() -> None:
    reader, writer = parsed({"type": "string"}, DRAFT_2020), parsed({"type": "string"}, DRAFT_7)
    (found,) = LANGUAGE.backward(reader, writer, policy="SEMANTIC")
    assert found.code == "DRAFT_CHANGED"


def test_the_semantic_policy_follows_references() -> None:
    reader = parsed({"$ref": "x.json"}, references={"x.json": {"type": "number"}})
    writer = parsed({"$ref": "y.json"}, references={"y.json": {"type": "integer"}})
    assert LANGUAGE.backward(reader, writer, policy="SEMANTIC") == ()
    assert LANGUAGE.backward(writer, reader, policy="SEMANTIC") != ()


def test_a_schema_of_another_language_is_no_argument() -> None:
    class Other:
        format = "Avro/1.12"
        references = ()

        def canonical(self) -> str:
            return ""

        def check(self, data: bytes | None, content_type: str | None) -> tuple[()]:
            return ()

    with pytest.raises(TypeError, match="Other is no JSON Schema"):
        LANGUAGE.backward(Other(), parsed({}))
