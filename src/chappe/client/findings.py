"""What a hub's readiness means for whoever looks after it: a line for each thing, and what mends it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from chappe.client.views import Readiness

_OLDEST_ENGINE = (2, 12)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and what mends it."""

    name: str
    verdict: Literal["ok", "warn", "fail"]
    detail: str
    fix: str = ""


def checks(ready: Readiness) -> Iterator[Finding]:
    """What has to be so for the node to work."""
    if not ready.checks:
        good = ready.status == "ready"
        yield Finding("ready", "ok" if good else "fail", ready.status)
    for check in ready.checks:
        yield Finding(
            check.name,
            "ok" if check.ok else "fail",
            check.detail or ("fine" if check.ok else "does not hold"),
            "" if check.ok else "the hub's log says more; see docs/operating.md",
        )


def engine(ready: Readiness) -> Iterator[Finding]:
    """Whether the engine is new enough, where the hub tells."""
    version = str(ready.engine.get("version", ""))
    found = re.match(r"(\d+)\.(\d+)", version)
    if found is None:
        return
    if (int(found[1]), int(found[2])) < _OLDEST_ENGINE:
        fix = "update nats-server to 2.12 or later"
        yield Finding("engine version", "fail", f"nats-server {version} is too old", fix)
    else:
        yield Finding("engine version", "ok", f"nats-server {version}")


def confluent(ready: Readiness, url: str) -> Finding:
    """Where Kafka clients ask for schemas."""
    at = f"{url.rstrip('/')}/confluent"
    port = "" if ready.confluent is None else f", and {ready.confluent}"
    return Finding("confluent", "ok", f"Kafka clients use {at}{port}")
