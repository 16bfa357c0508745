"""Events in every format through the edge: published, read again, and refused."""

from __future__ import annotations

import json

import pytest
from http_edge import running

from chappe.domain.event import Event
from chappe.formats import cloudevents_http
from chappe.formats.event_formats import BY_BATCH_MEDIA_TYPE, BY_MEDIA_TYPE, FORMATS, Format
from chappe.http.parts import Limits

EVENT = Event(
    id="A-1",
    source="/shop",
    type="order.paid",
    subject="é",
    time="2024-05-17T12:30:01.250Z",
    datacontenttype="application/json",
    extensions={"tier": "gold"},
    data=b'{"n":1}',
    text=True,
)
NAMES = [one.name for one in FORMATS]


@pytest.mark.parametrize("format", FORMATS, ids=NAMES)
async def test_an_event_in_any_format_is_taken_in_and_shown_in_any_other(format: Format) -> None:
    async with running() as hub:
        headers = {"content-type": f"{format.media_type}; charset=UTF-8"}
        reply = await hub.ask("POST", "/events", headers, format.encode(EVENT))
        assert reply.status == 202
        for other in FORMATS:
            shown = await hub.ask("GET", "/events/A-1", {"accept": other.media_type})
            assert shown.status == 200
            assert shown.headers["content-type"].partition(";")[0] == other.media_type
            assert shown.headers["vary"] == "accept"
            assert shown.headers["chappe-position"] == reply.json["position"]
            read = other.decode(shown.body)
            assert (read.id, read.subject, read.time) == ("A-1", "é", EVENT.time)
            assert read.extensions == {"tier": "gold"}
            assert json.loads(read.data or b"") == {"n": 1}


@pytest.mark.parametrize("media_type", BY_BATCH_MEDIA_TYPE)
async def test_a_batch_is_taken_in_and_pages_are_shown_as_batches(media_type: str) -> None:
    format = BY_BATCH_MEDIA_TYPE[media_type]
    events = [Event(id=id_, source="/s", type="t", data=b"\xff") for id_ in "ab"]
    async with running() as hub:
        body = format.encode_batch(events)
        reply = await hub.ask("POST", "/events", {"content-type": media_type}, body)
        assert (reply.status, len(reply.json["positions"])) == (202, 2)
        page = await hub.ask("GET", "/events?order=asc", {"accept": media_type})
        assert page.headers["content-type"].partition(";")[0] == media_type
        assert page.headers["vary"] == "accept"
        assert 'rel="next"' in page.headers["link"]
        assert format.decode_batch(page.body) == events


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "application/cloudevents+json; charset=utf-8"),
        ("*/*", "application/cloudevents+json; charset=utf-8"),
        ("application/json, text/plain, */*", "application/cloudevents+json; charset=utf-8"),
        ("application/json", "application/cloudevents+json; charset=utf-8"),
        ("text/html, application/xml;q=0.9, */*;q=0.8", "application/cloudevents+json; charset=utf-8"),
        ("application/cloudevents+xml;q=0.5, application/cloudevents+cbor", "application/cloudevents+cbor"),
        ("image/png", "image/png"),
        ("image/*, */*;q=0.1", "image/png"),
    ],
)  # fmt: skip
async def test_one_event_is_shown_as_accept_weighs_it(
    accept: str | None, content_type: str
) -> None:
    async with running() as hub:
        await hub.publish(body=b"\x89PNG", content_type="image/png", ce_id="p")
        shown = await hub.ask("GET", "/events/p", {} if accept is None else {"accept": accept})
        assert (shown.status, shown.headers["content-type"]) == (200, content_type)


async def test_a_payload_is_shown_as_it_is_with_its_attributes_and_does_no_harm() -> None:
    async with running() as hub:
        page = b"<script>alert(1)</script>"
        await hub.publish(
            body=page, content_type="text/html; charset=utf-8", ce_id="h", ce_ext="%C3%A9"
        )
        shown = await hub.ask("GET", "/events/h", {"accept": "text/html"})
        assert shown.body == page
        assert shown.headers["content-type"] == "text/html; charset=utf-8"
        assert shown.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert shown.headers["x-content-type-options"] == "nosniff"
        headers = [(name.encode(), value.encode()) for name, value in shown.headers.items()]
        read = cloudevents_http.decode_binary(headers, shown.body)
        assert (read.id, read.extensions, read.data) == ("h", {"ext": "é"}, page)


@pytest.mark.parametrize("target", ["/events", "/events/A-1"])
async def test_what_has_no_form_that_is_accepted_is_refused_with_those_that_there_are(
    target: str,
) -> None:
    async with running() as hub:
        await hub.publish(ce_id="A-1")
        reply = await hub.ask("GET", target, {"accept": "text/csv"})
        assert (reply.status, reply.code) == (406, "not_acceptable")
        known = BY_MEDIA_TYPE if target == "/events/A-1" else BY_BATCH_MEDIA_TYPE
        assert set(known) <= set(reply.json["media_types"])


async def test_a_name_that_xml_cannot_have_is_told() -> None:
    async with running() as hub:
        await hub.publish(ce_id="A-1", ce_1st="x")
        for target, media_type in (
            ("/events/A-1", "application/cloudevents+xml"),
            ("/events", "application/cloudevents-batch+xml"),
        ):
            reply = await hub.ask("GET", target, {"accept": media_type})
            assert (reply.status, reply.code) == (406, "not_acceptable")
            assert "'1st'" in reply.json["detail"]


async def test_an_unknown_format_is_refused_with_those_that_are_known() -> None:
    async with running() as hub:
        headers = {"content-type": "application/cloudevents-batch+avro"}
        reply = await hub.ask("POST", "/events", headers, b"")
        assert (reply.status, reply.code) == (415, "unsupported_format")
        for media_type in (*BY_MEDIA_TYPE, *BY_BATCH_MEDIA_TYPE):
            assert media_type in reply.json["detail"]


OLD = {"specversion": "0.3", "id": "o", "source": "/s", "type": "t", "schemaurl": "urn:x"}


async def test_an_event_of_0_3_is_let_in_where_the_operator_says_so() -> None:
    headers = {"content-type": "application/cloudevents+json"}
    async with running() as hub:
        refused = await hub.ask("POST", "/events", headers, json.dumps(OLD).encode())
        assert (refused.status, refused.json["attribute"]) == (400, "specversion")
    async with running(limits=Limits(cloudevents_0_3=True)) as hub:
        body = json.dumps(OLD).encode()
        assert (await hub.ask("POST", "/events", headers, body)).status == 202
        shown = (await hub.ask("GET", "/events/o")).json
        assert (shown["specversion"], shown["dataschema"]) == ("1.0", "urn:x")
        verdict = await hub.ask("POST", "/validate", headers, body)
        assert verdict.json["valid"] is True
        await hub.publish(ce_specversion="0.3", ce_id="binary")
        assert (await hub.ask("GET", "/events/binary")).json["specversion"] == "1.0"
        await hub.publish(ce_id="new")
        assert (await hub.ask("GET", "/events/new")).status == 200
