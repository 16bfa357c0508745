"""The hub client: requests that it makes, answers that it reads, errors that it raises."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.client.paths import EventQuery, next_page
from chappe.client.problems import BY_CODE, error_of
from chappe.client.transport import Answer
from chappe.domain import errors
from chappe.domain.errors import ChappeError
from chappe.domain.event import Event
from chappe.testing.http_sink import Received, Reply, SinkServer

EVENT = Event(id="A-1", source="/shop", type="order.paid", data=b'{"total": 12}', text=True,
              datacontenttype="application/json")  # fmt: skip
JSON = [("content-type", "application/json")]


def reply(body: object, status: int = 200, **headers: str) -> Reply:
    return Reply(status, headers=[*JSON, *headers.items()], body=json.dumps(body).encode())


def problem(code: str | None, status: int, **members: object) -> Answer:
    body = {"type": "urn:x", "title": "T", "status": status, "detail": "the detail", **members}
    if code is not None:
        body["code"] = code
    return Answer(status, {"content-type": "application/problem+json"}, json.dumps(body).encode())


def listed(position: str, id_: str) -> Mapping[str, object]:
    event = {"specversion": "1.0", "id": id_, "source": "/s", "type": "t"}
    return {"position": position, "acceptedat": "2026-11-22T10:02:11.402Z", "event": event}


async def test_publishing_sends_the_event_in_structured_mode() -> None:
    async with SinkServer([reply({"position": "2-1041-7", "duplicate": True}, 202)]) as sink:
        async with HubClient(sink.url, token="chp_x") as hub:
            receipt = await hub.publish(EVENT, channel="orders")

    request = sink.requests[0]
    assert (receipt.position, receipt.duplicate) == ("2-1041-7", True)
    assert (request.method, request.target) == ("POST", "/channels/orders/events")
    assert request.header("content-type") == "application/cloudevents+json"
    assert request.header("authorization") == "Bearer chp_x"
    assert json.loads(request.body)["data"] == {"total": 12}


async def test_publishing_a_batch_gives_a_position_for_each() -> None:
    answer = reply({"positions": ["0-1-0", "0-1-1"], "duplicates": [1]}, 202)
    async with SinkServer([answer]) as sink, HubClient(sink.url) as hub:
        receipt = await hub.publish_batch([EVENT, EVENT])

    assert (receipt.positions, receipt.duplicates) == (["0-1-0", "0-1-1"], [1])
    assert sink.requests[0].header("content-type") == "application/cloudevents-batch+json"
    assert len(json.loads(sink.requests[0].body)) == 2


async def test_publishing_is_repeated_on_a_new_connection_since_the_hub_knows_duplicates() -> None:
    answers = [reply({"position": "0-1-0", "duplicate": False}, 202)] * 2
    async with SinkServer(answers) as sink, HubClient(sink.url) as hub:
        await hub.publish(EVENT)
        sink.drop_connections()
        await sink.until(lambda: not sink.connections)
        receipt = await hub.publish(EVENT)

    assert receipt.position == "0-1-0"


async def test_listing_goes_on_from_page_to_page() -> None:
    pages = [
        reply([listed("0-1-0", "a"), listed("0-2-0", "b")],
              link='</events?position=0-2-0&limit=2>; rel="next"'),
        reply([listed("0-3-0", "c")]),
    ]  # fmt: skip
    async with SinkServer(pages) as sink, HubClient(sink.url) as hub:
        found = [one.position async for one in hub.events(EventQuery(type="t", limit=2))]

    assert found == ["0-1-0", "0-2-0", "0-3-0"]
    assert [request.target for request in sink.requests] == [
        "/events?type=t&order=desc&limit=2",
        "/events?position=0-2-0&limit=2",
    ]


async def test_following_asks_again_where_a_page_was_empty() -> None:
    link = '</events?order=asc&wait=20&position=0-1-0>; rel="next"'
    pages = [reply([], link=link), reply([listed("0-2-0", "b")], link=link)]
    async with SinkServer(pages) as sink, HubClient(sink.url) as hub:
        followed = hub.follow(EventQuery(position="0-1-0"))
        first = await anext(followed)

    assert first.position == "0-2-0"
    assert sink.requests[0].target == "/events?position=0-1-0&order=asc&limit=100&wait=20"


async def test_a_trace_is_read_with_its_attempts() -> None:
    body = {
        "position": "2-1041-7", "channel": "default", "id": "A-1", "source": "/shop", "type": "t",
        "acceptedat": "2026-11-22T10:02:11.402Z", "node": "n-1", "schema": None, "later": [1],
        "subscriptions": [{"subscription": "s-1", "sink": "http://x", "matched": True,
                           "state": "delivered", "attempts": [
                               {"attempt": 1, "at": "2026-11-22T10:02:11.402Z", "latency_ms": 3,
                                "status": 204, "result": "delivered"}]}],
    }  # fmt: skip
    async with SinkServer([reply(body)]) as sink, HubClient(sink.url) as hub:
        trace = await hub.trace("/shop#A-1")

    assert sink.requests[0].target == "/events/%2Fshop%23A-1/trace"
    assert trace.subscriptions[0].attempts[0].status == 204


def _crud(request: Received) -> Reply:
    kept = {"id": "s-1", "sink": "http://x", "protocol": "HTTP"}
    if request.method == "GET" and request.target == "/subscriptions":
        return reply([kept])
    return reply(kept, 201 if request.method == "POST" else 200)


async def test_subscriptions_are_made_read_replaced_and_ended() -> None:
    wanted = {"sink": "http://x", "protocol": "HTTP"}
    async with SinkServer(_crud) as sink, HubClient(sink.url) as hub:
        made = await hub.subscribe(wanted)
        everything = await hub.subscriptions()
        one = await hub.subscription(made.id)
        replaced = await hub.replace_subscription(made.id, wanted)
        await hub.unsubscribe(made.id)

    assert made == one == replaced == everything[0]
    assert [f"{request.method} {request.target}" for request in sink.requests] == [
        "POST /subscriptions",
        "GET /subscriptions",
        "GET /subscriptions/s-1",
        "PUT /subscriptions/s-1",
        "DELETE /subscriptions/s-1",
    ]


async def test_a_hub_that_is_not_ready_is_an_answer_and_no_error() -> None:
    body = {"status": "not ready", "checks": [{"name": "engine", "ok": False, "detail": "gone"}]}
    async with SinkServer([reply(body, 503)]) as sink, HubClient(sink.url) as hub:
        ready = await hub.ready()

    assert (ready.status, ready.checks[0].detail) == ("not ready", "gone")


async def test_an_answer_of_another_shape_is_told_as_such() -> None:
    async with SinkServer([reply({"no": "position"}, 202)]) as sink, HubClient(sink.url) as hub:
        with pytest.raises(ChappeError, match=r"docs/api\.md"):
            await hub.publish(EVENT)


async def test_no_hub_is_unavailable_and_names_the_url() -> None:
    async with SinkServer() as sink:
        url = sink.url

    async with HubClient(url) as hub:
        with pytest.raises(errors.Unavailable) as raised:
            await hub.publish(EVENT)

    assert raised.value.details["url"] == url


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_each_code_becomes_its_class_again(code: str) -> None:
    error = error_of(problem(code, 400))

    assert type(error) is BY_CODE[code]
    assert (error.code, error.message) == (code, "the detail")


def test_every_error_that_a_caller_may_see_has_its_code_in_the_table() -> None:
    def below(cls: type[ChappeError]) -> set[type[ChappeError]]:
        return {cls}.union(*(below(sub) for sub in cls.__subclasses__()))

    ours = {cls for cls in below(ChappeError) if cls.__module__ == errors.__name__}
    hidden = {ChappeError, errors.Fenced}
    assert set(BY_CODE.values()) == ours - hidden


@pytest.mark.parametrize(
    ("status", "cls"),
    [(400, errors.CallerError), (401, errors.Unauthenticated), (403, errors.Forbidden),
     (404, errors.NotFound), (409, errors.Conflict), (429, errors.CallerError),
     (500, ChappeError), (502, errors.Unavailable), (302, ChappeError)],
)  # fmt: skip
def test_an_answer_of_somebody_else_goes_by_its_status(status: int, cls: type[ChappeError]) -> None:
    error = error_of(Answer(status, {"content-type": "text/html"}, b"<h1>Bad\xff gateway</h1>"))

    assert type(error) is cls
    assert str(status) in error.message


def test_details_hold_the_whole_problem() -> None:
    error = error_of(problem("invalid_event", 400, attribute="id", rule="must not be empty"))

    assert error.details["attribute"] == "id"
    assert error.details["detail"] == "the detail"


def test_a_batch_error_has_the_error_of_each_event() -> None:
    entries = [
        {"index": 3, "code": "invalid_event", "detail": "id: '' must not be empty"},
        {"index": 5, "code": "schema_mismatch", "detail": "no", "errors": []},
        {"index": "six"},
        "nonsense",
    ]
    error = error_of(problem("invalid_batch", 400, errors=entries))

    assert isinstance(error, errors.InvalidBatch)
    assert {index: type(one) for index, one in error.errors.items()} == {
        3: errors.InvalidEvent,
        5: errors.SchemaMismatch,
    }


def test_what_to_wait_is_kept_from_the_header() -> None:
    answer = problem("overloaded", 503)
    error = error_of(Answer(503, {**answer.headers, "retry-after": "1"}, answer.body))

    assert error.details["retry_after"] == "1"


@pytest.mark.parametrize(
    ("reference", "path"),
    [("2-1041-7", "/events/2-1041-7"), ("A 1/2", "/events/A%201%2F2"), ("..", "/events/%2E%2E"),
     ("/shop#A", "/events/%2Fshop%23A"), ("ä?", "/events/%C3%A4%3F")],
)  # fmt: skip
def test_a_reference_stays_one_step_of_the_path(reference: str, path: str) -> None:
    assert paths.event(reference) == path


def test_a_query_holds_only_what_was_asked() -> None:
    query = EventQuery(channel="a b", subject="ü&", accepted_from="2026-11-22T00:00:00Z", wait_s=1)

    assert query.path == (
        "/channels/a%20b/events?subject=%C3%BC%26&from=2026-11-22T00%3A00%3A00Z"
        "&order=desc&limit=100&wait=1"
    )


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ('</events?limit=2&position=0-7-1>; rel="next"', "/events?limit=2&position=0-7-1"),
        ("</a>; rel=prev, </b?x=1>; rel=next", "/b?x=1"),
        ('<http://hub.example/events?a=b>;rel="next"', "/events?a=b"),
        ('</a>; rel="prev"', None),
        ("", None),
        (None, None),
    ],
)
def test_the_next_page_is_found_in_the_link(link: str | None, target: str | None) -> None:
    assert next_page(link) == target
