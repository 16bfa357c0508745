"""The pure parts of the commands that answer the journeys."""

from __future__ import annotations

import itertools
import json
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime
from random import Random
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.cli.amounts import amount, duration, size
from chappe.cli.demo.traffic import Traffic
from chappe.cli.demo.types import CONSUMERS, DOMAINS, UNDECLARED, document
from chappe.cli.event_again import ABSENT, differences
from chappe.cli.exchange_own import parts
from chappe.cli.schema_lint import about
from chappe.cli.schema_tree import tree
from chappe.cli.sub_filters import of_types
from chappe.cli.top import Look, counters, rates
from chappe.cli.type_lint import about as about_type
from chappe.cli.when import moment_of, per_second
from chappe.client.causes import trace_id
from chappe.client.views import Readiness
from chappe.formats.graph_forms import Graph, as_dot, as_json, as_mermaid, as_svg
from chappe.formats.json_sample import sample
from chappe.formats.json_schema import JsonSchema

AT = datetime(2026, 11, 22, 10, 2, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2h", "2026-11-22T08:02:11.000Z"),
        ("7d", "2026-11-15T10:02:11.000Z"),
        ("90s", "2026-11-22T10:00:41.000Z"),
        ("now", "2026-11-22T10:02:11.000Z"),
        ("today", "2026-11-22T00:00:00.000Z"),
        ("yesterday", "2026-11-21T00:00:00.000Z"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("earliest", "earliest"),
        ("0-1041-7", "0-1041-7"),
        ("2 h", "2 h"),
        ("999999999w", "999999999w"),
    ],
)
def test_durations_count_back_and_the_rest_is_for_the_hub_to_judge(text: str, moment: str) -> None:
    assert moment_of(text, AT) == moment


@pytest.mark.parametrize(
    ("text", "rate"),
    [("500", 500.0), ("500/s", 500.0), ("30/m", 0.5), ("30/min", 0.5), ("3600/h", 1.0), ("0.5", 0.5),
     ("0", None), ("-1", None), ("5/x", None), ("", None), ("many", None)],
)  # fmt: skip
def test_a_rate_is_told_a_second(text: str, rate: float | None) -> None:
    assert per_second(text) == rate


def test_amounts_have_units() -> None:
    assert (amount(1, "event"), amount(7201, "event")) == ("1 event", "7,201 events")
    assert [size(one) for one in (0, 999, 1234, 999_949, 999_950, 5 * 10**15)] == [
        "0 B", "999 B", "1.2 kB", "999.9 kB", "1.0 MB", "5000.0 TB",
    ]  # fmt: skip
    assert [duration(one) for one in (0.4, 59, 90, 3600, 7260, 100_000)] == [
        "0.4 s", "59 s", "1 min 30 s", "1 h", "2 h 1 min", "1 d 3 h",
    ]  # fmt: skip


def test_types_with_a_star_become_filters() -> None:
    assert of_types(["a.b", "c"]) == (["a.b", "c"], [])
    assert of_types(["a.*"]) == ([], [{"prefix": {"type": "a."}}])
    assert of_types(["a.*", "c"]) == (
        [],
        [{"any": [{"prefix": {"type": "a."}}, {"exact": {"type": "c"}}]}],
    )
    assert of_types(["*", "c"]) == ([], [])
    with pytest.raises(click.UsageError):
        of_types(["a.*.b"])


_LEAVES = st.one_of(
    st.builds(lambda least: {"type": "integer", "minimum": least}, st.integers(-5, 50)),
    st.builds(lambda over: {"type": "number", "exclusiveMinimum": over}, st.integers(-5, 50)),
    st.builds(lambda most: {"type": "integer", "maximum": most}, st.integers(-50, 50)),
    st.builds(lambda step: {"type": "integer", "multipleOf": step}, st.integers(1, 9)),
    st.builds(lambda n: {"type": "string", "minLength": n}, st.integers(0, 30)),
    st.builds(lambda n: {"type": "string", "maxLength": n}, st.integers(0, 30)),
    st.sampled_from(
        [{"type": "boolean"}, {"const": None}, {"enum": ["a", 2]}, {"type": ["null", "string"]}, {},
         {"type": "string", "format": "date-time"}, True]
    ),
)  # fmt: skip
_SCHEMAS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.builds(
            lambda properties: {
                "type": "object",
                "properties": properties,
                "required": list(properties),
                "additionalProperties": False,
            },
            st.dictionaries(st.text(st.characters(codec="ascii"), max_size=5), inner, max_size=4),
        ),
        st.builds(
            lambda items, n: {"type": "array", "items": items, "minItems": n},
            inner,
            st.integers(0, 3),
        ),
        st.builds(lambda one, other: {"anyOf": [one, other]}, inner, inner),
        st.builds(lambda one: {"$defs": {"x": one}, "allOf": [one]}, inner),
    ),
    max_leaves=12,
)


