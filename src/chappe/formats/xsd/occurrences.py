"""How often each element may stand in a content model, whatever the order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chappe.formats.xsd.components import (
    Element,
    ElementParticle,
    Group,
    Name,
    Particle,
    Wildcard,
    WildcardParticle,
)
from chappe.formats.xsd.model import Model


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An element stands `least` to `most` times, over all its places; None is without end.

    XSD 1.0 part 1, 3.8.6 (Element Declarations Consistent): one name has one type in a content model.
    """

    element: Element
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Occurrences:
    """All elements of a content model by name, in the order of their places, and its wildcards."""

    elements: Mapping[Name, Occurrence]
    wildcards: tuple[Wildcard, ...]


def occurrences(model: Model, particle: Particle | None) -> Occurrences:
    """Count the places of a content model."""
    elements: dict[Name, Occurrence] = {}
    wildcards: dict[Wildcard, None] = {}
    # Choices are passed down as "need not stand": of several branches only one does.
    waiting: list[tuple[Particle | None, int, int | None]] = [(particle, 1, 1)]
    while waiting:
        at, least, most = waiting.pop()
        if at is None:
            continue
        least *= at.least
        most = None if most is None or at.most is None else most * at.most
        match at:
            case ElementParticle():
                standing = model.standing(at)
                for element in standing:
                    found = elements.get(element.name)
                    mine = least if len(standing) == 1 else 0
                    elements[element.name] = Occurrence(
                        element,
                        mine + (found.least if found else 0),
                        _sum(most, found.most if found else 0),
                    )
            case WildcardParticle(wildcard=wildcard):
                wildcards[wildcard] = None
            case Group(kind=kind, parts=parts):
                below = 0 if kind == "choice" and len(parts) > 1 else least
                waiting.extend((part, below, most) for part in reversed(parts))
    return Occurrences(elements, tuple(wildcards))


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
