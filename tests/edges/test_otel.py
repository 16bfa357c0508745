"""One trace from the producer through the hub to the sink, as a collector gets it.

The producer has OpenTelemetry's own SDK; the collector is a server that takes OTLP over HTTP and decodes
it with OpenTelemetry's own messages. One hub for all: what it did is looked at afterwards.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanContext, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from tests.chaos.http import Answer, Client
from tests.chaos.hub import HubProcess

from chappe.testing.http_sink import Received, Reply, SinkServer

pytestmark = [pytest.mark.engine, pytest.mark.timeout(180)]

OK = 204
UNSAMPLED = "00-11111111111111111111111111111111-2222222222222222-00"
STATE = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"


@dataclass
class Told:
    """What happened: the collector's spans by event id, what sinks got, the producer's contexts."""

    spans: list[Span] = field(default_factory=list)
    resource: dict[str, str] = field(default_factory=dict)
    received: dict[str, list[Received]] = field(default_factory=dict)
    producers: dict[str, SpanContext] = field(default_factory=dict)
    traces: dict[str, Any] = field(default_factory=dict)
    subscriptions: dict[str, str] = field(default_factory=dict)
    metrics: str = ""
    log: str = ""

    def of(self, event: str, name: str) -> list[Span]:
        """The event's spans of that name, in the order of their beginning."""
        found = [
            one
            for one in self.spans
            if attributes(one).get("cloudevents.event_id") == event and one.name == name
        ]
        return sorted(found, key=lambda one: one.start_time_unix_nano)

    def one(self, event: str, name: str) -> Span:
        (found,) = self.of(event, name)
        return found


def attributes(span: Span) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in span.attributes:
        kind = one.value.WhichOneof("value")
        value = getattr(one.value, kind)
        found[one.key] = [each.string_value for each in value.values] if "array" in kind else value
    return found


def hexed(context: SpanContext) -> tuple[str, str]:
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def traceparent(context: SpanContext) -> str:
    trace_id, span_id = hexed(context)
    return f"00-{trace_id}-{span_id}-01"


def ids(span: Span) -> tuple[str, str]:
    return span.trace_id.hex(), span.span_id.hex()


def parent(span: Span) -> tuple[str, str]:
    return span.trace_id.hex(), span.parent_span_id.hex()


def links(span: Span) -> set[tuple[str, str]]:
    return {(one.trace_id.hex(), one.span_id.hex()) for one in span.links}


async def publish(
    client: Client, id_: str, headers: Mapping[str, str], type_: str = "t", body: bytes = b"{}"
) -> Answer:
    whole = {
        "ce-specversion": "1.0", "ce-id": id_, "ce-source": "/shop", "ce-type": type_,
        "ce-subject": "s-1", "content-type": "application/json", **headers,
    }  # fmt: skip
    return await client.ask("POST", "/events", whole, body)


async def subscribe(client: Client, sink: SinkServer, type_: str, **more: object) -> str:
    document = {"sink": f"{sink.url}?secret=s3cret", "protocol": "HTTP", "types": [type_], **more}
    answer = await client.ask_json("POST", "/subscriptions", document)
    assert answer.status == 201, answer.body
    return str(answer.json()["id"])


async def happen(home: Path) -> Told:
    """Publish in every way, and wait until all was delivered and told."""
    told = Told()
    collector = SinkServer(lambda request: Reply(200))
    sink, batches = SinkServer(), SinkServer()
    flaky = SinkServer([Reply(503)])
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
    }
    async with collector, sink, flaky, batches:
        environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.url.rstrip("/")
        hub = HubProcess(home / "data", "--log-format", "json", environment=environment)
        async with hub:
            await publish_all(hub, told, sink, flaky, batches)
            assert await hub.stop() == 0
        # The hub has ended, and has sent all that it had.
        for request in collector.requests:
            assert request.target == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(request.body).resource_spans:
                told.resource = {
                    one.key: one.value.string_value for one in resource.resource.attributes
                }
                told.spans += [span for scope in resource.scope_spans for span in scope.spans]
    for one in (sink, flaky):
        for request in one.requests:
            told.received.setdefault(str(request.header("ce-id")), []).append(request)
    told.received["batch"] = batches.requests
    told.log = hub.log.read_text()
    return told


