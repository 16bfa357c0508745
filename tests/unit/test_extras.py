"""server/extras: what is not installed is not served, and what is not asked for is not loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chappe.ports.event_source import OpenSource
from chappe.ports.sink import Sink
from chappe.server import extras


async def test_kafka_is_served_where_its_client_is_installed() -> None:
    sinks: dict[str, Sink] = {}
    readers: dict[str, OpenSource] = {}
    extras.add_kafka(sinks, readers)
    assert (list(sinks), list(readers)) == (["KAFKA"], ["KAFKA"])
    await sinks["KAFKA"].close()


def test_kafka_is_not_served_where_its_client_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    sinks: dict[str, Sink] = {}
    extras.add_kafka(sinks, {})
    assert sinks == {}


def test_the_hub_does_not_load_kafkas_client_with_its_modules() -> None:
    code = (
        "import sys, chappe.server.assemble, chappe.cli.source;"
        "sys.exit('confluent_kafka' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=50)
