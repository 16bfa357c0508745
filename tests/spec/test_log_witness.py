"""The log is CloudEvents: a program that knows nothing of the hub reads it from the engine.

protobuf-format.md 5, the batch format. The witness has `nats-py`, the message definition (written out
here: names and field numbers as in the specification's cloudevents.proto) and the `cloudevents` SDK.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc_tools  # type: ignore[import-untyped]
import nats
import pytest
from cloudevents.core.v1.event import CloudEvent
from grpc_tools import protoc
from nats.js.api import RawStreamMsg

from tests.chaos.hub import HubProcess
from tests.spec.official_proto import PROTO

pytestmark = [pytest.mark.engine, pytest.mark.timeout(60)]

SENT: list[dict[str, Any]] = [
    {
        "specversion": "1.0",
        "id": "A-1",
        "source": "/shop",
        "type": "order.paid",
        "subject": "eu-7",
        "time": "2026-03-01T12:00:00.25Z",
        "datacontenttype": "application/json",
        "dataschema": "https://shop.example/order.json",
        "retries": 3,
        "test": True,
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "data": {"total": 12.5, "name": "Zoë"},
    },
    {
        "specversion": "1.0",
        "id": "A-2",
        "source": "/shop",
        "type": "picture",
        "datacontenttype": "image/png",
        "data_base64": "iVBORwD/",
    },
    {"specversion": "1.0", "id": "A-3", "source": "urn:x:1", "type": "nothing"},
]


@pytest.fixture(scope="module")
def definition(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The compiled message definition."""
    directory = tmp_path_factory.mktemp("proto")
    (directory / "witness.proto").write_text(PROTO)
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    arguments = [f"-I{directory}", f"-I{well_known}", f"--python_out={directory}", "witness.proto"]
    assert protoc.main(["protoc", *arguments]) == 0
    found = importlib.util.spec_from_file_location("witness_pb2", directory / "witness_pb2.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[HubProcess]:
    async with HubProcess(tmp_path / "data") as one:
        client = one.client()
        batch = {"Content-Type": "application/cloudevents-batch+json"}
        answer = await client.ask("POST", "/events", batch, json.dumps(SENT).encode())
        assert answer.status == 202, answer.body
        yield one


async def blocks_of(hub: HubProcess) -> list[RawStreamMsg]:
    """Every message of the stream, as any NATS client gets it."""
    credentials = json.loads((hub.data / "engine" / "credentials").read_bytes())
    (ports,) = (hub.data / "engine" / "ports").iterdir()
    url = json.loads(ports.read_bytes())["nats"][0]
    client = await nats.connect(
        url, user=credentials["user"], password=credentials["password"], allow_reconnect=False
    )
    try:
        stream = client.jetstream()
        last = (await stream.stream_info("EV_default")).state.last_seq
        return [await stream.get_msg("EV_default", seq) for seq in range(1, last + 1)]
    finally:
        await client.close()


def events_of(definition: ModuleType, blocks: list[RawStreamMsg]) -> list[Any]:
    """The events of the blocks, in the order of their ids."""
    events: list[Any] = []
    for block in blocks:
        batch = definition.CloudEventBatch()
        batch.ParseFromString(block.data)
        events += batch.events
    return sorted(events, key=lambda event: str(event.id))


async def test_protobuf_format_5_every_block_of_the_log_is_a_batch_of_the_official_definition(
    hub: HubProcess, definition: ModuleType
) -> None:
    blocks = await blocks_of(hub)
    events = events_of(definition, blocks)
    assert [(e.id, e.source, e.spec_version, e.type) for e in events] == [
        (sent["id"], sent["source"], "1.0", sent["type"]) for sent in SENT
    ]
    assert {(block.headers or {}).get("Content-Type") for block in blocks} == {
        "application/cloudevents-batch+protobuf"
    }


async def test_protobuf_format_2_1_attributes_have_the_types_of_the_specification(
    hub: HubProcess, definition: ModuleType
) -> None:
    paid = events_of(definition, await blocks_of(hub))[0]
    kinds = {name: value.WhichOneof("attr") for name, value in paid.attributes.items()}
    assert kinds == {
        "subject": "ce_string",
        "time": "ce_timestamp",
        "datacontenttype": "ce_string",
        "dataschema": "ce_uri",
        "retries": "ce_integer",
        "test": "ce_boolean",
        "traceparent": "ce_string",
    }
    assert paid.attributes["time"].ce_timestamp.ToDatetime(UTC) == datetime(
        2026, 3, 1, 12, 0, 0, 250_000, UTC
    )


async def test_protobuf_format_2_2_data_is_text_or_bytes_as_it_was_sent(
    hub: HubProcess, definition: ModuleType
) -> None:
    paid, picture, nothing = events_of(definition, await blocks_of(hub))
    assert json.loads(paid.text_data) == SENT[0]["data"]
    assert picture.binary_data == b"\x89PNG\x00\xff"
    assert nothing.WhichOneof("data") is None


async def test_nothing_but_the_spelling_of_a_time_stands_outside_the_definition(
    hub: HubProcess, definition: ModuleType
) -> None:
    """A field that the definition lacks keeps how the time was written; readers skip it."""
    events = events_of(definition, await blocks_of(hub))
    assert "time" in events[0].attributes
    for event in events:
        if "time" in event.attributes:
            del event.attributes["time"]
        known = definition.CloudEvent()
        known.CopyFrom(event)
        known.DiscardUnknownFields()
        assert known.ByteSize() == event.ByteSize()


async def test_the_sdk_takes_what_the_log_holds_for_valid_events(
    hub: HubProcess, definition: ModuleType
) -> None:
    made = [as_sdk_event(event) for event in events_of(definition, await blocks_of(hub))]
    assert [event.get_id() for event in made] == ["A-1", "A-2", "A-3"]
    assert made[0].get_time() == datetime(2026, 3, 1, 12, 0, 0, 250_000, UTC)
    assert made[0].get_subject() == "eu-7"
    assert made[0].get_extension("retries") == 3
    assert made[1].get_data() == b"\x89PNG\x00\xff"
    assert made[2].get_data() is None


def as_sdk_event(event: Any) -> CloudEvent:
    """The SDK checks every attribute when the event is made."""
    attributes: dict[str, Any] = {
        "id": event.id,
        "source": event.source,
        "specversion": event.spec_version,
        "type": event.type,
    }
    for name, value in event.attributes.items():
        kind = value.WhichOneof("attr")
        found = getattr(value, kind)
        attributes[name] = found.ToDatetime(UTC) if kind == "ce_timestamp" else found
    kind = event.WhichOneof("data")
    return CloudEvent(attributes, None if kind is None else getattr(event, kind))
