"""Each block of Python in docs/client.md, and the README's, runs as it stands, against a hub."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from tests.edges.cli_process import Cli, chappe

import chappe as library

__all__ = ["chappe"]

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/client.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")


def blocks(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)


async def run(block: str, names: dict[str, object]) -> None:
    """The block at the top level of a module that may await."""
    code = compile(block, "docs", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    result = eval(code, names)
    if inspect.isawaitable(result):
        await result


@pytest.mark.parametrize("number", range(len(blocks(PAGE))))
async def test_a_block_of_the_page_runs(number: int, chappe: Cli) -> None:
    async with asyncio.timeout(90):
        await run(blocks(PAGE)[number], {"HUB": chappe.url, "__name__": "docs"})


async def test_the_blocks_of_the_readme_run_together(
    chappe: Cli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    producer, consumer = (textwrap.dedent(one) for one in blocks(README))
    monkeypatch.setenv("CHAPPE_URL", chappe.url)
    served: dict[str, Any] = {"__name__": "docs"}
    begin = consumer.replace(
        "app.run()", "serving = __import__('asyncio').ensure_future(app.serve())"
    )
    await run(begin, served)
    async with asyncio.timeout(90):
        while "A-1" not in capsys.readouterr().out:
            await run(producer, {"__name__": "docs"})
            await asyncio.sleep(0.05)
        served["app"].stop()
        await served["serving"]


def test_the_pages_have_blocks() -> None:
    assert len(blocks(PAGE)) >= 9
    assert [len(re.findall(r"^.", one, re.M)) for one in blocks(README)] == [3, 6]


@pytest.mark.parametrize(
    "name", ["Client", "SyncClient", "Consumer", "Reject", "Retry", "Receipt", "Event", "Delivery"]
)
def test_the_names_are_told(name: str) -> None:
    assert f"`{name}" in PAGE or name in "".join(blocks(PAGE))
    assert name in library.__all__