async def publish_all(
    hub: HubProcess, told: Told, sink: SinkServer, flaky: SinkServer, batches: SinkServer
) -> None:
    client = hub.client()
    tracer = TracerProvider().get_tracer("producer")
    carry = TraceContextTextMapPropagator()

    def span(name: str, parent_: SpanContext | None = None) -> tuple[SpanContext, dict[str, str]]:
        from opentelemetry.trace import NonRecordingSpan

        above = None if parent_ is None else set_span_in_context(NonRecordingSpan(parent_))
        made = tracer.start_span(name, above)
        headers: dict[str, str] = {}
        carry.inject(headers, set_span_in_context(made))
        made.end()
        told.producers[name] = made.get_span_context()
        return made.get_span_context(), headers

    told.subscriptions["t"] = await subscribe(client, sink, "t")
    told.subscriptions["flaky"] = await subscribe(client, flaky, "flaky", retry={"base_s": 0.05})
    await subscribe(client, batches, "b", batching={"max_events": 3, "max_wait_s": 20})
    _, headers = span("header")
    assert (await publish(client, "header", {**headers, "tracestate": STATE})).status == 202
    created, _ = span("created")
    _, headers = span("sent", created)
    both = {**headers, "ce-traceparent": traceparent(created)}
    assert (await publish(client, "both", both)).status == 202
    elsewhere, _ = span("elsewhere")
    _, headers = span("relay")
    other = {**headers, "ce-traceparent": traceparent(elsewhere), "ce-tracestate": "a=b"}
    assert (await publish(client, "relayed", other)).status == 202
    assert (await publish(client, "alone", {})).status == 202
    assert (await publish(client, "alone", {})).json()["duplicate"] is True
    assert (await publish(client, "unsampled", {"traceparent": UNSAMPLED})).status == 202
    assert (await publish(client, "mangled", {"ce-traceparent": "00-xyz"})).status == 202
    _, headers = span("retried")
    assert (await publish(client, "retried", headers, "flaky")).status == 202
    _, headers = span("refused")
    assert (await publish(client, "refused", {**headers, "ce-time": "noon"})).status == 400
    answer = await client.ask_json(
        "PUT",
        "/messagegroups/g/messages/strict",
        {
            "envelope": "CloudEvents/1.0",
            "envelopemetadata": {"type": {"value": "strict"}},
            "dataschemaformat": "JSONSchema/draft-07",
            "dataschema": {"type": "array"},
            "validation": "enforce",
        },
    )
    assert answer.status < 300, answer.body
    _, headers = span("invalid")
    assert (await publish(client, "invalid", headers, "strict")).status == 422
    batch = []
    for number in range(3):
        context, _ = span(f"b-{number}")
        one = {"specversion": "1.0", "id": f"b-{number}", "source": "/shop", "type": "b"}
        batch.append({**one, "traceparent": traceparent(context), "data": {}})
    _, headers = span("batch")
    headers["content-type"] = "application/cloudevents-batch+json"
    answer = await client.ask("POST", "/events", headers, json.dumps(batch).encode())
    assert answer.status == 202, answer.body
    await sink.until(lambda: sink.count == 6)
    await flaky.until(lambda: flaky.count == 2)
    await batches.until(lambda: batches.count == 1)
    for name in ("header", "alone"):
        told.traces[name] = (await client.ask("GET", f"/events/{name}/trace")).json()
    headers = {"accept": "application/openmetrics-text; version=1.0.0"}
    told.metrics = (await client.ask("GET", "/metrics", headers)).body.decode()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return asyncio.run(happen(tmp_path_factory.mktemp("otel")))


