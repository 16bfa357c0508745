"""Is the node alive, and may it be sent work?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from chappe.http.exchange import Response, json_response


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so for the node to work; `detail` says what is wrong, or how it is."""

    name: str
    ok: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Readiness:
    """What /readyz gives. `engine` and `shards` are for people: who serves, who owns what.

    `confluent` is the URL of the port that serves the Confluent API alone, if there is one.
    """

    version: str
    node: str
    engine: Mapping[str, object] = field(default_factory=dict)
    shards: Mapping[str, object] = field(default_factory=dict)
    checks: Sequence[Check] = ()
    confluent: str | None = None

    @property
    def ready(self) -> bool:
        """Whether all checks hold."""
        return all(check.ok for check in self.checks)


def livez() -> Response:
    """200 as long as the node's loop turns: to be asked here is to be alive."""
    return json_response({"status": "ok"})


def readyz(found: Readiness, *, draining: bool) -> Response:
    """200 when the node may be sent work, else 503 with the checks that fail."""
    ready = found.ready and not draining
    body = {
        "status": "draining" if draining else "ready" if ready else "not ready",
        "version": found.version,
        "node": found.node,
        "engine": found.engine,
        "shards": found.shards,
        "checks": found.checks,
    }
    if found.confluent is not None:
        body["confluent"] = found.confluent
    return json_response(body, 200 if ready else 503)


def startupz(readiness: Callable[[], Readiness], *, started: bool) -> Response:
    """200 once the node has been ready, for good; 503 before, with the checks that fail."""
    if started:
        return json_response({"status": "started"})
    return json_response({"status": "starting", "checks": readiness().checks}, 503)
