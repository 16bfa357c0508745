"""What the xRegistry reference server answered, answered by the registry.

Where the reference and the specification disagree, the specification wins: xregistry_divergences.json
lists each such exchange with the section. A listed exchange that is equal fails, too.
"""

from __future__ import annotations

import pytest

from tests.spec.xregistry_replay import EXCHANGES, Recorded, divergences, recorded, replay

TESTS = recorded()
KNOWN = divergences()

pytestmark = pytest.mark.skipif(not TESTS, reason=f"no recorded exchanges at {EXCHANGES}")


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.name)
def test_recorded_exchanges_are_answered_alike(test: Recorded) -> None:
    known = KNOWN.get(test.name, {})
    wrong = []
    for one in replay(test):
        method, path = one.exchange["method"], one.exchange["path"]
        if one.difference is not None and one.index not in known:
            wrong.append(f"[{one.index}] {method} {path}: {one.difference}")
        elif one.difference is None and one.index in known:
            wrong.append(f"[{one.index}] {method} {path}: is listed as a divergence, but is equal")
    assert not wrong, "\n".join(wrong)


def test_every_listed_divergence_is_of_a_recorded_exchange_and_has_its_section() -> None:
    lengths = {test.name: len(test.exchanges) for test in TESTS}
    for name, by_index in KNOWN.items():
        assert all(index < lengths[name] for index in by_index)
        assert all(
            ".md" in reason or "reference server's own" in reason for reason in by_index.values()
        )
