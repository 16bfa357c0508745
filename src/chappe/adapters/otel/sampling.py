"""Whether a trace is recorded, by its id alone: the sampler of the environment, asked in a cheap way.

The SDK's samplers make an object with attributes for each answer, some 10 us; of those that are known by
their description, which OpenTelemetry specifies, only the comparison is left.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, TraceIdRatioBased

_KNOWN = re.compile(
    r"(?:ParentBased\{root:)?(?:(AlwaysOn|AlwaysOff)Sampler|TraceIdRatioBased\{([0-9.eE+-]+)\})(?:,.*)?"
)
_NAME = "chappe"


def follows_parents(sampler: Sampler) -> bool:
    """Whether the flag of a trace context decides."""
    return isinstance(sampler, ParentBased)


def by_trace_id(sampler: Sampler) -> Callable[[str], bool]:
    """What the sampler says of a trace (32 hex digits) that has no parent to follow."""
    found = _KNOWN.match(sampler.get_description())
    if found is None:
        return lambda trace_id: _asked(sampler, trace_id)
    always, rate = found.groups()
    if always is not None:
        return lambda trace_id: always == "AlwaysOn"
    bound = TraceIdRatioBased.get_bound_for_rate(float(rate))
    # The ratio is over the lower 64 bits.
    return lambda trace_id: int(trace_id[16:], 16) < bound


def _asked(sampler: Sampler, trace_id: str) -> bool:
    found = sampler.should_sample(None, int(trace_id, 16), _NAME)
    return found.decision is Decision.RECORD_AND_SAMPLE
