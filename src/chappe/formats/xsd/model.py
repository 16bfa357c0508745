"""What types come to with their bases, and what elements may stand for others.

Nothing is worked out before it is asked for; what is asked for twice is the same object. All walks are
bounded: a chain of types that is too long, or a cycle, ends with an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chappe.domain.errors import Malformed
from chappe.formats.fields import shortened
from chappe.formats.xsd import limits
from chappe.formats.xsd.components import (
    ANY_SIMPLE_TYPE,
    ANY_TYPE,
    Attribute,
    Complex,
    Element,
    ElementParticle,
    Name,
    Particle,
    Simple,
    Type,
    TypeUse,
    Wildcard,
    WildcardParticle,
    group,
)
from chappe.formats.xsd.documents import Document
from chappe.formats.xsd.reading import Reader

if TYPE_CHECKING:
    from chappe.formats.xsd.values import Values

_ANY: Wildcard = Wildcard(frozenset(), negated=True, process="lax")


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """A complex type with all that it has from its bases."""

    simple: tuple[Simple, ...] = ()
    """The restrictions of simple content, the last one first."""
    base: TypeUse | None = None
    """What the first of those restrictions restricts; None where there are elements."""
    particle: Particle | None = None
    mixed: bool = False
    attributes: Mapping[Name, Attribute] = field(default_factory=dict)
    wildcard: Wildcard | None = None

    @property
    def is_simple(self) -> bool:
        """Whether it has text of a simple type and no elements."""
        return self.base is not None


_ANY_CONTENT = Content(particle=WildcardParticle(0, None, _ANY), mixed=True, wildcard=_ANY)


class Model:
    """All components of one schema."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._reader = Reader(documents)
        self._contents: dict[int, Content] = {}
        self.values: dict[Simple, Values] = {}
        """What `values.values_of` has worked out."""
        self.types: Mapping[Name, Type] = {
            name: found
            for name in self._reader.names("type")
            if (found := self._reader.type(name)) is not None
        }
        self.elements: Mapping[Name, Element] = {
            name: element
            for name in self._reader.names("element")
            if (element := self._reader.element(name)) is not None
        }
        self.attributes: Mapping[Name, Attribute] = {
            name: attribute
            for name in self._reader.names("attribute")
            if (attribute := self._reader.attribute(name)) is not None
        }
        # What nothing uses is compiled nevertheless, so it counts.
        for name in self._reader.names("group"):
            self._reader.group(name)
        for name in self._reader.names("attributeGroup"):
            self._reader.attribute_group(name)
        self._members: dict[Name, list[Name]] = {}
        for name, element in self.elements.items():
            if element.head is not None:
                self._members.setdefault(element.head, []).append(name)
        self._standing: dict[Name, tuple[Element, ...]] = {}
        self._derived: dict[Name, list[Name]] = {}
        for name, each in self.types.items():
            if isinstance(each, Complex) and isinstance(each.base, str) and each.base != name:
                self._derived.setdefault(each.base, []).append(name)

    @property
    def patterns(self) -> Sequence[str]:
        """All patterns of the schema."""
        return self._reader.patterns

    @property
    def complexes(self) -> Sequence[Complex]:
        """All complex types, those without a name among them."""
        return self._reader.complexes

    @property
    def declared(self) -> Sequence[Element]:
        """All elements that are declared, those within types among them."""
        return self._reader.declared

    @property
    def simples(self) -> Sequence[Simple]:
        """All simple types, those without a name among them."""
        return self._reader.simples

    def named(self, use: TypeUse) -> Simple | Complex | Name:
        """The type that is used; the name where it is built in."""
        if isinstance(use, str):
            found = self._reader.type(use)
            return use if found is None else found
        return use

    def check_heads(self) -> None:
        """Refuse chains of substitution groups that are long; the compiler walks each from its end.

        Raises:
            Malformed: there is one.
        """
        waiting = [(name, 0) for name, each in self.elements.items() if each.head is None]
        while waiting:
            name, depth = waiting.pop()
            if depth > limits.MAX_CHAIN:
                raise Malformed(
                    f"dataschema: the element {shortened(name)}: substitution groups are chained"
                    f" more than {limits.MAX_CHAIN} deep"
                )
            waiting.extend((each, depth + 1) for each in self._members.get(name, ()))

    def type_of(self, element: Element) -> TypeUse:
        """An element's type, through the heads of its substitution groups."""
        for _ in range(limits.MAX_CHAIN):
            if element.type is not None:
                return element.type
            above = self.elements.get(element.head) if element.head is not None else None
            if above is None:
                return ANY_TYPE
            element = above
        raise Malformed(
            f"dataschema: the element {shortened(element.name)}: substitution groups are chained"
            f" more than {limits.MAX_CHAIN} deep"
        )

    def declaration(self, particle: ElementParticle) -> Element:
        """The element that a particle stands for."""
        if not isinstance(particle.element, str):
            return particle.element
        found = self.elements.get(particle.element)
        if found is None:
            raise Malformed(
                f"dataschema: the element {shortened(particle.element)} is not declared"
            )
        return found

    def standing(self, particle: ElementParticle) -> Sequence[Element]:
        """All elements that may stand at a particle: itself, and what may substitute it."""
        own = self.declaration(particle)
        if not isinstance(particle.element, str) or own.name not in self._members:
            return () if own.abstract else (own,)
        if own.name not in self._standing:
            self._standing[own.name] = self._substitutes(own)
        return self._standing[own.name]

    def _substitutes(self, own: Element) -> tuple[Element, ...]:
        found: dict[Name, Element] = {own.name: own}
        waiting = [] if "substitution" in own.block else [own.name]
        while waiting:
            for name in self._members.get(waiting.pop(), ()):
                if name not in found:
                    found[name] = self.elements[name]
                    waiting.append(name)
        return tuple(each for each in found.values() if not each.abstract)

    def derived(self, name: Name) -> Sequence[Name]:
        """The complex types that name this one as their base."""
        return self._derived.get(name, ())

    def content(self, use: Complex | Name) -> Content:
        """What a complex type comes to; a name is that of the type of all types."""
        chain: list[Complex] = []
        at: TypeUse = use
        while isinstance(at := self.named(at), Complex) and id(at) not in self._contents:
            chain.append(at)
            if len(chain) > limits.MAX_CHAIN:
                raise Malformed(
                    f"dataschema: the type {shortened(at.name)}: types are derived from each other"
                    f" more than {limits.MAX_CHAIN} deep"
                )
            at = at.base
        content: Content | None = None
        if isinstance(at, Complex):
            content = self._contents[id(at)]
        elif at == ANY_TYPE:
            content = _ANY_CONTENT
        for each in reversed(chain):
            content = self._contents[id(each)] = _derive(each, content)
        return content or _ANY_CONTENT


