"""The Discovery API (discovery/spec.md, "0.1-wip" of 2022-08): services and types over the registry."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chappe.adapters.memory.event_index import MemoryEventIndex
from chappe.adapters.memory.registry_log import MemoryRegistryLog
from chappe.adapters.system.secrets import SystemSecrets
from chappe.domain.access import ANYONE, READ, Principal
from chappe.domain.channel import Block
from chappe.domain.errors import ChappeError, Conflict, Malformed, NotFound
from chappe.domain.event import Event
from chappe.flows.discover import Discover
from chappe.flows.register import Register
from chappe.formats.discovery_filters import parse_filters
from chappe.formats.discovery_json import parse_removals, parse_services
from chappe.formats.times import rfc3339
from chappe.http import discovery
from chappe.http.exchange import Header, Response
from chappe.http.problems import problem
from chappe.kit.latest import Latest
from chappe.registry.entity import Group, Tree
from chappe.registry.flags import Flags
from chappe.registry.hub_model import RESERVED, hub_model
from chappe.registry.model_source import compile_model
from chappe.registry.request import Rules, Write, Written
from chappe.registry.state import State, own_channels
from chappe.registry.target import Level, Target
from chappe.registry.write import empty_tree, write
from chappe.testing.fake_clock import FakeClock

BASE = "https://hub.example"
MODEL = compile_model(hub_model(), reserved=RESERVED)
NOW = "2025-07-01T12:00:00Z"
SHOP = {
    "id": "shop",
    "name": "The shop",
    "specversions": ["1.0"],
    "subscriptionurl": "https://shop.example/subscriptions",
    "protocols": ["HTTP"],
}
FULL = {
    **SHOP,
    "authority": "https://example.com",
    "description": "Sells things",
    "docsurl": "https://shop.example/docs#events",
    "deprecated": {
        "effectivetime": "2030-01-01T00:00:00Z",
        "removaltime": "2031-01-01T00:00:00Z",
        "alternative": "https://hub.example/services/store",
        "docsurl": "https://shop.example/end",
    },
    "specversions": ["1.0", "0.3"],
    "subscriptionconfig": {"Interval": "Integer"},
    "subscriptiondialects": ["basic"],
    "authscope": "shop.read",
    "protocols": ["HTTP", "KAFKA"],
    "events": [
        {
            "type": "order.created",
            "description": "An order came in",
            "datacontenttype": "application/json",
            "dataschema": "https://shop.example/schemas/order",
            "sourcetemplate": "/shops/{shop}",
            "extensions": [
                {
                    "name": "dataref",
                    "type": "URI-reference",
                    "specurl": "https://ce.example/dataref",
                }
            ],
        },
        {
            "type": "order.paid",
            "dataschematype": "application/schema+json",
            "dataschemacontent": '{"type":"object","maximum":1.10}',
        },
    ],
}


class NoFormats:
    """No document is checked."""

    def known(self, format: str) -> bool:
        return False

    def fault(self, format: str, document: bytes) -> str | None:
        return None

    def compatibilities(self, format: str) -> frozenset[str]:
        return frozenset()

    def incompatibility(self, format: str, older: bytes, newer: bytes) -> str | None:
        return None


@dataclass(frozen=True)
class Asked:
    params: Mapping[str, str] = field(default_factory=dict)
    raw_query: bytes = b""
    body: bytes = b""
    headers: Sequence[Header] = ()
    principal: Principal = ANYONE


class Root:
    def base(self, headers: Sequence[Header]) -> str:
        return BASE


class Hub:
    """The façade over a registry in memory."""

    registry = Root()

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.index = MemoryEventIndex()
        tree = empty_tree("hub", NOW)
        self.state = Latest(State(0, {}, {}, own_channels(), _with_model(tree)))
        self.register = Register(
            MemoryRegistryLog(),
            self.state,
            self.clock,
            SystemSecrets(b"k" * 32),
            lambda: "s-1",
            self._extent,
            NoFormats(),
            correlation=lambda: "c-1",
        )
        ids = (f"id-{number}" for number in count(1))
        self.discover = Discover(
            self.state, self.register, self.index, self._caught_up, self.clock, ids.__next__
        )

    async def _extent(self, channel: str) -> int:
        return 0

    async def _caught_up(self, channel: str) -> None:
        if channel not in self.state.value.channels:
            raise NotFound(f"channel {channel!r}: there is none of that name")

    @property
    def tree(self) -> Tree:
        return self.state.value.tree

    def endpoint(self, id: str = "shop") -> Group:
        return self.tree.of("endpoints")[id]

    async def declare(
        self, path: str, body: Any, method: Literal["PUT", "PATCH", "DELETE"] = "PUT"
    ) -> None:
        """A write through the registry's own way: "endpoints/shop/messages/order.paid"."""

        def decide(tree: Tree, now: str, rules: Rules) -> tuple[Written, None]:
            match path.split("/"):
                case [groups, gid]:
                    target = Target(Level.GROUP, MODEL.groups[groups], gid)
                case [groups, gid, resources, rid]:
                    type_ = MODEL.resource_type(groups, resources)
                    target = Target(Level.RESOURCE, MODEL.groups[groups], gid, type_, rid)
                case _:
                    raise AssertionError(path)
            return write(tree, Write(method, target, body, Flags(), now, target.xid), rules), None

        await self.register.write(decide)

    async def get(self, id: str = "shop") -> Any:
        return shown(await discovery.one_service(self, Asked({"id": id})))

    async def list(self, query: bytes = b"") -> Any:
        return shown(await discovery.list_services(self, Asked(raw_query=query)))

    async def put(self, service: Mapping[str, Any], id: str = "shop") -> Any:
        return shown(await discovery.put_service(self, Asked({"id": id}, body=sent(service))))

    async def post(self, *services: Mapping[str, Any]) -> Any:
        return shown(await discovery.put_services(self, Asked(body=sent(services))))

    async def delete(self, id: str = "shop", query: bytes = b"", body: bytes = b"") -> Any:
        return shown(await discovery.remove_service(self, Asked({"id": id}, query, body)))

    async def delete_all(self, *services: Mapping[str, Any]) -> Any:
        return shown(await discovery.remove_services(self, Asked(body=sent(services))))

    async def types(self, query: bytes = b"") -> Any:
        return shown(await discovery.list_types(self, Asked(raw_query=query)))

    async def seen(self, channel: str = "default", query: bytes = b"") -> Any:
        return shown(await discovery.list_seen(self, Asked({"channel": channel}, query)))


