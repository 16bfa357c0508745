"""Which types of events were seen from which sources: how many, since when, until when."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

MOST_SOURCES: Final = 100
"""Sources of one type that are told apart; a source may be as particular as a directory."""


class Sighting(NamedTuple):
    """Events of one type from one source; times are of acceptance (Unix, ms).

    `source` None: the type has more than MOST_SOURCES sources, and these are all of them together.
    """

    type: str
    source: str | None
    events: int
    first_ms: int
    last_ms: int


def joined(parts: Iterable[Iterable[Sighting]]) -> list[Sighting]:
    """The sightings of several stretches of a log as one list, the last seen first."""
    by_type: dict[str, dict[str | None, Sighting]] = {}
    for part in parts:
        for one in part:
            _add(by_type.setdefault(one.type, {}), one)
    found = [
        sighting
        for of_type in by_type.values()
        for sighting in (_as_one(of_type) if _is_many(of_type) else of_type.values())
    ]
    found.sort(key=lambda one: (-one.last_ms, one.type, one.source or ""))
    return found


def _add(known: dict[str | None, Sighting], one: Sighting) -> None:
    before = known.get(one.source)
    known[one.source] = one if before is None else _both(before, one)


def _both(one: Sighting, other: Sighting) -> Sighting:
    return one._replace(
        events=one.events + other.events,
        first_ms=min(one.first_ms, other.first_ms),
        last_ms=max(one.last_ms, other.last_ms),
    )


def _is_many(of_type: dict[str | None, Sighting]) -> bool:
    return None in of_type or len(of_type) > MOST_SOURCES


def _as_one(of_type: dict[str | None, Sighting]) -> list[Sighting]:
    whole: dict[str | None, Sighting] = {}
    for one in of_type.values():
        _add(whole, one._replace(source=None))
    return list(whole.values())