@given(_SCHEMAS)
def test_what_is_made_by_a_schema_is_let_through_by_it(schema: Any) -> None:
    document = json.dumps(schema).encode()
    check = JsonSchema().compile(document, "JsonSchema/draft-07")
    made = sample(schema)
    assert check(json.dumps(made).encode(), "application/json") == ()


def test_references_are_followed_within_the_document_and_nowhere_else() -> None:
    schema = {
        "type": "object",
        "required": ["a", "b"],
        "properties": {"a": {"$ref": "#/definitions/x~1y"}, "b": {"$ref": "https://h.example/s"}},
        "definitions": {"x/y": {"const": 7}},
    }
    assert sample(schema) == {"a": 7, "b": None}


def test_a_schema_that_goes_in_circles_ends() -> None:
    schema: dict[str, Any] = {
        "$ref": "#/definitions/a",
        "definitions": {"a": {"$ref": "#/definitions/a"}},
    }
    assert sample(schema) is None
    node = {
        "type": "object", "required": ["next"], "properties": {"next": {"$ref": "#/definitions/node"}},
    }  # fmt: skip
    made = json.dumps(sample({"$ref": "#/definitions/node", "definitions": {"node": node}}))
    assert made.startswith('{"next": {"next": ')


@pytest.mark.parametrize("word", ["properties", "allOf"])
def test_a_schema_that_grows_by_powers_is_given_up_in_time(word: str) -> None:
    again = {"$ref": "#/definitions/a"}
    names = [f"p{number}" for number in range(9)]
    wide: dict[str, Any] = (
        {"type": "object", "required": names, "properties": dict.fromkeys(names, again)}
        if word == "properties"
        else {"allOf": [again] * 9}
    )
    made = json.dumps(sample({"$ref": "#/definitions/a", "definitions": {"a": wide}}))
    assert len(made) < 500_000


def test_a_schema_is_shown_as_a_tree() -> None:
    schema = {
        "type": "object",
        "required": ["order"],
        "properties": {
            "order": {"type": "string", "minLength": 1},
            "items": {"type": "array", "items": {"type": "object", "properties": {"sku": {}}}},
            "currency": {"enum": ["EUR", "USD"]},
        },
    }
    assert tree(schema) == [
        "order     string       required  minLength 1",
        "items     array",
        "  []      object",
        "    sku",
        'currency  "EUR"|"USD"',
    ]
    assert tree({"type": "string"}) == []


_HOSTILE = 'a"]--><script>\\\n#;'


def test_names_cannot_break_out_of_a_picture() -> None:
    graph = Graph()
    graph.add(_HOSTILE, [_HOSTILE], ["billing"])
    svg = as_svg(graph)
    assert [one.tag.rpartition("}")[2] for one in ElementTree.fromstring(svg)].count("rect") == 3
    mermaid = as_mermaid(graph)
    assert mermaid.splitlines()[1] == '  p0("a#quot;]--#gt;#lt;script#gt;\\ #35;;")'
    assert 'label="a\\"]--><script>\\\\ #;"' in as_dot(graph)
    assert json.loads(as_json(graph))["takes"] == [{"type": _HOSTILE, "consumer": "billing"}]


def test_values_differ_where_json_does() -> None:
    assert list(differences({"a": 1, "b/c": [1, 2]}, {"a": True, "b/c": [1]}, "")) == [
        ("/a", 1, True),
        ("/b~1c/1", 2, ABSENT),
    ]
    assert list(differences({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}, "")) == []


def test_a_trace_is_known_by_its_traceparent_or_its_id() -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    assert trace_id(f"00-{trace}-00f067aa0ba902b7-01") == trace_id(trace) == trace
    assert [trace_id(one) for one in ("A-1017", "0-1041-7", trace[1:], "")] == [None] * 4


