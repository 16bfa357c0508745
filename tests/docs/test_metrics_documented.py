"""docs/observability.md lists every metric with its type and labels, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from chappe.http.figures import STATES, Figures
from chappe.http.metrics import _CountersCollector
from chappe.kit.counters import Counters

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "observability.md").read_text()
ROW = re.compile(r"^\| `(chappe_\w+)` \| (\w+) \| ([^|]*) \| ([^|]+) \|$", re.MULTILINE)
SUFFIX = {"counter": "_total", "info": "_info"}


def known() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Each metric's type and labels; those of a disk too, which a cluster's hub has none of."""
    collector = _CountersCollector(Counters())
    collector.figures = Figures(disk_free_bytes=1)
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for family in collector.collect():
        labels = tuple(getattr(family, "_labelnames", ()))
        found[family.name + SUFFIX.get(family.type, "")] = family.type, labels
    found["chappe_build_info"] = "info", ("version", "node", "python", "engine")
    return found


def test_the_table_is_the_code() -> None:
    told = {
        name: (type_, tuple(re.findall(r"`(\w+)`", labels)))
        for name, type_, labels, _ in ROW.findall(TEXT)
    }
    assert told == known()


def test_each_state_of_a_subscription_is_named() -> None:
    for state in STATES:
        assert f"`{state}`" in TEXT


def test_no_page_names_a_metric_that_is_none() -> None:
    names = set(known()) | {
        name + part
        for name, (type_, _) in known().items()
        if type_ == "histogram"
        for part in ("_bucket", "_count", "_sum")
    }
    for page in ("observability.md", "operating.md", "operations.md", "delivery.md"):
        for name in re.findall(r"`(chappe_[a-z_]+)[`{]", (DOCS / page).read_text()):
            assert name in names or f"{name}_total" in names, (page, name)
