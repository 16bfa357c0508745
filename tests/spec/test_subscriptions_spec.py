"""CloudEvents subscriptions/spec.md: its MUSTs on the subscription object and on filters."""

from __future__ import annotations

import json

import pytest

from chappe.adapters.memory.registry_log import MemoryRegistryLog
from chappe.adapters.system.secrets import SystemSecrets
from chappe.domain.errors import Malformed
from chappe.domain.event import Event
from chappe.domain.filters import compiled, decide
from chappe.domain.subscription import Credential, Subscription
from chappe.flows.materialise import Materialise
from chappe.flows.register import Register
from chappe.formats.filters_json import parse_filters
from chappe.formats.languages import json_alone
from chappe.formats.subscription_json import parse_subscription, render_subscription
from chappe.kit.latest import Latest
from chappe.registry.state import State, empty
from chappe.testing.fake_clock import FakeClock
from chappe.testing.hub_registry import hub_tree

LEAST = {"sink": "https://example.com/event-processor", "protocol": "HTTP"}
EVENT = Event(
    id="A-1",
    source="/cloud/storage",
    type="com.example.file.created",
    subject="photos/Cat.png",
    time="2026-11-22T10:02:11Z",
    datacontenttype="image/png",
    extensions={"priority": 10, "urgent": True, "region": "eu-west", "digest": b"\x00\xff"},
    data=b"x",
)


def body(**fields: object) -> bytes:
    return json.dumps({**LEAST, **fields}).encode()


async def registered() -> tuple[Register, Latest[State]]:
    log, state, clock = MemoryRegistryLog(), Latest(empty(1)), FakeClock()
    secrets, ids = SystemSecrets(b"k" * 32), (f"s-{number}" for number in range(100))
    await Materialise(log, state, clock, secrets).found(hub_tree(), by="n-test")

    async def extent(channel: str, start: str) -> int:
        return 0

    formats = json_alone()
    return Register(log, state, clock, secrets, lambda: next(ids), extent, formats), state


# 3.2.1 Subscription object


async def test_3_2_1_id_is_unique_and_one_that_was_sent_is_ignored() -> None:
    register, state = await registered()
    made = [await register.create_subscription({**LEAST, "id": "mine"}) for _ in range(3)]
    assert len({each.id for each in made} | {"mine"}) == 4
    assert state.value.subscriptions.keys() == {each.id for each in made}


async def test_3_2_1_id_is_immutable() -> None:
    register, state = await registered()
    made = await register.create_subscription(LEAST)
    kept = await register.replace_subscription(made.id, {**LEAST, "id": "another"})
    assert kept.id == made.id
    assert state.value.subscriptions == {made.id: kept}


async def test_3_2_1_id_is_there_when_it_is_retrieved() -> None:
    register, _ = await registered()
    made = await register.create_subscription(LEAST)
    assert render_subscription(made)["id"] == made.id


@pytest.mark.parametrize("source", ["", " ", 1, None, []], ids=repr)
def test_3_2_1_source_must_be_a_non_empty_uri(source: object) -> None:
    with pytest.raises(Malformed, match=r"^source: "):
        parse_subscription(body(source=source))


@pytest.mark.parametrize("types", [[""], ["a", ""], [None], [1], "a", {}], ids=repr)
def test_3_2_1_types_must_be_non_empty_strings(types: object) -> None:
    with pytest.raises(Malformed, match=r"^types"):
        parse_subscription(body(types=types))


@pytest.mark.parametrize("value", [5, "x", True, None, {"a": [1]}, [1.5]], ids=repr)
def test_3_2_1_config_takes_values_of_any_type(value: object) -> None:
    assert parse_subscription(body(config={"interval": value})).config == {"interval": value}


def test_3_2_1_config_keys_must_be_non_empty() -> None:
    with pytest.raises(Malformed, match="config: a name is empty"):
        parse_subscription(body(config={"": 1}))


