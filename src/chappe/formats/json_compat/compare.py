"""Two schemas compared: every pair of subschemas once, circles to a fixpoint, in bounded time."""

from __future__ import annotations

from typing import Final

from chappe.formats.json_compat.arrays import compare_arrays
from chappe.formats.json_compat.changes import NO_CHANGE, Comparison, Found, Outcome
from chappe.formats.json_compat.combined import compare_combined, compare_with_one
from chappe.formats.json_compat.objects import compare_objects
from chappe.formats.json_compat.patterns import Patterns
from chappe.formats.json_compat.reading import Shapes
from chappe.formats.json_compat.scalars import (
    compare_constant,
    compare_number,
    compare_text,
    compare_values,
)
from chappe.formats.json_compat.shapes import (
    Anything,
    Array,
    Combined,
    Constant,
    Negation,
    Nothing,
    Number,
    Object,
    Reference,
    Shape,
    Simple,
    Text,
    Values,
    kind_name,
    resolved,
)

MAX_STEPS: Final = 20_000
"""A step takes some 5 µs. Four more are allowed for each subschema: what is large may take longer, but
not what multiplies."""

_Key = tuple[int, int]


class TooCostly(Exception):
    """The comparison took more steps than it may."""


def compare(
    old: Shapes, new: Shapes, harmless: frozenset[str], *, max_steps: int = MAX_STEPS
) -> Outcome:
    """What changed from `old` to `new`, and whether all of it is among the `harmless` rules.

    Raises:
        TooCostly: it takes more than `max_steps` (pairs that were asked for, and changes told) and four for
            each subschema.
    """
    pass_ = _Comparing(old, new, harmless, max_steps + 4 * (old.size + new.size))
    while True:
        outcome = pass_.run()
        # A pair that is reached again while it is compared is taken to be compatible. Where it turns
        # out not to be, others may rest on the mistake: they are compared again, knowing it.
        if not pass_.learned():
            return outcome


class _Comparing:
    def __init__(self, old: Shapes, new: Shapes, harmless: frozenset[str], max_steps: int) -> None:
        self._sides = (old, new)
        self._harmless = harmless
        self._steps = max_steps
        self._patterns = Patterns()
        self._done: dict[_Key, Outcome] = {}
        self._bad: dict[_Key, Outcome] = {}
        self._open: set[_Key] = set()
        self._assumed = False

    def run(self) -> Outcome:
        """One pass over all pairs."""
        self._done.clear()
        self._assumed = False
        return self._pair(self._sides[0].root(), self._sides[1].root())

    def learned(self) -> bool:
        """Whether the pass found pairs incompatible that it did not know of and had to guess about."""
        bad = {key: outcome for key, outcome in self._done.items() if not outcome.compatible}
        learned = self._assumed and not bad.keys() <= self._bad.keys()
        self._bad |= bad
        return learned

    def _pair(self, old: Shape, new: Shape) -> Outcome:
        """Compare a pair and all that it asks for, with a stack of its own."""
        stack: list[tuple[_Key, Found, Comparison]] = []
        answer = self._ask(old, new, stack)
        while stack:
            key, found, comparison = stack[-1]
            try:
                asked = comparison.send(answer) if answer is not None else next(comparison)
            except StopIteration:
                stack.pop()
                self._open.discard(key)
                answer = self._done[key] = found.outcome()
                self._spend(len(answer.changes))
                continue
            if isinstance(asked, int):
                self._spend(asked)
                answer = NO_CHANGE
            else:
                answer = self._ask(*asked, stack)
        assert answer is not None
        return answer

    def _ask(
        self, old: Shape, new: Shape, stack: list[tuple[_Key, Found, Comparison]]
    ) -> Outcome | None:
        """The outcome of a pair, if it is known; else None, and its comparison is on the stack."""
        self._spend(1)
        old, new = resolved(old), resolved(new)
        key = (id(old), id(new))
        if key in self._done:
            return self._done[key]
        if key in self._open:
            if key in self._bad:
                return self._bad[key]
            self._assumed = True
            return NO_CHANGE
        self._open.add(key)
        found = Found(self._harmless)
        stack.append((key, found, self._rules(found, old, new)))
        return None

    def _spend(self, steps: int) -> None:
        self._steps -= steps
        if self._steps < 0:
            raise TooCostly

    def _rules(self, found: Found, old: Shape, new: Shape) -> Comparison:
        """The rules for a pair of this kind."""
        yield from compare_with_one(found, old, new)
        if found.settled:
            return
        if type(old) is not type(new) or not _same_type(old, new):
            free = isinstance(old, Nothing) or isinstance(new, Anything)
            # Two ways to write Kafka Connect's bytes (a decimal as text or as number) are one.
            if not free and not (old.about.connect_bytes and new.about.connect_bytes):
                found.add("TYPE_CHANGED", old=kind_name(old), new=kind_name(new))
            return
        self._compare_about(found, old, new)
        match old, new:
            case Text(), Text():
                compare_text(found, old, new)
            case Number(), Number():
                compare_number(found, old, new)
            case Values(), Values():
                compare_values(found, old, new)
            case Constant(), Constant():
                compare_constant(found, old, new)
            case Object(), Object():
                yield from compare_objects(found, old, new, self._patterns)
            case Array(), Array():
                yield from compare_arrays(found, old, new)
            case Combined(), Combined():
                yield from compare_combined(found, old, new)
            case Negation(), Negation():
                # What is forbidden may only shrink: the pair is compared the other way round.
                outcome = yield new.inner, old.inner
                end = "NARROWED" if outcome.compatible else "EXTENDED"
                found.add(f"NOT_TYPE_{end}", "not", old=old.inner, new=new.inner)
            case _:
                return

    def _compare_about(self, found: Found, old: Shape, new: Shape) -> None:
        was, is_ = old.about, new.about
        for name in ("id", "title", "description", "default"):
            before, after = getattr(was, name), getattr(is_, name)
            if before != after:
                found.add(f"{name.upper()}_CHANGED", old=before or "", new=after or "")


def _same_type(old: Shape, new: Shape) -> bool:
    match old, new:
        case Simple(type=before), Simple(type=after):
            return before == after
        case Reference(text=before), Reference(text=after):
            return before == after
        case _:
            return True