def _with_model(tree: Tree) -> Tree:
    return Tree(tree.attributes, MODEL, tree.capabilities)


def sent(value: object) -> bytes:
    return json.dumps(value).encode()


def shown(response: Response) -> Any:
    assert response.status == 200
    assert response.headers[0] == (b"content-type", b"application/json")
    return json.loads(response.body)


def status(error: ChappeError) -> int:
    return problem(error).status


# GET /services


async def test_get_services_without_services_is_an_empty_array() -> None:
    assert await Hub().list() == []


async def test_get_service_gives_everything_that_was_put() -> None:
    hub = Hub()
    await hub.put(FULL)
    expected = {**FULL, "epoch": 1, "url": f"{BASE}/services/shop"}
    assert await hub.get() == expected
    assert await hub.list() == [expected]


async def test_get_service_that_is_not_there_is_404() -> None:
    with pytest.raises(NotFound, match="'shop'") as caught:
        await Hub().get()
    assert status(caught.value) == 404


async def test_an_endpoint_that_offers_subscriptions_is_a_service() -> None:
    hub = Hub()
    await hub.declare("messagegroups/orders", {"envelope": "CloudEvents/1.0"})
    await hub.declare(
        "messagegroups/orders/messages/order.paid",
        {
            "envelope": "CloudEvents/1.0",
            "envelopemetadata": {
                "source": {"type": "uritemplate", "value": "/shops/{shop}"},
                "subject": {"type": "string"},
                "region": {"type": "string"},
            },
            "dataschemaxid": "/schemagroups/g/schemas/order",
        },
    )
    await hub.declare(
        "endpoints/queue",
        {
            "usage": ["subscriber"],
            "channel": "orders",
            "envelope": "CloudEvents/1.0",
            "protocol": "HTTP",
            "protocoloptions": {"endpoints": [{"uri": "https://broker.example/subscriptions"}]},
            "messagegroups": [
                "/messagegroups/orders",
                "/messagegroups/nowhere",
                "https://x.example",
            ],
        },
    )
    for protocol in ("MQTT/5.0", "KAFKA"):
        await hub.declare(
            f"endpoints/{protocol[:4].lower()}",
            {"usage": ["consumer"], "channel": "orders", "protocol": protocol},
        )
    assert await hub.list() == [
        {
            "id": "queue",
            "name": "queue",
            "epoch": 1,
            "url": f"{BASE}/services/queue",
            "specversions": ["1.0"],
            "subscriptionurl": "https://broker.example/subscriptions",
            "protocols": ["KAFKA", "MQTT5"],
            "events": [
                {
                    "type": "order.paid",
                    "dataschema": f"{BASE}/schemagroups/g/schemas/order",
                    "sourcetemplate": "/shops/{shop}",
                    "extensions": [{"name": "region", "type": "string"}],
                }
            ],
        }
    ]