@pytest.mark.parametrize("missing", ["sink", "protocol"])
def test_3_2_1_sink_and_protocol_are_required(missing: str) -> None:
    sent = json.dumps({name: value for name, value in LEAST.items() if name != missing})
    with pytest.raises(Malformed, match=f"{missing}: is missing and is required"):
        parse_subscription(sent.encode())


@pytest.mark.parametrize(
    "sink", ["mqtt://h/x", "amqp://h", "urn:x", "relative", "https://", "mailto:a@b.example"]
)
def test_3_2_1_sink_must_be_valid_for_the_protocol(sink: str) -> None:
    with pytest.raises(Malformed, match=r"^sink: "):
        parse_subscription(body(sink=sink))


@pytest.mark.parametrize("protocol", ["http", "Http", "HTTPS", " HTTP"])
def test_3_2_1_protocol_is_compared_case_sensitively(protocol: str) -> None:
    with pytest.raises(Malformed, match=r"^protocol: .* is unknown"):
        parse_subscription(body(protocol=protocol))


@pytest.mark.parametrize("protocol", ["AMQP", "MQTT3", "MQTT5", "KAFKA", "NATS"])
def test_3_2_1_protocol_that_is_not_served_is_refused(protocol: str) -> None:
    with pytest.raises(Malformed, match="is not served by this hub"):
        parse_subscription(body(protocol=protocol))


def test_3_2_1_the_example_is_understood() -> None:
    draft = parse_subscription(
        b"""{"id": "sub-193-18365", "config": {"data": "hello", "interval": 5},
             "filters": [{"prefix": {"type": "com.example."}}], "protocol": "HTTP",
             "protocolsettings": {"method": "POST"}, "sink": "http://example.com/event-processor"}"""
    )
    assert compiled(draft.filter)(EVENT)


# 3.2.2.1 HTTP settings


def test_3_2_2_1_headers_and_method_are_supported_and_method_defaults_to_post() -> None:
    settings = parse_subscription(body(protocolsettings={"headers": {"X-Key": "1"}})).settings
    assert (settings.headers, settings.method) == ({"X-Key": "1"}, "POST")
    assert parse_subscription(body(protocolsettings={"method": "PUT"})).settings.method == "PUT"


# 3.2.3 Sink credentials


@pytest.mark.parametrize(
    "credential",
    [
        {"identifier": "me", "secret": "x"},
        {"credentialtype": "PLAIN", "secret": "x"},
    ],
    ids=["credentialtype", "identifier"],
)
def test_3_2_3_what_is_required_must_be_there(credential: object) -> None:
    with pytest.raises(Malformed, match="is missing and is required"):
        parse_subscription(body(sinkcredential=credential))


@pytest.mark.parametrize(
    "credential",
    [Credential("PLAIN", "me", "hunter2"), Credential("ACCESSTOKEN", None, "hunter2")],
    ids=["PLAIN", "ACCESSTOKEN"],
)
def test_3_2_3_secrets_are_not_returned(credential: Credential) -> None:
    shown = render_subscription(Subscription("s", "https://h/", credential=credential))
    assert "hunter2" not in repr(shown)
    assert shown["sinkcredential"]["credentialtype"] == credential.credentialtype  # type: ignore[index]


# 3.2.4 Filters


@pytest.mark.parametrize("filters", [None, []], ids=["absent", "empty"])
def test_3_2_4_no_filter_is_true(filters: object) -> None:
    assert compiled(parse_filters(filters))(EVENT)


def test_3_2_4_one_false_expression_makes_all_false() -> None:
    true, false = {"exact": {"id": "A-1"}}, {"exact": {"id": "B-1"}}
    assert compiled(parse_filters([true, true]))(EVENT)
    assert not compiled(parse_filters([true, false, true]))(EVENT)


@pytest.mark.parametrize("dialect", ["regex", "SQL", "EXACT", "https://example.com/dialect"])
def test_3_2_4_a_dialect_that_is_not_supported_is_refused(dialect: str) -> None:
    with pytest.raises(Malformed, match="unknown dialect"):
        parse_subscription(body(filters=[{dialect: {"type": "a"}}]))


