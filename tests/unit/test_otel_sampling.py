"""The cheap way to ask a sampler says what the sampler says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_OFF,
    DEFAULT_ON,
    Decision,
    ParentBased,
    ParentBasedTraceIdRatio,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from typing_extensions import override

from chappe.adapters.otel.sampling import by_trace_id, follows_parents


class OddSampler(Sampler):
    """One of somebody's own, whose description says nothing."""

    @override
    def should_sample(self, parent_context, trace_id, *args, **kwargs):  # type: ignore[no-untyped-def]
        return SamplingResult(Decision.RECORD_AND_SAMPLE if trace_id % 2 else Decision.DROP)

    @override
    def get_description(self) -> str:
        return "Odd"


SAMPLERS = [
    ALWAYS_ON,
    ALWAYS_OFF,
    DEFAULT_ON,
    DEFAULT_OFF,
    TraceIdRatioBased(0.01),
    TraceIdRatioBased(0.5),
    ParentBasedTraceIdRatio(0.25),
    ParentBasedTraceIdRatio(1e-9),
    OddSampler(),
    ParentBased(OddSampler()),
]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda one: one.get_description()[:60])
@given(trace_id=st.integers(1, 2**128 - 1))
def test_it_says_what_the_sampler_says(sampler: Sampler, trace_id: int) -> None:
    wanted = sampler.should_sample(None, trace_id, "chappe").decision is Decision.RECORD_AND_SAMPLE
    assert by_trace_id(sampler)(f"{trace_id:032x}") is wanted


def test_only_some_follow_the_flag_of_the_parent() -> None:
    assert follows_parents(DEFAULT_ON)
    assert follows_parents(ParentBasedTraceIdRatio(0.25))
    assert not follows_parents(TraceIdRatioBased(0.25))
