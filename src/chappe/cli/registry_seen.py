"""What was seen in a channel: which types of events, from which sources, how often, since when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec

from chappe.client.registry import RegistryClient
from chappe.domain.errors import CallerError, ChappeError


class SourceSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One source of a type; None: there are too many to tell apart."""

    source: str | None = None
    events: int = 0
    firstseen: str = ""
    lastseen: str = ""
    perminute: float = 0.0


class TypeSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One type: the xids of its declarations, and where it came from."""

    type: str
    declared: Sequence[str] = ()
    events: int = 0
    lastseen: str = ""
    perminute: float = 0.0
    sources: Sequence[SourceSeen] = ()


@dataclass(frozen=True, slots=True)
class Publisher:
    """One source and the types that were seen from it; `undeclared` are those without a declaration."""

    source: str
    types: Sequence[str]
    undeclared: Sequence[str]
    events: int
    firstseen: str
    lastseen: str
    perminute: float

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "source": self.source,
            "types": list(self.types),
            "undeclared": list(self.undeclared),
            "events": self.events,
            "firstseen": self.firstseen,
            "lastseen": self.lastseen,
            "perminute": self.perminute,
        }


async def types_seen(
    registry: RegistryClient, channel: str, *, matching: str | None = None
) -> list[TypeSeen]:
    """The types of a channel; none where the hub does not tell."""
    query = f"?matching={quote(matching, safe='')}" if matching else ""
    try:
        answer = await registry.get(f"/channels/{quote(channel, safe='')}/types{query}")
    except CallerError:
        return []  # a hub without the Discovery API, or without that channel
    try:
        return msgspec.json.decode(answer.body, type=list[TypeSeen])
    except msgspec.MsgspecError as exc:
        raise ChappeError(
            f"/channels/{channel}/types: another answer than docs say ({exc})"
        ) from exc


def publishers(seen: Sequence[TypeSeen], *, group: str | None) -> list[Publisher]:
    """The sources, the busiest first; of a message group, if one is named."""
    by_source: dict[str, list[tuple[TypeSeen, SourceSeen]]] = {}
    for one in seen:
        if group is not None and not _in_group(one, group):
            continue
        for source in one.sources:
            name = source.source or "(many sources)"
            by_source.setdefault(name, []).append((one, source))
    found = [_publisher(name, of) for name, of in by_source.items()]
    return sorted(found, key=lambda one: (-one.perminute, -one.events, one.source))


def told(seen: Sequence[TypeSeen], type_: str) -> Mapping[str, str]:
    """What was seen of one type, in words: {"seen": "12 events, …", "sources": "/shop, /web"}."""
    for one in seen:
        if one.type == type_ and one.events:
            rate = f", {one.perminute:g} a minute" if one.perminute else ""
            events = f"{one.events:,} event{'' if one.events == 1 else 's'}"
            last = one.lastseen.replace("T", " ", 1).partition(".")[0].removesuffix("Z")
            sources = [source.source or "(many)" for source in one.sources]
            return {"seen": f"{events}{rate}, the last {last}", "sources": ", ".join(sources)}
    return {}


def _publisher(name: str, of: Sequence[tuple[TypeSeen, SourceSeen]]) -> Publisher:
    return Publisher(
        source=name,
        types=sorted(one.type for one, _ in of),
        undeclared=sorted(one.type for one, _ in of if not one.declared),
        events=sum(source.events for _, source in of),
        firstseen=min(source.firstseen for _, source in of),
        lastseen=max(source.lastseen for _, source in of),
        perminute=round(sum(source.perminute for _, source in of), 3),
    )


def _in_group(one: TypeSeen, group: str) -> bool:
    return any(xid.startswith(f"/messagegroups/{group}/") for xid in one.declared)
