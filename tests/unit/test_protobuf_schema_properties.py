"""Generated schemas: what is said to be readable is, and every text stands for its schema."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chappe.formats.protobuf_schema.language import ProtobufLanguage
from chappe.formats.protobuf_schema.payload import PayloadCheck
from chappe.formats.protobuf_schema.schema import ProtobufSchema
from chappe.formats.protobuf_schema.tree import EnumType, MapType, MessageType, Scalar
from tests.unit.protobuf_schema_fixture import PROTO3, language

__all__ = ["language"]

SCALARS = (
    "int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32 sfixed64 bool float double"
    " string bytes"
).split()
MESSAGES = ("A", "B", "C")


@dataclass(frozen=True)
class Field:
    number: int
    type: str
    label: str
    oneof: int


@st.composite
def messages(draw: st.DrawFn) -> dict[str, list[Field]]:
    made: dict[str, list[Field]] = {}
    for name in MESSAGES:
        numbers = draw(st.lists(st.integers(1, 8), unique=True, max_size=6))
        fields: list[Field] = []
        for number in numbers:
            kind = draw(st.sampled_from((*SCALARS, "E", *MESSAGES, "map")))
            if kind == "map":
                value = draw(st.sampled_from((*SCALARS, "E", *MESSAGES)))
                key = draw(st.sampled_from(("int32", "string", "bool", "fixed64")))
                fields.append(Field(number, f"map<{key}, {value}>", "", 0))
            else:
                label = draw(st.sampled_from(("", "optional ", "repeated ")))
                oneof = draw(st.integers(0, 2)) if not label else 0
                fields.append(Field(number, kind, label, oneof))
        made[name] = fields
    return made


def changed(draw: st.DrawFn, field: Field) -> Field:
    match draw(st.integers(0, 3)):
        case 0:
            return Field(field.number, draw(st.sampled_from(SCALARS)), "", 0)
        case 1:
            return Field(field.number, field.type, field.label, 0)
        case _:
            return field


@st.composite
def pairs(draw: st.DrawFn) -> tuple[str, str]:
    """Two schemas, the second made from the first by a few changes."""
    old = draw(messages())
    new = {
        name: [changed(draw, field) for field in fields if draw(st.integers(0, 9))]
        for name, fields in old.items()
    }
    return written(old), written(new)


def written(schema: dict[str, list[Field]]) -> str:
    text = f"{PROTO3}package p;\nenum E {{ ZERO = 0; ONE = 1; MINUS = -1; }}\n"
    for name, fields in schema.items():
        text += f"message {name} {{\n"
        for field in fields:
            if not field.oneof:
                text += f"  {field.label}{field.type} f{field.number} = {field.number};\n"
        for oneof in (1, 2):
            members = [each for each in fields if each.oneof == oneof]
            if members:
                inner = " ".join(f"{each.type} f{each.number} = {each.number};" for each in members)
                text += f"  oneof o{oneof} {{ {inner} }}\n"
        text += "}\n"
    return text


def encoded(draw: st.DrawFn, schema: ProtobufSchema, name: str, depth: int = 0) -> bytes:
    """A payload of a message, field by field; text is UTF-8, which `bytes` in general is not."""
    message = schema.tree.types[name]
    out = b""
    for field in message.fields.values():
        if draw(st.booleans()):
            continue
        out += one(draw, schema, field.number, field.type, depth)
    return out


def one(draw: st.DrawFn, schema: ProtobufSchema, number: int, type: object, depth: int) -> bytes:

    match type:
        case EnumType():
            return bytes([number << 3, draw(st.integers(0, 1))])
        case MessageType(name):
            inner = b"" if depth > 2 else encoded(draw, schema, name, depth + 1)
            return framed(number, inner)
        case MapType(key, value):
            inner = one(draw, schema, 1, key, depth) + one(draw, schema, 2, value, depth)
            return framed(number, inner)
        case Scalar("string" | "bytes"):
            return framed(number, draw(st.text(max_size=4)).encode())
        case Scalar("fixed32" | "sfixed32" | "float"):
            return bytes([number << 3 | 5]) + draw(st.binary(min_size=4, max_size=4))
        case Scalar("fixed64" | "sfixed64" | "double"):
            return bytes([number << 3 | 1]) + draw(st.binary(min_size=8, max_size=8))
        case _:
            return bytes([number << 3]) + varint(draw(st.integers(0, 1 << 33)))


def framed(number: int, inner: bytes) -> bytes:
    return bytes([number << 3 | 2]) + varint(len(inner)) + inner


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


@given(schema=messages())
@settings(max_examples=60)
def test_every_schema_reads_its_own_data(
    language: ProtobufLanguage, schema: dict[str, list[Field]]
) -> None:
    parsed = language.parse(written(schema).encode(), "Protobuf")
    assert language.backward(parsed, parsed) == []


@given(schema=messages())
@settings(max_examples=60)
def test_canonical_and_normalized_text_stand_for_the_schema(
    language: ProtobufLanguage, schema: dict[str, list[Field]]
) -> None:
    parsed = language.parse(written(schema).encode(), "Protobuf")
    again = language.parse(parsed.canonical().encode(), "Protobuf")
    assert again.descriptor() == parsed.descriptor()
    normal = language.parse(parsed.normalized().encode(), "Protobuf")
    assert normal.normalized() == parsed.normalized()
    assert language.backward(normal, parsed) == language.backward(parsed, normal) == []


@given(schemas=pairs(), data=st.data())
@settings(max_examples=80)
def test_what_a_compatible_writer_wrote_can_be_read(
    language: ProtobufLanguage, schemas: tuple[str, str], data: st.DataObject
) -> None:
    old, new = (language.parse(each.encode(), "Protobuf") for each in schemas)
    assume(not language.backward(new, old))
    payload = data.draw(st.composite(lambda draw: encoded(draw, old, ".p.A"))())
    assert old.check(payload, "application/protobuf") == ()
    message = new._find("p.A")
    assert message is not None
    # Fields that the reader does not know are what an older reader skips.
    assert PayloadCheck(message, new._classes, "accept")(payload, "application/protobuf") == ()


@given(
    schema=messages(),
    payload=st.binary(max_size=60),
    content_type=st.sampled_from(
        ("application/protobuf", "application/json", None, "text/plain", "")
    ),
)
@settings(max_examples=100)
def test_no_payload_raises(
    language: ProtobufLanguage,
    schema: dict[str, list[Field]],
    payload: bytes,
    content_type: str | None,
) -> None:
    parsed = language.parse(written(schema).encode(), "Protobuf")
    assert isinstance(parsed.check(payload, content_type), tuple | list)