async def test_the_hub_itself_is_a_service() -> None:
    hub = Hub()
    await hub.declare("endpoints/hub", {"usage": ["subscriber"], "protocol": "HTTP"})
    service = await hub.get("hub")
    assert service["subscriptionurl"] == f"{BASE}/subscriptions"
    await hub.put({**service, "epoch": 7}, "hub")
    assert "protocoloptions" not in hub.endpoint("hub").attributes or (
        "endpoints" not in hub.endpoint("hub").attributes["protocoloptions"]
    )
    with pytest.raises(Malformed, match="hub's own"):
        await hub.delete("hub")


@pytest.mark.parametrize(
    "attributes",
    [
        {"usage": ["producer"]},
        {"usage": ["subscriber"], "protocol": "HTTP"},
        {
            "usage": ["subscriber"],
            "envelope": "Other/1",
            "protocol": "HTTP",
            "protocoloptions": {"endpoints": [{"uri": "https://a.example"}]},
        },
    ],
    ids=["for producers", "without a URI", "for other envelopes"],
)
async def test_an_endpoint_that_cannot_be_subscribed_to_is_none(attributes: Any) -> None:
    hub = Hub()
    await hub.declare("endpoints/shop", attributes)
    assert await hub.list() == []
    with pytest.raises(Conflict, match="offers no subscriptions"):
        await hub.put(SHOP)
    assert await hub.delete() == {"id": "shop"}
    assert "shop" in hub.tree.of("endpoints")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (b"", ["a", "b"]),
        (b"filter=name=SHOP", ["a"]),
        (b"filter=name=s", ["a", "b"]),
        (b"filter=description", ["a"]),
        (b"filter=description=", ["b"]),
        (b"filter=description=Sells%20It&filter=name=shop", ["a"]),
        (b"filter=description=sells,name=shop", []),
        (b"filter=events.type=order&filter=events.description=refund", ["a"]),
        (b"filter=events.description=", ["a", "b"]),
        (b"filter=deprecated", ["b"]),
        (b"filter=deprecated=", ["a"]),
        (b"filter=protocols=kaf", ["b"]),
        (b"filter=url=services/b&other=ignored&other=again", ["b"]),
        (b"filter=name%3Dshop", ["a"]),
        (b"filter=subscriptionurl=?x=y", ["b"]),
    ],
)
async def test_get_services_filter(query: bytes, found: list[str]) -> None:
    hub = Hub()
    events = [{"type": "Order.paid"}, {"type": "x", "description": "A refund"}]
    await hub.post(
        {**SHOP, "id": "a", "name": "Shop", "description": "sells it", "events": events},
        {
            **SHOP,
            "id": "b",
            "name": "Store",
            "deprecated": {},
            "protocols": ["HTTP", "KAFKA"],
            "subscriptionurl": "https://b.example/?x=y",
        },
    )
    assert [one["id"] for one in await hub.list(query)] == found


async def test_get_services_an_unsupported_filter_attribute_is_named() -> None:
    with pytest.raises(
        Malformed, match="'colour' is not supported; supported: authority"
    ) as caught:
        await Hub().list(b"filter=colour=red")
    assert status(caught.value) == 400


async def test_get_services_attribute_names_are_case_sensitive() -> None:
    with pytest.raises(Malformed, match="'Name'"):
        await Hub().list(b"filter=Name=x")


