"""`chappe mcp --listen`: several ask one server, each with a token and its rights."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from cli_process import Cli

pytest.importorskip("mcp", reason="the extra mcp is not installed")

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult

pytestmark = [pytest.mark.engine, pytest.mark.timeout(180)]

EVENT = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}


class Served:
    """A hub with tokens, and `chappe mcp` before it."""

    def __init__(self, url: str, tokens: dict[str, str]) -> None:
        self.url = url
        self.tokens = tokens

    @asynccontextmanager
    async def client(self, name: str | None) -> AsyncIterator[Client]:
        headers = {"authorization": f"Bearer {self.tokens[name]}"} if name else {}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            Client(streamable_http_client(self.url, http_client=http)) as client,
        ):
            yield client


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("mcp")
    data = home / "data"
    data.mkdir(mode=0o700)
    local = Cli("http://127.0.0.1:9", home)
    tokens = {}
    for name, right in (("reader", "read"), ("operator", "admin")):
        made = local("token", "new", name, "--right", right, "--data", str(data))
        assert made.code == 0, made.err
        tokens[name] = made.out.strip()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (home / "log").open("wb") as log, ExitStack() as stack:
        start = partial(_started, stack, home, log)
        start("dev", "--port", "0", "--data", str(data), env=local.environment())
        _wait(lambda: (data / "hub.json").exists(), home)
        url = json.loads((data / "hub.json").read_bytes())["url"]
        # A token of its own would be the rights of whoever comes without one.
        env = local.environment({"CHAPPE_URL": url, "CHAPPE_TOKEN": tokens["operator"]})
        options = ("--listen", str(port), "--allow-write", "--allow-host", "mcp.example")
        start("mcp", *options, env=env)
        _wait(lambda: _answers(port), home)
        yield Served(f"http://127.0.0.1:{port}/mcp", tokens)


def _started(
    stack: ExitStack, home: Path, log: BinaryIO, *arguments: str, env: dict[str, str]
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "chappe", *arguments],
        cwd=home,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    stack.callback(process.wait, 60)
    stack.callback(process.send_signal, signal.SIGTERM)


def _wait(is_so: Callable[[], bool], home: Path) -> None:
    until = time.monotonic() + 90
    while not is_so():
        assert time.monotonic() < until, (home / "log").read_text()
        time.sleep(0.05)


def _answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


async def called(client: Client, tool: str, **arguments: object) -> CallToolResult:
    result = await client.call_tool(tool, arguments)
    assert isinstance(result, CallToolResult)
    return result


def text(result: CallToolResult) -> str:
    (content,) = result.content
    assert content.type == "text"
    return content.text


async def test_each_caller_has_the_rights_of_its_own_token(served: Served) -> None:
    async with served.client("operator") as operator, served.client("reader") as reader:
        sent = await called(operator, "send_event", event=EVENT)
        refused = await called(reader, "send_event", event={**EVENT, "id": "2"})
        found = await called(reader, "sample_events", type="t")
    assert not sent.is_error, text(sent)
    assert refused.is_error
    assert text(refused).startswith("error: the token lacks a right")
    assert [one["event"]["id"] for one in json.loads(text(found))["events"]] == ["1"]


async def test_who_comes_without_a_token_is_not_the_operator(served: Served) -> None:
    async with served.client(None) as nobody:
        refused = await called(nobody, "find", words="x")
    assert refused.is_error
    assert text(refused).startswith("error: the hub does not know who asks")


async def test_files_of_the_server_s_machine_are_not_read_for_others(served: Served) -> None:
    async with served.client("operator") as operator:
        tools = {one.name for one in (await operator.list_tools()).tools}
    assert "send_event" in tools
    assert "diff_registry" not in tools


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"origin": "https://evil.example"}, 403),
        ({"host": "mcp.example", "origin": "https://mcp.example"}, 200),
    ],
)
def test_a_page_in_a_browser_cannot_reach_it_by_a_name_of_its_own(
    served: Served, headers: dict[str, str], status: int
) -> None:
    ask = {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {}}
    always = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2025-06-18",
    }
    request = Request(served.url, json.dumps(ask).encode(), {**always, **headers}, method="POST")
    try:
        with urlopen(request, timeout=60) as answer:
            found = answer.status
    except HTTPError as exc:
        found = exc.code
        exc.close()
    assert found == status
