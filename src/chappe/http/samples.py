"""`?redact` of a list of events: each as its type's policy shows it (docs/registry.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from chappe.domain.errors import Malformed
from chappe.flows.find import Item
from chappe.formats.redaction import Rule, redacted, rules_of
from chappe.registry.lines import line_at
from chappe.registry.state import State
from chappe.registry.versions_at import resource_at

PARAMETER: Final = "redact"


def is_asked(query: Mapping[str, str]) -> bool:
    """Whether the request wants samples.

    Raises:
        Malformed: the parameter is neither true nor false.
    """
    text = query.get(PARAMETER, "false")
    if text not in ("", "true", "false"):
        raise Malformed(f"parameter {PARAMETER}: {text!r} is neither true nor false")
    return text != "false"


def sampled(items: Sequence[Item], state: State) -> tuple[list[Item], list[list[dict[str, str]]]]:
    """The events as they may be shown, and of each what was taken out: {"pointer", "rule"}."""
    rules: dict[str, Sequence[Rule]] = {}
    shown, told = [], []
    for item in items:
        type_ = item.event.type
        if type_ not in rules:
            rules[type_] = _rules(state, type_)
        event, applied = redacted(item.event, rules[type_])
        shown.append(replace(item, event=event))
        told.append([{"pointer": one.pointer, "rule": one.name} for one in applied])
    return shown, told


def _rules(state: State, type_: str) -> list[Rule]:
    declared = state.declarations.get(type_)
    if declared is None:
        return []
    message = resource_at(state.tree, declared.path)
    version = None if message is None else message.default
    labels: Any = {} if version is None else version.attributes.get("labels")
    line = line_at(state.tree, state.declarations, declared.path)
    return rules_of(labels or {}, line.documents[0].text if line is not None else b"")