def test_counters_are_read_from_prometheus_and_rates_from_two_looks() -> None:
    text = (
        "# HELP chappe_events_accepted_total Events\n"
        "chappe_events_accepted_total {}.0\n"
        'chappe_deliveries_total{{result="delivered"}} 8.0\n'
        'chappe_deliveries_total{{result="retry"}} 3.0\n'
        'chappe_accept_seconds_bucket{{le="0.1"}} 7.0\n'
        "chappe_open_events 1.0\nprocess_cpu_seconds_total 3\n"
    )
    first = counters(text.format(10))
    assert first == {
        "events_accepted": 10.0, "deliveries.delivered": 8.0, "deliveries.retry": 3.0,
        "open_events": 1.0,
    }  # fmt: skip
    ready = Readiness(status="ready")
    looks = [Look(at, ready, [], [], counters(text.format(n))) for at, n in ((1.0, 10), (3.0, 30))]
    assert rates(*looks) == {"accepted": 10.0, "delivered": 0.0, "failed": 0.0}
    assert rates(looks[1], looks[0])["accepted"] == 0.0


def test_an_export_leaves_out_what_each_hub_makes_for_itself() -> None:
    entity = {"epoch": 3, "createdat": "…", "modifiedat": "…", "self": "#/"}
    registry = {
        "xid": "/",
        "channels": {"own": {"xid": "/channels/own", "labels": {"chappe": "self"}, **entity}},
        "endpoints": {
            "hub": {
                "xid": "/endpoints/hub", "labels": {"chappe": "self"}, **entity,
                "subscriptions": {
                    "billing": {
                        "xid": "/endpoints/hub/subscriptions/billing", **entity,
                        "meta": {"defaultversionid": "2"},
                        "versions": {
                            "1": {"xid": "…/1", **entity, "sink": "http://old/"},
                            "2": {"xid": "…/2", **entity, "versionid": "2", "sink": "http://h/"},
                        },
                    }
                },
            }
        },
        "messagegroups": {
            "shop": {
                "xid": "/messagegroups/shop", **entity, "messagesurl": "…", "messagescount": 1,
                "messages": {"a": {"xid": "…/a", **entity, "dataschema": {"epoch": 1, "xid": 2}}},
            }
        },
    }  # fmt: skip
    subscriptions = registry["endpoints"]["hub"]["subscriptions"]
    subscriptions["replay-1"] = subscriptions["redrive-2"] = {"sink": "http://ends.example/"}
    assert dict(parts(registry)) == {
        "subscriptions/billing.yaml": {
            "xid": "/endpoints/hub/subscriptions/billing", "sink": "http://h/",
        },
        "messagegroups/shop.yaml": {
            "messagegroups": {"shop": {"messages": {"a": {"dataschema": {"epoch": 1, "xid": 2}}}}},
        },
    }  # fmt: skip


def test_lint_tells_what_a_schema_and_a_type_lack() -> None:
    schema = {
        "required": ["a", "b"],
        "additionalProperties": False,
        "properties": {"a": {}, "c": {"minimum": 3, "maximum": 2, "$ref": "https://h.example/x"}},
    }
    assert {(where, rule) for where, rule, _ in about(schema, "")} == {
        ("", "impossible"), ("", "no-description"), ("/properties/a", "no-type"),
        ("/properties/c", "impossible"), ("/properties/c", "foreign-ref"),
    }  # fmt: skip
    bare = {"xid": "/messagegroups/shop/messages/paid"}
    assert {one.rule for one in about_type(bare)} == {
        "no-schema", "no-description", "no-owner", "short-name",
    }  # fmt: skip
    whole = {
        "xid": "/messagegroups/shop/messages/order.paid", "description": "x", "validation": "warn",
        "labels": {"owner": "x"}, "dataschema": {"type": "object", "properties": {"a": {}}},
    }  # fmt: skip
    assert list(about_type(whole)) == []


def test_the_sample_shop_sends_what_it_declares() -> None:
    kinds = {type_: kind for domain in DOMAINS.values() for type_, kind in domain.kinds.items()}
    assert len(kinds) == 12
    events = list(itertools.islice(Traffic(Random(7), "r").events(), 2000))
    assert {one.type for one in events} == {*kinds, UNDECLARED}
    assert len({one.id for one in events}) == 2000
    ids = {one.id for one in events}
    for one in events:
        assert one.extensions.get("causationid", one.id) in ids
        if one.type in kinds and kinds[one.type].validation == "enforce":
            document = json.dumps(kinds[one.type].schema).encode()
            check = JsonSchema().compile(document, "JsonSchema/draft-07")
            assert check(one.data, "application/json") == ()
    declared = document_of()
    assert set(declared["endpoints"]) == {
        *CONSUMERS,
        "shop-web",
        "shop-warehouse",
        "shop-catalog",
        "shop-accounts",
    }


def document_of() -> dict[str, Any]:
    return document("http://h", dict.fromkeys(CONSUMERS, "http://h/"))