async def test_get_features() -> None:
    hub = Hub()
    found = shown(await discovery.features(hub, Asked()))
    assert {"name", "id", "events.type"} <= set(found["servicefilterattributes"])
    assert (found["pagination"], found["update"]) == (False, True)
    reader = Asked(principal=Principal("reader", frozenset({READ})))
    assert shown(await discovery.features(hub, reader))["update"] is False


# POST /services


async def test_post_services_answers_in_the_order_of_the_request_with_ids() -> None:
    hub = Hub()
    made = await hub.post({**SHOP, "id": "z"}, {**SHOP, "id": None, "name": "other"})
    assert [(one["id"], one["epoch"]) for one in made] == [("z", 1), ("id-1", 1)]
    assert made[1]["url"] == f"{BASE}/services/id-1"


async def test_post_services_of_nothing_is_nothing() -> None:
    assert await Hub().post() == []


async def test_post_services_does_all_or_nothing() -> None:
    hub = Hub()
    await hub.put(SHOP)
    with pytest.raises(Conflict, match="services/shop: epoch 1 was sent"):
        await hub.post({**SHOP, "id": "new", "name": "New"}, {**SHOP, "epoch": 1})
    assert [one["id"] for one in await hub.list()] == ["shop"]


async def test_post_services_replaces_all_of_a_service() -> None:
    hub = Hub()
    await hub.put(FULL)
    (replaced,) = await hub.post(SHOP)
    assert replaced == {**SHOP, "epoch": replaced["epoch"], "url": f"{BASE}/services/shop"}
    assert replaced["epoch"] > 1
    assert len(hub.endpoint().of("messages")) == 0


async def test_post_services_names_are_unique_in_the_result() -> None:
    hub = Hub()
    await hub.post({**SHOP, "id": "a", "name": "dog"}, {**SHOP, "id": "b", "name": "cow"})
    await hub.post({**SHOP, "id": "c", "name": "Dog"}, {**SHOP, "id": "a", "name": "cat"})
    assert [one["name"] for one in await hub.list()] == ["cat", "cow", "Dog"]
    with pytest.raises(Malformed, match="services/b: name 'CAT' is that of services/a") as caught:
        await hub.put({**SHOP, "id": "b", "name": "CAT"}, "b")
    assert status(caught.value) == 400


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "body: an object was sent, an array"),
        ([SHOP, SHOP], "1/id: 'shop' stands twice"),
        ([{**SHOP, "name": ""}], "0/name: the string is empty"),
        ([{k: v for k, v in SHOP.items() if k != "protocols"}], "0/protocols: is missing or empty"),
        ([{**SHOP, "specversions": []}], "0/specversions: is missing or empty"),
        ([{**SHOP, "subscriptionurl": "/s"}], "0/subscriptionurl: '/s' is no absolute URL"),
        ([{**SHOP, "epoch": -1}], "0/epoch: -1 is no whole number from 0 to 4294967295"),
        ([{**SHOP, "epoch": 2**32}], "0/epoch: 4294967296 is no"),
        ([{**SHOP, "id": "a b"}], "0/id: 'a b' is no id"),
        ([{**SHOP, "id": "a:b"}], "0/id: 'a:b' is no id"),
        (
            [{**SHOP, "descriptions": "x"}],
            "0/descriptions: unknown field; did you mean 'description'",
        ),
        ([{**SHOP, "deprecated": {"removaltime": "soon"}}], "0/deprecated/removaltime: 'soon'"),
        ([{**SHOP, "events": [{}]}], "0/events/0/type: is missing"),
        ([{**SHOP, "events": [{"type": "a"}] * 2}], "0/events/1/type: 'a' stands twice"),
        (
            [{**SHOP, "events": [{"type": "a", "dataschema": "x", "dataschemacontent": "y"}]}],
            "0/events/0: dataschema and dataschemacontent exclude",
        ),
        (
            [{**SHOP, "events": [{"type": "a", "sourcetemplate": "/{+x}"}]}],
            "0/events/0/sourcetemplate: '/{\\+x}' is no URI template of level 1",
        ),
        (
            [{**SHOP, "events": [{"type": "a", "extensions": [{"name": "B", "type": "String"}]}]}],
            "0/events/0/extensions/0/name: ",
        ),
        (
            [{**SHOP, "events": [{"type": "a", "extensions": [{"name": "id", "type": "x"}]}]}],
            "0/events/0/extensions/0/name: 'id' is a core attribute",
        ),
        (
            [{**SHOP, "events": [{"type": "a", "extensions": [{"name": "b", "type": "Float"}]}]}],
            "0/events/0/extensions/0/type: 'Float' is no type of CloudEvents",
        ),
        ([{**SHOP, "subscriptionconfig": {"a": 1}}], "0/subscriptionconfig/a: a number was sent"),
    ],
)
async def test_post_services_names_what_is_wrong(body: Any, message: str) -> None:
    hub = Hub()
    with pytest.raises(Malformed, match=message):
        await discovery.put_services(hub, Asked(body=sent(body)))
    assert await hub.list() == []


