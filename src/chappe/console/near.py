"""What may be meant by a name that there is not: names that are alike, and the list that it would be in."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from chappe.client.catalogue import find
from chappe.client.hub_client import HubClient
from chappe.client.registry import RegistryClient, joined
from chappe.console.links import name_of, segment
from chappe.domain.errors import ChappeError

_MOST: Final = 5
_LOOKED_AT: Final = 500
_ALIKE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Link:
    """A page: what it is called, and its path below /console/."""

    label: str
    href: str


@dataclass(frozen=True, slots=True)
class Near:
    """Pages that may be meant, and the list to go back to."""

    names: Sequence[Link]
    back: Link


_FIND: Final = Link("Find", "")
_BACK: Final = {
    "schemas": Link("Schemas", "schemas"),
    "subscriptions": Link("Subscriptions", "subscriptions"),
    "events": Link("Live", "live"),
}
NOWHERE: Final = Near((), _FIND)


async def near(path: str, error: ChappeError, hub: HubClient) -> Near:
    """What is near a path below /console/ that leads nowhere."""
    kind, *rest = path.split("/")
    back = _BACK.get(kind, _FIND)
    try:
        return Near(await _names(kind, [name_of(part) for part in rest], error, hub), back)
    except ChappeError:
        # The page is about another error, and it is whole without names that are alike.
        return Near((), back)


async def _names(
    kind: str, rest: Sequence[str], error: ChappeError, hub: HubClient
) -> Sequence[Link]:
    match kind, rest:
        case "types", (name, *_):
            found = await find(hub, {"limit": str(_LOOKED_AT)})
            return alike(name, [one.type for one in found.types], "types/")
        case "subscriptions", (name, *_):
            return alike(name, [one.id for one in await hub.subscriptions()], "subscriptions/")
        case "schemas", (group, name, *_):
            schemas = await RegistryClient(hub).entity(joined("schemagroups", group, "schemas"))
            return alike(name, [*schemas], f"schemas/{segment(group)}/")
        case "events", _:
            positions = error.details.get("positions")
            shown = positions if isinstance(positions, list) else []
            return [Link(str(one), f"events/{segment(str(one))}") for one in shown]
        case _:
            return ()


def alike(name: str, names: Sequence[str], above: str) -> Sequence[Link]:
    """The names that are most like one; one that holds it, or is held by it, is."""
    wanted = _threes(name)
    alike = sorted(((_share(wanted, _threes(one)), one) for one in names), reverse=True)
    return [Link(one, f"{above}{segment(one)}") for share, one in alike[:_MOST] if share >= _ALIKE]


def _share(one: AbstractSet[str], other: AbstractSet[str]) -> float:
    """How much of the shorter is in the longer: from 0 to 1."""
    return len(one & other) / min(len(one), len(other))


def _threes(name: str) -> AbstractSet[str]:
    """Each three letters in a row, from before the first letter: "ab" -> {" ab", "ab "}."""
    text = f" {name.casefold()} "
    return {text[at : at + 3] for at in range(max(len(text) - 2, 1))}
