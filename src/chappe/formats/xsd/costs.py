"""What compiling a schema would cost, told before the compiler sees it."""

from __future__ import annotations

from chappe.domain.errors import Malformed
from chappe.formats.fields import shortened
from chappe.formats.xsd import limits
from chappe.formats.xsd.components import (
    Complex,
    ElementParticle,
    Group,
    Particle,
    Simple,
    WildcardParticle,
    takes_nothing,
)
from chappe.formats.xsd.model import Model
from chappe.formats.xsd.patterns import Patience
from chappe.formats.xsd.values import values_of


def check_costs(model: Model) -> None:
    """Refuse a schema whose models multiply, or whose patterns may take more than linear time.

    Raises:
        Malformed: it is one.
    """
    _check_models(model)
    for simple in model.simples:
        values_of(model, simple)
    if len(model.patterns) > limits.MAX_PATTERNS:
        raise Malformed(f"dataschema: more than {limits.MAX_PATTERNS} patterns")
    patience = Patience()
    for pattern in model.patterns:
        patience.check(pattern)


def _check_models(model: Model) -> None:
    model.check_heads()
    costs = _Costs(model)
    particles = transitions = attributes = 0
    for type_ in model.complexes:
        content = model.content(type_)
        attributes += len(content.attributes)
        if attributes > limits.MAX_ATTRIBUTES:
            raise Malformed(
                f"dataschema: {_named(type_)}: more than {limits.MAX_ATTRIBUTES} attributes in all"
                " types (attribute groups and bases add up)"
            )
        if content.particle is None:
            continue
        particles += costs.particles(content.particle)
        if particles > limits.MAX_PARTICLES:
            raise Malformed(
                f"dataschema: {_named(type_)}: more than {limits.MAX_PARTICLES} elements in all"
                " content models (groups, bases and substitution groups multiply)"
            )
        transitions += costs.first(content.particle) ** 2 + costs.transitions(content.particle, 0)
        if transitions > limits.MAX_TRANSITIONS:
            raise Malformed(
                f"dataschema: {_named(type_)}: too many elements may follow each other (more than"
                f" {limits.MAX_TRANSITIONS} pairs); let fewer elements in a row be optional"
            )


class _Costs:
    def __init__(self, model: Model) -> None:
        self._model = model
        # By the parts of a group: those of a named one are the same wherever it is used.
        self._counts: dict[tuple[Particle, ...], int] = {}
        self._firsts: dict[tuple[Particle, ...], int] = {}

    def particles(self, particle: Particle) -> int:
        """How many elements and groups it has when all groups are put in."""
        match particle:
            case ElementParticle():
                return self._standing(particle)
            case WildcardParticle():
                return 1
            case Group(parts=parts):
                known = self._counts.get(parts)
                if known is None:
                    known = self._counts[parts] = 1 + sum(map(self.particles, parts))
                return known

    def _standing(self, particle: ElementParticle) -> int:
        if not isinstance(particle.element, str):
            return 1
        return max(len(self._model.standing(particle)), 1)

    def first(self, particle: Particle) -> int:
        """How many elements it can begin with."""
        match particle:
            case ElementParticle():
                return self._standing(particle)
            case WildcardParticle(wildcard=wildcard):
                return max(len(wildcard.namespaces), 1)
            case Group(kind=kind, parts=parts):
                known = self._firsts.get(parts)
                if known is None:
                    known = 0
                    for part in parts:
                        known += self.first(part)
                        if kind == "sequence" and not takes_nothing(part):
                            break
                    self._firsts[parts] = known
                return known

    def transitions(self, particle: Particle, after: int) -> int:
        """Pairs of elements that may follow the same place; `after` may follow the particle."""
        if particle.most != 1:
            after += self.first(particle)
        match particle:
            case Group(kind="sequence", parts=parts):
                total = 0
                for part in reversed(parts):
                    total += after**2 + self.transitions(part, after)
                    if total > limits.MAX_TRANSITIONS:
                        break
                    after = self.first(part) + (after if takes_nothing(part) else 0)
                return total
            case Group(parts=parts):
                total = after**2
                for part in parts:
                    total += self.transitions(part, after)
                    if total > limits.MAX_TRANSITIONS:
                        break
                return total
            case _:
                # Its end is counted where it stands; a loop is a place of its own.
                return after**2 if particle.most != 1 else 0


def _named(type_: Complex | Simple) -> str:
    return f"the type {shortened(type_.name)}" if type_.name else "a type without a name"
