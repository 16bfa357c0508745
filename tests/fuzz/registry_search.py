"""The long search of `make fuzz` for the registry: in process, and over HTTP by the published API."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

from tests.fuzz import registry_api
from tests.fuzz.registry import Probe, Sent, begun
from tests.fuzz.registry_strategies import requests, root_writes, writes

INPUTS: Mapping[str, st.SearchStrategy[Sent]] = {
    "requests": requests,
    "writes": writes(),
    "models": root_writes(),
}


def search(name: str, until_s: float) -> tuple[int, int]:
    """Rounds of fresh examples until the time is up: how many requests, how many writes taken."""
    tree = begun()
    asked = taken = 0

    @settings(
        max_examples=200,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(INPUTS[name], min_size=1, max_size=5))
    def once(sent: list[Sent]) -> None:
        nonlocal asked, taken
        probe = Probe(tree)
        for one in sent:
            probe.ask(one)
        asked += probe.count
        taken += probe.taken

    while time.monotonic() < until_s:
        once()
    return asked, taken


def search_all(seconds: float) -> None:
    """Part the time between the inputs and the running hub; the first failure is raised."""
    share_s = seconds / (len(INPUTS) + 2)
    for name in INPUTS:
        asked, taken = search(name, time.monotonic() + share_s)
        _say(f"registry   {name:15s} {asked:8d} requests, {taken:5d} changed it, no failure")
    modes: Mapping[str, Any] = {
        "as published": GenerationMode.POSITIVE,
        "otherwise": GenerationMode.NEGATIVE,
    }
    with registry_api.served() as url:
        for name, mode in modes.items():
            until_s, asked = time.monotonic() + share_s, 0
            while time.monotonic() < until_s:
                asked += registry_api.search(url, until_s, examples=5, mode=mode)
            _say(f"openapi    {name:15s} {asked:8d} requests, no failure")


def _say(text: str) -> None:
    print(text)  # noqa: T201
