"""JSON Schema: verdicts, hostile schemas, hostile payloads."""

from __future__ import annotations

import json
import resource
import socket
import time
from collections.abc import Sequence

import pytest

from chappe.domain.errors import Malformed
from chappe.formats.json_schema import MAX_SCHEMA_BYTES, MAX_VIOLATIONS, JsonSchema
from chappe.formats.schema_language import Check, Violation
from tests.speed import slowness

ORDER = {
    "type": "object",
    "required": ["total"],
    "properties": {"total": {"type": "number", "minimum": 0}, "a/b": {"items": {"type": "string"}}},
}


def compiled(schema: object, format_: str = "JSONSchema/draft-07") -> Check:
    return JsonSchema().compile(json.dumps(schema).encode(), format_)


def check(
    schema: object, data: str | bytes, content_type: str | None = None
) -> Sequence[Violation]:
    data = data.encode() if isinstance(data, str) else data
    return compiled(schema)(data, content_type)


def test_a_valid_payload_has_no_violations() -> None:
    assert check(ORDER, '{"total": 12.5}') == ()


def test_every_violation_says_where_which_rule_what_and_why() -> None:
    found = check(ORDER, '{"total": "x", "a/b": ["s", 1]}')
    assert sorted(found, key=lambda each: each.pointer) == [
        Violation("/a~1b/1", "type", "1", 'the value is not of type "string"'),
        Violation("/total", "type", '"x"', 'the value is not of type "number"'),
    ]


@pytest.mark.parametrize("own", [{}, {"properties": {}}, {"patternProperties": {"^x": {}}}])
def test_what_allows_no_other_properties_is_told_in_one_way(own: dict[str, object]) -> None:
    schema = {"properties": {"a": {"additionalProperties": False, **own}}}
    for value, names in (({"b": 1}, "'b' was"), ({"b": 1, "c": 2}, "'b', 'c' were")):
        (found,) = check(schema, json.dumps({"a": value}))
        assert (found.pointer, found.rule) == ("/a", "additionalProperties")
        assert found.message == f"Additional properties are not allowed ({names} unexpected)"


def test_long_values_are_shortened() -> None:
    (found,) = check({"maxLength": 3}, json.dumps("x" * 100_000))
    assert len(found.value) < 100
    assert len(found.message) < 100


@pytest.mark.parametrize(
    "content_type",
    [None, "application/json", "application/json; charset=utf-8", "application/vnd.x+json",
     "Application/JSON", "text/json"],
)  # fmt: skip
def test_json_types_are_checked(content_type: str | None) -> None:
    assert [each.rule for each in check(ORDER, "{}", content_type)] == ["required"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/jsonx", ""])
def test_data_of_another_type_is_a_violation(content_type: str) -> None:
    assert [each.rule for each in check(ORDER, "{}", content_type)] == ["datacontenttype"]


def test_no_data_is_a_violation() -> None:
    assert [each.rule for each in compiled({})(None, None)] == ["data"]


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"NaN", b"Infinity", b"1 2", b"'x'", b'"\xff"', b'"\\ud800"', b"[" * 100_000],
)
def test_what_is_no_json_is_a_violation_of_the_whole(data: bytes) -> None:
    (found,) = compiled({})(data, None)
    assert (found.pointer, found.rule) == ("", "json")


def test_deep_payloads_never_crash() -> None:
    recursive = compiled({"items": {"$ref": "#"}, "additionalProperties": {"$ref": "#"}})
    for depth in (100, 250, 260, 500, 900, 1_000, 50_000):
        found = recursive(b"[" * depth + b"]" * depth, None)
        assert found == () or found[0].rule == "json"
    assert recursive(b"[" * 200 + b"]" * 200, None) == ()


