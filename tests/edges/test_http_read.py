"""Lists, single events, traces, declared things, health: everything but publishing."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import quote

import pytest
from http_edge import Hub, running

from chappe.domain.attempt import AttemptRow
from chappe.domain.position import Position
from chappe.http.health import Check

SUBSCRIPTION = {"sink": "https://billing.example/events", "protocol": "HTTP"}
DECLARATION = {
    "envelope": "CloudEvents/1.0",
    "validation": "enforce",
    "dataschemaformat": "JSONSchema/draft-07",
    "dataschema": {"type": "object"},
}


async def filled(hub: Hub, number: int = 5) -> list[str]:
    """Publish events "0", "1", …; their positions."""
    return [(await hub.publish(ce_id=str(each))).json["position"] for each in range(number)]


def target_of(link: str) -> str:
    assert link.endswith('; rel="next"')
    return link[1 : link.index(">")]


async def test_a_list_is_newest_first_with_position_time_and_event() -> None:
    async with running() as hub:
        positions = await filled(hub, 3)
        reply = await hub.ask("GET", "/events")
        assert reply.headers["content-type"] == "application/json"
        assert [row["position"] for row in reply.json] == positions[::-1]
        assert reply.json[0]["acceptedat"].endswith("Z")
        assert reply.json[0]["event"]["id"] == "2"
        assert "link" not in reply.headers


async def test_pages_follow_each_other_to_the_end() -> None:
    async with running() as hub:
        await filled(hub, 5)
        target, seen = "/events?limit=2&type=order.paid", []
        for _ in range(5):
            reply = await hub.ask("GET", target)
            seen += [row["event"]["id"] for row in reply.json]
            if "link" not in reply.headers:
                break
            target = target_of(reply.headers["link"])
        assert seen == ["4", "3", "2", "1", "0"]


async def test_ascending_pages_always_have_a_next_one_so_that_a_reader_can_follow() -> None:
    async with running() as hub:
        await filled(hub, 2)
        first = await hub.ask("GET", "/events?order=asc")
        assert [row["event"]["id"] for row in first.json] == ["0", "1"]
        empty = await hub.ask("GET", target_of(first.headers["link"]))
        assert empty.json == []
        await hub.publish(ce_id="later")
        third = await hub.ask("GET", target_of(empty.headers["link"]))
        assert [row["event"]["id"] for row in third.json] == ["later"]


async def test_an_empty_page_waits_for_an_event_to_come() -> None:
    async with running() as hub:
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(hub.ask("GET", "/events?order=asc&wait=10"))
            await hub.publish()
        assert len(waiting.result().json) == 1


async def test_a_wait_that_ends_without_an_event_gives_an_empty_page() -> None:
    async with running() as hub:
        reply = await hub.ask("GET", "/events?order=asc&wait=0.05")
        assert (reply.status, reply.json) == (200, [])


@pytest.mark.parametrize(
    ("accept", "batch"),
    [
        ("application/cloudevents-batch+json", True),
        ("application/json", False),
        ("*/*", False),
        ("application/json;q=0.5, application/cloudevents-batch+json", True),
        ("application/json, application/cloudevents-batch+json;q=0.5", False),
        ("application/cloudevents-batch+json;q=0", False),
        ("application/cloudevents-batch+json;q=x", False),
    ],
)
async def test_the_batch_format_is_given_to_those_who_ask_for_it(accept: str, batch: bool) -> None:
    async with running() as hub:
        await filled(hub, 2)
        reply = await hub.ask("GET", "/events", {"accept": accept})
        assert reply.headers["content-type"].startswith(
            "application/cloudevents-batch+json" if batch else "application/json"
        )
        assert ("id" in reply.json[0]) is batch


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("limit=1&limit=2", "twice"),
        ("order=up", "desc, asc"),
        ("ordr=asc", "did you mean 'order'"),
        ("from=yesterday", "RFC 3339"),
        ("until=2026-13-01T00:00:00Z", "RFC 3339"),
        ("position=7", "shard-block-index"),
        ("wait=1", "order=asc"),
        ("wait=31&order=asc", "wait"),
        ("type=%FF", "UTF-8"),
        ("access_token=x", "unknown"),
    ],
)
async def test_a_wrong_parameter_is_refused_by_name(query: str, says: str) -> None:
    async with running() as hub:
        reply = await hub.ask("GET", f"/events?{query}")
        assert (reply.status, reply.code) == (400, "malformed")
        assert says in reply.json["detail"]


async def test_lists_can_be_narrowed_by_attributes_and_time() -> None:
    async with running() as hub:
        await hub.publish(ce_id="1", ce_subject="a b", ce_source="/x#y")
        await hub.publish(ce_id="2")
        for query in ("subject=a+b", "subject=a%20b", "source=%2Fx%23y", "id=1"):
            reply = await hub.ask("GET", f"/events?{query}")
            assert [row["event"]["id"] for row in reply.json] == ["1"]
        late = await hub.ask("GET", "/events?from=2999-01-01T00:00:00+01:00")
        assert late.json == []
        assert len((await hub.ask("GET", "/events?until=2999-01-01t00:00:00z")).json) == 2


async def test_a_position_beyond_all_bounds_is_an_empty_page_and_no_mistake() -> None:
    async with running() as hub:
        await filled(hub, 1)
        reply = await hub.ask("GET", "/events?order=asc&position=0-9999999999999999999-0")
        assert (reply.status, reply.json) == (200, [])


async def test_an_event_is_found_by_position_by_id_and_by_source_and_id() -> None:
    async with running() as hub:
        position = (await hub.publish(ce_id="a/b?c", body=b'{"a": 1}')).json["position"]
        for reference in (position, "a/b?c", "/shop#a/b?c"):
            reply = await hub.ask("GET", f"/events/{quote(reference, safe='')}")
            assert reply.headers["content-type"].startswith("application/cloudevents+json")
            assert reply.headers["chappe-position"] == position
            assert reply.json["data"] == {"a": 1}


async def test_an_id_that_several_events_have_is_ambiguous() -> None:
    async with running() as hub:
        positions = {
            (await hub.publish(ce_source=source)).json["position"] for source in ("/a", "/b")
        }
        reply = await hub.ask("GET", "/events/A-1017")
        assert (reply.status, reply.code) == (409, "ambiguous")
        assert set(reply.json["positions"]) == positions


@pytest.mark.parametrize(
    "path",
    [
        "/events/none",
        "/events/1-1-1",
        "/events/0-9999999999999999999-999999999",
        "/events/%00",
        "/events/none/trace",
        "/channels/none/events",
        "/channels/none/events/1",
        "/subscriptions/none",
        "/subscriptions/x/y",
        "/channels/default/events/",
        "/events/",
        "/events//trace",
    ],
)
async def test_what_there_is_not_is_not_found(path: str) -> None:
    async with running() as hub:
        reply = await hub.ask("GET", path)
        assert (reply.status, reply.code) == (404, "not_found")


@pytest.mark.parametrize(
    "path",
    [
        "/channels/none",
        "/messagegroups/none/messages/none",
        "/endpoints/hub/subscriptions/none",
        "/event",
        "/EVENTS",
    ],
)
async def test_any_other_path_is_the_registrys(path: str) -> None:
    async with running() as hub:
        reply = await hub.ask("GET", path)
        assert (reply.status, reply.kind, reply.json["subject"]) == (404, "not_found", path)


async def test_a_path_of_nothing_is_refused_by_the_registry() -> None:
    async with running() as hub:
        reply = await hub.ask("GET", "//events")
        assert (reply.status, reply.kind) == (400, "bad_request")


async def test_a_trailing_slash_is_answered_with_a_hint() -> None:
    async with running() as hub:
        reply = await hub.ask("GET", "/subscriptions/")
        assert "try /subscriptions" in reply.json["detail"]


async def test_a_trace_tells_each_subscription_its_attempts() -> None:
    async with running() as hub:
        await hub.ask("POST", "/subscriptions", {}, json.dumps(SUBSCRIPTION))
        narrow = {**SUBSCRIPTION, "filters": [{"exact": {"subject": "eu"}}]}
        await hub.ask("POST", "/subscriptions", {}, json.dumps(narrow))
        text = (await hub.publish(ce_subject="us")).json["position"]
        shard, block, index = Position.parse(text)
        hub.index.rows += [
            AttemptRow(
                "default", shard, block, index, "s-1", 1, 1_000, 20, 503, "retry", "busy", 2_000
            ),
            AttemptRow("default", shard, block, index, "s-1", 2, 2_000, 31, 200, "delivered"),
        ]
        trace = (await hub.ask("GET", f"/events/{text}/trace")).json
        assert (trace["position"], trace["channel"], trace["id"]) == (text, "default", "A-1017")
        assert trace["node"] == "n-test"
        assert trace["schema"] is None
        first, second = trace["subscriptions"]
        assert (first["state"], first["matched"]) == ("delivered", True)
        assert first["attempts"][0] == {
            "attempt": 1,
            "at": "1970-01-01T00:00:01.000Z",
            "latency_ms": 20,
            "status": 503,
            "result": "retry",
            "reason": "busy",
            "next": "1970-01-01T00:00:02.000Z",
        }
        assert "next" not in first["attempts"][1]
        assert (second["state"], second["found"]) == ("not matched", "us")
        assert second["decided_by"] == "exact(subject)='eu'"


async def test_a_trace_tells_what_the_schema_says() -> None:
    async with running() as hub:
        text = (await hub.publish(body=b"[]")).json["position"]
        path = "/messagegroups/shop/messages/order.paid"
        await hub.declare(path, DECLARATION)
        schema = (await hub.ask("GET", f"/events/{text}/trace")).json["schema"]
        assert (schema["mode"], schema["declaration"], schema["valid"]) == ("enforce", path, False)
        assert schema["errors"][0]["rule"] == "type"


async def test_a_subscription_is_made_read_replaced_and_ended() -> None:
    async with running() as hub:
        made = await hub.ask("POST", "/subscriptions", {}, json.dumps(SUBSCRIPTION))
        assert made.status == 201
        where = made.headers["location"]
        assert where == f"/subscriptions/{made.json['id']}"
        shown = (await hub.ask("GET", where)).json
        assert shown.pop("status")["state"] == "active"
        assert shown == made.json
        (listed,) = (await hub.ask("GET", "/subscriptions")).json
        assert listed.pop("status")["state"] == "active"
        assert listed == made.json
        changed = {**SUBSCRIPTION, "types": ["a"], "epoch": 1}
        replaced = await hub.ask("PUT", where, {}, json.dumps(changed))
        assert (replaced.status, replaced.json["epoch"], replaced.json["types"]) == (200, 2, ["a"])
        stale = await hub.ask("PUT", where, {}, json.dumps(changed))
        assert (stale.status, stale.code) == (409, "conflict")
        ended = await hub.ask("DELETE", where)
        assert (ended.status, ended.json) == (200, replaced.json)
        assert (await hub.ask("GET", where)).status == 404
        assert (await hub.ask("DELETE", where)).code == "not_found"
        assert (await hub.ask("GET", "/subscriptions")).json == []


async def test_a_subscription_never_shows_its_secret() -> None:
    async with running() as hub:
        credential = {"credentialtype": "ACCESSTOKEN", "accesstoken": "hush"}
        body = json.dumps({**SUBSCRIPTION, "sinkcredential": credential})
        made = await hub.ask("POST", "/subscriptions", {}, body)
        assert made.json["sinkcredential"]["credentialtype"] == "ACCESSTOKEN"
        assert b"hush" not in made.body


@pytest.mark.parametrize("body", ["", "{}", "[]", '{"sink": 1}', "{", '{"sinkk": "x"}'])
async def test_a_wrong_subscription_is_refused(body: str) -> None:
    async with running() as hub:
        reply = await hub.ask("POST", "/subscriptions", {}, body)
        assert (reply.status, reply.code) == (400, "malformed")


async def test_a_declaration_is_made_read_replaced_and_taken_back() -> None:
    async with running() as hub:
        path = "/messagegroups/shop/messages/paid"
        document = {**DECLARATION, "envelopemetadata": {"type": {"value": "order/paid"}}}
        made = await hub.declare(path, document)
        assert (made.status, made.headers["location"]) == (201, f"http://hub{path}")
        assert (made.json["messageid"], made.json["dataschema"]) == ("paid", {"type": "object"})
        assert (await hub.ask("GET", path)).json == made.json
        listed = await hub.ask("GET", "/messagegroups/shop/messages")
        assert listed.json == {"paid": made.json}
        assert (await hub.publish(ce_type="order/paid", body=b"[]")).code == "schema_mismatch"
        again = await hub.declare(path, {**document, "dataschema": {"type": "array"}})
        assert (again.status, "location" in again.headers) == (200, False)
        assert (await hub.publish(ce_type="order/paid", body=b"[]")).status == 202
        other = await hub.ask("GET", "/messagegroups/else/messages/paid")
        assert (other.status, other.kind) == (404, "not_found")
        ended = await hub.ask("DELETE", path)
        assert (ended.status, ended.body) == (204, b"")
        assert (await hub.ask("GET", path)).status == 404
        assert (await hub.publish(ce_type="order/paid", ce_id="2", body=b"{}")).status == 202


async def test_a_type_is_declared_in_one_place() -> None:
    async with running() as hub:
        await hub.declare("/messagegroups/shop/messages/order.paid", DECLARATION)
        reply = await hub.declare("/messagegroups/else/messages/order.paid", DECLARATION)
        assert (reply.status, reply.kind) == (400, "bad_request")
        assert "/messagegroups/shop/messages/order.paid says" in reply.json["title"]


async def test_channels_tell_their_shards_and_what_they_hold() -> None:
    async with running() as hub:
        one = await hub.ask("GET", "/channels/orders")
        assert one.json | {"createdat": "", "modifiedat": ""} == {
            "channelid": "orders",
            "self": "http://hub/channels/orders",
            "xid": "/channels/orders",
            "epoch": 1,
            "labels": {"chappe": "self"},
            "createdat": "",
            "modifiedat": "",
            "kind": "events",
            "shards": 2,
        }
        listed = (await hub.ask("GET", "/channels")).json
        assert {name: channel["kind"] for name, channel in listed.items()} == {
            "attempts": "attempts",
            "audit": "audit",
            "deadletters": "deadletters",
            "default": "events",
            "orders": "events",
            "registry": "registry",
        }


async def test_readiness_is_lost_with_one_check() -> None:
    async with running() as hub:
        ready = await hub.ask("GET", "/readyz")
        assert ready.status == 200
        assert ready.json == {
            "status": "ready",
            "version": "0.1.0",
            "node": "n-test",
            "engine": {"kind": "memory"},
            "shards": {},
            "checks": [{"name": "engine", "ok": True, "detail": "connected"}],
        }
        hub.checks.append(Check("disk", ok=False, detail="full"))
        lost = await hub.ask("GET", "/readyz")
        assert (lost.status, lost.json["status"]) == (503, "not ready")
        assert (await hub.ask("GET", "/livez")).json == {"status": "ok"}


async def test_who_was_ready_once_has_started_for_good() -> None:
    async with running() as hub:
        hub.checks[0] = Check("engine", ok=False, detail="no answer")
        early = await hub.ask("GET", "/startupz")
        assert (early.status, early.json["status"]) == (503, "starting")
        assert early.json["checks"] == [{"name": "engine", "ok": False, "detail": "no answer"}]
        hub.checks[0] = Check("engine", ok=True)
        assert (await hub.ask("GET", "/startupz")).json == {"status": "started"}
        hub.checks[0] = Check("engine", ok=False)
        assert (await hub.ask("GET", "/readyz")).status == 503
        assert (await hub.ask("GET", "/startupz")).status == 200
        hub.app.drain()
        assert (await hub.ask("GET", "/startupz")).status == 200


async def test_metrics_count_what_happened() -> None:
    async with running() as hub:
        await hub.publish(body=b"123")
        await hub.publish(body=b"123")
        await hub.publish(ce_id=None)
        hub.counters.attempts.of("s-1").ended["retry"] += 1
        reply = await hub.ask("GET", "/metrics")
        assert reply.headers["content-type"].startswith("text/plain")
        lines = reply.body.decode().splitlines()
        for line in (
            'chappe_events_accepted_total{channel="default"} 2.0',
            'chappe_duplicates_total{channel="default"} 1.0',
            'chappe_event_bytes_total{channel="default"} 6.0',
            'chappe_events_rejected_total{code="invalid_event"} 1.0',
            'chappe_accept_seconds_bucket{le="+Inf"} 2.0',
            "chappe_accept_seconds_count 2.0",
            'chappe_deliveries_total{result="retry"} 1.0',
            "chappe_lanes_own 0.0",
            "chappe_open_events 0.0",
        ):
            assert line in lines


PATHS = [
    "/",
    "/export",
    "/events",
    "/events/A-1017",
    "/events/A-1017/trace",
    "/channels",
    "/channels/default",
    "/channels/default/events",
    "/subscriptions",
    "/livez",
    "/readyz",
    "/startupz",
]


@pytest.mark.parametrize("path", PATHS)
async def test_head_answers_what_get_does_without_a_body(path: str) -> None:
    async with running() as hub:
        await hub.publish()
        get = await hub.ask("GET", path)
        head = await hub.ask("HEAD", path)
        assert (head.status, head.body) == (get.status, b"")
        assert {**head.headers, "date": ""} == {**get.headers, "date": ""}


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/events", "GET, HEAD, POST, OPTIONS"),
        ("/channels/orders/events", "GET, HEAD, POST, OPTIONS"),
        ("/channels/deadletters/events", "GET, HEAD, OPTIONS"),
        ("/events/x", "GET, HEAD, OPTIONS"),
        ("/events/x/trace", "GET, HEAD, OPTIONS"),
        ("/subscriptions", "GET, HEAD, POST, OPTIONS"),
        ("/subscriptions/x", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("/livez", "GET, HEAD, OPTIONS"),
        ("/metrics", "GET, HEAD, OPTIONS"),
    ],
)
async def test_options_lists_what_can_be_done(path: str, allow: str) -> None:
    async with running() as hub:
        reply = await hub.ask("OPTIONS", path)
        assert (reply.status, reply.body, reply.headers["allow"]) == (204, b"", allow)


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/channels", "DELETE GET HEAD OPTIONS PATCH POST"),
        ("/messagegroups/g/messages", "DELETE GET HEAD OPTIONS PATCH POST"),
        ("/messagegroups/g/messages/m", "DELETE GET HEAD OPTIONS PATCH POST PUT"),
        ("/export", "GET HEAD OPTIONS"),
    ],
)
async def test_options_lists_what_can_be_done_in_the_registry(path: str, allow: str) -> None:
    async with running() as hub:
        reply = await hub.ask("OPTIONS", path)
        assert (reply.status, reply.body) == (200, b"")
        assert sorted(reply.headers["allow"].split(", ")) == allow.split()


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/events", "GET, HEAD, POST, OPTIONS"),
        ("POST", "/channels/orders/events/1", "GET, HEAD, OPTIONS"),
        ("POST", "/subscriptions/1", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("POST", "/subscriptions/events", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("PUT", "/livez", "GET, HEAD, OPTIONS"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(method: str, path: str, allow: str) -> None:
    async with running() as hub:
        reply = await hub.ask(method, path)
        assert (reply.status, reply.code) == (405, "method_not_allowed")
        assert (reply.headers["allow"], reply.json["allow"]) == (allow, allow.split(", "))


async def test_a_wrong_method_in_the_registry_is_told_the_right_ones() -> None:
    async with running() as hub:
        reply = await hub.declare("/messagegroups/g/messages", {})
        assert (reply.status, reply.kind) == (405, "action_not_supported")
        assert reply.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST"


async def test_webhook_4_2_the_handshake_is_granted_to_the_origin_that_asked() -> None:
    async with running() as hub:
        headers = {"webhook-request-origin": "sender.example", "webhook-request-rate": "120"}
        reply = await hub.ask("OPTIONS", "/channels/orders/events", headers)
        assert reply.headers["webhook-allowed-origin"] == "sender.example"
        assert reply.headers["webhook-allowed-rate"] == "*"
        assert reply.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/channels/deadletters/events", "/subscriptions", "/events/1"])
async def test_webhook_4_2_nothing_is_granted_where_nobody_may_publish(path: str) -> None:
    async with running() as hub:
        reply = await hub.ask("OPTIONS", path, {"webhook-request-origin": "sender.example"})
        assert "webhook-allowed-origin" not in reply.headers