def assert_delivered_in(told: Told, event: str, accepted: Span) -> None:
    """Match and attempt hang on the acceptance, and the sink was told of the attempt."""
    matched, delivered = told.one(event, "match default"), told.one(event, "deliver default")
    assert parent(matched) == parent(delivered) == ids(accepted)
    (request,) = told.received[event]
    trace_id, span_id = ids(delivered)
    assert request.header("traceparent") == f"00-{trace_id}-{span_id}-01"


def test_a_header_alone_is_followed_and_becomes_the_events_own(told: Told) -> None:
    producer = told.producers["header"]
    accepted = told.one("header", "accept default")
    assert parent(accepted) == hexed(producer)
    assert_delivered_in(told, "header", accepted)
    (request,) = told.received["header"]
    assert request.header("ce-traceparent") == traceparent(producer)
    assert request.header("ce-tracestate") == request.header("tracestate") == STATE


def test_of_both_in_one_trace_the_header_is_the_parent(told: Told) -> None:
    accepted = told.one("both", "accept default")
    assert parent(accepted) == hexed(told.producers["sent"])
    assert_delivered_in(told, "both", accepted)
    (request,) = told.received["both"]
    assert request.header("ce-traceparent") == traceparent(told.producers["created"])
    assert links(told.one("both", "deliver default")) == {hexed(told.producers["created"])}


def test_the_trace_that_an_event_began_in_goes_on_and_the_hop_is_linked(told: Told) -> None:
    accepted = told.one("relayed", "accept default")
    assert parent(accepted) == hexed(told.producers["elsewhere"])
    assert links(accepted) == {hexed(told.producers["relay"])}
    assert_delivered_in(told, "relayed", accepted)
    (request,) = told.received["relayed"]
    assert request.header("ce-traceparent") == traceparent(told.producers["elsewhere"])
    assert request.header("ce-tracestate") == request.header("tracestate") == "a=b"


def test_an_event_without_a_context_has_a_trace_and_stays_as_it_is(told: Told) -> None:
    first, repeat = told.of("alone", "accept default")
    assert not first.parent_span_id
    assert first.trace_id == repeat.trace_id
    assert first.span_id != repeat.span_id
    assert attributes(repeat)["chappe.duplicate"] is True
    assert_delivered_in(told, "alone", first)
    (request,) = told.received["alone"]
    assert request.header("ce-traceparent") is None


def test_what_is_not_sampled_is_not_recorded_and_the_sink_is_told_so(told: Told) -> None:
    assert not [one for one in told.spans if one.trace_id.hex() == "1" * 32]
    (request,) = told.received["unsampled"]
    assert request.header("traceparent") == request.header("ce-traceparent") == UNSAMPLED


def test_an_attribute_that_is_no_context_is_kept_and_breaks_nothing(told: Told) -> None:
    assert_delivered_in(told, "mangled", told.one("mangled", "accept default"))
    (request,) = told.received["mangled"]
    assert request.header("ce-traceparent") == "00-xyz"


def test_each_attempt_has_a_span_and_a_failed_one_says_why(told: Told) -> None:
    accepted = told.one("retried", "accept default")
    failed, delivered = told.of("retried", "deliver default")
    assert parent(failed) == parent(delivered) == ids(accepted)
    assert failed.status.code == failed.status.STATUS_CODE_ERROR
    assert "503" in failed.status.message
    said = attributes(failed)
    assert (said["error.type"], said["http.response.status_code"]) == ("503", 503)
    assert said["chappe.outcome"] == "failed"
    assert attributes(delivered)["http.request.resend_count"] == 1
    assert delivered.status.code == delivered.status.STATUS_CODE_UNSET
    headers = [request.header("traceparent") for request in told.received["retried"]]
    assert headers == [f"00-{a}-{b}-01" for a, b in (ids(failed), ids(delivered))]


def test_a_refused_event_is_a_span_with_the_error(told: Told) -> None:
    refused = told.one("invalid", "accept default")
    assert parent(refused) == hexed(told.producers["invalid"])
    assert attributes(refused)["error.type"] == "schema_mismatch"
    assert refused.status.code == refused.status.STATUS_CODE_ERROR
    (event,) = refused.events
    assert event.name == "exception"
    assert not told.of("invalid", "deliver default")


