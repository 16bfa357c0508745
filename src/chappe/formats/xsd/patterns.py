"""Patterns (XSD 1.0 part 2, appendix F) that the checker may run: those it cannot lose its way in.

libxml2 matches by trying one way after the other: `.*foo.*bar` takes 0.25 s for a text of 6,000
characters. How many ways there are at a time is a property of the pattern. All sets of ways that any
text can lead to are walked here; a pattern with more than 16 at a time, or with too many such sets, is
refused. What is left is matched in linear time.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Final, TypeAlias

from chappe.domain.errors import Malformed
from chappe.formats.fields import shortened
from chappe.formats.xsd import limits
from chappe.formats.xsd.character_sets import (
    MAX_CHARACTER,
    NAMED,
    Ranges,
    category,
    complement,
    difference,
    of,
    union,
)

MAX_WAYS: Final = 16
"""Ways that may be open at a time."""

MAX_STEPS: Final = 40_000
"""Steps of the walk through one schema's patterns; some 1 µs each."""

_MAX_POSITIONS: Final = 300
_MAX_DEPTH: Final = 30
# Counts that are written out: as many as leave room for the others.
_LONGEST: Final = (300, 100, 30, 10, 3)
_COUNT = re.compile(r"\{([0-9]{1,9})(,([0-9]{1,9})?)?\}")
_ESCAPED: Final = {"n": "\n", "r": "\r", "t": "\t"}
_GROUP_ENDS: Final = (")", ")*", ")+")
_LITERAL: Final = frozenset("\\|.-^?*+{}()[]$")


@dataclass(frozen=True, slots=True)
class Characters:
    """One character of a set."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of them."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`least` to `most` times; None is without end."""

    part: Node
    least: int
    most: int | None


Node: TypeAlias = Characters | Sequence | Choice | Repeat


class BadPattern(Exception):
    """The pattern is none; the message tells why."""


class Patience:
    """How many steps may be spent on the patterns of one schema."""

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self._steps = steps
        self._known: set[str] = set()

    def check(self, pattern: str) -> None:
        """Refuse a pattern that may take more than linear time.

        Raises:
            Malformed: it may, or it is too long, or no pattern.
        """
        if pattern in self._known:
            return
        self._known.add(pattern)
        what = f"dataschema: the pattern {shortened(pattern)}"
        if len(pattern) > limits.MAX_PATTERN:
            raise Malformed(
                f"{what}: {len(pattern)} characters; at most {limits.MAX_PATTERN} are possible"
            )
        try:
            node = parse(pattern)
            self._steps -= walk(node, self._steps)
        except BadPattern as exc:
            raise Malformed(f"{what}: {exc}") from None


def parse(pattern: str) -> Node:
    """The pattern as a tree.

    Raises:
        BadPattern: it is none, or nested too deeply.
    """
    parser = _Parser(pattern)
    node = parser.choice(0)
    if parser.at < len(pattern):
        raise BadPattern(f"{pattern[parser.at]!r} at {parser.at} closes nothing")
    return node


def harmless(pattern: str) -> str:
    """The same pattern, written so that libxml2 matches it right.

    Where the first of several alternatives ends with a repeated group, as in `b(a)+|c(d)+`, libxml2
    lets the others go on into its loop: it takes "cda", and some texts in quadratic time. An empty
    piece after the group, `b(a)+x{0}|c(d)+`, gives the loop an end of its own. And it counts only what
    is there: `(a?){2}` refuses "a", its equal `(a?){0,2}` does not.
    """
    parser = _Parser(pattern)
    parser.choice(0)
    for start, end, text in sorted(parser.repairs, reverse=True):
        pattern = f"{pattern[:start]}{text}{pattern[end:]}"
    return pattern


def _matches_nothing(node: Node) -> bool:
    """Whether the empty text matches."""
    match node:
        case Characters():
            return False
        case Sequence(parts):
            return all(map(_matches_nothing, parts))
        case Choice(parts):
            return any(map(_matches_nothing, parts))
        case Repeat(part, least, _):
            return least == 0 or _matches_nothing(part)


