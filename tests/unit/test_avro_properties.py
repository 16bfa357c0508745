"""Avro, for any schema and any value: with fastavro as the witness of what data is."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import fastavro
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chappe.domain.errors import Malformed
from chappe.formats.avro import binary
from chappe.formats.avro.broken import Broken
from chappe.formats.avro.canonical import normalized
from chappe.formats.avro.language import Avro, AvroSchema
from chappe.formats.avro.parse import Parsed
from chappe.formats.avro.parsing_form import parsing_canonical_form
from chappe.formats.avro.quick import compile_quick

AVRO = Avro()
BINARY = "avro/binary"
PRIMITIVES: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(1 << 31), (1 << 31) - 1),
    "long": st.integers(-(1 << 63), (1 << 63) - 1),
    "float": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "bytes": st.binary(max_size=5),
    "string": st.text(max_size=5),
}
SYMBOLS = ["A", "B", "C", "D"]

Json = Any


@st.composite
def schemas(draw: st.DrawFn) -> Json:
    """A schema; its records may refer to themselves, its names are unique."""
    count = 0

    def name(prefix: str) -> str:
        nonlocal count
        count += 1
        return f"{prefix}{count}"

    def a_type(depth: int, around: tuple[str, ...], *, in_union: bool = False) -> Json:
        kinds = ["primitive"] * 3
        if depth < 3:
            kinds += ["array", "map", "enum", "fixed", "record"] + ([] if in_union else ["union"])
        match draw(st.sampled_from(kinds)):
            case "array":
                return {"type": "array", "items": a_type(depth + 1, around)}
            case "map":
                return {"type": "map", "values": a_type(depth + 1, around)}
            case "enum":
                symbols = draw(st.lists(st.sampled_from(SYMBOLS), min_size=1, unique=True))
                return {"type": "enum", "name": name("E"), "symbols": symbols}
            case "fixed":
                return {"type": "fixed", "name": name("F"), "size": draw(st.integers(0, 3))}
            case "union":
                branches: list[Json] = []
                for _ in range(draw(st.integers(1, 3))):
                    branch = a_type(depth + 1, around, in_union=True)
                    if kind(branch) not in map(kind, branches):
                        branches.append(branch)
                if draw(st.booleans()) and around:
                    names: st.SearchStrategy[str] = st.sampled_from(around)
                    branches = ["null", draw(names)]
                return branches
            case "record":
                own = name("R")
                return {
                    "type": "record",
                    "name": own,
                    "fields": [
                        {"name": field, "type": a_type(depth + 1, (*around, own))}
                        for field in draw(
                            st.lists(st.sampled_from("abcd"), max_size=3, unique=True)
                        )
                    ],
                }
            case _:
                return draw(st.sampled_from(sorted(PRIMITIVES)))

    def kind(branch: Json) -> str:
        return branch if isinstance(branch, str) else branch.get("name", branch["type"])

    return a_type(0, ())


@st.composite
def changed(draw: st.DrawFn, schema: Json) -> Json:
    """The schema after some changes, as people make them; it may be no schema any more."""
    schema = json.loads(json.dumps(schema))
    nodes: list[Any] = []
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict | list):
            nodes.append(node)
            waiting.extend(node.values() if isinstance(node, dict) else node)
    for node in draw(st.lists(st.sampled_from(nodes), max_size=2)) if nodes else []:
        match node:
            case {"fields": list() as fields}:
                if draw(st.booleans()):
                    fields.append({"name": "z", "type": "int", "default": 1})
                else:
                    del fields[: draw(st.integers(0, 2))]
            case {"symbols": list() as symbols}:
                node["symbols"] = draw(st.permutations(symbols))
                node["default"] = symbols[0]
            case {"items": items} if items != "bytes":  # of which not all are strings
                node["items"] = draw(st.sampled_from(sorted(PRIMITIVES)))
            case {"type": str() as name} if name in PRIMITIVES and name != "bytes":
                node["type"] = draw(st.sampled_from(["long", "float", "double", "string", "bytes"]))
            case list() if node and all(isinstance(each, str) for each in node):
                node.append("long") if "long" not in node else node.reverse()
    return schema


def value_of(draw: st.DrawFn, schema: Json, named: dict[str, Json], depth: int = 0) -> Any:
    """A value, as fastavro takes it; of unions a branch is named where it has a name."""
    match schema:
        case str() if schema in PRIMITIVES:
            return draw(PRIMITIVES[schema])
        case str():
            return value_of(draw, named[schema], named, depth)
        case list():
            branches = [schema[0]] if depth > 6 else schema
            branch = draw(st.sampled_from(branches))
            value = value_of(draw, branch, named, depth + 1)
            full = branch if isinstance(branch, str) else branch.get("name", branch["type"])
            return (full, value)
        case {"type": "array", "items": items}:
            size = 0 if depth > 6 else draw(st.integers(0, 3))
            return [value_of(draw, items, named, depth + 1) for _ in range(size)]
        case {"type": "map", "values": values}:
            keys = draw(st.lists(st.text(max_size=3), max_size=0 if depth > 6 else 2, unique=True))
            return {key: value_of(draw, values, named, depth + 1) for key in keys}
        case {"type": "enum", "symbols": symbols}:
            return draw(st.sampled_from(symbols))
        case {"type": "fixed", "size": size}:
            return draw(st.binary(min_size=size, max_size=size))
        case {"type": "record", "name": name, "fields": fields}:
            named[name] = schema
            return {
                field["name"]: value_of(draw, field["type"], named, depth + 1) for field in fields
            }
        case _:
            raise AssertionError(schema)


def in_json(schema: Json, value: Any, named: dict[str, Json]) -> Json:
    """The value in Avro's JSON encoding."""
    match schema:
        case str() if schema in named:
            return in_json(named[schema], value, named)
        case list():
            name, inner = value
            branches = {
                each if isinstance(each, str) else each.get("name", each["type"]): each
                for each in schema
            }
            return None if name == "null" else {name: in_json(branches[name], inner, named)}
        case {"type": "array", "items": items}:
            return [in_json(items, item, named) for item in value]
        case {"type": "map", "values": values}:
            return {key: in_json(values, item, named) for key, item in value.items()}
        case {"type": "record", "name": name, "fields": fields}:
            named[name] = schema
            return {
                field["name"]: in_json(field["type"], value[field["name"]], named)
                for field in fields
            }
        case _:
            return value.decode("latin-1") if isinstance(value, bytes) else value


