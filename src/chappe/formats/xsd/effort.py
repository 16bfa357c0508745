"""What checking one payload would cost, told before it is checked.

libxml2 compares a value with all enumerated ones and all member types, one after the other, and carries
the keys of nested scopes upwards, each compared with each: 67 KB of nested keys took 68 s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from chappe.formats.xsd.components import local
from chappe.formats.xsd.model import Model
from chappe.formats.xsd.values import Values, values_of
from chappe.formats.xsd.xml_text import Element

MAX_COMPARISONS: Final = 20_000_000
"""Values times what each is compared with; some 30 ns each."""

MAX_SELECTIONS: Final = 200_000
"""Elements looked at for identity constraints, once for each scope; some 1 µs each."""

MAX_CARRIED: Final = 4_000_000
"""Pairs of keys that are compared when they are carried up from nested scopes; some 40 ns each."""

LIGHT: Final = 200
"""Up to this nothing is counted."""

_FEW: Final = 200


@dataclass(frozen=True, slots=True)
class Effort:
    """What a schema asks for each value, and which elements have identity constraints."""

    heaviest: int = 1
    """How many values or types the dearest simple type compares a value with."""
    lists: bool = False
    """Whether it is the item of a list: each word is a value."""
    scopes: Mapping[str, int] = field(default_factory=dict)
    """How many identity constraints elements of a local name have."""
    carries: bool = False
    """Whether there is a keyref: keys are carried up to it."""

    def refusal(self, data: bytes, root: Element) -> str | None:
        """Why the payload would take too long; None when it does not."""
        tags = data.count(b"<")
        if self.heaviest > LIGHT:
            values = tags + data.count(b"=")
            if self.lists:
                values += sum(map(data.count, (b" ", b"\n", b"\t", b"\r")))
            if values * self.heaviest > MAX_COMPARISONS:
                return (
                    f"{values} values, each to be compared with up to {self.heaviest} of its type;"
                    f" at most {MAX_COMPARISONS} comparisons are made"
                )
        if self.scopes and tags > _FEW:
            return self._selections(root)
        return None

    def _selections(self, root: Element) -> str | None:
        selections = carried = open_ = 0
        sizes: list[tuple[int, int]] = []
        nodes = 0
        for event, node in etree.iterwalk(root, events=("start", "end")):
            count = self.scopes.get(str(node.tag).rpartition("}")[2], 0)
            if event == "start":
                nodes += 1
                open_ += count
                selections += open_
                if count:
                    sizes.append((count, nodes))
            elif count:
                open_ -= count
                _, start = sizes.pop()
                if self.carries and sizes:
                    carried += (nodes - start + 1) ** 2
            if selections > MAX_SELECTIONS or carried > MAX_CARRIED:
                return (
                    "its identity constraints would look at too many elements: at most"
                    f" {MAX_SELECTIONS}, and {MAX_CARRIED} pairs of keys within others, are looked at"
                )
        return None


def effort_of(model: Model) -> Effort:
    """What checking payloads of a schema takes."""
    heaviest, lists = 1, False
    for simple in model.simples:
        values = values_of(model, simple)
        weight = _weight(values)
        heaviest = max(heaviest, weight)
        if values.variety == "list" and weight > LIGHT:
            lists = True
    scopes: dict[str, int] = {}
    carries = False
    for element in model.declared:
        if element.constraints:
            name = local(element.name)
            scopes[name] = scopes.get(name, 0) + len(element.constraints)
            carries = carries or any(
                each.startswith("keyref") for each in element.constraints.values()
            )
    return Effort(heaviest, lists, scopes, carries)


def _weight(values: Values) -> int:
    own = len(values.enumeration or ()) + len(values.patterns)
    if values.item is not None:
        own += _weight(values.item)
    # Members are bounded (limits.MAX_MEMBERS), and so is their depth.
    return 1 + own + sum(map(_weight, values.members))
