"""What a hub says of itself, and when it writes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from chappe.domain.channel import Channel
from chappe.domain.options import NatsSettings
from chappe.domain.source import KafkaSource, NatsSource, Source
from chappe.domain.subject import Subject
from chappe.domain.subscription import Subscription
from chappe.flows.describe import Describe, Description, base_url, description, differing, stale
from chappe.formats.broker_endpoints import broker_endpoints, filter_of
from chappe.formats.languages import json_alone
from chappe.registry.entity import Tree
from chappe.registry.errors import RegistryError
from chappe.registry.flags import Flags
from chappe.registry.hub_model import hub_model
from chappe.registry.request import Change, Rules, Write
from chappe.registry.state import State
from chappe.registry.target import Level, Target
from chappe.registry.write import empty_tree, write

URL = "https://hub.example.com"
CHANNELS = [Channel("default", 4), Channel("orders", 2), Channel("deadletters", 1)]
AUDITED = [*CHANNELS, Channel("audit", 1)]
WANTED = description(URL, CHANNELS, None, "1.2.3")
NOW = "2026-11-22T10:00:00Z"


@dataclass
class Registry:
    """A registry in memory: what the flow's `amend` writes to."""

    tree: Tree = field(default_factory=lambda: empty_tree("hub", NOW, hub_model()))
    writes: list[Write] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    async def amend(self, decide: Callable[[Tree, str], Write | None]) -> None:
        request = decide(self.tree, NOW)
        if request is not None:
            self.do(request)

    def do(self, request: Write) -> None:
        written = write(self.tree, request, Rules(json_alone()))
        self.tree = written.tree
        self.writes.append(request)
        self.changes += written.changes

    def post(self, body: Mapping[str, Any]) -> None:
        self.do(Write("POST", Target(Level.REGISTRY), body, Flags(), NOW, path="/"))

    def endpoint(self, id: str) -> Mapping[str, Any]:
        return self.tree.of("endpoints")[id].attributes


async def described(wanted: Description = WANTED) -> Registry:
    registry = Registry()
    await Describe(registry.amend)(wanted)
    return registry


async def test_a_hub_says_where_to_publish_read_and_subscribe() -> None:
    registry = await described()

    endpoints = {
        id: (endpoint.attributes["usage"], endpoint.attributes["protocoloptions"]["endpoints"])
        for id, endpoint in registry.tree.of("endpoints").items()
    }
    assert endpoints == {
        "hub": (["subscriber"], [{"uri": f"{URL}/subscriptions"}]),
        "publish-default": (["producer"], [{"uri": f"{URL}/channels/default/events"}]),
        "read-default": (["consumer"], [{"uri": f"{URL}/channels/default/events"}]),
        "publish-orders": (["producer"], [{"uri": f"{URL}/channels/orders/events"}]),
        "read-orders": (["consumer"], [{"uri": f"{URL}/channels/orders/events"}]),
        "read-deadletters": (["consumer"], [{"uri": f"{URL}/channels/deadletters/events"}]),
    }


async def test_a_hub_says_which_channels_it_has() -> None:
    registry = await described()

    channels = {
        id: (channel.attributes["shards"], channel.attributes["kind"])
        for id, channel in registry.tree.of("channels").items()
    }
    assert channels == {
        "default": (4, "events"),
        "orders": (2, "events"),
        "deadletters": (1, "deadletters"),
    }


async def test_all_that_a_hub_says_of_itself_is_marked() -> None:
    registry = await described()

    for plural in ("channels", "endpoints"):
        for entity in registry.tree.of(plural).values():
            assert entity.attributes["labels"]["chappe"] == "self"


@pytest.mark.parametrize("protocol", ["HTTP", "NATS"])
def test_usages_are_those_that_the_protocol_allows(protocol: str) -> None:
    """endpoint/spec.md "usage": exactly one, or subscriber with consumer where it is not HTTP."""
    allowed = [["subscriber"], ["consumer"], ["producer"]]
    if protocol == "NATS":
        allowed.append(["subscriber", "consumer"])

    said = description(URL, CHANNELS, "nats://n1:4222", "1")["endpoints"].values()

    usages = [one["usage"] for one in said if one["protocol"] == protocol]
    assert usages
    assert all(usage in allowed for usage in usages)


