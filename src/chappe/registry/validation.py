"""Entities against their definitions (core/spec.md "Attributes and Extensions", core/model.md).

`conform` takes an entity's attributes as they would be after a write and gives what is stored. It
serves a registry, a group, a version and a meta alike: `definitions` say which it is.

What it expects in `attributes`, beside the names that the model defines:
- Names that the spec computes (`self`, `xid`, `isdefault`, ids, URLs, counts, collections, `meta`,
  `capabilities`, `model`, `modelsource`, `<R>`, `<R>base64`, `specversion` …; Attribute.computed) and
  "$schema": dropped unseen. They are never stored, never missing.
- Read-only names: what a client sent for them is dropped unseen; `present` keeps its value. A value
  that only the writer decides (formatvalidated, compatibilityvalidated, their reasons, meta.readonly)
  is in `present`, or is set after.
- `epoch`, when it is a number, is kept as it is: the writer compares and counts it.
- `createdat`, `modifiedat`, `ancestorid` and `defaultversionid` are checked and normalised when
  there, and not missed when not: the writer fills them in.
- Names that begin with "." pass untouched.
- None is the same as absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chappe.kit.near import nearest
from chappe.registry.errors import RegistryError
from chappe.registry.model import Attribute, AttributeSet, Model
from chappe.registry.model_level import Missing, Unknown, level_of
from chappe.registry.values import Fault, from_text, text_of

_EMPTY: Mapping[str, Any] = {}


def conform(
    attributes: Mapping[str, Any],
    definitions: AttributeSet,
    *,
    model: Model,
    subject: str,
    present: Mapping[str, Any] | None = None,
    partial: bool = False,
) -> dict[str, Any]:
    """What is stored of an entity: checked, normalised, defaults filled in.

    Args:
        attributes: all of the entity's attributes after the write (see the module).
        definitions: its level's; for a version of a type, `ResourceType.version`.
        model: where xids look up types.
        subject: the entity's xid, for errors.
        present: what is stored before the write; read-only attributes keep that value.
        partial: fill in no default and miss nothing required (a meta with `xref`).

    Raises:
        RegistryError: invalid_attribute, unknown_attribute or required_attribute_missing.
    """
    if "$schema" in attributes:
        attributes = {name: one for name, one in attributes.items() if name != "$schema"}
    try:
        return level_of(definitions).conform(attributes, model, present or _EMPTY, partial=partial)
    except Missing as missing:
        raise RegistryError(
            "required_attribute_missing", subject, list=",".join(missing.names)
        ) from None
    except Unknown as unknown:
        name = unknown.name
        every = f"Full list: {','.join(unknown.names)}." if len(unknown.names) > 1 else ""
        # Of two or three letters, half of what there is is near.
        known = definitions.by_name if len(name) > 3 else ()
        near = nearest(name, known, like=0.8)
        meant = f"Did you mean {near!r}?" if near else ""
        detail = f"{every} {meant}".strip()
        raise RegistryError("unknown_attribute", subject, detail=detail, name=name) from None
    except Fault as fault:
        raise RegistryError(
            "invalid_attribute", subject, name=fault.name, error_detail=fault.detail
        ) from None


def typed_headers(
    attributes: Mapping[str, Any],
    definitions: AttributeSet,
    *,
    subject: str = "",
    present: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Values as headers carry them (text, None, {"key": text}) as the model's types have them.

    A text that is no value of its type stays a text, and `conform` refuses it with the entity's
    xid. `any` and what the model does not define stay text (core/spec.md "Attributes").

    Args:
        attributes: by name, from `xRegistry-<name>` headers; maps as {"labels": {"l1": "v"}}.
        definitions: the level's.
        subject: not used; errors are conform's.
        present: what is stored; a stored selector of `ifvalues` brings its siblings' types.
    """
    result: dict[str, Any] = {}
    active = [definitions]
    done: set[str] = set()
    while True:
        for name in attributes.keys() - done:
            attribute = next((one for each in active if (one := each.get(name))), None)
            if attribute is not None:
                done.add(name)
                result[name] = _typed(attributes[name], attribute)
        more = [
            siblings
            for each in active
            for attribute in each.by_name.values()
            if attribute.ifvalues
            and (siblings := _chosen(attribute, result, present or _EMPTY)) is not None
            and siblings not in active
        ]
        if not more:
            break
        active += more
    others = next((each.others for each in active if each.others), None)
    for name in attributes.keys() - done:
        value = attributes[name]
        result[name] = value if others is None else _typed(value, others)
    return {name: result[name] for name in attributes}


def _chosen(
    attribute: Attribute, sent: Mapping[str, Any], present: Mapping[str, Any]
) -> AttributeSet | None:
    value = sent[attribute.name] if attribute.name in sent else present.get(attribute.name)
    if value is None:
        value = attribute.default
    if value is None or isinstance(value, (dict, list)):
        return None
    return attribute.ifvalues.get(text_of(value).lower())


def _typed(value: Any, attribute: Attribute) -> Any:
    if isinstance(value, str):
        return from_text(value, attribute.type)
    if isinstance(value, dict):
        if attribute.type == "map" and attribute.item is not None:
            return {key: _typed(one, attribute.item) for key, one in value.items()}
        if attribute.type == "object" and attribute.attributes is not None:
            inner = attribute.attributes
            return {
                key: one if definition is None else _typed(one, definition)
                for key, one in value.items()
                for definition in (inner.get(key) or inner.others,)
            }
    return value