# PUT /services/{id}


async def test_put_service_takes_a_greater_epoch_as_its_own() -> None:
    hub = Hub()
    assert (await hub.put({**SHOP, "epoch": 915148800}))["epoch"] == 915148800
    assert (await hub.put(SHOP))["epoch"] == 915148801
    assert (await hub.put({**SHOP, "epoch": 4_000_000_000}))["epoch"] == 4_000_000_000


@pytest.mark.parametrize("epoch", [0, 41, 42])
async def test_put_service_refuses_an_epoch_that_is_not_greater(epoch: int) -> None:
    hub = Hub()
    await hub.put({**SHOP, "epoch": 42})
    with pytest.raises(Conflict, match="must be greater than the present one, 42") as caught:
        await hub.put({**SHOP, "name": "other", "epoch": epoch})
    assert status(caught.value) == 409
    assert (await hub.get())["name"] == "The shop"


async def test_put_service_epoch_goes_up_with_the_registrys_edits() -> None:
    hub = Hub()
    await hub.put({**SHOP, "epoch": 42})
    await hub.declare("endpoints/shop", {"description": "x"}, "PATCH")
    assert (await hub.get())["epoch"] == 43


async def test_put_service_the_ids_must_agree() -> None:
    with pytest.raises(Malformed, match="id: 'shop' is not that of the path, 'other'"):
        await Hub().put(SHOP, "other")


async def test_put_service_ignores_the_url_and_may_lack_the_id() -> None:
    hub = Hub()
    body = {name: value for name, value in SHOP.items() if name != "id"}
    made = await hub.put({**body, "url": "https://elsewhere.example"})
    assert (made["id"], made["url"]) == ("shop", f"{BASE}/services/shop")


async def test_put_service_may_send_back_what_a_get_gave() -> None:
    hub = Hub()
    await hub.put(FULL)
    service = await hub.get()
    again = await hub.put({**service, "epoch": service["epoch"] + 1})
    assert again == {**service, "epoch": service["epoch"] + 1}


async def test_put_service_keeps_what_a_service_cannot_say() -> None:
    hub = Hub()
    await hub.declare(
        "endpoints/shop",
        {
            "usage": ["subscriber"],
            "labels": {"team": "sales"},
            "channel": "orders",
            "envelope": "CloudEvents/1.0",
            "protocol": "HTTP",
            "protocoloptions": {
                "endpoints": [{"uri": "https://a.example"}, {"uri": "https://b.example"}],
                "authorization": [{"type": "OAuth2"}],
            },
            "messages": {
                "paid": {
                    "labels": {"a": "b"},
                    "envelope": "CloudEvents/1.0",
                    "envelopemetadata": {
                        "type": {"value": "order.paid"},
                        "subject": {"type": "string", "required": True},
                    },
                    "dataschemaformat": "JSONSchema/draft-07",
                    "dataschema": {"type": "object"},
                    "validation": "warn",
                }
            },
        },
    )
    event = {
        "type": "order.paid",
        "description": "new",
        "dataschematype": "application/schema+json",
        "dataschemacontent": '{"type":"object"}',
    }
    await hub.put({**SHOP, "events": [event]})
    attributes = hub.endpoint().attributes
    assert attributes["labels"] == {"team": "sales"}
    assert attributes["channel"] == "orders"
    assert [one["uri"] for one in attributes["protocoloptions"]["endpoints"]] == [
        SHOP["subscriptionurl"],
        "https://b.example",
    ]
    assert attributes["protocoloptions"]["authorization"] == [{"type": "OAuth2"}]
    message = hub.endpoint().of("messages")["paid"].default
    assert message is not None
    assert message.attributes["labels"] == {"a": "b"}
    assert message.attributes["validation"] == "warn"
    assert message.attributes["dataschemaformat"] == "JSONSchema/draft-07"
    assert message.attributes["envelopemetadata"]["subject"]["required"] is True
    assert message.attributes["description"] == "new"


