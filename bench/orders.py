"""One order in four languages: schemas as users write them, and payloads of about 1 KB.

`LINES` of a JSON order make 1 KB; in Avro and Protobuf the same order is half as long, so there is one
with more lines as well.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import fastavro
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from chappe.adapters.protoc.compiler import ProtocCompiler
from chappe.formats.protobuf_schema.language import ProtobufLanguage

LINES: Final = 4
MORE_LINES: Final = 10

_CURRENCIES: Final = ["EUR", "USD", "GBP"]
_STATES: Final = ["NEW", "PAID", "SENT"]


def order(lines: int) -> dict[str, Any]:
    """An order with nested objects, a list, enums, a nullable value."""
    address = {"street": "1 rue de la Vanne", "city": "Cachan", "zip": "94230", "country": "FR"}
    return {
        "id": "6e8bc430-9c3a-11d9-9669-0800200c9a66",
        "placed": "2024-05-17T12:31:05.123Z",
        "state": "PAID",
        "currency": "EUR",
        "total_cents": 129_900,
        "express": True,
        "note": None,
        "customer": {"id": "c-20417", "email": "claude@example.com", "address": address},
        "lines": [
            {
                "sku": f"SKU-{1000 + number}",
                "name": "An optical telegraph, to be mounted on a tower",
                "quantity": 1 + number,
                "cents": 32_475,
                "tags": ["outdoor", "heavy"],
            }
            for number in range(lines)
        ],
    }


_TEXT: Final = {"type": "string"}
_JSON_SCHEMA: Final = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "required": ["id", "placed", "state", "currency", "total_cents", "customer", "lines"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9a-f-]{36}$"},
        "placed": {"type": "string", "format": "date-time", "maxLength": 40},
        "state": {"enum": _STATES},
        "currency": {"enum": _CURRENCIES},
        "total_cents": {"type": "integer", "minimum": 0},
        "express": {"type": "boolean"},
        "note": {"type": ["string", "null"]},
        "customer": {
            "type": "object",
            "required": ["id", "address"],
            "properties": {
                "id": {"type": "string", "pattern": "^c-[0-9]+$"},
                "email": {"type": "string", "format": "email"},
                "address": {
                    "type": "object",
                    "required": ["street", "city", "country"],
                    "properties": {
                        "street": _TEXT,
                        "city": _TEXT,
                        "zip": _TEXT,
                        "country": {"type": "string", "minLength": 2, "maxLength": 2},
                    },
                },
            },
        },
        "lines": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["sku", "quantity", "cents"],
                "properties": {
                    "sku": {"type": "string", "pattern": "^SKU-"},
                    "name": _TEXT,
                    "quantity": {"type": "integer", "minimum": 1},
                    "cents": {"type": "integer"},
                    "tags": {"type": "array", "items": _TEXT, "maxItems": 20},
                },
            },
        },
    },
}


def _record(name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    members = [{"name": key, "type": value} for key, value in fields.items()]
    return {"type": "record", "name": name, "fields": members}


_AVRO_SCHEMA: Final = _record(
    "Order",
    {
        "id": "string",
        "placed": "string",
        "state": {"type": "enum", "name": "State", "symbols": _STATES},
        "currency": {"type": "enum", "name": "Currency", "symbols": _CURRENCIES},
        "total_cents": "long",
        "express": "boolean",
        "note": ["null", "string"],
        "customer": _record(
            "Customer",
            {
                "id": "string",
                "email": "string",
                "address": _record(
                    "Address", dict.fromkeys(("street", "city", "zip", "country"), "string")
                ),
            },
        ),
        "lines": {
            "type": "array",
            "items": _record(
                "Line",
                {
                    "sku": "string",
                    "name": "string",
                    "quantity": "int",
                    "cents": "long",
                    "tags": {"type": "array", "items": "string"},
                },
            ),
        },
    },
)
_PROTO_SCHEMA: Final = """
syntax = "proto3";
package bench;
enum State { NEW = 0; PAID = 1; SENT = 2; }
enum Currency { EUR = 0; USD = 1; GBP = 2; }
message Order {
  string id = 1;
  string placed = 2;
  State state = 3;
  Currency currency = 4;
  int64 total_cents = 5;
  bool express = 6;
  optional string note = 7;
  Customer customer = 8;
  repeated Line lines = 9;
}
message Customer { string id = 1; string email = 2; Address address = 3; }
message Address { string street = 1; string city = 2; string zip = 3; string country = 4; }
message Line { string sku = 1; string name = 2; int32 quantity = 3; int64 cents = 4; repeated string tags = 5; }
"""
_XSD_SCHEMA: Final = """<?xml version="1.0"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:simpleType name="state">
    <xs:restriction base="xs:string"><xs:enumeration value="NEW"/><xs:enumeration value="PAID"/></xs:restriction>
  </xs:simpleType>
  <xs:complexType name="address">
    <xs:sequence>
      <xs:element name="street" type="xs:string"/><xs:element name="city" type="xs:string"/>
      <xs:element name="zip" type="xs:string"/><xs:element name="country" type="xs:string"/>
    </xs:sequence>
  </xs:complexType>
  <xs:complexType name="customer">
    <xs:sequence>
      <xs:element name="id" type="xs:string"/><xs:element name="email" type="xs:string"/>
      <xs:element name="address" type="address"/>
    </xs:sequence>
  </xs:complexType>
  <xs:complexType name="line">
    <xs:sequence>
      <xs:element name="sku" type="xs:string"/><xs:element name="name" type="xs:string"/>
      <xs:element name="quantity" type="xs:positiveInteger"/><xs:element name="cents" type="xs:long"/>
      <xs:element name="tags" type="xs:string" minOccurs="0" maxOccurs="20"/>
    </xs:sequence>
  </xs:complexType>
  <xs:element name="order">
    <xs:complexType>
      <xs:sequence>
        <xs:element name="id" type="xs:string"/><xs:element name="placed" type="xs:dateTime"/>
        <xs:element name="state" type="state"/><xs:element name="currency" type="xs:string"/>
        <xs:element name="total_cents" type="xs:long"/><xs:element name="express" type="xs:boolean"/>
        <xs:element name="note" type="xs:string" minOccurs="0"/>
        <xs:element name="customer" type="customer"/>
        <xs:element name="lines" type="line" maxOccurs="unbounded"/>
      </xs:sequence>
    </xs:complexType>
  </xs:element>