@pytest.mark.parametrize(
    ("schema", "data", "valid"),
    [
        ({"type": "integer"}, "123456789012345678901234567890", True),
        ({"maximum": 123456789012345678901234567890}, "123456789012345678901234567890", True),
        ({"maximum": 123456789012345678901234567890}, "123456789012345678901234567891", False),
        ({"const": 9007199254740993}, "9007199254740992", False),
        ({"type": "integer"}, "1.0", True),
        ({"type": "integer"}, "1.5", False),
        ({"type": "number"}, "1e400", True),
        ({"maximum": 10}, "1e400", False),
        ({"minimum": 10}, "-1e400", False),
        ({"multipleOf": 0.01}, "19.99", True),
        ({"enum": [1]}, "1.0", True),
        ({"enum": [1]}, "true", False),
    ],
)
def test_numbers_keep_their_meaning(schema: object, data: str, valid: bool) -> None:
    assert (check(schema, data) == ()) == valid


def test_a_format_is_an_annotation() -> None:
    assert check({"format": "email"}, '"no mail address"') == ()


def test_violations_are_bounded() -> None:
    assert len(check({"items": {"type": "string"}}, json.dumps([1] * 1_500))) == MAX_VIOLATIONS


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        ({"anyOf": [{"const": at} for at in range(9_000)]}, "x" * 500_000),
        ({"allOf": [{"type": "integer"}] * 2_000}, "x" * 500_000),
        ({"items": {"enum": list(range(100_000))}}, ["x"] * 100),
        ({"items": {"required": [f"a{at}" for at in range(1_000)]}, "maxItems": 9}, [{}] * 1_900),
        (
            {"type": "string", "properties": {"a": {"$ref": "#"}}},
            json.loads('{"a":' * 100 + json.dumps("x" * 900_000) + "}" * 100),
        ),
    ],
    ids=["branches", "parts", "constants", "members", "levels"],
)
def test_what_errors_would_copy_is_bounded(schema: object, data: object) -> None:
    holds = compiled(schema)
    sent = json.dumps(data).encode()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    found = holds(sent, "application/json")
    assert time.process_time() - began < 0.25 * slowness()
    assert found
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def test_a_large_payload_is_told_why_where_that_costs_little() -> None:
    (found,) = check({"properties": {"a": {"type": "integer"}}}, json.dumps({"a": "x" * 1_000_000}))
    assert (found.pointer, found.rule) == ("/a", "type")


def test_a_payload_of_many_values_is_told_its_first_violation_quickly() -> None:
    schema, data = compiled({"items": {"type": "string"}}), json.dumps([1] * 300_000).encode()
    began = time.monotonic()
    found = schema(data, None)
    assert [each.pointer for each in found] == ["/0"]
    assert time.monotonic() - began < 1.0


# Schemas


@pytest.mark.parametrize(
    ("format_", "schema", "valid", "invalid"),
    [
        ("JSONSchema/draft-04", {"maximum": 3, "exclusiveMaximum": True}, "2", "3"),
        ("JSONSchema/draft-06", {"exclusiveMaximum": 3}, "2", "3"),
        ("JSONSchema/draft-07", {"if": {"const": 1}, "then": False}, "2", "1"),
        ("JSONSchema/draft2019-09", {"dependentRequired": {"a": ["b"]}}, "{}", '{"a":1}'),
        ("JSONSchema/draft2020-12", {"prefixItems": [{"type": "null"}]}, "[null]", "[1]"),
        ("JSONSchema", {"prefixItems": [{"type": "null"}]}, "[null]", "[1]"),
        (
            "JSONSchema",
            {"$schema": "http://json-schema.org/draft-04/schema#", "maximum": 3,
             "exclusiveMaximum": True},
            "2",
            "3",
        ),
    ],
)  # fmt: skip
def test_each_draft_has_its_own_meaning(
    format_: str, schema: object, valid: str, invalid: str
) -> None:
    check_ = compiled(schema, format_)
    assert check_(valid.encode(), None) == ()
    assert check_(invalid.encode(), None) != ()


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (1, "dataschema: a number was sent, an object or a boolean is needed"),
        ({"type": "nonsense"}, "dataschema: /type: "),
        ({"$ref": "#/nowhere"}, "dataschema: "),
        ({"$schema": "http://json-schema.org/draft-04/schema#"}, "dataschema/$schema: 'http://js"),
        (
            {"$schema": "https://my.example/meta"},
            "dataschema/$schema: 'https://my.example/meta' is",
        ),
        (
            {"pattern": "(?=a)b"},
            "dataschema: /pattern: the pattern '(?=a)b' is refused: look-around",
        ),
        ({"pattern": "(a)\\1"}, "dataschema: /pattern: the pattern"),
        ({"pattern": "(((a{100}){100}){100})"}, "dataschema: /pattern: the pattern"),
        ({"pattern": "("}, "dataschema: /pattern: the pattern '(' is refused"),
    ],
)
def test_what_is_no_schema_is_refused(schema: object, message: str) -> None:
    with pytest.raises(Malformed) as refused:
        compiled(schema)
    assert refused.value.message.startswith(message)


