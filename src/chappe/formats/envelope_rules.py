"""An event's attributes held against what its message says of them (xRegistry message/spec.md).

{"subject": {"value": "orders/{id}", "required": true}}  ->  AttributeRule("subject", True, "orders/{id}")
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from chappe.domain.event import Event
from chappe.formats.schema_language import Violation
from chappe.registry.declaration import AttributeRule

_EXPRESSION = re.compile(r"\{[^{}]*\}")  # RFC 6570: what stands there when expanded is anything
_ALWAYS: Final = frozenset({"specversion", "id", "type", "source"})
_MOST_SHOWN: Final = 80


def attribute_rules(metadata: Any) -> Sequence[AttributeRule]:
    """The rules of a message's `envelopemetadata`; those that every event keeps are left out."""
    rules: list[AttributeRule] = []
    for name, said in metadata.items() if isinstance(metadata, Mapping) else ():
        if not isinstance(said, Mapping):
            continue
        value = said.get("value")
        template = value if isinstance(value, str) and value else None
        required = said.get("required") is True and name not in _ALWAYS
        # An event's type is how the message was found.
        if name not in ("type", "specversion") and (required or template is not None):
            rules.append(AttributeRule(name, required, template))
    return tuple(rules)


def envelope_violations(
    event: Event, rules: Sequence[AttributeRule], datacontenttype: str | None
) -> list[Violation]:
    """What is wrong with the attributes; `rule` is the attribute's name."""
    violations: list[Violation] = []
    for rule in rules:
        value = event.get(rule.name)
        if value is None:
            if rule.required:
                violations.append(_violation(rule.name, None, "is missing and is required"))
        elif rule.template is not None and not fits(rule.template, value):
            violations.append(_violation(rule.name, value, f"must be {_quoted(rule.template)}"))
    if datacontenttype is not None and event.data is not None:
        sent = event.datacontenttype or "application/json"
        if _media_type(sent) != _media_type(datacontenttype):
            message = f"must be {_quoted(datacontenttype)}"
            violations.append(_violation("datacontenttype", sent, message))
    return violations


def fits(template: str, value: str) -> bool:
    """Whether a value can be what a URI template expands to; linear in both."""
    parts = _EXPRESSION.split(template)
    if len(parts) == 1:
        return template == value
    first, *middle, last = parts
    if len(value) < len(first) + len(last) or not value.startswith(first):
        return False
    if not value.endswith(last):
        return False
    at, end = len(first), len(value) - len(last)
    for part in middle:
        found = value.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _violation(name: str, value: str | None, message: str) -> Violation:
    shown = "" if value is None else msgspec.json.encode(value[:_MOST_SHOWN]).decode()
    return Violation("", name, shown, f"the attribute {name!r} {message}")


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 1]}…")


def _media_type(text: str) -> str:
    return text.partition(";")[0].strip().lower()
