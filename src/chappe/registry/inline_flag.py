"""`?inline` (core/spec.md "Inline Flag"), read: paths in the model, down from the request's target.

"dirs.files.*", "model"  ->  {"dirs": {"files": everything}, "model": {}}
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias

from chappe.registry.dot import DotError, Part, is_any_member, parse_dot
from chappe.registry.errors import RegistryError
from chappe.registry.flags import Inline
from chappe.registry.model import GroupType, Model, ResourceType
from chappe.registry.target import Level, Target

ROOT_ONLY: Final = ("capabilities", "model", "modelsource")
"""What `*` does not include."""

EXPORT: Final = Inline(everything=True, below={"capabilities": Inline(), "modelsource": Inline()})
"""core/http.md "GET /export": `inline=*,capabilities,modelsource`."""


class _Leaf(Enum):
    LEAF = "leaf"


@dataclass(frozen=True, slots=True)
class _OneVersion:
    """The level of a version, below which only the document can be inlined."""

    type: ResourceType


_Place: TypeAlias = Model | GroupType | ResourceType | _OneVersion | _Leaf


@dataclass(slots=True)
class _Tree:
    everything: bool = False
    below: dict[str, _Tree] = field(default_factory=dict)

    def frozen(self) -> Inline:
        return Inline(self.everything, {name: one.frozen() for name, one in self.below.items()})


def parse_inline(texts: Sequence[str], target: Target, model: Model, subject: str) -> Inline:
    """What is inlined below the target; a parent of what was asked for is, too.

    Args:
        texts: the paths, percent-decoded; "*" stands for all that is below.
        target: what the request's path names; of a collection, paths begin at its entities.
        model: tells the collections' names.
        subject: the request's path and query, for messages.

    Raises:
        RegistryError: bad_inline: a text is no path; inline_noninlineable: the path leads nowhere.
    """
    root = _Tree()
    for text in texts:
        try:
            parts = parse_dot(text, wildcards=True)
        except DotError as error:
            raise RegistryError(
                "bad_inline", subject, value=text, error_detail=str(error)
            ) from None
        _add(parts, text, root, _place(target, model), subject)
    return root.frozen()


def _add(parts: Sequence[Part], text: str, tree: _Tree, place: _Place, subject: str) -> None:
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if is_any_member(part) and last and (index == 0 or place is not _Leaf.LEAF):
            tree.everything = True
            return
        below = _below(place, part)
        if below is None:
            raise RegistryError("inline_noninlineable", subject, name=text)
        tree, place = tree.below.setdefault(str(part), _Tree()), below


def _place(target: Target, model: Model) -> _Place:
    match target.level:
        case Level.REGISTRY | Level.EXPORT:
            return model
        case Level.GROUPS | Level.GROUP:
            return target.group_type or _Leaf.LEAF
        case Level.RESOURCES | Level.RESOURCE:
            return target.resource_type or _Leaf.LEAF
        case Level.VERSIONS | Level.VERSION:
            return _OneVersion(target.resource_type) if target.resource_type else _Leaf.LEAF
        case (
            Level.META
            | Level.CAPABILITIES
            | Level.CAPABILITIES_OFFERED
            | Level.MODEL
            | Level.MODELSOURCE
        ):
            return _Leaf.LEAF


def _below(place: _Place, part: Part) -> _Place | None:
    """What can be inlined at a place under a name; None if nothing can."""
    if not isinstance(part, str):
        return None
    match place:
        case Model(groups=groups):
            return _Leaf.LEAF if part in ROOT_ONLY else groups.get(part)
        case GroupType(resources=resources):
            return resources.get(part)
        case ResourceType():
            if part == "versions":
                return _OneVersion(place)
            return _Leaf.LEAF if part == "meta" else _below(_OneVersion(place), part)
        case _OneVersion(type):
            return _Leaf.LEAF if part == type.singular and type.hasdocument else None
        case _Leaf.LEAF:
            return None
