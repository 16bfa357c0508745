"""What the process around gives: its environment, the time, ids, and OpenTelemetry's present span.

    CHAPPE_URL=http://a:4280,http://b:4280    the hub, or several of its nodes
    CHAPPE_TOKEN=chp_…                        the bearer token
    K_SINK, K_CE_OVERRIDES, K_CA_CERTS        where events go if no hub is named (Knative's SinkBinding)

The only module of the client that reads any of these; all else is given values.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from chappe.client.hub_client import DEFAULT_URL
from chappe.client.sink_client import SINK

URL: Final = "CHAPPE_URL"
TOKEN: Final = "CHAPPE_TOKEN"  # noqa: S105 - the name, no token


def environment() -> Mapping[str, str]:
    """The variables that the process was started with."""
    return os.environ


def urls_of(given: str | Sequence[str] | None) -> Sequence[str]:
    """The hub's nodes: those that were given, else CHAPPE_URL, else the hub of this machine."""
    if given is None:
        given = os.environ.get(URL) or DEFAULT_URL
    parts = given.split(",") if isinstance(given, str) else list(given)
    return [part.strip() for part in parts if part.strip()] or [DEFAULT_URL]


def names_a_sink() -> bool:
    """Whether the environment names a sink (K_SINK), and no hub."""
    return bool(os.environ.get(SINK)) and not os.environ.get(URL)


def token_of(given: str | None) -> str | None:
    """The token that was given, else CHAPPE_TOKEN; an empty one is none."""
    return (os.environ.get(TOKEN) if given is None else given) or None


def now() -> str:
    """The time as an event carries it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id() -> str:
    """An id that no other event has."""
    return os.urandom(16).hex()


def drawn() -> float:
    """A random number in [0, 1)."""
    return random.random()  # noqa: S311 - it spreads retries


class SystemTime:
    """The loop's clock."""

    def monotonic_s(self) -> float:
        """Seconds that never go backwards."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Wait that long."""
        await asyncio.sleep(seconds)


def trace_context() -> Mapping[str, str]:
    """The span that is under way as the CloudEvents distributed tracing extension; {} if there is none.

    OpenTelemetry is asked only where the program has imported it already.
    """
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return {}
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    # W3C Trace Context 3.2: version-traceid-parentid-flags.
    parent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
    state = context.trace_state.to_header() if context.trace_state else ""
    return {"traceparent": parent, "tracestate": state} if state else {"traceparent": parent}
