"""What a node says of itself as JSON: between nodes, and in the API.

    {"node": "n-1", "version": "0.1.0", "started": "…Z", "status": "ready", "shards": ["default.0"], …}

What another version says besides is passed over, and what it does not say has a default, so that nodes
of two versions hear each other while a hub is brought up to date.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from chappe.domain.node import NodeReport
from chappe.formats.times import rfc3339, unix_ms

MOST_BYTES: Final = 256 * 1024
"""Of one report; so some ten thousand shards at one node."""

_Name = Annotated[str, Meta(min_length=1, max_length=256)]
_Text = Annotated[str, Meta(max_length=2048)]
_Count = Annotated[int, Meta(ge=0)]
_Rate = Annotated[float, Meta(ge=0)]


class _Node(msgspec.Struct, frozen=True, kw_only=True):
    node: _Name
    version: _Name
    started: _Name
    url: _Text = ""
    host: _Text = ""
    pid: _Count = 0
    status: _Name = "ready"
    failing: tuple[_Text, ...] = ()
    shards: tuple[_Name, ...] = ()
    open: _Count = 0
    accepted: _Count = 0
    accepted_per_s: _Rate | None = None
    attempts: _Count = 0
    attempts_per_s: _Rate | None = None
    cpu: _Rate | None = None
    memory_bytes: _Count | None = None
    registry_revision: _Count = 0


_decode = msgspec.json.Decoder(_Node).decode
_encode = msgspec.json.Encoder().encode


def render_node(report: NodeReport) -> dict[str, Any]:
    """The report as the API shows it."""
    return {
        "node": report.node,
        "version": report.version,
        "url": report.url,
        "host": report.host,
        "pid": report.pid,
        "started": rfc3339(report.started_ms),
        "status": report.status,
        "failing": report.failing,
        "shards": report.shards,
        "open": report.open_events,
        "accepted": report.accepted,
        "accepted_per_s": _rounded(report.accepted_per_s, 3),
        "attempts": report.attempts,
        "attempts_per_s": _rounded(report.attempts_per_s, 3),
        "cpu": _rounded(report.cpu, 4),
        "memory_bytes": report.memory_bytes,
        "registry_revision": report.registry_revision,
    }


def encode_node(report: NodeReport) -> bytes:
    """The report as one node tells it another.

    Raises:
        ValueError: it is larger than `MOST_BYTES`.
    """
    told = _encode(render_node(report))
    _check_size(told)
    return told


def decode_node(told: bytes) -> NodeReport:
    """What another node told.

    Raises:
        ValueError: it is too large, or no report; the text says where.
    """
    _check_size(told)
    found = _decode(told)
    started_ms = unix_ms(found.started)
    if started_ms is None:
        raise ValueError(f"started {found.started!r} is no RFC 3339 time")
    return NodeReport(
        node=found.node,
        version=found.version,
        url=found.url,
        host=found.host,
        pid=found.pid,
        started_ms=started_ms,
        failing=found.failing,
        draining=found.status == "draining",
        shards=found.shards,
        open_events=found.open,
        accepted=found.accepted,
        accepted_per_s=found.accepted_per_s,
        attempts=found.attempts,
        attempts_per_s=found.attempts_per_s,
        cpu=found.cpu,
        memory_bytes=found.memory_bytes,
        registry_revision=found.registry_revision,
    )


def _check_size(told: bytes) -> None:
    if len(told) > MOST_BYTES:
        raise ValueError(f"{len(told)} bytes; a report has at most {MOST_BYTES}")


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
