"""`chappe mcp`, asked by the protocol's own client over stdin and stdout, against a real hub."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cli_process import Cli, chappe, name, shop

pytest.importorskip("mcp", reason="the extra mcp is not installed")

from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.types import CallToolResult

pytestmark = [pytest.mark.engine, pytest.mark.timeout(180)]

__all__ = ["chappe", "name"]  # fixtures

READS = {
    "hub_status",
    "find",
    "get_type",
    "get_schema",
    "sample_events",
    "validate_event",
    "check_schema",
    "trace_event",
    "explain_subscriptions",
    "list_failures",
    "diff_registry",
}
WRITES = {"send_event", "pause_subscription", "resume_subscription", "retry_failures"}
SCHEMA = {"type": "object", "properties": {"total": {"type": "number"}}}

Opened = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def opened(chappe: Cli) -> Opened:
    """Starts `chappe mcp` with these options, and talks to it."""

    @asynccontextmanager
    async def open_it(*options: str, url: str | None = None) -> AsyncIterator[Client]:
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "chappe", "mcp", *options],
            env=chappe.environment({"CHAPPE_URL": url or chappe.url}),
            cwd=chappe.home,
        )
        async with Client(stdio_client(server)) as client:
            yield client

    return open_it


def text(result: CallToolResult) -> str:
    (content,) = result.content
    assert content.type == "text"
    return content.text


async def asked(client: Client, tool: str, **arguments: Any) -> Any:
    result = await client.call_tool(tool, arguments)
    assert isinstance(result, CallToolResult)
    assert not result.is_error, text(result)
    return json.loads(text(result))


async def refused(client: Client, tool: str, **arguments: Any) -> Sequence[str]:
    result = await client.call_tool(tool, arguments)
    assert isinstance(result, CallToolResult)
    assert result.is_error
    return text(result).splitlines()


def event(id: str, type: str, data: object = None) -> Mapping[str, object]:
    return {"specversion": "1.0", "id": id, "source": "/shop", "type": type, "data": data}


async def test_without_allow_write_all_tools_only_read(opened: Opened) -> None:
    async with opened() as client:
        tools = {one.name: one for one in (await client.list_tools()).tools}
        gone = await client.call_tool("send_event", {"event": event("1", "t")})
    assert set(tools) == READS
    for tool in tools.values():
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is True
        assert tool.description
    assert isinstance(gone, CallToolResult)
    assert gone.is_error


async def test_what_writes_says_so(opened: Opened) -> None:
    async with opened("--allow-write") as client:
        tools = {one.name: one.annotations for one in (await client.list_tools()).tools}
    assert set(tools) == READS | WRITES
    hints = {name: tools[name] for name in WRITES}
    assert {one.read_only_hint for one in hints.values() if one} == {False}
    destroys = {name for name, one in hints.items() if one and one.destructive_hint}
    assert destroys == {"pause_subscription"}


async def test_an_assistant_is_shown_no_sample_with_what_a_type_hides(
    chappe: Cli, opened: Opened, name: str
) -> None:
    declared = {
        "labels": {"chappe.redact": "/email"},
        "dataschemaformat": "JsonSchema/draft-07",
        "dataschema": {"properties": {"pin": {"type": "string", "writeOnly": True}}},
    }
    assert chappe.apply(shop(name, **{name: declared})).code == 0
    data = {"email": "ada@example.org", "pin": "4711-0815", "total": 3}
    async with opened("--allow-write") as client:
        await asked(client, "send_event", event=event(f"{name}-1", name, data))
        sample = await client.call_tool("sample_events", {"type": name})
        others = [
            await client.call_tool("get_type", {"type": name}),
            await client.call_tool("find", {"words": name}),
        ]

    assert isinstance(sample, CallToolResult)
    assert "«redacted: label chappe.redact»" in text(sample)
    assert "«redacted: writeOnly»" in text(sample)
    for one in (sample, *others):
        assert isinstance(one, CallToolResult)
        assert "ada@example.org" not in text(one)
        assert "4711-0815" not in text(one)


async def test_an_event_is_declared_sent_found_and_traced(
    chappe: Cli, opened: Opened, name: str
) -> None:
    type_ = f"{name}.paid"
    assert chappe("schema", "add", type_, "-", stdin=json.dumps(SCHEMA)).code == 0
    # Nothing listens there: what is sent becomes a dead letter.
    made = chappe(
        "sub", "create", "--type", type_, "--to", "http://127.0.0.1:9/", "--no-test", "-o", "json"
    )
    subscription = made.json["id"]
    async with opened("--allow-write") as client:
        sent = await asked(client, "send_event", event=event(f"{name}-1", type_, {"total": 3}))
        again = await asked(client, "send_event", event=event(f"{name}-1", type_, {"total": 3}))
        found = await asked(client, "find", words=name)
        shown = await asked(client, "get_type", type=type_)
        sample = await asked(client, "sample_events", type=type_)
        trace = await asked(client, "trace_event", reference=sent["position"])
        told = await asked(client, "explain_subscriptions", reference=sent["position"])
        paused = await asked(client, "pause_subscription", subscription=subscription)
        status = chappe("sub", "get", subscription, "-o", "json").json["paused"]
        await asked(client, "resume_subscription", subscription=subscription)

    assert (sent["duplicate"], again["duplicate"]) == (False, True)
    assert {one["kind"] for one in found["found"]} == {"type", "subscription"}
    assert shown["declared"]["dataschema"] == SCHEMA
    assert [one["event"]["id"] for one in sample["events"]] == [f"{name}-1"]
    assert [one["subscription"] for one in trace["subscriptions"]] == [subscription]
    assert [one["matched"] for one in told["subscriptions"]] == [True]
    assert (paused["paused"], status) == (True, True)


async def test_payloads_and_schemas_are_judged(chappe: Cli, opened: Opened, name: str) -> None:
    type_ = f"{name}.paid"
    assert chappe("schema", "add", type_, "-", stdin=json.dumps(SCHEMA)).code == 0
    narrower = json.dumps({"type": "object", "properties": {"total": {"type": "integer"}}})
    async with opened() as client:
        good = await asked(client, "validate_event", event=event("1", type_, {"total": 3}))
        bad = await asked(client, "validate_event", event=event("1", type_, {"total": "3"}))
        same = await asked(client, "check_schema", document=json.dumps(SCHEMA), against=type_)
        breaks = await asked(client, "check_schema", document=narrower, against=type_)
        schema = await asked(client, "get_schema", schema=type_)
    assert (good["valid"], bad["valid"]) == (True, False)
    assert bad["errors"][0]["pointer"] == "/total"
    assert (same["verdict"], breaks["verdict"]) == ("allowed", "not allowed")
    assert breaks["differences"]["backward"][0]["code"] == "TYPE_NARROWED"
    assert schema["dataschema"] == SCHEMA


async def test_lists_come_in_pages_and_long_texts_are_cut(opened: Opened, name: str) -> None:
    type_ = f"{name}.long"
    async with opened("--allow-write") as client:
        for number in range(3):
            data = {"text": "x" * 50_000, "number": number}
            await asked(client, "send_event", event=event(f"{name}-{number}", type_, data))
        first = await client.call_tool("sample_events", {"type": type_, "limit": 2})
        assert isinstance(first, CallToolResult)
        page = json.loads(text(first))
        rest = await asked(client, "sample_events", type=type_, limit=2, cursor=page["cursor"])
    numbers = [one["event"]["data"]["number"] for one in page["events"] + rest["events"]]
    assert numbers == [2, 1, 0]
    assert len(text(first)) < 25_000
    assert page["events"][0]["event"]["data"]["text"].endswith("characters more)")


async def test_registry_files_are_compared_but_only_from_below_the_directory(
    chappe: Cli, opened: Opened, name: str
) -> None:
    group = {"messagegroups": {name: {"messages": {"paid": {"description": "d"}}}}}
    (chappe.home / f"{name}.json").write_text(json.dumps(group))
    async with opened() as client:
        told = await asked(client, "diff_registry", files=[f"{name}.json"])
        outside = await refused(client, "diff_registry", files=["../../etc/passwd"])
        stdin = await refused(client, "diff_registry", files=["-"])
    assert {one["xid"] for one in told["changes"]} == {
        f"/messagegroups/{name}",
        f"/messagegroups/{name}/messages/paid",
    }
    assert "is outside of" in outside[1]
    assert "there is no '-'" in stdin[1]


async def test_an_error_says_what_why_and_what_next(opened: Opened) -> None:
    async with opened() as client:
        unknown = await refused(client, "trace_event", reference="nobody-sent-this")
        wrong = await refused(client, "list_failures", limit=0)
    assert [one.partition(":")[0] for one in unknown] == ["error", "why", "next"]
    assert "limit: 0 is not from 1 to 100" in wrong[1]


async def test_a_hub_that_does_not_answer_is_a_tool_error(opened: Opened) -> None:
    async with opened(url="http://127.0.0.1:9") as client:
        silent = await refused(client, "hub_status")
    assert silent[0] == "error: the hub does not answer"
    assert "chappe dev" in silent[2]


async def test_failures_are_listed_and_counted_before_they_are_tried_again(opened: Opened) -> None:
    async with opened("--allow-write") as client:
        listed = await asked(client, "list_failures", reason="no such reason")
        both = await refused(client, "retry_failures", positions=["0-1-1"], type="t")
        would = await asked(client, "retry_failures", type="no.such.type", dry_run=True)
    assert listed == {"failures": []}
    assert "not both" in both[1]
    assert would["letters"] == {}


async def test_types_and_schemas_are_resources(chappe: Cli, opened: Opened, name: str) -> None:
    type_ = f"{name}.paid"
    assert chappe("schema", "add", type_, "-", stdin=json.dumps(SCHEMA)).code == 0
    async with opened() as client:
        listed = {str(one.uri) for one in (await client.list_resources()).resources}
        index = await client.read_resource("chappe://types")
        one = await client.read_resource(f"chappe://types/default/{type_}")
        with pytest.raises(MCPError, match="there is none"):
            await client.read_resource("chappe://types/default/nobody.declared.this")
    assert listed == {"chappe://types", "chappe://schemas"}
    assert type_ in index.contents[0].text  # type: ignore[union-attr]
    assert json.loads(one.contents[0].text)["type"] == type_  # type: ignore[union-attr]


def test_without_the_extra_it_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "mcp.py").write_text("raise ImportError('No module named mcp')\n")
    cli = Cli("http://127.0.0.1:9", tmp_path)
    done = cli("mcp", env={"PYTHONPATH": str(tmp_path)})
    assert done.code == 2
    assert "pip install 'chappe[mcp]'" in done.err


def test_the_server_s_description_names_the_package_and_the_readme_names_it() -> None:
    root = Path(__file__).parents[2]
    said = json.loads((root / "server.json").read_text())
    (package,) = said["packages"]
    from chappe import __version__

    assert (said["version"], package["version"]) == (__version__, __version__)
    assert (package["identifier"], package["transport"]) == ("chappe", {"type": "stdio"})
    assert f"mcp-name: {said['name']}" in (root / "README.md").read_text()
