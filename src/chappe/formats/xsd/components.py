"""What an XML Schema declares, as values: elements, types, particles, wildcards.

Names are in Clark's notation: "{urn:shop}order", or "order" where there is no namespace. A type is
used by its name or, where it has none, by its value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

XS: Final = "http://www.w3.org/2001/XMLSchema"
ANY_TYPE: Final = f"{{{XS}}}anyType"
ANY_SIMPLE_TYPE: Final = f"{{{XS}}}anySimpleType"

Name: TypeAlias = str


def local(name: Name) -> str:
    """Such as "{urn:shop}order" -> "order"."""
    return name.rpartition("}")[2]


def namespace(name: Name) -> str:
    """Such as "{urn:shop}order" -> "urn:shop"; "order" -> ""."""
    return name[1:].partition("}")[0] if name.startswith("{") else ""


def shown(name: Name) -> str:
    """For a message: built-in types as "xs:int", all else by the local name."""
    return f"xs:{local(name)}" if namespace(name) == XS else local(name)


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`namespaces` are those that it takes, or with `negated` those that it does not."""

    namespaces: frozenset[str]
    negated: bool
    process: Literal["strict", "lax", "skip"] = "strict"

    def admits(self, namespace: str) -> bool:
        """Whether a name of that namespace may stand there; "" is no namespace."""
        return (namespace in self.namespaces) != self.negated


@dataclass(frozen=True, slots=True)
class Facet:
    """One facet of one restriction: "pattern" or "enumeration" with all alternatives, else one value."""

    kind: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Simple:
    """A simple type: a restriction of `base` by facets, a list of `item`, or a union of `members`."""

    name: Name
    base: TypeUse | None = None
    facets: tuple[Facet, ...] = ()
    item: TypeUse | None = None
    members: tuple[TypeUse, ...] = ()


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute's declaration with its use in a type."""

    name: Name
    type: TypeUse
    required: bool = False
    prohibited: bool = False
    fixed: str | None = None
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Attributes:
    """The attributes of a type, those of its groups among them."""

    uses: Mapping[Name, Attribute] = field(default_factory=dict)
    wildcard: Wildcard | None = None
    size: int = 0
    """Attributes and groups as they are written out, one that is there twice counted twice."""


@dataclass(frozen=True, slots=True, eq=False)
class Element:
    """An element's declaration; `constraints` are its identity constraints by name, each as text.

    Without a `type` it has that of the head of its substitution group (XSD 1.0 part 1, 3.3.2).
    """

    name: Name
    type: TypeUse | None
    nillable: bool = False
    abstract: bool = False
    fixed: str | None = None
    default: str | None = None
    block: frozenset[str] = frozenset()
    constraints: Mapping[Name, str] = field(default_factory=dict)
    head: Name | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ElementParticle:
    """An element, a global one by its name, that may stand `least` to `most` times; None: no end."""

    least: int
    most: int | None
    element: Element | Name


@dataclass(frozen=True, slots=True, eq=False)
class WildcardParticle:
    """Any element that the wildcard takes."""

    least: int
    most: int | None
    wildcard: Wildcard


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """A sequence, choice or all."""

    least: int
    most: int | None
    kind: Literal["sequence", "choice", "all"]
    parts: tuple[Particle, ...]
    height: int
    """How many groups are within each other, this one counted."""
    is_optional: bool
    """Whether its parts take no element at all as well."""


Particle: TypeAlias = ElementParticle | WildcardParticle | Group


def group(
    least: int,
    most: int | None,
    kind: Literal["sequence", "choice", "all"],
    parts: tuple[Particle, ...],
) -> Group:
    """A group of parts; what is known of them is known of it, so that no one walks down again."""
    optional = [takes_nothing(part) for part in parts]
    return Group(
        least,
        most,
        kind,
        parts,
        height=1 + max((part.height for part in parts if isinstance(part, Group)), default=0),
        is_optional=(any(optional) or not parts) if kind == "choice" else all(optional),
    )


def takes_nothing(particle: Particle | None) -> bool:
    """Whether no element at all is content that the particle takes."""
    if particle is None or particle.least == 0:
        return True
    return isinstance(particle, Group) and particle.is_optional


@dataclass(frozen=True, slots=True, eq=False)
class Complex:
    """A complex type as it is written; `model.Model.content` tells what it comes to with its base."""

    name: Name
    base: TypeUse = ANY_TYPE
    derivation: Literal["restriction", "extension"] = "restriction"
    simple: Simple | None = None
    """The simple content's own restriction, without its base when that is the type's."""
    is_simple: bool = False
    particle: Particle | None = None
    mixed: bool = False
    attributes: Attributes = field(default_factory=Attributes)
    abstract: bool = False
    block: frozenset[str] = frozenset()


Type: TypeAlias = Simple | Complex
TypeUse: TypeAlias = Name | Simple | Complex