def parsed(schema: Json) -> AvroSchema:
    return AVRO.parse(json.dumps(schema).encode(), "Avro/1.12")


def encoded(schema: Json, value: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(json.dumps(schema))), value)
    return out.getvalue()


@given(schema=schemas())
def test_a_schema_reads_what_it_wrote(schema: Json) -> None:
    assert AVRO.backward(parsed(schema), parsed(schema)) == []


@given(schema=schemas())
def test_each_canonical_text_is_its_own(schema: Json) -> None:
    forms: list[Callable[[AvroSchema], str]] = [
        AvroSchema.canonical,
        lambda each: normalized(each.parsed),
        lambda each: parsing_canonical_form(each.parsed),
    ]
    for form in forms:
        text = form(parsed(schema))
        assert form(AVRO.parse(text.encode(), "Avro")) == text


@given(schema=schemas())
def test_the_parsing_canonical_form_is_fastavros(schema: Json) -> None:
    witness = fastavro.schema.to_parsing_canonical_form(json.loads(json.dumps(schema)))
    assert parsing_canonical_form(parsed(schema).parsed) == witness


@given(data=st.data(), schema=schemas())
def test_what_fastavro_encodes_is_valid(data: st.DataObject, schema: Json) -> None:
    value = data.draw(st.composite(lambda draw: value_of(draw, schema, {}))())
    assert parsed(schema).check(encoded(schema, value), BINARY) == ()


@given(data=st.data(), schema=schemas())
def test_what_is_encoded_as_json_is_valid(data: st.DataObject, schema: Json) -> None:
    value = data.draw(st.composite(lambda draw: value_of(draw, schema, {}))())
    text = json.dumps(in_json(schema, value, {}))
    assert not parsed(schema).check(text.encode(), "avro/json")


@given(data=st.data(), schema=schemas())
def test_a_part_of_a_payload_is_none(data: st.DataObject, schema: Json) -> None:
    value = data.draw(st.composite(lambda draw: value_of(draw, schema, {}))())
    whole = encoded(schema, value)
    assume(whole)
    end = data.draw(st.integers(0, len(whole) - 1))
    assert len(parsed(schema).check(whole[:end], BINARY)) == 1
    assert len(parsed(schema).check(whole + b"\0", BINARY)) == 1


@given(schema=schemas(), payload=st.binary(max_size=40))
def test_any_bytes_get_an_answer_and_what_is_valid_fastavro_decodes(
    schema: Json, payload: bytes
) -> None:
    checked = parsed(schema)
    checked.check(payload, "application/json")
    if not checked.check(payload, BINARY):
        fastavro.schemaless_reader(io.BytesIO(payload), fastavro.parse_schema(schema), None)


def by_walking(schema: Parsed, payload: bytes) -> Broken | None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(binary, "compile_quick", lambda schema: None)
        return binary.compile_binary(schema)(payload)


@given(data=st.data(), schema=schemas())
def test_the_quick_way_says_yes_only_to_what_the_walks_let_through(
    data: st.DataObject, schema: Json
) -> None:
    tree = parsed(schema).parsed
    fits = compile_quick(tree)
    value = data.draw(st.composite(lambda draw: value_of(draw, schema, {}))())
    payload = encoded(schema, value)
    changed = bytearray(payload)
    for at in data.draw(st.lists(st.integers(0, max(len(payload) - 1, 0)), max_size=2)):
        changed[at : at + 1] = data.draw(st.binary(max_size=2))
    for one in (payload, bytes(changed)):
        if fits is not None and fits(one):
            assert by_walking(tree, one) is None


@given(document=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_document_is_a_schema_or_malformed(document: bytes) -> None:
    try:
        text = AVRO.parse(document, "Avro").canonical()
    except Malformed as exc:
        text = exc.message
    assert text


@given(data=st.data(), writer=schemas())
def test_what_is_called_readable_is_read(data: st.DataObject, writer: Json) -> None:
    reader = data.draw(changed(writer))
    try:
        compatible = not AVRO.backward(parsed(reader), parsed(writer))
    except Malformed:  # the change left no schema
        compatible = False
    assume(compatible)
    value = data.draw(st.composite(lambda draw: value_of(draw, writer, {}))())
    payload = encoded(writer, value)
    fastavro.schemaless_reader(
        io.BytesIO(payload), fastavro.parse_schema(writer), fastavro.parse_schema(reader)
    )