def test_a_batch_is_one_span_with_one_for_each_event(told: Told) -> None:
    producers = [hexed(told.producers[f"b-{number}"]) for number in range(3)]
    (whole,) = [
        one
        for one in told.spans
        if one.name == "accept default" and "messaging.batch.message_count" in attributes(one)
    ]
    assert parent(whole) == hexed(told.producers["batch"])
    assert attributes(whole)["messaging.batch.message_count"] == 3
    assert links(whole) == set(producers)
    each = [told.one(f"b-{number}", "accept default") for number in range(3)]
    assert [parent(one) for one in each] == producers
    assert all(links(one) == {ids(whole)} for one in each)
    (sent,) = [
        one
        for one in told.spans
        if one.name == "deliver default" and "messaging.batch.message_count" in attributes(one)
    ]
    accepted = {ids(one) for one in each}
    # In the trace of one of them, with the others linked.
    assert parent(sent) in accepted
    assert accepted - {parent(sent)} < links(sent)
    (request,) = told.received["batch"]
    trace_id, span_id = ids(sent)
    assert request.header("traceparent") == f"00-{trace_id}-{span_id}-01"


def test_spans_say_what_the_conventions_want(told: Told) -> None:
    accepted, matched, delivered = (
        told.one("header", f"{name} default") for name in ("accept", "match", "deliver")
    )
    assert (accepted.kind, matched.kind, delivered.kind) == (
        Span.SPAN_KIND_CONSUMER, Span.SPAN_KIND_INTERNAL, Span.SPAN_KIND_CLIENT,
    )  # fmt: skip
    for span, operation, kind in (
        (accepted, "accept", "process"),
        (matched, "match", "process"),
        (delivered, "deliver", "send"),
    ):
        said = attributes(span)
        assert said["messaging.system"] == "chappe"
        assert said["messaging.operation.name"] == operation
        assert said["messaging.operation.type"] == kind
        assert said["messaging.destination.name"] == "default"
        assert said["messaging.message.body.size"] == 2
        assert said["cloudevents.event_source"] == "/shop"
        assert said["cloudevents.event_spec_version"] == "1.0"
        assert said["cloudevents.event_type"] == "t"
        assert said["cloudevents.event_subject"] == "s-1"
        assert span.start_time_unix_nano <= span.end_time_unix_nano
    assert attributes(accepted)["chappe.position"] == told.traces["header"]["position"]
    assert attributes(matched)["chappe.subscriptions"] == [told.subscriptions["t"]]
    said = attributes(delivered)
    assert said["messaging.destination.subscription.name"] == told.subscriptions["t"]
    assert (said["server.address"], said["http.response.status_code"]) == ("127.0.0.1", OK)
    (request,) = told.received["header"]
    assert said["messaging.message.id"] == request.header("webhook-id")
    assert "s3cret" not in str(told.spans)


def test_the_service_is_named_and_the_environment_is_heard(told: Told) -> None:
    assert told.resource["service.name"] == "chappe"
    assert told.resource["deployment.environment.name"] == "test"
    assert told.resource["service.instance.id"] == told.traces["header"]["node"]


def test_trace_log_and_metrics_lead_to_the_trace(told: Told) -> None:
    trace_id, _ = hexed(told.producers["header"])
    assert told.traces["header"]["traceid"] == trace_id
    (alone, _) = told.of("alone", "accept default")
    assert told.traces["alone"]["traceid"] == alone.trace_id.hex()
    lines = [json.loads(line) for line in told.log.splitlines() if line.startswith("{")]
    (refused,) = [
        one for one in lines if one["event"] == "refused" and one.get("code") == "schema_mismatch"
    ]
    assert refused["trace_id"] == hexed(told.producers["invalid"])[0]
    exemplars = [
        line
        for line in told.metrics.splitlines()
        if line.startswith("chappe_delivery_duration_seconds_bucket") and "trace_id=" in line
    ]
    known = {one.trace_id.hex() for one in told.spans}
    assert exemplars
    assert all(line.split('trace_id="')[1][:32] in known for line in exemplars)
