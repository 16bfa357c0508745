"""Grafana's dashboard and Prometheus' rules for a hub's metrics, as formats of `chappe export`.

    chappe export --format grafana -f chappe.json
    chappe export --format prometheus-rules -f chappe.rules.yaml

They are files of the package, the same for every hub: `importlib.resources` finds them, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from chappe.client.hub_client import HubClient

DASHBOARD = "dashboard.json"
RULES = "rules.yaml"


def packaged(name: str) -> bytes:
    """One of the two files, byte for byte."""
    return files("chappe.cli").joinpath("grafana", name).read_bytes()


async def dashboard(hub: HubClient, settings: Mapping[str, str]) -> Mapping[str, bytes]:
    """The dashboard, to be imported into Grafana; nothing is asked of the hub."""
    return {"-": packaged(DASHBOARD)}


async def rules(hub: HubClient, settings: Mapping[str, str]) -> Mapping[str, bytes]:
    """The rules, to be named in `rule_files` of Prometheus; nothing is asked of the hub."""
    return {"-": packaged(RULES)}
