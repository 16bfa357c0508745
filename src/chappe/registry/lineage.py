"""How the versions of a resource follow each other (core/model.md `versionmode`).

Pure functions over versions by id. What a version needs here are its attributes: createdat,
modifiedat and ancestorid.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Any, Final, Protocol, TypeVar

MANUAL: Final = "manual"

_SEMVER = re.compile(r"[vV]?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?\Z")


class Dated(Protocol):
    """What has a version's attributes."""

    @property
    def attributes(self) -> Mapping[str, Any]:
        """The stored attributes."""
        ...


V = TypeVar("V", bound=Dated)


def instant(timestamp: str) -> str:
    """A key that orders stored timestamps ("2024-01-01T00:00:00.50Z") by their time."""
    text = timestamp.removesuffix("Z")
    return text.rstrip("0").rstrip(".") if "." in text else text


def ancestor(id: str, version: Dated) -> str:
    """The id of a version's ancestor, its own one where it is a root."""
    value = version.attributes.get("ancestorid")
    return value if isinstance(value, str) else id


def newest(mode: str, versions: Mapping[str, V]) -> str | None:
    """The id of the newest version; None where there are none."""
    if not versions:
        return None
    if mode != MANUAL:
        return max(versions, key=_key(mode, versions))
    parents = {ancestor(id, one) for id, one in versions.items() if ancestor(id, one) != id}
    leaves = [id for id in versions if id not in parents] or list(versions)
    return max(leaves, key=_key("createdat", versions))


def oldest(mode: str, versions: Mapping[str, V], *, skipping: str | None = None) -> str | None:
    """The id of the oldest version that is not `skipping`; None where there is none.

    In "manual" the oldest is a root; where the only root is skipped, the version after it is the
    next one: a child of the skipped one would be a root if that were gone.
    """
    found = expendable(mode, versions, 1, skipping=skipping)
    return found[0] if found else None


def expendable(
    mode: str, versions: Mapping[str, V], count: int, *, skipping: str | None = None
) -> list[str]:
    """The ids of versions that go first: each the oldest of those that the ones before it leave.

    See `oldest`; less than `count` where there are no more.
    """
    rest = {id: one for id, one in versions.items() if id != skipping}
    if mode != MANUAL:
        return list(chain(mode, rest))[:count]
    key = _key("createdat", rest)
    followers: dict[str, list[str]] = {}
    waiting: list[tuple[str, str, str]] = []
    for id, one in rest.items():
        before = ancestor(id, one)
        if before == id or before not in rest:
            waiting.append(key(id))
        else:
            followers.setdefault(before, []).append(id)
    heapify(waiting)
    found: list[str] = []
    while waiting and len(found) < count:
        id = heappop(waiting)[-1]
        found.append(id)
        for follower in followers.get(id, ()):
            heappush(waiting, key(follower))
    return found


def chain(mode: str, versions: Mapping[str, V]) -> Sequence[str]:
    """All ids, oldest first, where the mode alone tells the order (all modes but "manual")."""
    return sorted(versions, key=_key(mode, versions))


def roots(versions: Mapping[str, V]) -> Sequence[str]:
    """The ids of the roots."""
    return [id for id, one in versions.items() if ancestor(id, one) == id]


def circular(versions: Mapping[str, V], changed: Iterable[str]) -> Sequence[str]:
    """The ids on a circle of ancestors that one of the `changed` versions is on; [] for none."""
    found: set[str] = set()
    safe: set[str] = set()
    for start in changed:
        path: list[str] = []
        on_path: set[str] = set()
        id = start
        while id in versions and id not in safe and id not in on_path:
            path.append(id)
            on_path.add(id)
            parent = ancestor(id, versions[id])
            if parent == id:
                break
            id = parent
        else:
            if id in on_path:
                found.update(path[path.index(id) :])
        safe.update(path)
    return sorted(found, key=lambda id: (id.lower(), id))


def precedence(id: str) -> tuple[Any, ...]:
    """A key that orders version ids as Semantic Versioning 2.0.0 section 11 does.

    A leading "v" and missing minor and patch numbers are let pass; ids that are no semantic
    versions come before all that are, in the order of the alphabet without regard to case.
    """
    match = _SEMVER.match(id)
    if match is None:
        return (0, id.lower(), id)
    major, minor, patch, pre = match.groups()
    identifiers: tuple[Any, ...] = ()
    if pre is not None:
        identifiers = tuple(
            (0, int(part), "") if part.isdigit() else (1, 0, part) for part in pre.split(".")
        )
    numbers = (int(major), int(minor or 0), int(patch or 0))
    return (1, numbers, pre is None, identifiers, id.lower(), id)


def _key(mode: str, versions: Mapping[str, V]) -> Any:
    if mode == "semver":
        return precedence
    name = "modifiedat" if mode == "modifiedat" else "createdat"
    return lambda id: (instant(str(versions[id].attributes.get(name, ""))), id.lower(), id)
