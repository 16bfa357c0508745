"""What `import chappe` and its names bring along, and what a type checker says of them."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import chappe

ROOT = Path(__file__).parents[2]
SERVER = re.compile(
    r"chappe\.(server|flows|adapters|http|ports|registry|cli|testing)(\.|$)"
    r"|(click|rich|nats|uvloop|jsonschema_rs|lxml|grpc_tools|google|prometheus_client|yaml)(\.|$)"
)


def modules_of(program: str) -> list[str]:
    program += "\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, timeout=60
    )
    found: list[str] = json.loads(done.stdout)
    return found


def test_the_package_alone_imports_nothing() -> None:
    found = set(modules_of("import chappe")) - set(modules_of(""))

    assert found <= {"chappe"}


@pytest.mark.parametrize(
    "program",
    [
        "from chappe import Client",
        "from chappe import *",
        "from chappe import Consumer\nConsumer('a').on(sql='a = 1')(lambda data: None)",
        "from chappe import SyncClient",
    ],
)  # fmt: skip
def test_the_library_does_not_import_the_hub(program: str) -> None:
    assert [name for name in modules_of(program) if SERVER.match(name)] == []


def test_a_client_alone_needs_no_parser_of_filters() -> None:
    found = modules_of("from chappe import Client")

    assert not {"chappe.formats.cesql_parser", "chappe.domain.cesql.generate"} & set(found)


def test_each_name_is_there_and_in_the_stub() -> None:
    stub = ast.parse((ROOT / "src/chappe/__init__.pyi").read_text())
    declared = {
        alias.asname: node.module
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert declared == chappe._HOME
    for name in chappe.__all__:
        assert getattr(chappe, name) is not None
        assert name in dir(chappe)
    with pytest.raises(AttributeError, match="Nonsense"):
        _ = chappe.Nonsense  # type: ignore[attr-defined]


PROGRAM = """
from dataclasses import dataclass

from chappe import (Client, Consumer, Delivery, InvalidBatch, Pending, Receipt, Reject, SchemaMismatch,
                    SyncClient)


@dataclass
class Order:
    total: int


app = Consumer("billing")


@app.on("order.*")
async def paid(order: Order, delivery: Delivery) -> None:
    if order.total < 0:
        raise Reject("no such order")


async def main() -> None:
    async with Client("http://127.0.0.1:4280", source="/shop") as hub:
        reveal_type(hub)
        reveal_type(await hub.publish("order.paid", {"total": 12}, subject="A-1"))
        reveal_type(await hub.publish_each([hub.event("order.paid")]))
        reveal_type(await hub.validate("order.paid", {"total": 12}))
        async with hub.publisher() as publisher:
            reveal_type(await publisher.put("order.paid", id="A-1"))
        async with hub.subscribe("order.*", name="billing") as deliveries:
            async for delivery in deliveries:
                reveal_type(delivery)
                reveal_type(delivery.data(Order))
                reveal_type(delivery.data())
                reveal_type(await delivery.ack())
        async for event in hub.stream("order.*"):
            reveal_type(event.position)
        reveal_type((await hub.registry.schema("orders/paid")).document)
    try:
        await app.serve()
    except SchemaMismatch as error:
        reveal_type(error.details)
    reveal_type(paid)
    reveal_type(await app.deliver("order.paid", {"total": 1}))
    with SyncClient() as sync:
        for one in sync.subscribe("a", name="b"):
            reveal_type(one.ack())
    await hub.publish("order.paid", nonsense=1)  # E: Unexpected keyword argument "nonsense"
    await hub.publish(3)  # E: Argument 1 to "publish"
"""
REVEALED = [
    "chappe.client.client.Client",
    "chappe.client.views.Receipt",
    "list[chappe.client.views.Receipt | chappe.domain.errors.ChappeError]",
    "chappe.client.views.Judged",
    "chappe.client.publisher.Pending",
    "chappe.client.deliveries.Delivery",
    "sample.Order",
    "Any",
    "bool",
    "str",
    "bytes",
    "typing.Mapping[str, object]",
    "def (order: sample.Order, delivery: chappe.client.deliveries.Delivery)"
    " -> typing.Coroutine[Any, Any, None]",
    "chappe.consumer.Outcome",
    "bool",
]


def test_a_program_is_checked_strictly(tmp_path: Path) -> None:
    (tmp_path / "sample.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(ROOT / ".mypy_cache/sample"),
         "--config-file", "", "sample.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    said = done.stdout.replace("builtins.", "").replace("collections.abc.", "typing.")

    assert re.findall(r'Revealed type is "(.*)"', said) == REVEALED, said
    errors = {line.split(":")[1]: line for line in said.splitlines() if ": error:" in line}
    wanted = {
        str(number): line.partition("# E: ")[2]
        for number, line in enumerate(PROGRAM.splitlines(), 1)
        if "# E: " in line
    }
    assert errors.keys() == wanted.keys(), said
    assert all(wanted[number] in line for number, line in errors.items()), said
