"""Registry documents as trees, and what differs between two of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from chappe.cli.registry_compare import compare
from chappe.cli.registry_tree import (
    DEFAULT,
    BadDocument,
    Registry,
    Shape,
    read_into,
    set_own_aside,
)

MODEL: Mapping[str, Any] = {
    "groups": {
        "messagegroups": {
            "singular": "messagegroup",
            "resources": {"messages": {"singular": "message"}},
        },
        "endpoints": {"singular": "endpoint", "ximportresources": ["/messagegroups/messages"]},
        "schemagroups": {
            "singular": "schemagroup",
            "resources": {"schemas": {"singular": "schema"}},
        },
    }
}
SHAPE = Shape.of_model(MODEL)


def tree(*bodies: Mapping[str, Any], shape: Shape = SHAPE) -> Registry:
    made = Registry()
    for body in bodies:
        read_into(made, body, shape)
    return made


def changes(before: Registry, after: Registry) -> dict[str, str]:
    return {one.xid: one.kind for one in compare(before, after) if one.kind != "same"}


def shop(**messages: Mapping[str, Any]) -> dict[str, Any]:
    return {"messagegroups": {"shop": {"messages": messages}}}


def test_imported_resources_are_collections_too() -> None:
    assert SHAPE.groups["endpoints"].resources == {"messages": "message"}


def test_what_the_hub_derives_is_left_out() -> None:
    made = tree(
        {
            "messagegroups": {
                "shop": {
                    "messagegroupid": "shop",
                    "self": "http://x/messagegroups/shop",
                    "xid": "/messagegroups/shop",
                    "description": "d",
                    "messagesurl": "http://x",
                    "messagescount": 0,
                    "messages": {},
                }
            },
            "messagegroupscount": 1,
        }
    )

    assert made.groups["messagegroups"]["shop"].attributes == {"description": "d"}
    assert made.attributes == {}


def test_attributes_of_a_resource_are_those_of_its_default_version() -> None:
    written_short = tree(shop(paid={"description": "d"}))
    as_answered = tree(
        shop(
            paid={
                "messageid": "paid",
                "versionid": "1",
                "isdefault": True,
                "description": "d",
                "meta": {"messageid": "paid", "epoch": 3, "defaultversionid": "1"},
                "versions": {"1": {"versionid": "1", "isdefault": True, "description": "d"}},
            }
        )
    )

    paid = written_short.resource("messagegroups", "shop", "messages", "paid")
    assert paid is not None
    assert paid.versions == {DEFAULT: {"description": "d"}}
    assert changes(as_answered, written_short) == {}
    assert changes(written_short, as_answered) == {}


def test_entities_stand_where_their_xid_says() -> None:
    nested = tree(shop(paid={"description": "d"}))
    flat = tree({"xid": "/messagegroups/shop/messages/paid", "description": "d"})

    assert changes(nested, flat) == {}
    assert nested.groups["messagegroups"]["shop"].declared
    assert not flat.groups["messagegroups"]["shop"].declared


def test_a_version_by_its_xid_declares_nothing_else() -> None:
    made = tree({"xid": "/schemagroups/shop/schemas/order/versions/2", "format": "Avro/1.11"})

    order = made.resource("schemagroups", "shop", "schemas", "order")
    assert order is not None
    assert (order.declared, list(order.versions)) == (False, ["2"])


def test_a_group_and_its_resources_may_stand_in_several_documents() -> None:
    made = tree(
        {"xid": "/messagegroups/shop/messages/paid", "description": "d"},
        {"xid": "/messagegroups/shop", "description": "the shop"},
        {"xid": "/messagegroups/shop/messages/sent", "description": "e"},
    )

    group = made.groups["messagegroups"]["shop"]
    assert group.attributes == {"description": "the shop"}
    assert sorted(group.resources["messages"]) == ["paid", "sent"]


@pytest.mark.parametrize(
    ("bodies", "told"),
    [
        ([{"messagegroup": {"shop": {}}}], "did you mean 'messagegroups'"),
        ([{"xid": "/schemagroup/a"}], "did you mean 'schemagroups'"),
        ([{"xid": "/schemagroups/a/schema/b"}], "did you mean 'schemas'"),
        ([{"xid": "/schemagroups/a/schemas/b/versions"}], "names no entity"),
        ([{"messagegroups": {"shop": {"message": {"a": {}}}}}], "did you mean 'messages'"),
        ([{"messagegroups": []}], "/messagegroups"),
        ([{"messagegroups": {"shop": 7}}], "messagegroups/shop"),
        ([{"foo": {"bar": {}}}], "neither an xid nor a collection of groups"),
        ([{"xid": "/messagegroups/a"}, {"xid": "/messagegroups/a"}], "another document"),
        ([shop(paid={}), shop(paid={})], "another document"),
        ([shop(paid={"messageid": "sent"})], "one of the two is wrong"),
    ],
)
def test_a_document_that_is_no_part_of_the_registry_is_refused(
    bodies: list[Mapping[str, Any]], told: str
) -> None:
    with pytest.raises(BadDocument) as refused:
        tree(*bodies)
    assert told in str(refused.value)


def test_added_removed_and_changed_entities_are_told_by_xid() -> None:
    before = tree(shop(paid={"description": "a"}, gone={}))
    after = tree(shop(paid={"description": "b"}, made={}))

    root = "/messagegroups/shop/messages"
    assert changes(before, after) == {
        f"{root}/paid": "changed", f"{root}/gone": "removed", f"{root}/made": "added"
    }  # fmt: skip


def test_versions_are_told_apart_where_there_are_several() -> None:
    versions = {"1": {"format": "Avro/1.11"}, "2": {"format": "Avro/1.11"}}
    before = tree({"schemagroups": {"shop": {"schemas": {"order": {"versions": versions}}}}})
    after = tree(
        {
            "schemagroups": {
                "shop": {"schemas": {"order": {"versions": {"1": {"format": "Avro/1.12"}}}}}
            }
        }
    )

    root = "/schemagroups/shop/schemas/order/versions"
    assert changes(before, after) == {f"{root}/1": "changed", f"{root}/2": "removed"}


@pytest.mark.parametrize("name", ["epoch", "createdat", "modifiedat", "formatvalidated"])
def test_what_passes_is_no_difference(name: str) -> None:
    assert changes(tree(shop(paid={name: 1})), tree(shop(paid={name: 2}))) == {}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, ["a.c"]),
        ({"a": 1}, {"a": True}, ["a"]),
        ({"a": 1}, {"a": 1.0}, ["a"]),
        ({"a": [1, {"b": 0}]}, {"a": [1, {"b": False}]}, ["a"]),
        ({"a": None}, {}, []),
        ({"ancestorid": "1"}, {}, []),
        ({"ancestorid": "1"}, {"ancestorid": "2"}, ["ancestorid"]),
        ({"labels": {"x": "1"}}, {}, ["labels"]),
    ],
)
def test_differences_go_by_the_values_of_json(
    old: dict[str, Any], new: dict[str, Any], expected: list[str]
) -> None:
    found = compare(tree(shop(paid=old)), tree(shop(paid=new)))

    assert [one.name for change in found for one in change.differences] == expected


def test_without_a_model_collections_are_known_by_what_stands_beside_them() -> None:
    body = {
        "dirs": {
            "d1": {
                "labels": {"a": "b"},
                "settings": {"x": {"y": 1}},
                "filesurl": "#/dirs/d1/files",
                "files": {"f1": {"name": "n"}},
            }
        }
    }
    made = tree(body, shape=Shape.of_document(body))

    group = made.groups["dirs"]["d1"]
    assert list(group.resources) == ["files"]
    assert sorted(group.attributes) == ["labels", "settings"]


def test_what_a_hub_makes_for_itself_is_set_aside_and_what_others_put_there_stays() -> None:
    own = {"labels": {"chappe": "self"}, "description": "d"}
    shape = Shape.of_model(
        {"groups": {"channels": {"singular": "channel"}, "endpoints": {
            "singular": "endpoint",
            "resources": {"subscriptions": {"singular": "subscription"}},
        }}}
    )  # fmt: skip
    before = tree({"channels": {"default": own}, "endpoints": {"hub": own}}, shape=shape)
    after = tree(
        {"endpoints": {"hub": {**own, "subscriptions": {"s-1": {"sink": "http://x/"}}}}},
        shape=shape,
    )
    set_own_aside(before, after)

    assert changes(before, after) == {"/endpoints/hub/subscriptions/s-1": "added"}
    assert after.groups["endpoints"]["hub"].declared is False


def test_an_event_is_told_from_a_part_of_a_registry() -> None:
    shape = Shape.of_model({**MODEL, "attributes": {"owner": {"type": "string"}}})
    event = {"specversion": "1.0", "id": "1", "type": "order.paid", "source": "/shop", "data": {}}

    with pytest.raises(BadDocument, match=r"an event \(order.paid\).*chappe event send"):
        tree(event, shape=shape)


@pytest.mark.parametrize("more", [{"*": {"type": "any"}}, {"$include": "more.json"}])
def test_an_attribute_that_the_model_cannot_have_is_named(more: Mapping[str, Any]) -> None:
    attributes = {"owner": {"type": "string"}}
    shape = Shape.of_model({**MODEL, "attributes": attributes})
    body = {**shop(), "colour": "red"}

    with pytest.raises(BadDocument, match=r"no attribute 'colour'.*messagegroups, endpoints"):
        tree(body, shape=shape)
    assert tree({**shop(), "owner": "us"}, shape=shape).attributes == {"owner": "us"}
    open_shape = Shape.of_model({**MODEL, "attributes": {**attributes, **more}})
    assert tree(body, shape=open_shape).attributes == {"colour": "red"}
