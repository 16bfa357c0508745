"""The hub's own rules for what is written to its registry: channels, subscriptions, declarations."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

import pytest

from chappe.adapters.memory.registry_log import MemoryRegistryLog
from chappe.adapters.system.secrets import SystemSecrets
from chappe.domain.channel import Channel
from chappe.domain.subscription import Credential, Defaults, Subscription
from chappe.flows.describe import Describe, description
from chappe.flows.materialise import Materialise
from chappe.flows.register import Register
from chappe.formats.languages import json_alone
from chappe.formats.transaction_json import decode_announcements
from chappe.kit.latest import Latest
from chappe.registry.change_events import events
from chappe.registry.errors import RegistryError
from chappe.registry.paths import parse_path
from chappe.registry.request_flags import parse_flags
from chappe.registry.state import State, empty
from chappe.registry.views import render
from chappe.testing.fake_clock import FakeClock
from chappe.testing.hub_registry import hub_tree, writing

SUBSCRIPTIONS = "/endpoints/hub/subscriptions"
LEAST: dict[str, Any] = {"sink": "https://billing.example/events", "protocol": "HTTP"}
SECRET = "hunter2-never-shown"
PLAIN = {"credentialtype": "PLAIN", "identifier": "me", "secret": SECRET}
TYPED = {
    "envelope": "CloudEvents/1.0",
    "dataschemaformat": "JSONSchema/draft-07",
    "dataschema": {"type": "object"},
    "validation": "enforce",
}

Method = Literal["PUT", "PATCH", "POST", "DELETE"]


def sealed_with(secret: str) -> dict[str, Any]:
    return {**LEAST, "sinkcredential": {**PLAIN, "secret": secret}}


@dataclass
class Hub:
    """A registry as a hub begins it, with the channel `orders`."""

    log: MemoryRegistryLog = field(default_factory=MemoryRegistryLog)
    last_block: int = 41

    def __post_init__(self) -> None:
        self.state: Latest[State] = Latest(empty(1))
        clock, secrets, ids = FakeClock(), SystemSecrets(b"k" * 32), count(1)

        async def extent(channel: str, start: str) -> int:
            return self.last_block

        self.register = Register(
            self.log,
            self.state,
            clock,
            secrets,
            lambda: f"s-{next(ids)}",
            extent,
            json_alone(),
            defaults=Defaults(7, 8.5),
        )
        self._materialise = Materialise(self.log, self.state, clock, secrets, shards=1)

    async def begin(self) -> None:
        await self._materialise.found(hub_tree((Channel("orders", 2),)), by="n-test")

    async def write(self, method: Method, path: str, *body: Any) -> None:
        await self.register.write(writing(method, path, *body))

    async def refused(self, method: Method, path: str, *body: Any) -> RegistryError:
        """Why a write is refused; it leaves nothing behind."""
        before = self.state.value
        with pytest.raises(RegistryError) as refused:
            await self.register.write(writing(method, path, *body))
        assert self.state.value is before
        assert await self.log.read(before.revision) == []
        return refused.value

    def shown(self, path: str, query: str = "") -> bytes:
        """What a GET shows."""
        tree = self.state.value.tree
        target = parse_path(path.encode(), tree.model)
        flags = parse_flags(query.encode(), target=target, method="GET", tree=tree)
        return bytes(render(tree, target, flags, "http://hub"))

    def subscription(self, id: str = "billing") -> Subscription:
        return self.state.value.subscriptions[id]


@pytest.fixture
async def hub() -> Hub:
    made = Hub()
    await made.begin()
    return made


# Channels


async def test_a_channel_that_is_put_is_one_of_the_hubs(hub: Hub) -> None:
    await hub.write("PUT", "/channels/invoices", {"shards": 3})
    assert hub.state.value.channels["invoices"] == Channel("invoices", 3)


async def test_a_channel_without_a_number_of_shards_has_one(hub: Hub) -> None:
    await hub.write("PUT", "/channels/invoices", {})
    assert hub.state.value.channels["invoices"] == Channel("invoices", 1)


async def test_a_channel_that_changes_otherwise_stays_the_same_value(hub: Hub) -> None:
    before = hub.state.value.channels["orders"]
    await hub.write("PATCH", "/channels/orders", {"name": "Orders", "labels": {"team": "shop"}})
    assert hub.state.value.channels["orders"] is before


@pytest.mark.parametrize("shards", [1, 3])
async def test_the_shards_of_a_channel_are_fixed(hub: Hub, shards: int) -> None:
    error = await hub.refused("PATCH", "/channels/orders", {"shards": shards})
    assert (error.kind, error.subject) == ("invalid_attribute", "/channels/orders")
    assert error.args_shown["name"] == "shards"
    assert f"{shards} was sent, they are 2" in error.message


@pytest.mark.parametrize("shards", [0, 257, 10**30])
async def test_a_number_of_shards_that_cannot_be_is_refused(hub: Hub, shards: int) -> None:
    error = await hub.refused("PUT", "/channels/invoices", {"shards": shards})
    assert "1 to 256 are possible" in error.message


@pytest.mark.parametrize("name", ["Invoices", "in_voices", "a.b", "a-", "a" * 65])
async def test_a_channel_needs_a_name_that_the_log_can_have(hub: Hub, name: str) -> None:
    error = await hub.refused("PUT", f"/channels/{name}", {})
    assert "is no name" in error.message


@pytest.mark.parametrize("body", [(), ({"orders": {}},)], ids=["all", "one"])
async def test_channels_stay_when_their_collection_is_deleted(hub: Hub, body: Any) -> None:
    error = await hub.refused("DELETE", "/channels", *body)
    assert "a channel stays" in error.message


@pytest.mark.parametrize("name", ["default", "registry", "orders"])
async def test_a_channel_cannot_be_deleted(hub: Hub, name: str) -> None:
    error = await hub.refused("DELETE", f"/channels/{name}")
    assert (error.kind, error.subject) == ("bad_request", f"/channels/{name}")


@pytest.mark.parametrize(
    ("name", "kind"), [("orders", "registry"), ("invoices", "attempts"), ("registry", "events")]
)
async def test_what_a_channel_holds_is_not_for_clients_to_say(
    hub: Hub, name: str, kind: str
) -> None:
    error = await hub.refused("PATCH", f"/channels/{name}", {"kind": kind})
    assert (error.subject, error.args_shown["name"]) == (f"/channels/{name}", "kind")


# Endpoints


@pytest.mark.parametrize(
    ("path", "body"),
    [("/endpoints/hub", ()), ("/endpoints", ()), ("/endpoints", ({"hub": {}},))],
    ids=["itself", "all", "named"],
)
async def test_the_hubs_own_endpoint_cannot_be_deleted(hub: Hub, path: str, body: Any) -> None:
    await hub.write("PUT", f"{SUBSCRIPTIONS}/billing", LEAST)
    error = await hub.refused("DELETE", path, *body)
    assert error.subject == "/endpoints/hub"
    assert "is the hub's own; its subscriptions and sources can be deleted" in error.message


async def test_all_subscriptions_can_be_deleted_at_once(hub: Hub) -> None:
    for id_ in ("a", "b"):
        await hub.write("PUT", f"{SUBSCRIPTIONS}/{id_}", LEAST)
    await hub.write("DELETE", SUBSCRIPTIONS)
    assert hub.state.value.subscriptions == {}


async def test_other_endpoints_can_be_made_and_deleted(hub: Hub) -> None:
    await hub.write("PUT", "/endpoints/mine", {"usage": ["producer"]})
    await hub.write("DELETE", "/endpoints/mine")
    assert "mine" not in hub.state.value.tree.of("endpoints")


@pytest.mark.parametrize("nested", [False, True])
async def test_only_the_hubs_own_endpoint_takes_subscriptions(hub: Hub, nested: bool) -> None:
    usage: dict[str, Any] = {"usage": ["producer"]}
    if nested:
        body = {**usage, "subscriptions": {"billing": LEAST}}
        error = await hub.refused("PUT", "/endpoints/mine", body)
    else:
        await hub.write("PUT", "/endpoints/mine", usage)
        error = await hub.refused("PUT", "/endpoints/mine/subscriptions/billing", LEAST)
    assert error.subject == "/endpoints/mine/subscriptions/billing"
    assert "takes no subscriptions" in error.message
    assert hub.state.value.subscriptions == {}


# Subscriptions


async def test_a_subscription_that_is_put_is_complete_and_delivered_for(hub: Hub) -> None:
    await hub.write("PUT", f"{SUBSCRIPTIONS}/billing", {**LEAST, "types": ["a"]})
    found = hub.subscription()
    assert (found.sink, found.types, found.channel) == (LEAST["sink"], frozenset({"a"}), "default")
    assert (found.concurrency, found.timeout_s) == (7, 8.5)
    assert (found.starts_after, found.start, found.epoch) == (41, "latest", 1)
    assert found.made_at_revision == hub.state.value.revision
    shown = hub.shown(f"{SUBSCRIPTIONS}/billing")
    assert b'"concurrency":7' in shown
    assert b'"start":"latest"' in shown


async def test_a_patch_changes_what_it_names_and_keeps_where_the_subscription_began(
    hub: Hub,
) -> None:
    await hub.write("PUT", f"{SUBSCRIPTIONS}/billing", {**LEAST, "channel": "orders"})
    made = hub.subscription()
    hub.last_block = 99
    await hub.write("PATCH", f"{SUBSCRIPTIONS}/billing", {"types": ["a"]})
    kept = hub.subscription()
    assert (kept.types, kept.sink, kept.channel) == (frozenset({"a"}), made.sink, "orders")
    assert (kept.starts_after, kept.made_at_revision) == (41, made.made_at_revision)
    assert kept.epoch == made.epoch + 1


async def test_the_subscription_is_what_its_default_version_says(hub: Hub) -> None:
    path = f"{SUBSCRIPTIONS}/billing"
    await hub.write("PUT", path, sealed_with("first"))
    second = {**sealed_with("second"), "sink": "https://other.example/"}
    await hub.write("POST", path, second)
    epochs = [hub.subscription().epoch]
    assert (hub.subscription().sink, _secret(hub)) == ("https://other.example/", "second")
    await hub.write(
        "PATCH", f"{path}/meta", {"defaultversionid": "1", "defaultversionsticky": True}
    )
    epochs.append(hub.subscription().epoch)
    assert (hub.subscription().sink, _secret(hub)) == (LEAST["sink"], "first")
    await hub.write("DELETE", f"{path}/versions/1")
    epochs.append(hub.subscription().epoch)
    assert (hub.subscription().sink, _secret(hub)) == ("https://other.example/", "second")
    assert epochs == sorted(epochs)


def _secret(hub: Hub) -> str:
    credential = hub.subscription().credential
    assert credential is not None
    return credential.secret


async def test_what_the_api_of_subscriptions_replaces_is_kept_as_another_version(hub: Hub) -> None:
    made = await hub.register.create_subscription({**LEAST, "types": ["a"]})
    await hub.register.replace_subscription(made.id, {**LEAST, "types": ["b"]})
    resource = hub.state.value.tree.resource(f"{SUBSCRIPTIONS}/{made.id}")
    assert resource is not None
    assert {id_: one.attributes["types"] for id_, one in resource.versions.items()} == {
        "1": ["a"],
        "2": ["b"],
    }
    assert resource.meta["defaultversionid"] == "2"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"sink": "mqtt://h"}, "sink"),
        ({"protocol": "KAFKA"}, "protocol"),
        ({"retry": {"base_s": 0}}, "retry.base_s"),
        ({"filters": [{"regex": {"type": "a"}}]}, "filters.0"),
        ({"channel": "nowhere"}, "channel"),
        ({"channel": "attempts"}, "channel"),
        ({"concurrency": 0}, "concurrency"),
        (
            {"sinkcredential": {"credentialtype": "PLAIN", "identifier": "me"}},
            "sinkcredential.secret",
        ),
    ],
)
async def test_a_subscription_that_breaks_a_rule_is_refused_by_the_attribute(
    hub: Hub, body: dict[str, Any], name: str
) -> None:
    error = await hub.refused("PUT", f"{SUBSCRIPTIONS}/billing", {**LEAST, **body})
    assert error.kind == "invalid_attribute"
    assert error.subject.startswith(f"{SUBSCRIPTIONS}/billing")
    assert error.args_shown["name"] == name


@pytest.mark.parametrize(("name", "value"), [("channel", "orders"), ("start", "earliest")])
async def test_what_is_fixed_when_it_is_made_cannot_be_changed_in_any_version(
    hub: Hub, name: str, value: str
) -> None:
    path = f"{SUBSCRIPTIONS}/billing"
    await hub.write("PUT", path, LEAST)
    for method, at in (("PATCH", path), ("POST", path), ("PUT", f"{path}/versions/1")):
        error = await hub.refused(method, at, {**LEAST, name: value})  # type: ignore[arg-type]
        assert error.args_shown["name"] == name


async def test_a_subscription_is_no_mirror_of_another(hub: Hub) -> None:
    await hub.write("PUT", f"{SUBSCRIPTIONS}/billing", LEAST)
    error = await hub.refused(
        "PUT", f"{SUBSCRIPTIONS}/copy/meta", {"xref": f"{SUBSCRIPTIONS}/billing"}
    )
    assert (error.subject, error.args_shown["name"]) == (f"{SUBSCRIPTIONS}/copy", "xref")


async def test_one_bad_subscription_among_many_leaves_none(hub: Hub) -> None:
    many = {"good": LEAST, "bad": {**LEAST, "channel": "nowhere"}}
    error = await hub.refused("POST", SUBSCRIPTIONS, many)
    assert error.subject == f"{SUBSCRIPTIONS}/bad"


async def test_a_subscription_can_be_made_with_its_channel_in_one_write(hub: Hub) -> None:
    await hub.write(
        "POST",
        "/",
        {
            "channels": {"invoices": {"shards": 2}},
            "endpoints": {
                "hub": {
                    "usage": ["subscriber"],
                    "subscriptions": {"billing": {**LEAST, "channel": "invoices"}},
                }
            },
        },
    )
    assert (hub.subscription().channel, hub.subscription().starts_after) == ("invoices", 0)


# Secrets


async def test_a_secret_is_shown_by_no_way_of_reading(hub: Hub) -> None:
    path = f"{SUBSCRIPTIONS}/billing"
    await hub.write("PUT", path, sealed_with(SECRET))
    await hub.write("POST", path, sealed_with(SECRET))
    assert _secret(hub) == SECRET
    sealed = _sealed(hub)
    for at, query in (
        (path, ""),
        (path, "inline=*"),
        (path, "doc&inline=*"),
        (f"{path}/versions", ""),
        (f"{path}/versions/1", ""),
        (SUBSCRIPTIONS, "inline=*"),
        ("/", "inline=*"),
        ("/", "doc&inline=*"),
        ("/export", ""),
    ):
        shown = hub.shown(at, query)
        assert b'"identifier":"me"' in shown
        assert [text for text in (SECRET, sealed, ".secret") if text.encode() in shown] == []


async def test_a_secret_is_in_no_filter(hub: Hub) -> None:
    await hub.write("PUT", f"{SUBSCRIPTIONS}/billing", sealed_with(SECRET))
    assert hub.shown(SUBSCRIPTIONS, "filter=sinkcredential.identifier=me") != b"{}"
    for query in (f"filter=sinkcredential.secret={SECRET}", "filter=sinkcredential.secret"):
        assert hub.shown(SUBSCRIPTIONS, query) == b"{}"
    with pytest.raises(RegistryError, match="is wrong"):
        hub.shown(SUBSCRIPTIONS, f"filter=.secret={_sealed(hub)}")


async def test_a_secret_is_in_no_event_of_change(hub: Hub) -> None:
    path = f"{SUBSCRIPTIONS}/billing"
    await hub.write("PUT", path, sealed_with("first"))
    await hub.write("PATCH", path, {"sinkcredential": {**PLAIN, "secret": SECRET}})
    assert _secret(hub) == SECRET
    commits = await hub.log.read(1)
    told = [
        event
        for commit in commits
        for event in events(decode_announcements(commit.transaction), commit.revision)
    ]
    assert {event.subject for event in told} >= {f"{path}/versions/1"}
    for event in told:
        text = repr(event)
        assert [word for word in (SECRET, "first", _sealed(hub), ".secret") if word in text] == []
    assert not [one for one in commits if SECRET.encode() in one.transaction]


async def test_no_refusal_repeats_a_secret(hub: Hub) -> None:
    for body in (
        {**LEAST, "sinkcredential": {**PLAIN, "identifier": ""}},
        {**LEAST, "sinkcredential": {**PLAIN, "credentialtype": "X"}},
        {**LEAST, "sinkcredential": {**PLAIN, "secret": [SECRET]}},
        {**LEAST, "sinkcredential": {**PLAIN, "accesstoken": SECRET}},
        {**LEAST, "sinkcredential": {**PLAIN, "secret": f"{SECRET}\n"}},
        {**LEAST, "sinkcredential": SECRET},
        {**sealed_with(SECRET), "sink": "mqtt://h"},
    ):
        error = await hub.refused("PUT", f"{SUBSCRIPTIONS}/billing", body)
        assert SECRET not in f"{error.message} {error.detail} {error.args_shown}"


@pytest.mark.parametrize("method", ["PATCH", "PUT", "POST"])
async def test_a_secret_that_is_not_sent_stays_where_the_origin_does(
    hub: Hub, method: Method
) -> None:
    path = f"{SUBSCRIPTIONS}/billing"
    await hub.write("PUT", path, sealed_with(SECRET))
    without = {name: value for name, value in PLAIN.items() if name != "secret"}
    moved = {**LEAST, "sink": f"{LEAST['sink']}/v2", "sinkcredential": without}
    await hub.write(method, path, moved)
    assert hub.subscription().sink == moved["sink"]
    assert hub.subscription().credential == Credential("PLAIN", "me", SECRET)


@pytest.mark.parametrize(
    ("method", "below"),
    [("PATCH", ""), ("PUT", ""), ("POST", ""), ("PATCH", "/versions/1"), ("PUT", "/versions/2")],
)
async def test_a_kept_secret_goes_to_no_other_origin_by_any_write(
    hub: Hub, method: Method, below: str
) -> None:
    path = f"{SUBSCRIPTIONS}/billing"
    await hub.write("PUT", path, sealed_with(SECRET))
    without = {name: value for name, value in PLAIN.items() if name != "secret"}
    body = {**LEAST, "sink": "https://evil.example/", "sinkcredential": without}
    error = await hub.refused(method, path + below, body)
    assert error.args_shown["name"] == "sinkcredential.secret"
    assert "another origin" in error.message


async def test_private_attributes_cannot_be_written(hub: Hub) -> None:
    for name in (".secret", ".startsafter", ".madeat"):
        error = await hub.refused("PUT", f"{SUBSCRIPTIONS}/billing", {**LEAST, name: "x"})
        assert error.subject.startswith(f"{SUBSCRIPTIONS}/billing")


def _sealed(hub: Hub, path: str = f"{SUBSCRIPTIONS}/billing") -> str:
    resource = hub.state.value.tree.resource(path)
    assert resource is not None
    assert resource.default is not None
    return str(resource.default.attributes[".secret"])


# Declarations


async def test_a_type_is_the_messages_id_unless_its_metadata_say_otherwise(hub: Hub) -> None:
    await hub.write("PUT", "/messagegroups/shop/messages/plain", TYPED)
    named = {**TYPED, "envelopemetadata": {"type": {"value": "order/paid"}}}
    await hub.write("PUT", "/messagegroups/shop/messages/named", named)
    assert {one.path: type_ for type_, one in hub.state.value.declarations.items()} == {
        "/messagegroups/shop/messages/plain": "plain",
        "/messagegroups/shop/messages/named": "order/paid",
    }


async def test_a_message_of_an_endpoint_declares_like_one_of_a_group(hub: Hub) -> None:
    await hub.write("PUT", "/endpoints/mine", {"usage": ["producer"], "messages": {"paid": TYPED}})
    assert hub.state.value.declarations["paid"].path == "/endpoints/mine/messages/paid"
    error = await hub.refused("PUT", "/messagegroups/shop/messages/paid", TYPED)
    assert "/endpoints/mine/messages/paid says" in error.message


async def test_two_messages_of_one_write_cannot_declare_one_type(hub: Hub) -> None:
    named = {**TYPED, "envelopemetadata": {"type": {"value": "paid"}}}
    error = await hub.refused("POST", "/messagegroups/shop/messages", {"a": named, "b": named})
    assert "one message does that for a type" in error.message


async def test_a_type_moves_from_one_message_to_another_in_one_write(hub: Hub) -> None:
    path = "/messagegroups/shop/messages"
    await hub.write("PUT", f"{path}/a", {**TYPED, "envelopemetadata": {"type": {"value": "paid"}}})
    await hub.write(
        "POST",
        path,
        {
            "b": {**TYPED, "envelopemetadata": {"type": {"value": "paid"}}},
            "a": {**TYPED, "envelopemetadata": {"type": {"value": "sent"}}},
        },
    )
    assert {type_: one.path for type_, one in hub.state.value.declarations.items()} == {
        "paid": f"{path}/b",
        "sent": f"{path}/a",
    }


@pytest.mark.parametrize("ended", ["message", "group", "validation"])
async def test_what_declares_no_more_leaves_the_type_to_others(hub: Hub, ended: str) -> None:
    await hub.write("PUT", "/messagegroups/shop/messages/paid", TYPED)
    match ended:
        case "message":
            await hub.write("DELETE", "/messagegroups/shop/messages/paid")
        case "group":
            await hub.write("DELETE", "/messagegroups/shop")
        case _:
            await hub.write("PATCH", "/messagegroups/shop/messages/paid", {"validation": None})
    await hub.write("PUT", "/messagegroups/else/messages/paid", TYPED)
    assert hub.state.value.declarations["paid"].path == "/messagegroups/else/messages/paid"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"dataschema": None}, "dataschema"),
        ({"dataschema": {"type": "nonsense"}}, "dataschema"),
        ({"dataschemaformat": "Avro/1.11"}, "dataschemaformat"),
    ],
)
async def test_a_message_that_says_validation_needs_a_schema_that_can_be_used(
    hub: Hub, changes: dict[str, Any], says: str
) -> None:
    error = await hub.refused("PUT", "/messagegroups/shop/messages/paid", {**TYPED, **changes})
    assert (error.kind, error.args_shown["name"]) == ("invalid_attribute", says)
    silent = {name: value for name, value in {**TYPED, **changes}.items() if name != "validation"}
    await hub.write("PUT", "/messagegroups/shop/messages/paid", silent)
    assert hub.state.value.declarations == {}


# The model


@pytest.mark.parametrize("lost", ["channels", "endpoints"])
async def test_the_model_keeps_what_the_hub_lives_on(hub: Hub, lost: str) -> None:
    source = dict(hub.state.value.tree.model.source)
    groups = {name: value for name, value in source["groups"].items() if name != lost}
    error = await hub.refused("PUT", "/modelsource", {**source, "groups": groups})
    assert error.kind in ("model_error", "model_compliance_error")


# The hub's description of itself


async def test_the_hub_may_write_its_own_description_again(hub: Hub) -> None:
    await hub.write("PATCH", "/endpoints/hub", {"description": "mine", "labels": {"team": "x"}})
    wanted = description("http://hub", hub.state.value.channels.values(), None, "2")
    await Describe(lambda decide: hub.register.amend(decide, by="n-test"))(wanted)
    endpoint = hub.state.value.tree.of("endpoints")["hub"].attributes
    assert endpoint["description"] != "mine"
    assert endpoint["labels"]["team"] == "x"
    assert endpoint["labels"]["chappe.version"] == "2"