@pytest.mark.parametrize("dialect", ["exact", "prefix", "suffix"])
@pytest.mark.parametrize(
    "inner", [{}, {"": "a"}, {"type": ""}, {"type": 1}, {"type": None}, [], "a"], ids=repr
)
def test_3_2_4_1_1_names_and_values_must_be_non_empty_strings(dialect: str, inner: object) -> None:
    with pytest.raises(Malformed, match=f"^filters/0/{dialect}"):
        parse_filters([{dialect: inner}])


@pytest.mark.parametrize("dialect", ["all", "any"])
@pytest.mark.parametrize("inner", [[], {}, "a", None], ids=repr)
def test_3_2_4_1_1_all_and_any_need_a_non_empty_array(dialect: str, inner: object) -> None:
    with pytest.raises(Malformed, match=f"^filters/0/{dialect}"):
        parse_filters([{dialect: inner}])


@pytest.mark.parametrize("inner", [[], {}, "a", [{"exact": {"id": "a"}}]], ids=repr)
def test_3_2_4_1_1_not_takes_exactly_one_expression(inner: object) -> None:
    with pytest.raises(Malformed, match=r"^filters/0/not"):
        parse_filters([{"not": inner}])


@pytest.mark.parametrize(
    ("section", "expression", "passes"),
    [
        ("exact", {"exact": {"type": "com.example.file.created"}}, True),
        ("exact", {"exact": {"type": "com.example.file"}}, False),
        ("exact is case-sensitive", {"exact": {"subject": "photos/cat.png"}}, False),
        ("exact, all names", {"exact": {"id": "A-1", "source": "/cloud/storage"}}, True),
        ("exact, all names", {"exact": {"id": "A-1", "source": "/other"}}, False),
        ("exact, not set", {"exact": {"dataschema": "x"}}, False),
        ("exact, specversion", {"exact": {"specversion": "1.0"}}, True),
        ("exact, integer", {"exact": {"priority": "10"}}, True),
        ("exact, boolean", {"exact": {"urgent": "true"}}, True),
        ("exact, binary", {"exact": {"digest": "AP8="}}, True),
        ("exact, timestamp", {"exact": {"time": "2026-11-22T10:02:11Z"}}, True),
        ("prefix", {"prefix": {"type": "com.example."}}, True),
        ("prefix", {"prefix": {"type": "example"}}, False),
        ("prefix is case-sensitive", {"prefix": {"type": "Com."}}, False),
        ("prefix, all names", {"prefix": {"type": "com.", "subject": "videos/"}}, False),
        ("prefix, not set", {"prefix": {"dataschema": "x"}}, False),
        ("prefix, the whole", {"prefix": {"id": "A-1"}}, True),
        ("suffix", {"suffix": {"type": ".created"}}, True),
        ("suffix", {"suffix": {"type": ".create"}}, False),
        ("suffix is case-sensitive", {"suffix": {"subject": ".PNG"}}, False),
        ("suffix, all names", {"suffix": {"type": ".created", "subject": ".png"}}, True),
        ("suffix, not set", {"suffix": {"dataschema": "x"}}, False),
        ("all", {"all": [{"prefix": {"type": "com."}}, {"suffix": {"type": ".created"}}]}, True),
        ("all", {"all": [{"prefix": {"type": "com."}}, {"suffix": {"type": ".gone"}}]}, False),
        ("any", {"any": [{"prefix": {"type": "org."}}, {"suffix": {"type": ".created"}}]}, True),
        ("any", {"any": [{"prefix": {"type": "org."}}, {"suffix": {"type": ".gone"}}]}, False),
        ("not", {"not": {"prefix": {"type": "org."}}}, True),
        ("not", {"not": {"prefix": {"type": "com."}}}, False),
        ("not, not set", {"not": {"exact": {"dataschema": "x"}}}, True),
        (
            "nested",
            {"all": [{"not": {"any": [{"exact": {"id": "x"}}]}}, {"exact": {"id": "A-1"}}]},
            True,
        ),
    ],
)
def test_3_2_4_1_1_dialects(section: str, expression: object, passes: bool) -> None:
    filter_ = parse_filters([expression])
    assert (compiled(filter_)(EVENT), decide(filter_, EVENT).passed) == (passes, passes), section


