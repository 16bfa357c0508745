"""A payload schema's declaration in JSON."""

from __future__ import annotations

import json

import msgspec
import pytest

from chappe.domain.errors import Malformed
from chappe.formats.declaration_json import (
    DeclarationDraft,
    parse_declaration,
    render_declaration,
)
from chappe.formats.json_schema import canonical_format
from chappe.registry.declaration import Declaration

LEAST = {"dataschemaformat": "JSONSchema/draft-07", "dataschema": {"type": "object"}}


def parse(**fields: object) -> DeclarationDraft:
    body = json.dumps({**LEAST, **fields}).encode()
    return parse_declaration(body, group="shop", type="order.paid")


def test_format_and_schema_are_enough() -> None:
    assert parse() == DeclarationDraft(
        "shop", "order.paid", "JSONSchema/draft-07", b'{"type":"object"}'
    )


def test_the_schema_keeps_its_own_text_without_white_space() -> None:
    body = b'{"dataschemaformat":"JSONSchema","dataschema" : { "maximum" : 1.10 , "x":"a  b" } }'
    draft = parse_declaration(body, group="shop", type="t")
    assert draft.schema == b'{"maximum":1.10,"x":"a  b"}'


def test_what_is_shown_is_documented_and_can_be_sent_back() -> None:
    shown = msgspec.json.encode(
        render_declaration(
            Declaration("shop", "order.paid", "JSONSchema/draft-07", b'{"type":"object"}',
                        "warn", 3, "2026-11-22T10:02:11.000Z", "2026-11-22T10:02:12.000Z")
        )
    )  # fmt: skip
    assert json.loads(shown) == {
        "messageid": "order.paid",
        "envelope": "CloudEvents/1.0",
        "envelopemetadata": {"type": {"value": "order.paid"}},
        "dataschemaformat": "JSONSchema/draft-07",
        "dataschema": {"type": "object"},
        "validation": "warn",
        "epoch": 3,
        "createdat": "2026-11-22T10:02:11.000Z",
        "modifiedat": "2026-11-22T10:02:12.000Z",
    }
    assert parse_declaration(shown, group="shop", type="order.paid") == DeclarationDraft(
        "shop", "order.paid", "JSONSchema/draft-07", b'{"type":"object"}', "warn", 3
    )


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        ("JSONSchema", "JSONSchema"),
        ("jsonschema/Draft-07", "JSONSchema/draft-07"),
        ("JSONSchema/draft-04", "JSONSchema/draft-04"),
        ("JSONSchema/draft-06", "JSONSchema/draft-06"),
        ("JSONSchema/draft7", "JSONSchema/draft-07"),
        ("JSONSchema/draft2019-09", "JSONSchema/draft2019-09"),
        ("JSONSchema/draft-2019-09", "JSONSchema/draft2019-09"),
        ("JSONSchema/2020-12", "JSONSchema/draft2020-12"),
        ("JSONSchema/draft-05", None),
        ("Avro/1.9", None),
        ("JSONSchemas", None),
    ],
)
def test_dialects_have_one_spelling(sent: str, canonical: str | None) -> None:
    assert canonical_format(sent) == canonical


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"messageid": "order.sent"}, "messageid: 'order.sent' is not that of the path"),
        ({"envelope": "AMQP/1.0"}, "envelope: 'AMQP/1.0' is not served; served: CloudEvents/1.0"),
        (
            {"envelopemetadata": {"type": {"value": "x"}}},
            "envelopemetadata/type/value: 'x' is not that of the path",
        ),
        ({"envelopemetadata": {"time": {}}}, "envelopemetadata/time: unknown field"),
        ({"dataschemaformat": "Avro/1.9"}, "dataschemaformat: 'Avro/1.9' is unknown; known: JSON"),
        ({"dataschemauri": "http://x/"}, "dataschemauri: is not served"),
        ({"validation": "strict"}, "validation: 'strict' is none of off, warn, enforce"),
        ({"schema": {}}, "schema: unknown field; did you mean 'dataschema'?"),
        ({"epoch": "1"}, "epoch: '1' is no whole number"),
    ],
)
def test_a_refusal_names_path_value_and_rule(fields: dict[str, object], message: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse(**fields)
    assert refused.value.message.startswith(message)


@pytest.mark.parametrize("missing", ["dataschema", "dataschemaformat"])
def test_what_is_required_must_be_there(missing: str) -> None:
    body = {name: value for name, value in LEAST.items() if name != missing}
    with pytest.raises(Malformed, match=f"{missing}: is missing and is required"):
        parse_declaration(json.dumps(body).encode(), group="shop", type="order.paid")


@pytest.mark.parametrize(
    ("group", "type_"), [("", "t"), ("a/b", "t"), ("-a", "t"), ("g", ""), ("g", "a\nb")]
)
def test_a_path_that_names_nothing_is_refused(group: str, type_: str) -> None:
    with pytest.raises(Malformed):
        parse_declaration(json.dumps(LEAST).encode(), group=group, type=type_)