def test_an_unknown_dialect_is_refused() -> None:
    with pytest.raises(Malformed, match=r"dataschemaformat: 'Avro' is unknown; known: JSONSchema"):
        compiled({}, "Avro")


def test_a_reference_to_elsewhere_is_refused_without_opening_a_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        for reference in (f"http://127.0.0.1:{port}/s.json", "file:///etc/passwd", "other.json"):
            for schema in (
                {"$ref": reference},
                {"properties": {"a": {"anyOf": [{"$ref": reference}]}}},
                {"$id": f"http://127.0.0.1:{port}/", "$ref": reference},
            ):
                with pytest.raises(Malformed, match="must hold all that it refers to"):
                    compiled(schema)
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_pattern_runs_in_linear_time() -> None:
    check_ = compiled({"pattern": "^(a+)+$"})
    began = time.monotonic()
    assert check_(json.dumps("a" * 200_000 + "!").encode(), None) != ()
    assert time.monotonic() - began < 1.0


def doubling(levels: int, keyword: str = "$ref", anchored: bool = False) -> object:
    """Each definition checks a value twice with the next: 2 ** levels checks."""

    def to(number: int) -> object:
        return {keyword: f"#a{number}" if anchored else f"#/definitions/a{number}"}

    definitions: dict[str, object] = {
        f"a{number}": {"anyOf": [to(number + 1), to(number + 1)], "$anchor": f"a{number}"}
        for number in range(levels)
    }
    definitions[f"a{levels}"] = {"type": "string", "$anchor": f"a{levels}"}
    return {"definitions": definitions, keyword: "#a0" if anchored else "#/definitions/a0"}


@pytest.mark.parametrize("anchored", [False, True])
def test_a_schema_that_multiplies_itself_is_refused(anchored: bool) -> None:
    with pytest.raises(Malformed, match="more than 10000 subschemas would check one value"):
        compiled(doubling(40, anchored=anchored), "JSONSchema/draft2020-12")
    compiled(doubling(8, anchored=anchored), "JSONSchema/draft2020-12")


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"anyOf": [{"$ref": "#/definitions/a"}], "definitions": {"a": {"not": {"$ref": "#"}}}},
        {"properties": {"a": {"$ref": "#"}}},
        {"unevaluatedProperties": False, "allOf": [{"$ref": "#"}]},
    ],
)
def test_a_schema_that_refers_to_itself_never_hangs(schema: object) -> None:
    began = time.monotonic()
    compiled(schema, "JSONSchema/draft2020-12")(b'{"a": {"a": {}}}', None)
    assert time.monotonic() - began < 1.0


def test_nested_and_chained_schemas_are_bounded() -> None:
    nested: object = {}
    for _ in range(200):
        nested = {"not": nested}
    with pytest.raises(Malformed, match="nested more than 128 deep"):
        compiled(nested)
    chain = {f"a{number}": {"$ref": f"#/definitions/a{number + 1}"} for number in range(15_000)}
    with pytest.raises(Malformed, match="chained more than 200 deep"):
        compiled({"$ref": "#/definitions/a0", "definitions": {**chain, "a15000": {}}})
    with pytest.raises(Malformed, match="nested too deeply"):
        JsonSchema().compile(b'{"a":' * 100_000, "JSONSchema")


def test_a_large_schema_is_refused() -> None:
    with pytest.raises(Malformed, match="at most 1048576 are possible"):
        JsonSchema().compile(b'{"x":"' + b"x" * MAX_SCHEMA_BYTES + b'"}', "JSONSchema")
