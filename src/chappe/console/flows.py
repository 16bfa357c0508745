"""Who sends and takes what, as the API tells it; and the part of that around some of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.console.flow_map import Flow
from chappe.console.links import with_query
from chappe.console.subscribed import One

_PAGE = 500
_MOST = 5_000
_TROUBLED = frozenset({"disabled", "retrying", "behind-retention"})


class _Type(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    owner: str = ""
    producers: Sequence[str] = ()
    sources: Sequence[str | None] = ()
    consumers: Sequence[str] = ()
    subscriptions: Sequence[str] = ()
    perminute: float = 0.0
    quarantined: int = 0


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    types: Sequence[_Type]
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Flows:
    """All types with who sends and takes them; `more`: there are more than a page can tell of."""

    flows: Sequence[Flow]
    more: bool


async def read_flows(
    hub: HubClient, *, type_: str | None = None, owner: str | None = None
) -> Flows:
    """The flows of all types, of one, or of those of an owner."""
    ailing = await _ailing(hub)
    flows: list[Flow] = []
    after: str | None = ""
    while after is not None and len(flows) < _MOST:
        path = with_query("/find", {"limit": _PAGE, "after": after, "type": type_, "owner": owner})
        found = msgspec.json.decode((await hub.read(path)).body, type=_Found)
        flows += (_flow(one, ailing) for one in found.types)
        after = found.after
    return Flows(flows, after is not None)


def around(flows: Sequence[Flow], chosen: Sequence[Flow], hops: int) -> list[Flow]:
    """Some flows, and with two hops those that share a producer or a consumer with them."""
    if hops < 2:
        return list(chosen)
    near = {name for one in chosen for name in (*one.producers, *one.consumers)}
    types = {one.type for one in chosen}
    return [
        one
        for one in flows
        if one.type in types or not near.isdisjoint((*one.producers, *one.consumers))
    ]


def with_words(flows: Sequence[Flow], words: str) -> list[Flow]:
    """The flows in whose names all words are."""
    wanted = words.casefold().split()
    if not wanted:
        return list(flows)

    def text(one: Flow) -> str:
        return "\n".join((one.type, one.owner, *one.producers, *one.consumers)).casefold()

    return [one for one in flows if all(word in text(one) for word in wanted)]


async def _ailing(hub: HubClient) -> frozenset[str]:
    """The subscriptions whose events do not arrive as they should."""
    found: set[str] = set()
    target: str | None = paths.subscriptions({"limit": str(_PAGE)})
    while target is not None and len(found) < _MOST:
        answer = await hub.read(target)
        for one in msgspec.json.decode(answer.body, type=list[One]):
            if one.status.state in _TROUBLED or one.fails:
                found.add(one.id)
        target = paths.next_page(answer.headers.get("link"))
    return frozenset(found)


def _flow(one: _Type, ailing: frozenset[str]) -> Flow:
    return Flow(
        type=one.type,
        owner=one.owner,
        producers=sorted({*one.producers, *(source or "(many)" for source in one.sources)}),
        consumers=sorted({*one.consumers, *one.subscriptions}),
        perminute=one.perminute,
        trouble=one.quarantined > 0,
        ailing=sorted(ailing.intersection(one.subscriptions)),
    )