def _derive(type_: Complex, base: Content | None) -> Content:
    """A type on top of what its base comes to; None: the base is a simple type."""
    own = type_.attributes
    above = base if base is not None else Content()
    if base is _ANY_CONTENT and type_.derivation == "restriction":
        above = Content()
    attributes = {**above.attributes, **own.uses}
    attributes = {name: each for name, each in attributes.items() if not each.prohibited}
    wildcard = own.wildcard
    if type_.derivation == "extension":
        wildcard = _either(above.wildcard, own.wildcard)
    if type_.is_simple:
        steps = above.simple
        bottom: TypeUse = type_.base
        if base is not None:
            bottom = base.base if base.base is not None else ANY_SIMPLE_TYPE
        if type_.simple is not None:
            if type_.simple.base is not None and type_.simple.base != type_.base:
                bottom, steps = type_.simple.base, ()
            steps = (type_.simple, *steps)
        return Content(steps, bottom, None, mixed=False, attributes=attributes, wildcard=wildcard)
    particle, mixed = type_.particle, type_.mixed
    if type_.derivation == "extension":
        mixed = mixed or (above.mixed and particle is None)
        parts = tuple(each for each in (above.particle, particle) if each is not None)
        particle = parts[0] if len(parts) == 1 else None
        if len(parts) > 1:
            particle = group(1, 1, "sequence", parts)
    return Content((), None, particle, mixed=mixed, attributes=attributes, wildcard=wildcard)


def _either(one: Wildcard | None, other: Wildcard | None) -> Wildcard | None:
    """What one or the other takes (XSD 1.0 part 1, 3.10.6), with the own one's processing."""
    if one is None or other is None:
        return one or other
    if one.negated and other.negated:
        return Wildcard(one.namespaces & other.namespaces, negated=True, process=other.process)
    if not one.negated and not other.negated:
        return Wildcard(one.namespaces | other.namespaces, negated=False, process=other.process)
    takes, refuses = (other, one) if one.negated else (one, other)
    return Wildcard(refuses.namespaces - takes.namespaces, negated=True, process=other.process)