async def test_put_service_events_that_cannot_be_ids_get_one() -> None:
    hub = Hub()
    events = [{"type": type_} for type_ in ("Order/paid", "b", "a b", "order.paid", "B")]
    await hub.put({**SHOP, "events": events})
    found = [event["type"] for event in (await hub.get())["events"]]
    assert found == sorted(event["type"] for event in events)
    await hub.put({**SHOP, "events": events[:2]})
    assert [event["type"] for event in (await hub.get())["events"]] == ["Order/paid", "b"]


async def test_put_service_leaves_shared_groups_alone() -> None:
    hub = Hub()
    await hub.declare(
        "messagegroups/orders",
        {"messages": {"a": {"description": "of all"}, "b": {}}},
    )
    await hub.put(SHOP)
    await hub.declare(
        "endpoints/shop", {"messagegroups": [f"{BASE}/messagegroups/orders"]}, "PATCH"
    )
    mine = [{"type": "a", "description": "mine"}, {"type": "b"}]
    service = await hub.put({**SHOP, "events": mine})
    assert service["events"] == mine
    assert list(hub.endpoint().of("messages")) == ["a"]
    with pytest.raises(Conflict, match="services/shop: b stand in message groups"):
        await hub.put({**SHOP, "events": mine[:1]})


async def test_a_rule_of_the_registry_that_is_broken_is_told() -> None:
    hub = Hub()
    await hub.put(SHOP)
    with pytest.raises(Malformed, match="SHOP"):
        await hub.put({**SHOP, "id": "SHOP", "name": "x"}, "SHOP")


# DELETE


async def test_delete_service_answers_the_last_state_with_a_greater_epoch() -> None:
    hub = Hub()
    made = await hub.put(FULL)
    assert await hub.delete(body=b"no JSON") == {**made, "epoch": made["epoch"] + 1}
    assert await hub.list() == []


async def test_delete_service_that_is_not_there_is_no_error() -> None:
    assert await Hub().delete(query=b"epoch=7&x=y") == {"id": "shop"}


async def test_delete_service_needs_a_greater_epoch_if_any() -> None:
    hub = Hub()
    await hub.put({**SHOP, "epoch": 5})
    for epoch in (4, 5):
        with pytest.raises(Conflict):
            await hub.delete(query=b"epoch=%d" % epoch)
    with pytest.raises(Malformed, match="'x' is no whole number"):
        await hub.delete(query=b"epoch=x")
    assert (await hub.delete(query=b"epoch=9"))["epoch"] == 9


async def test_delete_services_answers_in_order_with_the_epochs_of_the_end() -> None:
    hub = Hub()
    await hub.post({**SHOP, "id": "a", "name": "a"}, {**SHOP, "id": "b", "name": "b", "epoch": 5})
    gone = await hub.delete_all({"id": "b", "epoch": 6, "name": 3}, {"id": "x"}, {"id": "a"})
    assert [(one["id"], one.get("epoch")) for one in gone] == [("b", 5), ("x", None), ("a", 1)]
    assert await hub.list() == []


async def test_delete_services_does_all_or_nothing() -> None:
    hub = Hub()
    await hub.post({**SHOP, "id": "a", "name": "a"}, {**SHOP, "id": "b", "name": "b"})
    with pytest.raises(Conflict, match="services/b: epoch 1"):
        await hub.delete_all({"id": "a"}, {"id": "b", "epoch": 1})
    with pytest.raises(Malformed, match="1/id: is missing"):
        await hub.delete_all({"id": "a"}, {"epoch": 1})
    assert len(await hub.list()) == 2


# /types (until 2020-08)


