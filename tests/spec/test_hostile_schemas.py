"""Hostile schemas, comparisons and payloads against a real hub: a clear answer, soon, and nobody waits.

Whatever is sent: no answer is the hub's own error, each comes within a bound of the hub's processor
time, others are answered meanwhile, nothing is fetched, and memory does not grow with it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.chaos.http import Answer
from tests.spec.hostile_hub import HostileHub, Watched, hostile_hub
from tests.spec.hostile_schemas import (
    CHANGES,
    CONFLUENT,
    HARMLESS,
    PAYLOADS,
    SCHEMAS,
    TRAP,
    Change,
)
from tests.speed import slowness

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="module"),
]

GAP_S = 0.25
"""In which another caller has an answer, on a machine that does other work."""

CPU_S = 0.3
"""What a small hostile request may cost the hub, its usual work included."""

COMPARED_CPU_S = 0.6
"""What comparing both ways may: each way has steps for 0.2 s."""

LARGE_CPU_S = 4.0
"""What one of a megabyte may: an honest one costs the same."""

GROWTH_BYTES = 600 << 20
"""By which the hub may grow over all of this file: caches of large schemas are bounded. Some 40 to 240 MB,
as the order of the tests has it; what this guards against took gigabytes."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HostileHub]:
    async with hostile_hub(tmp_path_factory.mktemp("hostile") / "data") as hub:
        for name, one in HARMLESS.items():
            made = await _put(hub, f"/schemagroups/base/schemas/{name}", one.format, one.document)
            assert made.status == 201, made.body
            message = {
                "envelope": "CloudEvents/1.0",
                "envelopemetadata": {"type": {"value": name}},
                "dataschemaxid": f"/schemagroups/base/schemas/{name}",
                "validation": "enforce",
            }
            made = await hub.ask(
                "PUT", f"/messagegroups/base/messages/{name}", json.dumps(message).encode()
            )
            assert made.status == 201, made.body
        for format_, type_ in CONFLUENT.items():
            body = _confluent(BASES[format_], type_)
            made = await hub.ask("POST", f"/confluent/subjects/base-{type_}/versions", body, VENDOR)
            assert made.status == 200, made.body
        before = hub.rss_bytes()
        yield hub
        assert not hub.was_called()
        assert hub.rss_bytes() - before < GROWTH_BYTES
        assert "Traceback" not in hub.log()


VENDOR = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
OF_FORMAT = {
    "JsonSchema/draft/2020-12": "json-tree",
    "Avro/1.12": "avro-tree",
    "Protobuf/3": "protobuf-tree",
    "XSD/1.0": "xsd-tree",
}
BASES = {format_: HARMLESS[name].document for format_, name in OF_FORMAT.items()}


@pytest.mark.parametrize("name", SCHEMAS)
async def test_3b_a_hostile_schema_is_refused_or_taken_and_nobody_waits(
    hub: HostileHub, name: str
) -> None:
    hostile, path = SCHEMAS[name], f"/schemagroups/hostile/schemas/{_slug(name)}"
    document = hostile.document.replace(TRAP, hub.trap_url.encode())
    found = await _watched(
        hub,
        "PUT",
        f"{path}/versions/1",
        document,
        {"xregistry-format": hostile.format, "content-type": "text/plain"},
        large=hostile.large,
    )
    if hostile.why is None:
        assert found.answer.status in (200, 201), found.answer.body[:500]
    else:
        assert found.answer.status == 400, found.answer.body[:500]
        assert hostile.why in _detail(found.answer)
        assert (await hub.ask("GET", path)).status == 404
    judged = await _watched(
        hub,
        "POST",
        f"/validate/schema?against=/schemagroups/base/schemas/{OF_FORMAT[hostile.format]}",
        document,
        {"content-type": "text/plain"},
        large=hostile.large,
    )
    assert judged.answer.status == (200 if hostile.why is None else 400), judged.answer.body[:500]
    if hostile.why is None and hostile.format != "XSD/1.0":
        checked = await _watched(
            hub, "POST", f"/validate?schema={path}", b"{}", {"content-type": "application/json"}
        )
        assert checked.answer.status == 200
        assert isinstance(checked.answer.json()["valid"], bool)
    assert not hub.was_called()


@pytest.mark.parametrize("name", [name for name, one in SCHEMAS.items() if one.format in CONFLUENT])
async def test_3b_a_hostile_schema_by_confluents_api(hub: HostileHub, name: str) -> None:
    hostile, type_ = SCHEMAS[name], CONFLUENT[SCHEMAS[name].format]
    body = _confluent(hostile.document.replace(TRAP, hub.trap_url.encode()), type_)
    taken = hostile.why is None
    subject = quote(_slug(name))
    # Whoever comes first has the schemas of the other API numbered, which parses them.
    assert (await hub.ask("GET", "/confluent/subjects")).status == 200
    for target in (
        f"/confluent/compatibility/subjects/base-{type_}/versions/latest",
        f"/confluent/subjects/base-{type_}",
        f"/confluent/subjects/{subject}/versions",
    ):
        found = await _watched(hub, "POST", target, body, VENDOR, large=hostile.large)
        status, answer = found.answer.status, found.answer.json()
        if status == 200:
            assert taken or hostile.confluent is None, found.answer.body[:500]
        elif status == 404:  # nothing like it is registered under the base
            assert target.endswith(f"base-{type_}")
        elif hostile.confluent:
            assert hostile.confluent in answer["message"].lower(), found.answer.body[:500]
        else:
            assert (status, answer["error_code"]) == (422, 42201), found.answer.body[:500]
            assert not taken, found.answer.body[:500]
            assert answer["message"]
    assert not hub.was_called()