def walk(node: Node, steps: int) -> int:
    """Go through all sets of ways that a text can lead to; how many steps it took.

    Counts are taken for loops first, which is less work and leads more ways; written out where that
    is too many.

    Raises:
        BadPattern: more than 16 ways can be open at a time, or it takes too many steps to tell.
    """
    try:
        return _walk(node, steps // 4, 0)
    except BadPattern:
        fitting = (each for each in _LONGEST if _size(node, each) <= _MAX_POSITIONS)
        longest = next(fitting, 0)
        if longest == 0:
            raise
    return steps // 4 + _walk(node, steps - steps // 4, longest)


def _walk(node: Node, steps: int, longest: int) -> int:
    automaton = _Automaton()
    if _size(node, longest) > limits.MAX_PATTERN:
        raise BadPattern("it is too large")
    first, _, _ = automaton.build(node, longest)
    classes = _classes(automaton.sets)
    takes = [
        [index for index, low in enumerate(classes) if _holds(ranges, low)]
        for ranges in automaton.sets
    ]
    spent = len(classes) * len(takes) // 4
    # How many ways lead to each place; the start is outside of all places.
    start: dict[int, int] = {}
    for each in first:
        start[each] = start.get(each, 0) + 1
    states = [start]
    seen = {frozenset(start.items())}
    while states:
        ways = states.pop()
        by_class: dict[int, dict[int, int]] = {}
        # `ways` are the places a next character may be taken at; those that take it lead on.
        for place, count in ways.items():
            for index in takes[place]:
                onward = by_class.setdefault(index, {})
                spent += 1 + len(automaton.follow[place])
                for each in automaton.follow[place]:
                    onward[each] = onward.get(each, 0) + count
            if spent > steps:
                raise BadPattern(
                    "it takes too long to tell that it is matched in linear time; write it with"
                    " fewer optional parts"
                )
        for index, onward in by_class.items():
            taken = sum(count for place, count in ways.items() if index in takes[place])
            if taken > MAX_WAYS:
                raise BadPattern(
                    f"a text can match it in more than {MAX_WAYS} ways at a time, so matching may"
                    " take more than linear time; let neighbouring repetitions begin with different"
                    " characters, as in [^@]+@[^@]+"
                )
            key = frozenset(onward.items())
            if key not in seen:
                seen.add(key)
                states.append(onward)
    return spent


class _Automaton:
    """Glushkov's: a place for each character set; `follow` lists a place once for each way to it."""

    def __init__(self) -> None:
        self.sets: list[Ranges] = []
        self.follow: list[list[int]] = []

    def build(self, node: Node, longest: int) -> tuple[list[int], list[int], bool]:
        """First places, last places, and whether it matches no text."""
        match node:
            case Characters(ranges):
                self.sets.append(ranges)
                self.follow.append([])
                return [len(self.sets) - 1], [len(self.sets) - 1], False
            case Sequence(parts):
                return self._sequence([self.build(part, longest) for part in parts])
            case Choice(parts):
                built = [self.build(part, longest) for part in parts]
                return (
                    [each for first, _, _ in built for each in first],
                    [each for _, last, _ in built for each in last],
                    any(empty for _, _, empty in built),
                )
            case Repeat(part, least, most):
                return self._repeat(part, least, most, longest)

    def _repeat(
        self, part: Node, least: int, most: int | None, longest: int
    ) -> tuple[list[int], list[int], bool]:
        """Counts up to `longest` are written out, x{2,4} as xx(x(x)?)?; longer ones are a loop."""
        first, last, nothing = self.build(part, longest)
        written = _written(least, most, longest)
        if written is None:
            if most is None or most > 1:
                self._link(last, first)
            return first, last, nothing or least == 0
        if nothing:
            copies = [(first, last, True)]
            copies += (self.build(part, longest) for _ in range(written - 1))
            if most is None:
                self._link(copies[-1][1], copies[-1][0])
            return self._sequence(copies)
        lasts = list(last) if least <= 1 else []
        end, begin = last, first
        for number in range(2, written + 1):
            begin, after, _ = self.build(part, longest)
            self._link(end, begin)
            end = after
            if number >= least:
                lasts += end
        if most is None:
            self._link(end, begin)
        return first, lasts, least == 0

    def _sequence(
        self, parts: list[tuple[list[int], list[int], bool]]
    ) -> tuple[list[int], list[int], bool]:
        firsts: list[int] = []
        lasts: list[int] = []
        empty = True
        for first, last, nothing in parts:
            self._link(lasts, first)
            if empty:
                firsts = firsts + first
            lasts = lasts + last if nothing else last
            empty = empty and nothing
        return firsts, lasts, empty

    def _link(self, lasts: list[int], firsts: list[int]) -> None:
        for each in lasts:
            self.follow[each].extend(firsts)
            if len(self.follow[each]) > 4 * _MAX_POSITIONS:
                raise BadPattern("it has too many optional parts in a row")


def _size(node: Node, longest: int) -> int:
    """How many places it has when counts up to `longest` are written out."""
    match node:
        case Characters():
            return 1
        case Sequence(parts) | Choice(parts):
            return sum(_size(part, longest) for part in parts)
        case Repeat(part, least, most):
            return _size(part, longest) * (_written(least, most, longest) or 1)


def _written(least: int, most: int | None, longest: int) -> int | None:
    """How often a repeated part is written out; None: it is a loop (x{0} is one too: nothing is lost)."""
    copies = max(least, 1) if most is None else most
    return copies if 1 <= copies <= longest else None


def _classes(sets: list[Ranges]) -> list[int]:
    """One character for each class of characters that no set tells apart."""
    edges = {0}
    for ranges in set(sets):
        for low, high in ranges:
            edges.add(low)
            edges.add(high + 1)
    edges.discard(MAX_CHARACTER + 1)
    if len(edges) > 2_000:
        raise BadPattern("it tells too many characters apart")
    # Classes that the same sets hold are one class; a few remain of hundreds of edges.
    found: dict[frozenset[Ranges], int] = {}
    different = list(set(sets))
    for edge in sorted(edges):
        found.setdefault(frozenset(each for each in different if _holds(each, edge)), edge)
    return list(found.values())


def _holds(ranges: Ranges, code: int) -> bool:
    at = bisect_right(ranges, (code, MAX_CHARACTER)) - 1
    return at >= 0 and code <= ranges[at][1]


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.repairs: list[tuple[int, int, str]] = []
        """What `harmless` writes anew: from, to, and the text."""

    def choice(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise BadPattern(f"nested more than {_MAX_DEPTH} deep")
        begin = self.at
        parts = [self._sequence(depth)]
        if self.text.startswith("|", self.at) and self.text[begin : self.at].endswith(_GROUP_ENDS):
            self.repairs.append((self.at, self.at, "x{0}"))
        while self._take("|"):
            parts.append(self._sequence(depth))
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def _sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self._quantified(self._atom(depth)))
        return Sequence(tuple(parts))

    def _quantified(self, node: Node) -> Node:
        if self._take("?"):
            return Repeat(node, 0, 1)
        if self._take("*"):
            return Repeat(node, 0, None)
        if self._take("+"):
            return Repeat(node, 1, None)
        if self.text[self.at : self.at + 1] != "{":
            return node
        found = _COUNT.match(self.text, self.at)
        if found is None:
            raise BadPattern(f"'{{' at {self.at} begins no count such as {{2,5}}")
        self.at = found.end()
        least = int(found[1])
        most = (int(found[3]) if found[3] else None) if found[2] else least
        if most is not None and most < least:
            raise BadPattern(f"the count {found[0]} ends before it begins")
        if least and _matches_nothing(node):
            self.repairs.append(
                (found.start(), found.end(), f"{{0,{'' if most is None else most}}}")
            )
        return Repeat(node, least, most)

    def _atom(self, depth: int) -> Node:
        character = self.text[self.at]
        self.at += 1
        match character:
            case "(":
                node = self.choice(depth + 1)
                if not self._take(")"):
                    raise BadPattern("'(' is not closed")
                return node
            case "[":
                return Characters(self._class(depth))
            case "\\":
                return Characters(self._escape())
            case ".":
                return Characters(NAMED["."])
            case "?" | "*" | "+" | "{" | "}" | "]":
                raise BadPattern(
                    f"{character!r} at {self.at - 1} must be escaped, or repeats nothing"
                )
            case _:
                return Characters(of(character))

    def _escape(self) -> Ranges:
        character = self._next()
        if character in ("p", "P"):
            end = self.text.find("}", self.at)
            if self.text[self.at : self.at + 1] != "{" or end < 0:
                raise BadPattern(f"'\\{character}' needs a category such as \\p{{L}}")
            name = self.text[self.at + 1 : end]
            self.at = end + 1
            if re.fullmatch(r"[A-Z][a-z]?|Is[A-Za-z0-9-]+", name) is None:
                raise BadPattern(f"{shortened(name)} is no category of characters")
            return category(name, negated=character == "P")
        if character in NAMED and character != ".":
            return NAMED[character]
        if character in _LITERAL or character in _ESCAPED:
            return of(_ESCAPED.get(character, character))
        raise BadPattern(f"'\\{character}' is no escape of XSD patterns")

    def _class(self, depth: int) -> Ranges:
        r"""A character class after its "[": [a-z-[aeiou]], [^\d]."""
        if depth > _MAX_DEPTH:
            raise BadPattern(f"nested more than {_MAX_DEPTH} deep")
        negated = self._take("^")
        parts: list[Ranges] = []
        begun = True
        while True:
            if not begun and self._take("]"):
                found = union(*parts)
                return complement(found) if negated else found
            if not begun and self.text.startswith("-[", self.at):
                self.at += 2
                without = self._class(depth + 1)
                if not self._take("]"):
                    raise BadPattern("a subtraction must end its character class")
                found = union(*parts)
                return difference(complement(found) if negated else found, without)
            begun = False
            low = self._one()
            single = low[0][0] if len(low) == 1 and low[0][0] == low[0][1] else None
            follows = self.text[self.at : self.at + 2]
            if (
                single is not None
                and len(follows) == 2
                and follows[0] == "-"
                and follows[1] not in "[]"
            ):
                self.at += 1
                high = self._one()
                if len(high) != 1 or high[0][0] != high[0][1] or high[0][0] < single:
                    raise BadPattern(f"a range at {self.at} has no end, or ends before it begins")
                parts.append(((single, high[0][0]),))
            else:
                parts.append(low)

    def _one(self) -> Ranges:
        character = self._next()
        if character == "\\":
            return self._escape()
        if character == "[":
            raise BadPattern("'[' within a character class must be escaped")
        return of(character)

    def _next(self) -> str:
        if self.at >= len(self.text):
            raise BadPattern("it ends too early")
        self.at += 1
        return self.text[self.at - 1]

    def _take(self, character: str) -> bool:
        if self.text.startswith(character, self.at):
            self.at += 1
            return True
        return False