async def test_with_servers_of_ones_own_the_log_is_said_to_be_there() -> None:
    registry = await described(
        description(URL, [Channel("orders", 2)], "nats://ann:secret@n1.example,tls://n2:5222", "1")
    )

    log = registry.endpoint("log-orders")
    assert log["protocoloptions"]["endpoints"] == [
        {"uri": "nats://n1.example:4222"},
        {"uri": "tls://n2:5222"},
    ]
    assert log["protocoloptions"]["subjectfilter"] == "EV.orders.*"
    assert "secret" not in repr(log)


async def test_a_second_start_writes_nothing() -> None:
    registry = await described()
    registry.writes.clear()

    await Describe(registry.amend)(WANTED)

    assert registry.writes == []


async def test_a_changed_address_is_written_where_it_stands_and_nowhere_else() -> None:
    registry = await described()
    before = registry.tree
    moved = description("https://new.example.com", CHANNELS, None, "1.2.3")

    await Describe(registry.amend)(moved)

    after = registry.tree
    options = registry.endpoint("publish-orders")["protocoloptions"]
    assert options["endpoints"] == [{"uri": "https://new.example.com/channels/orders/events"}]
    assert all(after.of("channels")[id] is one for id, one in before.of("channels").items())


async def test_what_a_user_added_stays() -> None:
    registry = await described()
    mine = dict(WANTED["endpoints"]["publish-orders"])
    mine["labels"] = {"chappe": "self", "team": "orders"}
    mine["messagegroups"] = ["/messagegroups/orders"]
    mine["owner"] = {"mail": "orders@example.com"}
    registry.post({"endpoints": {"publish-orders": mine}})
    registry.writes.clear()

    await Describe(registry.amend)(WANTED)
    assert registry.writes == []
    await Describe(registry.amend)(description("https://new.example.com", CHANNELS, None, "1.2.3"))

    kept = registry.endpoint("publish-orders")
    assert kept["labels"] == {"chappe": "self", "team": "orders"}
    assert kept["messagegroups"] == ["/messagegroups/orders"]
    assert kept["owner"] == {"mail": "orders@example.com"}
    assert kept["protocoloptions"]["endpoints"][0]["uri"].startswith("https://new.example.com")


async def test_what_a_user_took_from_the_description_comes_back() -> None:
    registry = await described()
    registry.post({"endpoints": {"publish-orders": {"usage": ["producer"]}}})

    await Describe(registry.amend)(WANTED)

    assert registry.endpoint("publish-orders")["protocol"] == "HTTP"


async def test_subscriptions_stay_when_the_description_of_their_endpoint_changes() -> None:
    registry = await described()
    subscription = {"sink": "https://sink.example.com/", "protocol": "HTTP"}
    registry.post(
        {"endpoints": {"hub": {**WANTED["endpoints"]["hub"], "subscriptions": {"s": subscription}}}}
    )

    await Describe(registry.amend)(description(URL, CHANNELS, None, "2.0.0"))

    assert registry.endpoint("hub")["labels"]["chappe.version"] == "2.0.0"
    assert "s" in registry.tree.of("endpoints")["hub"].of("subscriptions")


async def test_an_endpoint_of_a_channel_that_is_gone_is_taken_back() -> None:
    registry = await described()
    registry.post({"endpoints": {"publish-mine": {"usage": ["producer"]}}})

    await Describe(registry.amend)(description(URL, [Channel("default", 4)], None, "1.2.3"))

    assert set(registry.tree.of("endpoints")) == {
        "hub",
        "publish-default",
        "read-default",
        "publish-mine",
    }


async def test_a_write_that_came_between_is_not_lost() -> None:
    registry = await described()
    moved = description("https://new.example.com", CHANNELS, None, "1.2.3")
    old = differing(registry.tree, moved)
    mine = dict(WANTED["endpoints"]["hub"])
    registry.post({"endpoints": {"hub": {**mine, "labels": {"chappe": "self", "a": "b"}}}})

    with pytest.raises(RegistryError) as raised:
        registry.post(old)

    assert raised.value.kind == "mismatched_epoch"


def test_nothing_is_said_in_words_that_the_model_lacks() -> None:
    tree = empty_tree("hub", NOW)

    assert differing(tree, WANTED) == {}
    assert stale(tree, WANTED) == {}


@pytest.mark.parametrize(
    ("public_url", "host", "url"),
    [
        ("https://hub.example.com/", "0.0.0.0", "https://hub.example.com"),
        (None, "127.0.0.1", "http://127.0.0.1:4280"),
        (None, "0.0.0.0", "http://node-7:4280"),
        (None, "::", "http://node-7:4280"),
        (None, "::1", "http://[::1]:4280"),
    ],
)
def test_the_address_is_the_public_one_or_the_one_listened_on(
    public_url: str | None, host: str, url: str
) -> None:
    assert base_url(public_url, host, 4280, hostname="node-7") == url


