"""YAML as JSON has values: read without surprises, written so that it reads back the same.

    since: 2026-11-22        ->  {"since": "2026-11-22"}     a time stays text
    versions: {1.0: {}}      ->  {"versions": {"1.0": {}}}   a key is its text
    on: yes                  ->  {"on": "yes"}               true and false alone are booleans

Scalars are those of YAML 1.2 (core schema), built from the parser's events: no tag makes an object.
Aliases are allowed, but what they stand for is bounded: a small file cannot unfold into a large one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import yaml

MAX_DEPTH: Final = 100
MAX_ALIASES: Final = 1_000
MAX_UNFOLDED: Final = 1_000_000  # characters and nodes that all aliases stand for

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: Final[type[yaml.SafeDumper]] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FALSE: Final = frozenset({"false", "False", "FALSE"})
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,4000}|0o[0-7]{1,4000}|0x[0-9a-fA-F]{1,4000}")
_DECIMAL: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,4})?")
_NO_NUMBER: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_TAG: Final = "tag:yaml.org,2002:"
_SCALAR_TAGS: Final = frozenset(f"{_TAG}{name}" for name in ("str", "int", "float", "bool", "null"))
_MERGE: Final = object()


class BadYaml(Exception):
    """The text cannot be read; says where and why."""


def read_yaml(text: str) -> Iterator[Any]:
    """The documents of a YAML stream, as JSON values; fractions are Decimals.

    Raises:
        BadYaml: no YAML, or none that JSON can say: a tag, a NaN, a key twice, an alias to itself.
    """
    try:
        yield from _Builder().documents(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as exc:
        where = f"line {exc.problem_mark.line + 1}: " if exc.problem_mark else ""
        raise BadYaml(f"{where}{exc.problem or exc.context or 'no YAML'}") from exc
    except yaml.YAMLError as exc:
        raise BadYaml(str(exc).splitlines()[0] if str(exc) else "no YAML") from exc


def write_yaml(value: Any) -> str:
    """One YAML document; text that another parser might take for a time or a boolean is quoted."""
    written: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, indent=2
    )
    return written.removesuffix("...\n")


@dataclass(slots=True)
class _Open:
    """A collection that is being read; `pending` is the key that waits for its value."""

    value: dict[str, Any] | list[Any]
    anchor: str | None
    weight_before: int
    pending: object = None
    merged: list[Mapping[str, Any]] = field(default_factory=list)


class _Builder:
    """Values out of events, with an own stack: depth is a number here, not Python's recursion."""

    def __init__(self) -> None:
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._weight = 0
        self._aliases = 0
        self._unfolded = 0
        self._root: Any = None

    def documents(self, events: Iterator[Any]) -> Iterator[Any]:
        for event in events:
            match event:
                case yaml.DocumentStartEvent():
                    self._anchors, self._root = {}, None
                case yaml.DocumentEndEvent():
                    yield self._root
                case yaml.AliasEvent():
                    self._alias(event)
                case yaml.ScalarEvent():
                    self._scalar(event)
                case yaml.SequenceStartEvent():
                    self._begin([], event)
                case yaml.MappingStartEvent():
                    self._begin({}, event)
                case yaml.CollectionEndEvent():
                    self._end(event)
                case _:
                    pass

    def _alias(self, event: Any) -> None:
        found = self._anchors.get(event.anchor)
        if found is None:
            known = any(one.anchor == event.anchor for one in self._stack)
            why = "stands inside of what it names" if known else "names no anchor"
            raise BadYaml(f"{_line(event)}: the alias *{event.anchor} {why}")
        value, weight = found
        self._aliases += 1
        self._unfolded += weight
        if self._aliases > MAX_ALIASES or self._unfolded > MAX_UNFOLDED:
            raise BadYaml(
                f"{_line(event)}: aliases may be {MAX_ALIASES:,} and stand for {MAX_UNFOLDED:,} "
                "characters in all; write it out"
            )
        self._weight += weight
        self._put(value, event)

    def _scalar(self, event: Any) -> None:
        self._weight += len(event.value) + 1
        where = self._stack[-1] if self._stack else None
        if where is not None and isinstance(where.value, dict) and where.pending is None:
            if event.anchor is not None:
                self._anchors[event.anchor] = (event.value, len(event.value) + 1)
            where.pending = _MERGE if event.value == "<<" and event.implicit[0] else event.value
            return
        value = _value(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, len(event.value) + 1)
        self._put(value, event)

    def _begin(self, value: dict[str, Any] | list[Any], event: Any) -> None:
        if event.tag not in (None, "!", f"{_TAG}map", f"{_TAG}seq"):
            raise BadYaml(f"{_line(event)}: the tag {event.tag} has no form in JSON")
        if len(self._stack) >= MAX_DEPTH:
            raise BadYaml(f"{_line(event)}: nested deeper than {MAX_DEPTH} levels")
        if self._stack and isinstance(self._stack[-1].value, dict):
            if self._stack[-1].pending is None:
                raise BadYaml(f"{_line(event)}: a key must be a scalar")
        self._weight += 1
        self._stack.append(_Open(value, event.anchor, self._weight - 1))

    def _end(self, event: Any) -> None:
        done = self._stack.pop()
        if isinstance(done.value, dict):
            # The mapping's own keys win, then the merged mappings in their order.
            for merged in done.merged:
                for key, value in merged.items():
                    done.value.setdefault(key, value)
        if done.anchor is not None:
            self._anchors[done.anchor] = (done.value, self._weight - done.weight_before)
        self._put(done.value, event)

    def _put(self, value: Any, event: Any) -> None:
        if not self._stack:
            self._root = value
            return
        where = self._stack[-1]
        if isinstance(where.value, list):
            where.value.append(value)
        elif where.pending is None:
            if not isinstance(value, str):
                raise BadYaml(f"{_line(event)}: a key must be a scalar")
            where.pending = value
        elif where.pending is _MERGE:
            where.merged += _mappings(value, event)
            where.pending = None
        else:
            key = str(where.pending)
            if key in where.value:
                raise BadYaml(f"{_line(event)}: the key {key!r} stands there twice")
            where.value[key] = value
            where.pending = None


