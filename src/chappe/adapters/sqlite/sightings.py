"""What was seen in a stretch of the index: its events counted by type and source."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence

from chappe.adapters.sqlite.chunks import Chunk
from chappe.adapters.sqlite.columns import Runs
from chappe.adapters.sqlite.tail import Tail
from chappe.domain.sighting import MOST_SOURCES, Sighting, joined


def sightings_in(place: Chunk | Tail, size: int, since_ms: int | None) -> list[Sighting]:
    """The sightings among the first `size` rows that were accepted at `since_ms` or later."""
    runs = place.runs
    # The writer may be adding to a tail: what stands at `size` and behind is not there yet.
    count = bisect_left(runs.rows, size)
    ats = runs.ats[:count]
    fitting = [run for run in range(count) if since_ms is None or ats[run] >= since_ms]
    if not fitting:
        return []
    start = runs.rows[fitting[0]]
    columns = place.columns(("type", "source"))
    span = range(start, size)
    pairs = list(zip(columns["type"].values(span), columns["source"].values(span), strict=True))
    rising = len(fitting) == count - fitting[0] and list(ats) == sorted(ats)
    seen = _rising(runs, _few(pairs), span) if rising else _any(runs, pairs, start, size, fitting)
    return joined([seen])


Pair = tuple[str | None, str | None]


def _few(pairs: list[Pair]) -> list[Pair]:
    """The pairs, those of a type with too many sources without them: that many are soon counted."""
    sources = Counter(type_ for type_, _ in set(pairs))
    many = {type_ for type_, count in sources.items() if count > MOST_SOURCES}
    if not many:
        return pairs
    return [(pair[0], None) if pair[0] in many else pair for pair in pairs]


def _rising(runs: Runs, pairs: Sequence[Pair], span: range) -> Iterator[Sighting]:
    """All rows of the span, whose times rise: a pair's first row has its least time."""
    last = dict(zip(pairs, span, strict=True))
    first = dict(zip(reversed(pairs), reversed(span), strict=True))
    for pair, count in Counter(pairs).items():
        yield _sighting(pair, count, _at_ms(runs, first[pair]), _at_ms(runs, last[pair]))


def _any(
    runs: Runs, pairs: Sequence[Pair], start: int, size: int, fitting: Sequence[int]
) -> Iterator[Sighting]:
    for run in fitting:
        at_ms, end = runs.ats[run], min(size, runs.end(run, size))
        for pair, count in Counter(pairs[runs.rows[run] - start : end - start]).items():
            yield _sighting(pair, count, at_ms, at_ms)


def _at_ms(runs: Runs, row: int) -> int:
    return runs.ats[bisect_right(runs.rows, row) - 1]


def _sighting(pair: Pair, count: int, first_ms: int, last_ms: int) -> Sighting:
    type_, source = pair
    assert type_ is not None
    return Sighting(type_, source, count, first_ms, last_ms)
