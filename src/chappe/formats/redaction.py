"""What of a payload is not shown in a sample: by a label of its type, or by its JSON Schema.

    label chappe.redact: "/customer/email /cards/*/number"
    {"properties": {"pin": {"writeOnly": true}, "iban": {"x-sensitive": true}}}

A rule is a JSON Pointer into the payload in which `*` stands for any member or item. What cannot be looked
into is not shown at all: a payload that is no JSON, or is nested too deeply.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import msgspec

from chappe.domain.event import Event

LABEL: Final = "chappe.redact"
WORDS: Final = ("writeOnly", "x-sensitive")
"""Keywords of a JSON Schema: true says that a value is not for whoever looks at samples."""

MOST_RULES: Final = 200
MOST_DEPTH: Final = 24  # of a schema, references counted, and of a pointer
_MOST_STEPS: Final = 5_000  # of one schema: references may fan out
_ANY: Final = "*"
_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


@dataclass(frozen=True, slots=True)
class Rule:
    """What is not shown, and what says so: "label chappe.redact", "x-sensitive"."""

    steps: tuple[str, ...]
    name: str

    @property
    def pointer(self) -> str:
        """As it is written."""
        return "".join(f"/{one.replace('~', '~0').replace('/', '~1')}" for one in self.steps)


def rules_of(labels: Mapping[str, Any], schema: bytes) -> list[Rule]:
    """The rules of a type: of its labels, then of its JSON Schema (b"": none); no more than 200."""
    found: dict[tuple[str, ...], Rule] = {}
    for pointer in str(labels.get(LABEL, "")).replace(",", " ").split():
        steps = tuple(
            one.replace("~1", "/").replace("~0", "~") for one in pointer.split("/")[1:]
        )  # fmt: skip
        # What leads deeper than this hides what is above it: rather too much than too little.
        steps = steps[:MOST_DEPTH]
        found.setdefault(steps, Rule(steps, f"label {LABEL}"))
    try:
        document = msgspec.json.decode(schema) if schema else None
    except (msgspec.MsgspecError, RecursionError):
        document = None
    if isinstance(document, dict):
        for rule in _Walk(document).rules(document, ()):
            found.setdefault(rule.steps, rule)
            if len(found) >= MOST_RULES:
                break
    return list(found.values())


def redacted(event: Event, rules: Sequence[Rule]) -> tuple[Event, list[Rule]]:
    """The event as a sample shows it, and the rules that took something out of it."""
    if not rules or event.data is None:
        return event, []
    try:
        value = _decode(event.data)
    except (msgspec.MsgspecError, RecursionError):
        rule = Rule((), rules[0].name)
        return msgspec.structs.replace(event, data=_encode(_mark(rule)), text=True), [rule]
    applied = []
    for rule in rules:
        value, hit = _without(value, rule.steps, rule)
        if hit:
            applied.append(rule)
    if not applied:
        return event, []
    return msgspec.structs.replace(event, data=_encode(value), text=True), applied


def _mark(rule: Rule) -> str:
    return f"«redacted: {rule.name}»"


def _without(value: Any, steps: tuple[str, ...], rule: Rule) -> tuple[Any, bool]:
    if not steps:
        return _mark(rule), True
    first, rest = steps[0], steps[1:]
    hit = False
    if isinstance(value, dict):
        for name in list(value) if first == _ANY else [first] if first in value else []:
            value[name], inner = _without(value[name], rest, rule)
            hit = hit or inner
    elif isinstance(value, list):
        wanted = range(len(value)) if first == _ANY else _index(first, value)
        for index in wanted:
            value[index], inner = _without(value[index], rest, rule)
            hit = hit or inner
    return value, hit


def _index(step: str, value: Sequence[Any]) -> range:
    if not (step.isascii() and step.isdigit()) or len(step) > 9 or int(step) >= len(value):
        return range(0)
    return range(int(step), int(step) + 1)


class _Walk:
    """Looks for the keywords in one schema, bounded in depth and steps; nothing is ever fetched."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = _MOST_STEPS

    def rules(self, schema: object, steps: tuple[str, ...], depth: int = 0) -> Iterator[Rule]:
        self._left -= 1
        if not isinstance(schema, dict) or self._left < 0 or depth > MOST_DEPTH:
            return
        for word in WORDS:
            if schema.get(word) is True:
                yield Rule(steps, word)
                return
        yield from self.rules(self._followed(schema.get("$ref")), steps, depth + 1)
        for name, one in _mapping(schema.get("properties")).items():
            yield from self.rules(one, (*steps, str(name)), depth + 1)
        for word in ("items", "additionalProperties"):
            yield from self.rules(schema.get(word), (*steps, _ANY), depth + 1)
        for word in ("allOf", "anyOf", "oneOf"):
            parts = schema.get(word)
            for one in parts if isinstance(parts, list) else ():
                yield from self.rules(one, steps, depth + 1)

    def _followed(self, reference: object) -> object:
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return None
        found: object = self._root
        for step in reference[2:].split("/"):
            found = _mapping(found).get(step.replace("~1", "/").replace("~0", "~"))
        return found


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
