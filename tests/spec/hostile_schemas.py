"""Hostile schemas, comparisons and payloads, and what becomes of each.

TRAP stands for an address at which nothing may call. `why` is part of what a refusal says; None: it is
taken. `large` marks what has a megabyte: it may take as long as its size, not longer.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

TRAP: Final = b"http://trap.invalid"
MEGABYTE: Final = 1 << 20

AVRO, JSON, PROTOBUF, XSD = "Avro/1.12", "JsonSchema/draft/2020-12", "Protobuf/3", "XSD/1.0"
CONFLUENT: Final = {AVRO: "AVRO", JSON: "JSON", PROTOBUF: "PROTOBUF"}
PROTO3: Final = 'syntax = "proto3";'


@dataclass(frozen=True, slots=True)
class Hostile:
    """A schema that means harm."""

    format: str
    document: bytes
    why: str | None = None
    large: bool = False
    confluent: str | None = ""
    """What Confluent's API says instead; "" where it says the same, None where it takes it (a document
    without a dialect is of draft-07 there, which has no $dynamicRef)."""


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _xsd(body: str, head: str = "") -> bytes:
    schema = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">'
    return f"{head}{schema}{body}</xs:schema>".encode()


def _pattern(pattern: str) -> bytes:
    return _xsd(
        '<xs:element name="a"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern'
        f' value="{pattern}"/></xs:restriction></xs:simpleType></xs:element>'
    )


def _record(name: str, *types: object) -> dict[str, object]:
    fields = [{"name": f"f{at}", "type": each} for at, each in enumerate(types)]
    return {"type": "record", "name": name, "fields": fields}


def _nested(before: str, inner: str, after: str, times: int) -> bytes:
    return (before * times + inner + after * times).encode()


def _fan_out(levels: int, keyword: str) -> bytes:
    """26 levels of `allOf: [$ref, $ref]` are 1.85 KB and took 3.5 s a payload."""
    definitions: dict[str, object] = {
        f"d{level}": {keyword: [{"$ref": f"#/$defs/d{level + 1}"}] * 2} for level in range(levels)
    }
    definitions[f"d{levels}"] = {"type": "integer"}
    return _json({"$ref": "#/$defs/d0", "$defs": definitions})


_LAUGHS = (
    '<!DOCTYPE schema [<!ENTITY l0 "ha">'
    + "".join(f'<!ENTITY l{at} "{f"&l{at - 1};" * 10}">' for at in range(1, 10))
    + "]>"
)

SCHEMAS: Final[Mapping[str, Hostile]] = {
    # --- JSON Schema
    "json: a reference to the network": Hostile(
        JSON, _json({"$ref": TRAP.decode() + "/a.json"}), "must hold all that it refers to"
    ),
    "json: a reference to the network, within properties": Hostile(
        JSON,
        _json({"properties": {"a": {"$ref": TRAP.decode() + "/a.json#/b"}}}),
        "must hold all that it refers to",
    ),
    "json: a dynamic reference to the network": Hostile(
        JSON,
        _json({"$dynamicRef": TRAP.decode() + "/a.json"}),
        "must hold all that it refers to",
        confluent=None,
    ),
    "json: a reference to a file": Hostile(
        JSON, _json({"$ref": "file:///etc/passwd"}), "must hold all that it refers to"
    ),
    "json: an $id on the network and a relative reference": Hostile(
        JSON,
        _json({"$id": TRAP.decode() + "/s.json", "properties": {"a": {"$ref": "other.json"}}}),
        "must hold all that it refers to",
    ),
    "json: a dialect on the network": Hostile(
        JSON, _json({"$schema": TRAP.decode() + "/schema"}), "no draft of JSON Schema"
    ),
    "json: a vocabulary on the network": Hostile(
        JSON, _json({"$vocabulary": {TRAP.decode() + "/v": True}})
    ),
    "json: a circle of references": Hostile(
        JSON,
        _json({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}),
    ),
    "json: a reference to itself": Hostile(JSON, _json({"$ref": "#"})),
    "json: fan-out by allOf": Hostile(JSON, _fan_out(26, "allOf"), "would check one value"),
    "json: fan-out by anyOf": Hostile(JSON, _fan_out(26, "anyOf"), "would check one value"),
    "json: fan-out by oneOf": Hostile(JSON, _fan_out(40, "oneOf"), "would check one value"),
    "json: fan-out by dynamic references": Hostile(
        JSON,
        _json(
            {
                "$dynamicRef": "#d0",
                "$defs": {
                    f"d{at}": {
                        "$dynamicAnchor": f"d{at}",
                        "allOf": [{"$dynamicRef": f"#d{at + 1}"}] * 2,
                    }
                    for at in range(26)
                }
                | {"d26": {"$dynamicAnchor": "d26"}},
            }
        ),
        "would check one value",
        confluent=None,
    ),
    "json: a chain of references": Hostile(
        JSON,
        _json(
            {
                "$ref": "#/$defs/d0",
                "$defs": {f"d{at}": {"$ref": f"#/$defs/d{at + 1}"} for at in range(5_000)}
                | {"d5000": {}},
            }
        ),
        "chained more than",
    ),
    "json: an expression that tries all ways": Hostile(JSON, _json({"pattern": "^(a+)+$"})),
    "json: such an expression for names": Hostile(
        JSON, _json({"patternProperties": {"^(a|a)*b$": {"type": "integer"}}})
    ),
    "json: an expression that looks ahead": Hostile(
        JSON, _json({"pattern": "(?=a)b"}), "look-around and back-references are not served"
    ),
    "json: an expression that refers back": Hostile(
        JSON, _json({"pattern": r"(a*)\1"}), "look-around and back-references are not served"
    ),
    "json: an expression of counts in counts": Hostile(
        JSON, _json({"pattern": "((a{1,100}){1,100}){1,100}"}), "pattern"
    ),
    "json: a count beyond counting": Hostile(
        JSON, _json({"pattern": "a{1,999999999}"}), "pattern"
    ),
    "json: very many expressions": Hostile(
        JSON, _json({"allOf": [{"pattern": rf"[\w]{{90}}{at}"} for at in range(2_000)]}), large=True
    ),
    "json: too many expressions": Hostile(
        JSON,
        _json({"allOf": [{"pattern": rf"[\w]{{300}}{at}"} for at in range(2_000)]}),
        "the patterns are too large together",
    ),
    "json: deep": Hostile(JSON, _nested('{"not":', "{}", "}", 5_000), "nested"),
    "json: deeper": Hostile(JSON, b"[" * 500_000, "nested"),
    "json: deep, below the limit of the parser": Hostile(
        JSON, _nested('{"items":', "{}", "}", 120)
    ),
    "json: numbers beyond all": Hostile(
        JSON, b'{"multipleOf":1e999999999,"maximum":' + b"9" * 5_000 + b"}", "not JSON"
    ),
    "json: a count of 10^400": Hostile(JSON, b'{"minLength":1' + b"0" * 400 + b"}"),
    "json: names that stand twice": Hostile(
        JSON, b'{"type":"string","type":"integer","properties":{"a":{},"a":{"$ref":"#/x"}}}', "x"
    ),
    "json: a surrogate alone": Hostile(JSON, b'{"const":"\\ud800"}', "not JSON"),
    "json: a NUL": Hostile(JSON, b'{"const":"a\\u0000b"}'),
    "json: a NUL byte": Hostile(JSON, b'{"const":"a\0b"}', "not JSON"),
    "json: no UTF-8": Hostile(JSON, b'{"const":"\xff"}', "not JSON", confluent="utf-8"),
    "json: 80,000 properties": Hostile(
        JSON, _json({"properties": {f"p{at}": {} for at in range(80_000)}}), "30000 objects"
    ),
    "json: 29,000 properties": Hostile(
        JSON, _json({"properties": {f"p{at}": {} for at in range(29_000)}}), large=True
    ),
    "json: an enumeration of a megabyte": Hostile(
        JSON, _json({"enum": list(range(150_000))}), large=True
    ),
    "json: an enumeration of objects": Hostile(
        JSON, _json({"enum": [{"a": at} for at in range(29_000)]}), large=True
    ),
    "json: 9,000 alternatives": Hostile(
        JSON, _json({"anyOf": [{"const": at} for at in range(9_000)]}), large=True
    ),
    "json: more than a megabyte": Hostile(
        JSON, b'{"const":"%s"}' % (b"a" * MEGABYTE), "1048576 are possible"
    ),
    # --- Avro
    "avro: deep": Hostile(
        AVRO, _nested('{"type":"array","items":', '"int"', "}", 5_000), "nested"
    ),
    "avro: deeper": Hostile(AVRO, b"[" * 500_000, "nested"),
    "avro: a record of itself": Hostile(AVRO, _json(_record("R", "R"))),
    "avro: a default of a record of itself": Hostile(
        AVRO,
        _json(
            {
                "type": "record",
                "name": "R",
                "fields": [{"name": "a", "type": "R", "default": {}}],
            }
        ),
    ),
    "avro: an enormous fixed": Hostile(
        AVRO, b'{"type":"fixed","name":"F","size":2147483639}'
    ),
    "avro: a fixed beyond all": Hostile(
        AVRO, b'{"type":"fixed","name":"F","size":99999999999999}', "size"
    ),
    "avro: a size of 10,000 digits": Hostile(
        AVRO, b'{"type":"fixed","name":"F","size":' + b"9" * 10_000 + b"}", "not JSON"
    ),
    "avro: a negative size": Hostile(AVRO, b'{"type":"fixed","name":"F","size":-1}', "size"),
    "avro: very many types": Hostile(
        AVRO, _json([_record(f"R{at}") for at in range(5_001)]), "5000 named types"
    ),
    "avro: types that multiply": Hostile(
        AVRO,
        _json(
            [_record(f"R{at}", *([f"R{at - 1}"] * 2 if at else ["int"])) for at in range(300)]
        ),
    ),
    "avro: a surrogate alone": Hostile(AVRO, b'{"type":"int","doc":"\\ud800"}', "not JSON"),
    "avro: a NUL in a name": Hostile(
        AVRO, b'{"type":"enum","name":"a\\u0000b","symbols":["A"]}', "is no name"
    ),
    "avro: an endless name": Hostile(
        AVRO, _json(_record("-" * 900_000)), "is no name", large=True
    ),
    "avro: names that stand twice": Hostile(
        AVRO, b'{"type":"string","type":"int"}'
    ),
    "avro: unions of a megabyte": Hostile(
        AVRO, _json(_record("R", *[["null", "int", "string"]] * 19_000)), large=True
    ),
    "avro: fields of a megabyte": Hostile(AVRO, _json(_record("R", *["int"] * 30_000)), large=True),
    "avro: symbols of a megabyte": Hostile(
        AVRO,
        _json({"type": "enum", "name": "E", "symbols": [f"s{at}" for at in range(100_000)]}),
        large=True,
    ),
    # --- Protobuf
    "protobuf: deep": Hostile(
        PROTOBUF, (PROTO3 + "message A {" * 5_000 + "}" * 5_000).encode(), "recursion limit"
    ),
    "protobuf: deep options": Hostile(
        PROTOBUF,
        (
            f'{PROTO3}import "google/protobuf/descriptor.proto"; message M {{ repeated M m = 1; }}'
            "extend google.protobuf.FileOptions { M o = 50000; }"
            f"option (o) = {{ {'m {' * 50_000} {'}' * 50_000} }};"
        ).encode(),
        "dataschema",
    ),
    "protobuf: an import of a file": Hostile(
        PROTOBUF, f'{PROTO3}import "/etc/passwd";'.encode(), "import '/etc/passwd' is missing"
    ),
    "protobuf: an import upwards": Hostile(
        PROTOBUF, f'{PROTO3}import "../../../../etc/passwd";'.encode(), "is missing"
    ),
    "protobuf: an import of the network": Hostile(
        PROTOBUF, f'{PROTO3}import "{TRAP.decode()}/a.proto";'.encode(), "is missing"
    ),
    "protobuf: an import of itself": Hostile(
        PROTOBUF, f'{PROTO3}import "dataschema.proto";'.encode(), "dataschema"
    ),
    "protobuf: in the place of a bundled type": Hostile(
        PROTOBUF,
        f'{PROTO3}package google.protobuf; import "google/protobuf/any.proto";'
        "message Any { string a = 1; }".encode(),
        "google.protobuf.Any",
    ),
    "protobuf: very many extensions": Hostile(
        PROTOBUF,
        (
            f'{PROTO3}import "google/protobuf/descriptor.proto";'
            "extend google.protobuf.FieldOptions {"
            + "".join(f"string e{at} = {50_000 + at};" for at in range(12_000))
            + "}"
        ).encode(),
        "10000 are possible",
    ),
    "protobuf: extensions": Hostile(
        PROTOBUF,
        (
            f'{PROTO3}import "google/protobuf/descriptor.proto";'
            "extend google.protobuf.FieldOptions {"
            + "".join(f"string e{at} = {50_000 + at};" for at in range(3_000))
            + "}"
        ).encode(),
        large=True,
    ),
    "protobuf: an endless name": Hostile(
        PROTOBUF,
        ("message A { optional int32 a = 1 [" + "a." * 500_000 + "a = 1]; }").encode(),
        "50000 are possible",
    ),
    "protobuf: names that multiply": Hostile(
        PROTOBUF,
        (
            f"{PROTO3}message {'A' * 50_000} {{"
            + "".join(f"int32 f{at}={at + 1};" for at in range(9_000))
            + "}"
        ).encode(),
        "dataschema",
        large=True,
    ),
    "protobuf: fields": Hostile(
        PROTOBUF,
        (
            f"{PROTO3}message M {{" + "".join(f"int32 f{at}={at + 1};" for at in range(9_900)) + "}"
        ).encode(),
        large=True,
    ),
    "protobuf: messages": Hostile(
        PROTOBUF,
        (PROTO3 + "".join(f"message M{at}{{int32 a=1;}}" for at in range(3_300))).encode(),
        large=True,
    ),
    "protobuf: maps": Hostile(
        PROTOBUF,
        (
            f"{PROTO3}message M {{"
            + "".join(f"map<string,M> f{at}={at + 1};" for at in range(4_900))
            + "}"
        ).encode(),
        large=True,
    ),
    "protobuf: ranges beyond number": Hostile(
        PROTOBUF,
        f"{PROTO3}message M {{ reserved 1 to 999999999999999999999; }}".encode(),
        "dataschema",
    ),
    "protobuf: a NUL": Hostile(PROTOBUF, f"{PROTO3}message A {{}}\0".encode(), "control"),
    "protobuf: no UTF-8": Hostile(
        PROTOBUF, PROTO3.encode() + b"// \xff", "not UTF-8", confluent="utf-8"
    ),
    "protobuf: a descriptor of rubbish": Hostile(PROTOBUF, b"AAAA" * 1_000, "dataschema"),
    # --- XSD
    "xsd: a billion laughs": Hostile(
        XSD, _xsd('<xs:element name="&l9;"/>', _LAUGHS), "DOCTYPE"
    ),
    "xsd: an entity of a file": Hostile(
        XSD,
        _xsd("&x;", '<!DOCTYPE schema [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        "DOCTYPE",
    ),
    "xsd: an entity of the network": Hostile(
        XSD,
        _xsd("&x;", f'<!DOCTYPE schema [<!ENTITY x SYSTEM "{TRAP.decode()}/x">]>'),
        "DOCTYPE",
    ),
    "xsd: a document type of the network": Hostile(
        XSD, _xsd("", f'<!DOCTYPE schema SYSTEM "{TRAP.decode()}/x.dtd">'), "DOCTYPE"
    ),
    "xsd: a parameter entity of the network": Hostile(
        XSD,
        _xsd("", f'<!DOCTYPE schema [<!ENTITY % x SYSTEM "{TRAP.decode()}/x"> %x;]>'),
        "DOCTYPE",
    ),
    "xsd: an include of the network": Hostile(
        XSD, _xsd(f'<xs:include schemaLocation="{TRAP.decode()}/a.xsd"/>'), "none of the references given"
    ),
    "xsd: an import of the network": Hostile(
        XSD,
        _xsd(f'<xs:import namespace="urn:x" schemaLocation="{TRAP.decode()}/a.xsd"/>'),
        "none of the references given",
    ),
    "xsd: a redefinition of a file": Hostile(
        XSD, _xsd('<xs:redefine schemaLocation="file:///etc/passwd"/>'), "none of the references given"
    ),
    "xsd: a location for its own reader": Hostile(
        XSD,
        f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:i="http://www.w3.org/2001/'
        f'XMLSchema-instance" i:schemaLocation="urn:x {TRAP.decode()}/a.xsd">'
        '<xs:element name="a"/></xs:schema>'.encode(),
    ),
    "xsd: a stylesheet of the network": Hostile(
        XSD,
        _xsd('<xs:element name="a"/>', f'<?xml-stylesheet href="{TRAP.decode()}/x.xsl"?>'),
    ),
    "xsd: a count beyond counting": Hostile(
        XSD,
        _xsd(
            '<xs:element name="a"><xs:complexType><xs:sequence><xs:element name="b"'
            ' maxOccurs="99999999999999999999"/></xs:sequence></xs:complexType></xs:element>'
        ),
        "at most 1000000000 can be counted",
    ),
    "xsd: counts of counts": Hostile(
        XSD,
        _xsd(
            '<xs:element name="a"><xs:complexType>'
            + '<xs:sequence minOccurs="99999" maxOccurs="100000">' * 3
            + '<xs:element name="b" minOccurs="0" maxOccurs="100000"/><xs:element name="c"/>'
            + "</xs:sequence>" * 3
            + "</xs:complexType></xs:element>"
        ),
    ),
    "xsd: an expression that tries all ways": Hostile(
        XSD, _pattern("(a|a)*b"), "in more than 16 ways"
    ),
    "xsd: an expression of counts in counts": Hostile(
        XSD, _pattern("(a{0,50}){0,50}"), "in more than 16 ways"
    ),
    "xsd: deep": Hostile(
        XSD, _xsd("<xs:sequence>" * 5_000 + "</xs:sequence>" * 5_000), "dataschema"
    ),
    "xsd: groups within groups": Hostile(
        XSD,
        _xsd(
            "".join(
                f'<xs:group name="g{at}"><xs:sequence>'
                f'{f"""<xs:group ref="g{at + 1}"/>""" * 2}</xs:sequence></xs:group>'
                for at in range(26)
            )
            + '<xs:group name="g26"><xs:sequence><xs:element name="z"/></xs:sequence></xs:group>'
            + '<xs:element name="a"><xs:complexType><xs:group ref="g0"/></xs:complexType></xs:element>'
        ),
        "10000 elements",
    ),
    "xsd: a NUL": Hostile(XSD, _xsd('<xs:element name="a\0"/>'), "dataschema"),
    "xsd: another encoding": Hostile(
        XSD,
        '<?xml version="1.0" encoding="UTF-16"?><xs:schema'
        ' xmlns:xs="http://www.w3.org/2001/XMLSchema"/>'.encode("utf-16"),
    ),
    "xsd: elements": Hostile(
        XSD,
        _xsd("".join(f'<xs:element name="e{at}" type="xs:string"/>' for at in range(4_900))),
        large=True,
    ),
    "xsd: tags in documentation": Hostile(
        XSD,
        _xsd(
            "<xs:annotation><xs:documentation>" + "<b/>" * 49_000
            + '</xs:documentation></xs:annotation><xs:element name="a"/>'
        ),
        large=True,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """A schema that is taken, and one that is to replace it: the comparison of both is the harm."""

    format: str
    old: bytes
    new: bytes
    policies: tuple[str, ...] = ("strict",)
    large: bool = False


def _objects(count: int, extra: str = "") -> dict[str, object]:
    return {
        "anyOf": [
            {
                "type": "object",
                "properties": {f"p{one}": {"enum": list(range(at, at + 20))} for one in range(12)},
                "required": [f"p{at % 12}", *([extra] if extra else [])],
            }
            for at in range(count)
        ]
    }


def _crossed(width: int, times: int, shift: int) -> dict[str, object]:
    """Alternatives that multiply when they are written out: `width` to the power of `times`."""
    return {
        "allOf": [
            {"anyOf": [{"multipleOf": 2 + at, "minimum": at * one + shift} for at in range(width)]}
            for one in range(times)
        ]
    }


def _all_policies(old: object, new: object) -> Change:
    return Change(JSON, _json(old), _json(new), ("strict", "lenient", "semantic"))


def _unions(count: int, shift: int) -> bytes:
    """Records of unions of the records before: each pair of branches is of interest."""
    return _json(
        [
            _record(f"R{at}", [f"R{one}" for one in range(at)] or "int", *["long"] * shift)
            for at in range(count)
        ]
    )


def _choices(count: int, last: str) -> bytes:
    inner = "".join(f'<xs:element name="e{at}" minOccurs="0"/>' for at in range(count))
    return _xsd(
        '<xs:element name="a"><xs:complexType><xs:sequence>'
        f'{inner}<xs:element name="{last}" minOccurs="0"/></xs:sequence></xs:complexType></xs:element>'
    )


def _nested_choices(depth: int, last: str) -> bytes:
    body = f'<xs:element name="{last}"/>'
    for at in range(depth):
        body = (
            f'<xs:choice minOccurs="0" maxOccurs="unbounded"><xs:sequence>{body}<xs:element'
            f' name="e{at}" minOccurs="0"/></xs:sequence><xs:element name="f{at}"/></xs:choice>'
        )
    return _xsd(
        f'<xs:element name="a"><xs:complexType><xs:sequence>{body}</xs:sequence></xs:complexType>'
        "</xs:element>"
    )


_ENDLESS: Final = {
    "oneOf": [
        {
            "not": {
                "prefixItems": [
                    True,
                    {"enum": list(range(187))},
                    {"required": ["a", "b"]},
                    {"minLength": 79},
                    True,
                ]
            },
            "anyOf": [
                {
                    "dependentSchemas": {
                        "a": {"pattern": ".*foo.*bar.*"},
                        "b": {"required": ["a", "b"]},
                        "c": {"pattern": "^(ab|ba)*$"},
                    }
                }
            ],
        },
        {
            "contains": {
                "allOf": [
                    {
                        "prefixItems": [
                            {"pattern": "[a-z]{1,40}"},
                            {"required": ["a"]},
                            {"format": "email"},
                        ]
                    },
                    {"type": "null"},
                ]
            }
        },
    ]
}
ENDLESS: Final[tuple[dict[str, object], dict[str, object]]] = (
    _ENDLESS,
    {
        "allOf": [
            _ENDLESS,
            {
                "not": {
                    "not": {"uniqueItems": True, "minItems": 88},
                    "type": "object",
                    "maxItems": 15,
                },
                "type": "integer",
                "maxItems": 8,
            },
        ]
    },
)
"""An old schema and a new one that are small, and whose meanings take a second to compare, in one piece."""

CHANGES: Final[Mapping[str, Change]] = {
    "json: small, and a second to decide": _all_policies(*ENDLESS),
    "json: unions of objects": _all_policies(_objects(40), _objects(40, "q")),
    "json: alternatives that multiply": _all_policies(_crossed(6, 6, 0), _crossed(6, 6, 1)),
    "json: alternatives that multiply a little": _all_policies(_crossed(3, 2, 0), _crossed(3, 2, 1)),
    "json: expressions within each other": _all_policies(
        {"pattern": "^(a|b)*a(a|b){14}$"}, {"pattern": "^(a|b)*b(a|b){14}$"}
    ),
    "json: expressions for names": _all_policies(
        {"patternProperties": {f"^(a|b)*{at}[a-z]{{9}}$": {"minimum": at} for at in range(9)}},
        {"patternProperties": {f"^(a|b)*{at}[a-y]{{9}}$": {"minimum": at} for at in range(9)}},
    ),
    "json: negations of negations": _all_policies(
        {"not": {"not": {"not": {"properties": {f"p{at}": {"not": {"const": at}} for at in range(9)}}}}},
        {"not": {"not": {"not": {"properties": {f"p{at}": {"not": {"const": -at}} for at in range(9)}}}}},
    ),
    "json: one of many": _all_policies(
        {"oneOf": [{"type": "integer", "multipleOf": at} for at in range(2, 12)]},
        {"oneOf": [{"type": "integer", "multipleOf": at} for at in range(3, 13)]},
    ),
    "json: multiples without end": _all_policies(
        {"allOf": [{"multipleOf": prime} for prime in (999983, 999979, 999961, 999959, 999953)]},
        {"allOf": [{"multipleOf": prime} for prime in (999931, 999917, 999907, 999883, 999863)]},
    ),
    "json: counts without end": _all_policies(
        {"uniqueItems": True, "minItems": 999999, "contains": {"enum": list(range(99))}},
        {"uniqueItems": True, "minItems": 999998, "contains": {"enum": list(range(98))}},
    ),
    "json: 29,000 properties": Change(
        JSON,
        _json({"properties": {f"p{at}": {} for at in range(29_000)}}),
        _json({"properties": {f"p{at}": {} for at in range(29_001)}}),
        large=True,
    ),
    "avro: unions of unions": Change(AVRO, _unions(150, 0), _unions(150, 1)),
    "avro: large unions": Change(AVRO, _unions(400, 0), _unions(400, 1), large=True),
    "protobuf: fields": Change(
        PROTOBUF,
        f"{PROTO3}message M {{{''.join(f'int32 f{at}={at + 1};' for at in range(2_900))}}}".encode(),
        f"{PROTO3}message M {{{''.join(f'string g{at}={at + 1};' for at in range(2_900))}}}".encode(),
        large=True,
    ),
    "xsd: many optional elements": Change(XSD, _choices(200, "x"), _choices(200, "y")),
    "xsd: choices within choices": Change(XSD, _nested_choices(12, "x"), _nested_choices(12, "y")),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Payload:
    """A payload that means harm, and the harmless schema that it is held against."""

    schema: str
    data: bytes
    valid: bool = False
    large: bool = False


@dataclass(frozen=True, slots=True)
class Harmless:
    """A schema that is nothing but useful."""

    format: str
    document: bytes
    media_type: str


HARMLESS: Final[Mapping[str, Harmless]] = {
    "json-tree": Harmless(
        JSON,
        _json({"properties": {"a": {"$ref": "#"}}, "patternProperties": {"^(x+)+$": {"$ref": "#"}}}),
        "application/json",
    ),
    "json-text": Harmless(JSON, _json({"pattern": "^(a+)+$"}), "application/json"),
    "json-unique": Harmless(JSON, _json({"uniqueItems": True}), "application/json"),
    "json-branches": Harmless(
        JSON, _json({"anyOf": [{"const": at} for at in range(9_000)]}), "application/json"
    ),
    "json-number": Harmless(
        JSON, _json({"type": "number", "multipleOf": 0.01}), "application/json"
    ),
    "json-many": Harmless(JSON, _json({"items": {"type": "integer"}}), "application/json"),
    "avro-tree": Harmless(
        AVRO,
        _json(
            {
                "type": "record",
                "name": "R",
                "fields": [{"name": "next", "type": ["null", "R"]}],
            }
        ),
        "application/avro",
    ),
    "avro-nulls": Harmless(AVRO, b'{"type":"array","items":"null"}', "application/avro"),
    "avro-map": Harmless(AVRO, b'{"type":"map","values":"null"}', "application/avro"),
    "avro-nested": Harmless(
        AVRO,
        b'{"type":"array","items":{"type":"array","items":{"type":"array","items":"null"}}}',
        "application/avro",
    ),
    "avro-bytes": Harmless(AVRO, b'"bytes"', "application/avro"),
    "avro-fixed": Harmless(
        AVRO, b'{"type":"fixed","name":"F","size":2147483639}', "application/avro"
    ),
    "avro-long": Harmless(AVRO, b'"long"', "application/avro"),
    "protobuf-tree": Harmless(
        PROTOBUF,
        f"{PROTO3}message T {{ T t = 1; repeated T many = 2; string s = 3; }}".encode(),
        "application/protobuf",
    ),
    "protobuf-wide": Harmless(
        PROTOBUF,
        (
            f"{PROTO3}message W {{ map<string,W> m = 1;"
            + "".join(f"int32 f{at}={at};" for at in range(2, 3_000))
            + "}"
        ).encode(),
        "application/protobuf",
    ),
    "xsd-tree": Harmless(
        XSD,
        _xsd(
            '<xs:element name="a"><xs:complexType><xs:sequence><xs:element ref="a" minOccurs="0"'
            ' maxOccurs="unbounded"/></xs:sequence><xs:attribute name="n" type="xs:integer"/>'
            "</xs:complexType></xs:element>"
        ),
        "application/xml",
    ),
}  # fmt: skip


def _zigzag(value: int) -> bytes:
    left = (value << 1) ^ (value >> 63)
    out = bytearray()
    while left > 127:
        out.append(left & 127 | 128)
        left >>= 7
    out.append(left)
    return bytes(out)


def _wrapped(times: int) -> bytes:
    """Messages within messages: field 1, length, and what is in it."""
    inner = b""
    for _ in range(times):
        size = bytearray()
        left = len(inner)
        while left > 127:
            size.append(left & 127 | 128)
            left >>= 7
        size.append(left)
        inner = b"\x0a" + bytes(size) + inner
    return inner


_INSTANCE: Final = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'

PAYLOADS: Final[Mapping[str, Payload]] = {
    "json: deep": Payload("json-tree", _nested('{"a":', "1", "}", 100_000)),
    "json: deep, below the limit of the parser": Payload(
        "json-tree", _nested('{"a":', "1", "}", 400), valid=True
    ),
    "json: for an expression": Payload("json-text", _json("a" * 500_000 + "!")),
    # Each branch's error had a copy of the text: 4.3 GB.
    "json: for many branches": Payload("json-branches", _json("x" * 500_000)),
    "json: for an expression for names": Payload(
        "json-tree", _json({"x" * 500_000 + "!": 1}), valid=True
    ),
    "json: many values, each to be unlike the others": Payload(
        "json-unique", _json([[at] for at in range(100_000)] + [[7]]), large=True
    ),
    "json: many objects, each to be unlike the others": Payload(
        "json-unique", _json([{"a": at} for at in range(60_000)]), valid=True, large=True
    ),
    "json: a number of 100,000 digits": Payload("json-number", b"9" * 100_000 + b".5", valid=True),
    "json: a number beyond all": Payload("json-number", b"1e999999999", valid=True),
    "json: a number next to nothing": Payload("json-number", b"1e-999999999", valid=True),
    "json: very many errors": Payload("json-many", _json(["x"] * 200_000), large=True),
    "json: a surrogate alone": Payload("json-text", b'"\\ud800"'),
    "json: a NUL": Payload("json-text", b'"a\\u0000"'),
    "json: no UTF-8": Payload("json-text", b'"\xff"'),
    "avro: a record in itself, 5,000 deep": Payload("avro-tree", b"\x02" * 5_000 + b"\x00"),
    "avro: a record in itself, 500,000 deep": Payload("avro-tree", b"\x02" * 500_000 + b"\x00"),
    "avro: 20 million of nothing": Payload("avro-nulls", _zigzag(20_000_000) + b"\x00"),
    "avro: 2^62 of nothing": Payload("avro-nulls", _zigzag(1 << 62) + b"\x00"),
    "avro: less than nothing": Payload("avro-nulls", _zigzag(-(1 << 62)) + b"\x00\x00"),
    "avro: very many blocks of nothing": Payload(
        "avro-nulls", _zigzag(1_000) * 100_000 + b"\x00", valid=True, large=True
    ),
    "avro: nothing in nothing": Payload(
        "avro-nested", (_zigzag(1_000) + _zigzag(1_000)) * 1_000 + _zigzag(1 << 40)
    ),
    "avro: a map beyond all": Payload("avro-map", _zigzag(1 << 62) + b"\x02a"),
    "avro: bytes without end": Payload("avro-bytes", _zigzag(1 << 62)),
    "avro: bytes of a negative length": Payload("avro-bytes", _zigzag(-5)),
    "avro: an enormous fixed": Payload("avro-fixed", b"\x00" * 1_000),
    "avro: a number that does not end": Payload("avro-long", b"\xff" * 100_000),
    "avro: more than the schema says": Payload("avro-long", b"\x02\x02"),
    "protobuf: deep": Payload("protobuf-tree", _wrapped(5_000)),
    "protobuf: deep groups": Payload("protobuf-tree", b"\x0b" * 100_000),
    "protobuf: a length without end": Payload("protobuf-tree", b"\x0a\xff\xff\xff\xff\x7f"),
    "protobuf: very many empty messages": Payload(
        "protobuf-tree", b"\x12\x00" * 100_000, valid=True, large=True
    ),
    # An entry without a value makes an empty message: 2 bytes, and 24 KB. 200 KB took 3.8 GB.
    "protobuf: entries of a map without a value": Payload("protobuf-wide", b"\x0a\x00" * 100_000),
    "protobuf: rubbish": Payload("protobuf-tree", struct.pack(">Q", 0xDEADBEEF) * 8),
    "xml: a billion laughs": Payload("xsd-tree", f'{_LAUGHS}<a n="&l9;"/>'.encode()),
    "xml: an entity of a file": Payload(
        "xsd-tree", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
    ),
    "xml: an entity of the network": Payload(
        "xsd-tree", b'<!DOCTYPE a [<!ENTITY x SYSTEM "%b/x">]><a>&x;</a>' % TRAP
    ),
    "xml: a location of a schema": Payload(
        "xsd-tree",
        f'<a {_INSTANCE} i:noNamespaceSchemaLocation="{TRAP.decode()}/a.xsd"'
        f' i:schemaLocation="urn:x {TRAP.decode()}/b.xsd"/>'.encode(),
        valid=True,
    ),
    "xml: an inclusion": Payload(
        "xsd-tree",
        b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="%b/x"/></a>' % TRAP,
    ),
    "xml: deep": Payload("xsd-tree", _nested("<a>", "", "</a>", 100_000)),
    "xml: a number of 100,000 digits": Payload(
        "xsd-tree", b'<a n="%b"/>' % (b"9" * 100_000), valid=True
    ),
    "xml: a NUL": Payload("xsd-tree", b"<a>\0</a>"),
}  # fmt: skip