async def test_types_map_each_type_to_its_services() -> None:
    hub = Hub()
    await hub.post(
        {**SHOP, "id": "a", "name": "a", "events": [{"type": "y"}, {"type": "x"}]},
        {**SHOP, "id": "b", "name": "b", "events": [{"type": "y"}]},
    )
    types = await hub.types()
    assert {type_: [one["id"] for one in services] for type_, services in types.items()} == {
        "x": ["a"],
        "y": ["a", "b"],
    }
    one = shown(await discovery.one_type(hub, Asked({"type": "x"})))
    assert one == {"x": types["x"]}
    with pytest.raises(NotFound, match="no service offers it"):
        await discovery.one_type(hub, Asked({"type": "z"}))


@pytest.mark.parametrize(
    ("matching", "found"),
    [
        (b"com.storage.OBJECT", ["create", "delete"]),
        (b"storage", ["create", "delete"]),
        (b"create", ["create"]),
        (b"nothing", []),
    ],
)
async def test_types_matching(matching: bytes, found: list[str]) -> None:
    hub = Hub()
    types = [f"com.storage.object.{name}" for name in ("create", "delete")]
    await hub.put({**SHOP, "events": [{"type": type_} for type_ in [*types, "other"]]})
    expected = [f"com.storage.object.{name}" for name in found]
    assert list(await hub.types(b"matching=" + matching + b"&x=y")) == expected


async def test_types_matching_nothing_at_all_is_refused() -> None:
    with pytest.raises(Malformed, match="matching: is empty"):
        await Hub().types(b"matching=")


# The extension: what was seen


async def test_seen_types_stand_beside_declared_ones() -> None:
    hub = Hub()
    await hub.put({**SHOP, "events": [{"type": "order.paid"}, {"type": "order.lost"}]})
    await hub.declare("messagegroups/g", {"messages": {"order.paid": {}}})
    now_ms = hub.clock.now_ms()
    events = [("order.paid", "/a"), ("order.paid", "/b"), ("order.paid", "/a"), ("stray", "/a")]
    for number, (type_, source) in enumerate(events):
        event = Event(id=str(number), source=source, type=type_)
        at_ms = now_ms - (3 - number) * 1_800_000
        await hub.index.add("default", [Block(number + 1, 0, at_ms, "n", [event])])
    first, second, third, last = (rfc3339(now_ms - n * 1_800_000) for n in (3, 2, 1, 0))
    assert await hub.seen(query=b"window=3600") == [
        {
            "type": "order.lost",
            "declared": ["/endpoints/shop/messages/order.lost"],
            "services": ["shop"],
            "events": 0,
            "perminute": 0.0,
            "sources": [],
        },
        {
            "type": "order.paid",
            "declared": [
                "/messagegroups/g/messages/order.paid",
                "/endpoints/shop/messages/order.paid",
            ],
            "services": ["shop"],
            "events": 3,
            "firstseen": first,
            "lastseen": third,
            "perminute": 0.033,
            "sources": [
                {
                    "source": "/a",
                    "events": 2,
                    "firstseen": first,
                    "lastseen": third,
                    "perminute": 0.017,
                },
                {
                    "source": "/b",
                    "events": 1,
                    "firstseen": second,
                    "lastseen": second,
                    "perminute": 0.017,
                },
            ],
        },
        {
            "type": "stray",
            "declared": [],
            "services": [],
            "events": 1,
            "firstseen": last,
            "lastseen": last,
            "perminute": 0.017,
            "sources": [
                {
                    "source": "/a",
                    "events": 1,
                    "firstseen": last,
                    "lastseen": last,
                    "perminute": 0.017,
                }
            ],
        },
    ]
    assert [one["type"] for one in await hub.seen(query=b"matching=STRAY")] == ["stray"]


async def test_seen_types_of_a_type_with_very_many_sources_are_told_as_one() -> None:
    hub = Hub()
    events = [Event(id=str(n), source=f"/disk/{n}", type="t") for n in range(120)]
    await hub.index.add("default", [Block(1, 0, hub.clock.now_ms(), "n", events)])
    (one,) = await hub.seen()
    assert (one["events"], one["perminute"]) == (120, 2.0)
    assert [(each["source"], each["perminute"]) for each in one["sources"]] == [(None, 2.0)]


