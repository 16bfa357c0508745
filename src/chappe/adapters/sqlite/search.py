"""Finding events in what the index holds of a channel: chunk by chunk, from the end asked for."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from chappe.adapters.sqlite import chunks
from chappe.adapters.sqlite.chunks import Chunk, Header
from chappe.adapters.sqlite.columns import matching
from chappe.adapters.sqlite.tail import Tail, keys_of_id
from chappe.ports.event_index import LIMIT, Found, Query


@dataclass(frozen=True, slots=True)
class View:
    """A channel as readers see it: sealed chunks, then the tail."""

    no: int
    headers: tuple[Header, ...]
    tail: Tail


def find(file: sqlite3.Connection, view: View, query: Query) -> Sequence[Found]:
    """The first `query.limit` events that fit."""
    found: list[Found] = []
    limit = min(query.limit, LIMIT)
    if limit <= 0:
        return found
    for place in Search(query).places(file, view):
        try:
            for item in place:
                found.append(item)
                if len(found) == limit:
                    return found
        except chunks.Gone:
            continue  # pruned meanwhile: its events are listed no more
    return found


class Search:
    """One query, applied to each place that may hold events which fit."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._wanted = {
            name: value
            for name in ("id", "subject", "source", "type")
            if (value := getattr(query, name)) is not None
        }

    def places(self, file: sqlite3.Connection, view: View) -> Iterator[Iterator[Found]]:
        """What fits in each chunk and in the tail, in the order asked for."""
        query, size = self._query, view.tail.size
        by_id = None if query.id is None else self._by_id(file, view, query.id)
        ordered: list[Header | None] = [*view.headers, None]
        for header in reversed(ordered) if query.newest_first else ordered:
            if header is None:
                if size:
                    yield self._rows(view.tail, size)
            elif self._may_hold(header):
                chunk = Chunk(file, header)
                if by_id is None:
                    yield self._rows(chunk, header.events)
                elif header.no in by_id:
                    yield self._by_id_rows(chunk, header, by_id[header.no])

    def _by_id(self, file: sqlite3.Connection, view: View, id: str) -> dict[int, list[int]]:
        rows: dict[int, list[int]] = {}
        for chunk, row in chunks.rows_of_keys(file, view.no, *keys_of_id(id)):
            rows.setdefault(chunk, []).append(row)
        return rows

    def _may_hold(self, header: Header) -> bool:
        query = self._query
        if query.from_ms is not None and header.newest_ms < query.from_ms:
            return False
        if query.until_ms is not None and header.oldest_ms >= query.until_ms:
            return False
        if query.after is None:
            return True
        block = query.after[0]
        return header.first_block <= block if query.newest_first else header.last_block >= block

    def _by_id_rows(self, chunk: Chunk, header: Header, rows: list[int]) -> Iterator[Found]:
        columns = chunk.columns(self._wanted)
        span = self._span(chunk, header.events)
        for row in sorted(rows, reverse=self._query.newest_first):
            if row in span and all(columns[n].get(row) == v for n, v in self._wanted.items()):
                yield from self._found(chunk, [row])

    def _rows(self, place: Chunk | Tail, size: int) -> Iterator[Found]:
        wanted = self._wanted
        columns = place.columns(wanted)
        if all(columns[name].count(value) for name, value in wanted.items()):
            span = self._span(place, size)
            rows = matching(columns, wanted, span, newest_first=self._query.newest_first)
            yield from self._found(place, rows)

    def _span(self, place: Chunk | Tail, size: int) -> range:
        """Where to look: the rows behind `after` in the direction asked for, and near the times."""
        query, start, stop = self._query, 0, size
        if query.from_ms is not None or query.until_ms is not None:
            # Nodes' clocks differ, so times need not rise: outside of this span none fits.
            runs = place.runs
            ats = runs.ats
            fitting = [run for run in range(len(runs.rows)) if self._in_time(ats[run])]
            if not fitting:
                return range(0)
            start, stop = runs.rows[fitting[0]], min(size, runs.end(fitting[-1], size))
        if query.after is not None:
            runs = place.runs
            block, index = query.after
            if query.newest_first:
                stop = min(stop, runs.behind(block, index - 1, size))
            else:
                start = max(start, runs.behind(block, index, size))
        return range(start, max(start, stop))

    def _found(self, place: Chunk | Tail, rows: Iterable[int]) -> Iterator[Found]:
        for row in rows:
            position, at_ms = place.runs.where(row)
            if self._in_time(at_ms):
                yield Found(position, at_ms)

    def _in_time(self, at_ms: int) -> bool:
        from_ms, until_ms = self._query.from_ms, self._query.until_ms
        return (from_ms is None or at_ms >= from_ms) and (until_ms is None or at_ms < until_ms)