</xs:schema>
"""


@dataclass(frozen=True)
class Sample:
    """A payload and its schema; `aim_us` is what a check may take of CPU."""

    name: str
    format: str
    schema: str
    content_type: str
    data: bytes
    aim_us: float | None = None

    @property
    def language(self) -> str:
        return self.format.partition("/")[0]


def samples() -> list[Sample]:
    """An order of 1 KB as JSON in each language, and in the binary ones an order of 1 KB in them."""
    small, large = order(LINES), order(MORE_LINES)
    schema = json.dumps(_JSON_SCHEMA)
    avro = ("Avro/1.12", json.dumps(_AVRO_SCHEMA), "application/avro")
    protobuf = ("Protobuf/3", _PROTO_SCHEMA, "application/protobuf")
    xsd = ("XSD/1.0", _XSD_SCHEMA, "application/xml")
    text = json.dumps(small, separators=(",", ":")).encode()
    found = [
        Sample("json", "JsonSchema/draft-07", schema, "application/json", text, 6.0),
        Sample("avro", *avro, _avro(small), 20.0),
        Sample("avro-1k", *avro, _avro(large), 20.0),
    ]
    compiler = ProtocCompiler()
    try:
        for name, one in (("protobuf", small), ("protobuf-1k", large)):
            found.append(Sample(name, *protobuf, _protobuf(compiler, one), 2.0))
    finally:
        compiler.close()
    return [*found, Sample("xsd", *xsd, _xml("order", small).encode())]


def _avro(value: Mapping[str, Any]) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(_AVRO_SCHEMA), dict(value))
    return out.getvalue()


def _protobuf(compiler: ProtocCompiler, value: Mapping[str, Any]) -> bytes:
    schema = ProtobufLanguage(compiler).parse(_PROTO_SCHEMA.encode(), "Protobuf/3")
    pool = DescriptorPool()
    pool.AddSerializedFile(schema.descriptor())
    message = GetMessageClass(pool.FindMessageTypeByName("bench.Order"))()
    json_format.ParseDict(dict(value), message)
    return bytes(message.SerializeToString())


def _xml(name: str, value: Any) -> str:
    match value:
        case None:
            return ""
        case dict():
            inner = "".join(_xml(key, one) for key, one in value.items())
        case list():
            return "".join(_xml(name, one) for one in value)
        case bool():
            inner = str(value).lower()
        case _:
            inner = str(value)
    return f"<{name}>{inner}</{name}>"