@pytest.mark.parametrize(
    "query", [b"window=59", b"window=x", b"window=700000", b"window=60&window=61"]
)
async def test_seen_types_refuse_a_window_that_is_none(query: bytes) -> None:
    with pytest.raises(Malformed, match="parameter window"):
        await Hub().seen(query=query)


async def test_seen_types_of_a_channel_that_is_not_there() -> None:
    with pytest.raises(NotFound):
        await Hub().seen("nowhere")


async def test_a_write_names_its_events_of_change() -> None:
    hub = Hub()
    response = await discovery.put_service(hub, Asked({"id": "shop"}, body=sent(SHOP)))
    assert (b"xregistry-xregcorrelationid", b"c-1") in response.headers


async def test_a_registry_without_endpoints_has_no_services() -> None:
    hub = Hub()
    tree = empty_tree("other", NOW, {})
    hub.state.set(State(0, {}, {}, own_channels(), tree))
    assert await hub.list() == []
    with pytest.raises(NotFound, match="no endpoints with messages"):
        await hub.put(SHOP)


TEXT = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=8
)
URL = st.sampled_from(["https://a.example", "https://b.example/x?y=z", "urn:x:y"])
EXTENSIONS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"name": st.sampled_from("abc"), "type": st.sampled_from(["Integer", "URI"])},
    optional={"specurl": URL},
)
EVENTS: st.SearchStrategy[dict[str, Any]] = st.builds(
    lambda type, **rest: {"type": type} | {k: v for k, v in rest.items() if v is not None},
    TEXT,
    description=st.none() | TEXT,
    datacontenttype=st.sampled_from([None, "application/json", "text/plain; charset=utf-8"]),
    sourcetemplate=st.sampled_from([None, "/a", "https://a.example/{b}/{c}"]),
    extensions=st.none()
    | st.lists(EXTENSIONS, min_size=1, max_size=3, unique_by=lambda one: str(one["name"])),
    dataschema=st.none() | URL,
)
NEEDED: dict[str, st.SearchStrategy[Any]] = {
    "name": TEXT,
    "specversions": st.lists(st.sampled_from(["1.0", "0.3"]), min_size=1, max_size=2),
    "subscriptionurl": URL,
    "protocols": st.lists(TEXT, min_size=1, max_size=3),
}
POSSIBLE: dict[str, st.SearchStrategy[Any]] = {
    "description": TEXT,
    "authority": URL,
    "authscope": TEXT,
    "subscriptiondialects": st.lists(TEXT, min_size=1, max_size=2),
    "subscriptionconfig": st.dictionaries(TEXT, TEXT, min_size=1, max_size=2),
    "events": st.lists(EVENTS, min_size=1, max_size=4, unique_by=lambda one: str(one["type"])),
}
SERVICES = st.fixed_dictionaries(NEEDED, optional=POSSIBLE)


@settings(deadline=None)
@given(first=SERVICES, second=SERVICES)
def test_a_service_comes_back_as_it_was_put_whatever_was_there_before(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    async def put_both() -> None:
        hub = Hub()
        for sought in (first, second):
            await hub.put(sought)
            found = await hub.get()
            assert found.pop("epoch") > 0
            assert (found.pop("id"), found.pop("url")) == ("shop", f"{BASE}/services/shop")
            assert in_order(found) == in_order(sought)

    asyncio.run(put_both())


def in_order(service: dict[str, Any]) -> dict[str, Any]:
    """The service with its events and their extensions sorted."""
    ordered = dict(service)
    if "events" in service:
        ordered["events"] = [
            {**one, "extensions": sorted(one.get("extensions", []), key=lambda each: each["name"])}
            for one in sorted(service["events"], key=lambda one: one["type"])
        ]
    return ordered


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*FULL, "type", "x"]), inner, max_size=5)
    ),
    max_leaves=12,
)


@given(JSON, st.binary(max_size=20))
def test_whatever_is_sent_is_taken_or_refused_as_malformed(value: object, raw: bytes) -> None:
    for body in (sent(value), sent([value]), sent([{**SHOP, "events": value}]), raw):
        for parse in (parse_services, parse_removals):
            with contextlib.suppress(Malformed):
                parse(body)
    with contextlib.suppress(Malformed):
        parse_filters(b"filter=" + raw)
