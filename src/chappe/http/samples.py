"""`?redact` of a list of events: each as its type's policy shows it (docs/registry.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import msgspec

from chappe.domain.errors import Malformed
from chappe.flows.find import Item
from chappe.formats.hub_entities import schema_xid
from chappe.formats.redaction import Rule, redacted, rules_of
from chappe.registry.entity import Attributes
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


def sampled(
    items: Sequence[Item], state: State, xids_of: Callable[[str], Sequence[str]]
) -> tuple[list[Item], list[list[dict[str, str]]]]:
    """The events as they may be shown, and of each what was taken out: {"pointer", "rule"}.

    `xids_of` has the messages that declare a type; what any of them hides is hidden.
    """
    rules: dict[str, Sequence[Rule]] = {}
    shown, told = [], []
    for item in items:
        type_ = item.event.type
        if type_ not in rules:
            rules[type_] = [one for xid in xids_of(type_) for one in _rules(state, xid)]
        event, applied = redacted(item.event, rules[type_])
        shown.append(replace(item, event=event))
        told.append([{"pointer": one.pointer, "rule": one.name} for one in applied])
    return shown, told


def _rules(state: State, xid: str) -> list[Rule]:
    message = resource_at(state.tree, xid)
    if message is not None and message.xref is not None:
        message = state.tree.resource(message.xref)
    version = None if message is None else message.default
    if version is None:
        return []
    return rules_of(version.attributes.get("labels") or {}, _schema(state, version.attributes))


def _schema(state: State, attributes: Attributes) -> bytes:
    """The schema in a message, or the one that it names: whether payloads are checked by it or not."""
    inline = attributes.get("dataschema")
    if inline is not None:
        return inline.encode() if isinstance(inline, str) else msgspec.json.encode(inline)
    named = schema_xid(attributes)
    line = None if named is None else line_at(state.tree, {}, named)
    return line.documents[0].text if line is not None and line.documents else b""