@pytest.mark.parametrize("name", CHANGES)
async def test_3b_a_hostile_comparison_is_decided_or_refused_and_nobody_waits(
    hub: HostileHub, name: str
) -> None:
    change, path = CHANGES[name], f"/schemagroups/changes/schemas/{_slug(name)}"
    made = await _put(hub, path, change.format, change.old)
    assert made.status in (200, 201), made.body[:500]
    for policy in change.policies:
        found = await _watched(
            hub,
            "POST",
            f"/validate/schema?policy={policy}&against={path}",
            change.new,
            {"content-type": "text/plain"},
            cpu_s=LARGE_CPU_S if change.large else COMPARED_CPU_S,
        )
        assert found.answer.status == 200, found.answer.body[:500]
        if policy == "semantic":
            # Each has something that the other does not take, or it could not be told in time.
            assert not found.answer.json()["compatible"]["full"]
    await _rule(hub, path, change)


async def _rule(hub: HostileHub, path: str, change: Change) -> None:
    """The same comparison when a rule asks for it."""
    ruled = await hub.ask(
        "PATCH", f"{path}/meta", b'{"compatibility":"full"}', {"content-type": "application/json"}
    )
    assert ruled.status == 200, ruled.body[:500]
    found = await _watched(
        hub,
        "PUT",
        f"{path}/versions/2",
        change.new,
        {"xregistry-format": change.format, "content-type": "text/plain"},
        cpu_s=LARGE_CPU_S if change.large else COMPARED_CPU_S,
    )
    if found.answer.status not in (200, 201):
        assert found.answer.status == 400, found.answer.body[:500]
        assert "compatibility_violation" in found.answer.json()["type"]


@pytest.mark.parametrize("name", PAYLOADS)
async def test_3b_a_hostile_payload_is_judged_and_nobody_waits(hub: HostileHub, name: str) -> None:
    payload = PAYLOADS[name]
    media_type = HARMLESS[payload.schema].media_type
    data = payload.data.replace(TRAP, hub.trap_url.encode())
    judged = await _watched(
        hub,
        "POST",
        f"/validate?schema=/schemagroups/base/schemas/{payload.schema}",
        data,
        {"content-type": media_type},
        large=payload.large,
    )
    assert judged.answer.status == 200
    assert judged.answer.json()["valid"] is payload.valid, judged.answer.body[:500]
    headers = {
        "ce-specversion": "1.0",
        "ce-id": _slug(name),
        "ce-source": "/hostile",
        "ce-type": payload.schema,
        "content-type": media_type,
    }
    sent = await _watched(hub, "POST", "/events", data, headers, large=payload.large)
    expected = (202,) if payload.valid else (422,)
    assert sent.answer.status in expected, sent.answer.body[:500]
    assert b"root:" not in judged.answer.body + sent.answer.body
    assert not hub.was_called()


async def test_3b_several_hostile_callers_at_once_leave_room_for_others(hub: HostileHub) -> None:
    large = [one for one in SCHEMAS.values() if one.large and one.format in CONFLUENT][:6]
    asked = [
        hub.alone(
            "POST",
            f"/confluent/compatibility/subjects/base-{CONFLUENT[one.format]}/versions/latest",
            _confluent(one.document, CONFLUENT[one.format]),
            VENDOR,
        )
        for one in large
    ]
    answers, gap_s = await hub.gap_while(asyncio.gather(*asked))
    assert all(one.status in (200, 422) for one in answers)
    assert gap_s <= 4 * GAP_S * slowness()


async def _watched(
    hub: HostileHub,
    method: str,
    target: str,
    body: bytes,
    headers: dict[str, str],
    *,
    large: bool = False,
    cpu_s: float = CPU_S,
) -> Watched:
    slower = slowness()
    gap_s = GAP_S * slower
    limit_s = (LARGE_CPU_S if large or len(body) > 100_000 else cpu_s) * slower
    found = await hub.watched(method, target, body, headers, gap_s=gap_s, cpu_s=limit_s)
    assert found.answer.status < 500, found.answer.body[:500]
    assert len(found.answer.body) < 3 * len(body) + 20_000
    assert found.gap_s <= gap_s, f"{method} {target}: others waited {found.gap_s:.3f} s"
    assert found.cpu_s <= limit_s, f"{method} {target}: {found.cpu_s:.2f} s"
    return found


def _detail(answer: Answer) -> str:
    """Why something was refused: in so many words, and no more."""
    detail = str(answer.json()["detail"])
    assert 0 < len(detail) < 2_000
    return detail


def _slug(name: str) -> str:
    return "".join(one if one.isalnum() else "-" for one in name)


def _confluent(document: bytes, type_: str) -> bytes:
    # What is no UTF-8 cannot stand in JSON: it is sent as it is, within the quotation marks.
    text = document.decode("utf-8", "surrogateescape")
    quoted = json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogateescape")
    return b'{"schemaType":"%b","schema":%b}' % (type_.encode(), quoted)


async def _put(hub: HostileHub, path: str, format_: str, document: bytes) -> Answer:
    headers = {"xregistry-format": format_, "content-type": "text/plain"}
    return await hub.ask("PUT", f"{path}/versions/1", document, headers)
