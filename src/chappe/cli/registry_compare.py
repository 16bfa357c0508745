"""What differs between two registry trees: entities added and removed, attributes changed.

Times, epochs and what the hub works out by itself are no difference; an attribute that only one side
could know (an ancestor that the hub chose) is none either, unless both sides say something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, Literal

from chappe.cli.registry_tree import DEFAULT, Registry, Resource

Kind = Literal["added", "removed", "changed", "same"]
Attributes = Mapping[str, Any]

# Of entities; of the registry itself also what belongs to one hub.
_PASSING = frozenset(
    "epoch createdat modifiedat formatvalidated formatvalidatedreason compatibilityvalidated"
    " compatibilityvalidatedreason".split()
)
_OF_ONE_HUB = frozenset("registryid specversion model".split())
# Where one side is silent, the hub decides.
_DECIDED = frozenset(
    "ancestorid versionid meta.readonly meta.defaultversionid meta.defaultversionsticky"
    " meta.compatibility capabilities modelsource".split()
)


class Nothing(Enum):
    """Stands for an attribute that is not there."""

    NOTHING = "nothing"


NOTHING = Nothing.NOTHING


@dataclass(frozen=True, slots=True)
class Difference:
    """One attribute, its name with dots: ("labels.stage", "test", "prod")."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """One entity; the differences of one that is added or removed are all its attributes."""

    xid: str
    kind: Kind
    differences: tuple[Difference, ...] = ()


def compare(before: Registry, after: Registry) -> list[Change]:
    """All entities of either tree, in the order of their xids; those that are the same, too."""
    found = [_change("/", _registry(before), _registry(after))]
    for plural in _keys(before.groups, after.groups):
        old_groups, new_groups = before.groups.get(plural, {}), after.groups.get(plural, {})
        for gid in _keys(old_groups, new_groups):
            old, new = old_groups.get(gid), new_groups.get(gid)
            xid = f"/{plural}/{gid}"
            found.append(
                _change(xid, old.attributes if old else None, new.attributes if new else None)
            )
            olds, news = (old.resources if old else {}), (new.resources if new else {})
            for resources in _keys(olds, news):
                old_ones, new_ones = olds.get(resources, {}), news.get(resources, {})
                for rid in _keys(old_ones, new_ones):
                    found += compare_resource(
                        f"{xid}/{resources}/{rid}", old_ones.get(rid), new_ones.get(rid)
                    )
    return found


def compare_resource(xid: str, before: Resource | None, after: Resource | None) -> list[Change]:
    """A resource and its versions; one that has no other version stands for it."""
    olds = _versions(before, after)
    news = _versions(after, before)
    if max(len(olds), len(news)) <= 1:
        return [_change(xid, _merged(before, olds), _merged(after, news))]
    return [
        _change(xid, _meta(before), _meta(after)),
        *(
            _change(f"{xid}/versions/{vid or '(default)'}", olds.get(vid), news.get(vid))
            for vid in _keys(olds, news)
        ),
    ]


def _versions(one: Resource | None, other: Resource | None) -> Mapping[str, Attributes]:
    if one is None:
        return {}
    if DEFAULT not in one.versions or other is None:
        return one.versions
    # What a file says of the resource is said of the version that is the default on the other side.
    named = other.default_id
    if named is None or named in one.versions:
        return one.versions
    return {named if vid == DEFAULT else vid: version for vid, version in one.versions.items()}


def _merged(one: Resource | None, versions: Mapping[str, Attributes]) -> Attributes | None:
    meta = _meta(one)
    if meta is None:
        return None
    return {**next(iter(versions.values()), {}), **meta}


def _meta(one: Resource | None) -> Attributes | None:
    return None if one is None else {f"meta.{name}": value for name, value in one.meta.items()}


def _registry(tree: Registry) -> Attributes:
    return {name: value for name, value in tree.attributes.items() if name not in _OF_ONE_HUB}


def _change(xid: str, before: Attributes | None, after: Attributes | None) -> Change:
    differences = tuple(_differences(before or {}, after or {}, both=None not in (before, after)))
    if before is None:
        return Change(xid, "added", differences)
    if after is None:
        return Change(xid, "removed", differences)
    return Change(xid, "changed" if differences else "same", differences)


def _differences(before: Attributes, after: Attributes, *, both: bool) -> Iterator[Difference]:
    for name in _keys(before, after):
        if name.removeprefix("meta.") in _PASSING:
            continue
        old, new = before.get(name, NOTHING), after.get(name, NOTHING)
        # JSON's null takes an attribute away.
        old, new = (NOTHING if old is None else old), (NOTHING if new is None else new)
        if name in _DECIDED and (not both or NOTHING in (old, new)):
            continue
        yield from _of_value(name, old, new)


def _of_value(name: str, old: Any, new: Any) -> Iterator[Difference]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in _keys(old, new):
            yield from _of_value(f"{name}.{key}", old.get(key, NOTHING), new.get(key, NOTHING))
    elif not _equal(old, new):
        yield Difference(name, old, new)


def _equal(old: Any, new: Any) -> bool:
    # True == 1 in Python, and not in JSON.
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    if isinstance(old, int | Decimal) and isinstance(new, int | Decimal):
        return old == new
    if type(old) is not type(new):
        return False
    if isinstance(old, list):
        return len(old) == len(new) and all(map(_equal, old, new))
    if isinstance(old, dict):
        return old.keys() == new.keys() and all(_equal(old[key], new[key]) for key in old)
    return bool(old == new)


def _keys(one: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    return sorted({**one, **other}, key=lambda key: (key.lower(), key))