def without_defaults(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name != "deployed"}


async def test_what_it_reads_and_writes_at_nats_is_said_and_taken_back() -> None:
    state = State(
        sources={
            "iot": Source("iot", "nats://n1,n2:4223", "NATS", NatsSource(subject="plant.>")),
            "one": Source("one", "tls://n1", "NATS", NatsSource(subject="plant.one")),
            "shop": Source("shop", "kafka://k1", "KAFKA", KafkaSource(topics=("orders",))),
        },
        subscriptions={
            "s-1": Subscription(
                "s-1", "nats://n1", "NATS", settings=NatsSettings(subject="o.{type}")
            ),
            "s-2": Subscription("s-2", "https://a.example/"),
        },
    )
    registry = await described(description(URL, CHANNELS, None, "1.2.3", broker_endpoints(state)))

    found = {
        id: (endpoint.attributes["usage"], without_defaults(endpoint.attributes["protocoloptions"]))
        for id, endpoint in registry.tree.of("endpoints").items()
        if endpoint.attributes["protocol"] == "NATS"
    }
    assert found == {
        "source-iot": (
            ["producer"],
            {
                "endpoints": [{"uri": "nats://n1:4222"}, {"uri": "nats://n2:4223"}],
                "subjectfilter": "plant.>",
            },
        ),
        "source-one": (
            ["producer"],
            {"endpoints": [{"uri": "tls://n1:4222"}], "subject": "plant.one"},
        ),
        "sink-s-1": (
            ["subscriber", "consumer"],
            {"endpoints": [{"uri": "nats://n1:4222"}], "subjectfilter": "o.>"},
        ),
    }
    await Describe(registry.amend)(WANTED)
    assert not [id for id in registry.tree.of("endpoints") if "-iot" in id or "sink-" in id]


@pytest.mark.parametrize(
    ("template", "filter"),
    [
        ("o", "o"),
        ("o.{type}", "o.>"),
        ("{type}", "*"),
        ("a.{id}.x-{type}.b", "a.*.*.b"),
        ("a.x{id}", "a.*"),
    ],
)
def test_the_filter_of_a_template_fits_what_is_made_of_it(template: str, filter: str) -> None:
    assert filter_of(Subject.parse(template)) == filter


def older() -> dict[str, Any]:
    """The model of a hub that knew of no sources and of no audit, and to which a team has added."""
    source = hub_model()
    del source["groups"]["endpoints"]["resources"]["sources"]
    channels = source["groups"]["channels"]["attributes"]
    channels["kind"]["enum"] = ["events", "attempts", "deadletters", "registry"]
    channels["team"] = {"name": "team", "type": "string"}
    channels["shards"]["description"] = "As many as we have teams"
    return source


async def test_a_registry_of_an_older_hub_learns_what_the_newer_one_says() -> None:
    registry = Registry(empty_tree("hub", NOW, older()))

    await Describe(registry.amend, hub_model())(description(URL, AUDITED, None, "1.2.3"))

    groups = registry.tree.model.source["groups"]
    attributes = groups["channels"]["attributes"]
    assert groups["endpoints"] == hub_model()["groups"]["endpoints"]
    assert attributes["kind"] == hub_model()["groups"]["channels"]["attributes"]["kind"]
    assert attributes["team"] == {"name": "team", "type": "string"}
    assert attributes["shards"]["description"] == "As many as we have teams"
    assert registry.tree.of("channels")["audit"].attributes["kind"] == "audit"
    assert [one.target.level for one in registry.writes] == [Level.MODELSOURCE, Level.REGISTRY]


async def test_without_the_newer_model_an_older_registry_refuses_what_it_has_no_word_of() -> None:
    registry = Registry(empty_tree("hub", NOW, older()))

    with pytest.raises(RegistryError, match="audit"):
        await Describe(registry.amend)(description(URL, AUDITED, None, "1.2.3"))


@pytest.mark.parametrize(
    "source",
    [{}, {"groups": {"shelves": {"singular": "shelf"}}}, hub_model()],
    ids=["empty", "of others", "the same"],
)
async def test_a_model_of_others_and_one_that_lacks_nothing_stay(source: dict[str, Any]) -> None:
    registry = Registry(empty_tree("hub", NOW, source))

    await Describe(registry.amend, hub_model())({})

    assert registry.writes == []
    assert registry.tree.model.source == source