def _mappings(value: Any, event: Any) -> list[Mapping[str, Any]]:
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(one, dict) for one in found):
        raise BadYaml(f"{_line(event)}: << takes a mapping or a list of them")
    return found


def _value(event: Any) -> Any:
    text: str = event.value
    if event.tag not in (None, "!"):
        if event.tag not in _SCALAR_TAGS:
            raise BadYaml(f"{_line(event)}: the tag {event.tag} has no form in JSON")
        return text if event.tag == f"{_TAG}str" else _plain(text, event)
    return _plain(text, event) if event.implicit[0] else text


def _plain(text: str, event: Any) -> Any:
    if text in _NULLS:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INTEGER.fullmatch(text):
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    if _DECIMAL.fullmatch(text):
        return Decimal(text)
    if _NO_NUMBER.fullmatch(text):
        raise BadYaml(f"{_line(event)}: {text} has no form in JSON")
    return text


def _line(event: Any) -> str:
    return f"line {event.start_mark.line + 1}"


class _Dumper(_DUMPER):  # type: ignore[misc, valid-type]
    """Fractions as they were read, long texts as blocks, nothing by reference."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    block = "\n" in text and not any(line != line.rstrip() for line in text.split("\n"))
    return dumper.represent_scalar(f"{_TAG}str", text, style="|" if block else None)


def _number(dumper: yaml.SafeDumper, number: Decimal) -> yaml.ScalarNode:
    text = str(number)
    # YAML 1.1 knows no 1E+2 and no 5e3: it wants the point and the sign.
    if "E" in text and "." not in text:
        text = text.replace("E", ".0E")
    return dumper.represent_scalar(f"{_TAG}float", text)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(Decimal, _number)