# 3.2.4.1.2 Optional dialects


@pytest.mark.parametrize(
    ("expression", "passes"),
    [
        ("source LIKE '%storage%'", True),
        ("TRUE", True),
        ("FALSE", False),
        ("urgent", True),
        ("region", False),
        ("priority", False),
        ("priority + 1", False),
        ("'true'", False),
        ("1 / 0 = 1", False),
        ("unset = 'a' OR TRUE", False),
        ("NOT (unset = 'a')", False),
    ],
)
def test_3_2_4_1_2_sql_is_true_when_the_expression_is_true_and_false_else(
    expression: str, passes: bool
) -> None:
    for dialect in ("sql", "cesql"):
        tree = parse_filters([{dialect: expression}])
        assert compiled(tree)(EVENT) is passes
        assert decide(tree, EVENT).passed is passes


def test_3_2_4_1_2_an_expression_with_an_error_is_false_and_its_negation_true() -> None:
    assert compiled(parse_filters([{"not": {"sql": "unset = 'a'"}}]))(EVENT)


@pytest.mark.parametrize("inner", ["", None, 1, ["TRUE"], {"type": "a"}], ids=repr)
def test_3_2_4_1_2_sql_must_be_a_string(inner: object) -> None:
    with pytest.raises(Malformed, match=r"^filters/0/sql: a CESQL expression is needed"):
        parse_filters([{"sql": inner}])


def test_3_2_4_1_2_an_invalid_expression_is_refused_with_the_place() -> None:
    with pytest.raises(Malformed) as found:
        parse_filters([{"all": [{"sql": "type = 'a' AND"}]}])
    assert found.value.message == (
        "filters/0/all/0/sql: at offset 14: an attribute, a literal, a function or '(' was expected, "
        "found the end"
    )
    assert found.value.details == {
        "offset": 14,
        "marked": "type = 'a' AND\n              ^",
    }


def test_3_2_4_1_2_a_call_of_an_unknown_function_is_refused_with_the_place() -> None:
    with pytest.raises(Malformed, match="at offset 14: there is no function MATCHES") as found:
        parse_filters([{"sql": "type = 'a' OR MATCHES(subject)"}])
    assert found.value.details["offset"] == 14
    with pytest.raises(Malformed, match="at offset 0: LENGTH does not take 2 arguments"):
        parse_filters([{"sql": "LENGTH(id, 1) = 1"}])


@pytest.mark.parametrize(
    ("expression", "leaf", "found"),
    [
        ("type = 'x' AND EXISTS id", "sql(type = 'x')", "com.example.file.created"),
        ("EXISTS id AND region = 'eu-west'", "sql(region = 'eu-west')", "eu-west"),
        ("region = 'us' OR priority > 5", "sql(priority > 5)", "10"),
        ("region = 'us' OR unset = 1", "sql(unset = 1): the event has no attribute 'unset'", None),
        (
            "priority > priority / 0",
            "sql(priority > (priority / 0)): 10 / 0: a division by zero",
            "10",
        ),
        ("NOT (region = 'us' OR urgent)", "sql(urgent)", "true"),
        ("region = subject", "sql(region = subject)", "region='eu-west', subject='photos/Cat.png'"),
        ("region", "sql(region): 'eu-west' is no Boolean", "eu-west"),
        ("1 = 2", "sql(1 = 2)", None),
    ],
)
def test_3_2_4_1_2_a_decision_names_the_part_of_the_expression(
    expression: str, leaf: str, found: str | None
) -> None:
    decision = decide(parse_filters([{"sql": expression}]), EVENT)
    assert (decision.leaf, decision.found) == (leaf, found)
