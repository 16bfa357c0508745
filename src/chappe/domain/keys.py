"""What an event must have to reach a subscription: the keys under which an index finds it.

types {"a", "b"}                       -> Keys({type is a, type is b})
{"sql": "subject LIKE 'eu-%' AND hop < 5"}  -> Keys({subject starts eu-}), Keys({hop set})
{"any": [{"exact": …}, {"suffix": …}]}      -> Keys({… is …, … ends …})

An event that passes has at least one key of each `Keys`; so any one of them will do for an index, and
the one that fewest others share is best.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

from chappe.domain.cesql import tree
from chappe.domain.cesql.like import pattern
from chappe.domain.cesql.values import REQUIRED, Faulty, cast, to_text
from chappe.domain.filters import All, AnyOf, Exact, Filter, Not, Prefix, Sql, Suffix
from chappe.domain.subscription import Subscription

Test: TypeAlias = Literal["is", "starts", "ends", "set"]
Part: TypeAlias = Literal["types", "source", "filter"]

MAX_AFFIX: Final = 64
"""So much of a prefix or suffix is a key, so that an index looks up no more lengths than that."""
_MAX_KEYS: Final = 1024


class Key(NamedTuple):
    """A test of an attribute's canonical string; "set" has no value: the attribute is there."""

    test: Test
    attribute: str
    value: str = ""

    @property
    def weight(self) -> float:
        """How many events it is likely to let through, where nothing else is known; "is" gives 1."""
        return _OF_ATTRIBUTE.get(self.attribute, 1.0) * _of_test(self)


class Keys(NamedTuple):
    """One of the keys is needed; `whole`: one of them is all that the part of the subscription asks."""

    part: Part
    keys: frozenset[Key]
    whole: bool

    @property
    def may_hit_twice(self) -> bool:
        """Whether one event can have several of the keys."""
        first = next(iter(self.keys))
        return any(key.test != "is" or key.attribute != first.attribute for key in self.keys) and (
            len(self.keys) > 1
        )


_OF_ATTRIBUTE: Final = {
    "id": 0.5,
    "source": 1.5,
    "type": 2.0,
    "datacontenttype": 16.0,
    "dataschema": 8.0,
    "specversion": 1024.0,
}


def _of_test(key: Key) -> float:
    match key.test:
        case "is":
            return 1.0
        case "starts" | "ends":
            return 2.0 if len(key.value) >= 8 else 4.0 if len(key.value) >= 4 else 16.0
        case "set":
            return 32.0


@dataclass(frozen=True, slots=True)
class _Found:
    keys: frozenset[Key]
    whole: bool = False


def keys_of(subscription: Subscription) -> list[Keys]:
    """Every choice of keys that a subscription gives; none where any event may pass."""
    found: list[Keys] = []
    if subscription.types:
        types = frozenset(Key("is", "type", one) for one in subscription.types)
        found.append(Keys("types", types, whole=True))
    if subscription.source is not None:
        source = frozenset({Key("is", "source", subscription.source)})
        found.append(Keys("source", source, whole=True))
    return [*found, *(Keys("filter", one.keys, one.whole) for one in _of(subscription.filter))]


def _of(filter_: Filter) -> Sequence[_Found]:
    match filter_:
        case Exact(attribute, value):
            return [_Found(frozenset({Key("is", attribute, value)}), whole=True)]
        case Prefix(attribute, value):
            return [_affix("starts", attribute, value)]
        case Suffix(attribute, value):
            return [_affix("ends", attribute, value)]
        case All((only,)):
            return _of(only)
        case All(parts):
            return [_Found(found.keys) for part in parts for found in _of(part)]
        case AnyOf(parts):
            return _either([_of(part) for part in parts])
        case Not():
            return []
        case Sql(_, expression):
            return _of_sql(expression)


def _of_sql(node: tree.Expression) -> Sequence[_Found]:
    """The node is TRUE, and so has no error."""
    match node:
        case tree.Conjunction(parts):
            return [_Found(found.keys) for part in parts for found in _of_sql(part)]
        case tree.Disjunction(parts):
            # Not the whole: what stands first may have an error, and then the event does not pass.
            either = _either([_of_sql(part) for part in parts])
            return [_Found(found.keys) for found in either] + _read(parts[0])
        case tree.Exists(name):
            return [] if name in REQUIRED else [_Found(frozenset({Key("set", name)}), whole=True)]
        case tree.Comparison("=", tree.Attribute(name), tree.Literal(str(value))):
            return [_Found(frozenset({Key("is", name, value)}), whole=True)]
        case tree.Comparison("=", tree.Literal(value), tree.Attribute(name)):
            return [_among(name, [value])]
        case tree.In(tree.Attribute(name), items, negated=False) if all(
            isinstance(item, tree.Literal) for item in items
        ):
            values = [item.value for item in items if isinstance(item, tree.Literal)]
            return [_among(name, values)]
        case tree.Like(tree.Attribute(name), text, negated=False):
            return [*_like(name, text), *_read(node)]
        case _:
            return _read(node)


def _affix(test: Test, attribute: str, value: str) -> _Found:
    part = value[:MAX_AFFIX] if test == "starts" else value[-MAX_AFFIX:]
    return _Found(frozenset({Key(test, attribute, part)}), whole=part == value)


def _among(name: str, values: Sequence[tree.Value]) -> _Found:
    """The attribute's value, whatever its type is, is one of these cast to that type."""
    texts: set[str] = set()
    for value in values:
        texts.add(to_text(value))
        for type_ in (int, bool):
            try:
                texts.add(to_text(cast(value, type_)))
            except Faulty:
                continue
    return _Found(frozenset(Key("is", name, text) for text in texts))


def _like(name: str, text: str) -> Iterable[_Found]:
    wanted = pattern(text)
    literal = wanted.literal
    if literal is not None and len(literal) == 1:
        yield _Found(frozenset({Key("is", name, literal[0])}), whole=True)
        return
    for test, affix in (("starts", wanted.start), ("ends", wanted.end)):
        if affix:
            found = _affix(test, name, affix)  # type: ignore[arg-type]
            alone = literal in ([affix, ""], ["", affix])
            yield _Found(found.keys, whole=found.whole and alone)


def _read(node: tree.Expression) -> list[_Found]:
    """The attributes that are read in any case, and so must be there."""
    match node:
        case tree.Attribute(name):
            return [] if name in REQUIRED else [_Found(frozenset({Key("set", name)}))]
        case tree.Conjunction(parts) | tree.Disjunction(parts):
            return _read(parts[0])
        case tree.Literal() | tree.Exists():
            return []
        case _:
            return [found for part in tree.parts_of(node) for found in _read(part)]


def _either(parts: Sequence[Sequence[_Found]]) -> Sequence[_Found]:
    """One part is true: the keys of each, where all have some."""
    if not parts or not all(parts):
        return []
    best = [min(found, key=_heaviest) for found in parts]
    keys = frozenset[Key]().union(*(found.keys for found in best))
    if len(keys) > _MAX_KEYS:
        return []
    return [_Found(keys, whole=all(found.whole for found in best))]


def _heaviest(found: _Found) -> float:
    return max(key.weight for key in found.keys)
