"""What a request says of one entity's attributes, put over what is stored of it.

core/http.md "Creating or Updating Entities": a replacement drops what is not sent, a patch keeps it.
Read-only attributes of the request are left for the validation to pass over; ids and the epoch are
compared here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from chappe.registry.draft import Draft
from chappe.registry.entity_drafts import Entry
from chappe.registry.errors import RegistryError
from chappe.registry.lineage import instant
from chappe.registry.values import timestamp

Sent = Mapping[str, Any]

_TIMES: Final = frozenset({"epoch", "createdat", "modifiedat"})


def check_sent_id(sent: Sent, *, singular: str, expected: str, subject: str) -> None:
    """Compare an id of the request with the one that the path or the map's key gives."""
    value = sent.get(f"{singular}id")
    if value is not None and value != expected:
        raise RegistryError(
            "mismatched_id", subject, singular=singular, invalid_id=value, expected_id=expected
        )


def check_epoch(draft: Draft, sent: Any, present: Any, subject: str) -> None:
    """Compare an epoch of the request with the present one; None asks for no comparison."""
    if sent is None or "epoch" in draft.ignore:
        return
    if isinstance(sent, bool) or not isinstance(sent, int) or sent < 0:
        raise RegistryError(
            "invalid_attribute", subject, name="epoch", error_detail="must be a uinteger"
        )
    if sent != present:
        raise RegistryError("mismatched_epoch", subject, bad_epoch=sent, epoch=present)


def merge(
    entry: Entry,
    sent: Sent,
    *,
    patch: bool,
    now: str,
    subject: str,
    kept: frozenset[str] = frozenset(),
) -> None:
    """Put the attributes of a request over an entry's, and mark the entry as updated.

    `kept` names attributes that a replacement leaves as they are when they are not sent. The result
    is not validated; a createdat or modifiedat that is no timestamp stays for the validation.
    """
    before: Mapping[str, Any] = entry.before or {}
    present = entry.attributes
    if not patch:
        for name in list(present):
            if not (name.startswith(".") or name in kept or name in _TIMES):
                del present[name]
    for name, value in sent.items():
        if name in _TIMES:
            continue
        if name.startswith("."):
            raise RegistryError("unknown_attribute", subject, name=name)
        if value is None:
            present.pop(name, None)
        else:
            present[name] = value
    createdat = sent.get("createdat", before.get("createdat"))
    present["createdat"] = now if createdat is None else _normal(createdat)
    modifiedat = _normal(sent.get("modifiedat"))
    entry.dated = modifiedat is not None and not _same_time(modifiedat, before.get("modifiedat"))
    if entry.dated:
        present["modifiedat"] = modifiedat
    entry.touch(now)


def _normal(value: Any) -> Any:
    """A timestamp as it is stored; what is none is given back as it is."""
    return (timestamp(value) or value) if isinstance(value, str) else value


def _same_time(one: Any, other: Any) -> bool:
    return isinstance(one, str) and isinstance(other, str) and instant(one) == instant(other)


def entity_of(draft: Draft, value: Any, *, key: str, type: str) -> Sent:
    """An entity of the map that the request is: a JSON object.

    Raises:
        RegistryError: bad_request.
    """
    if not isinstance(value, Mapping):
        detail = f'Value of "{key}" must be a {type}'
        raise RegistryError("bad_request", draft.path, error_detail=detail)
    return value


def nested_entity_of(value: Any, *, name: str, owner: str, detail: str) -> Sent:
    """An entity of a map that is an attribute of another: a JSON object.

    core/spec.md "Updating Nested Registry Collections" names bad_request; the attribute and the
    xid of its owner tell more than that ("Error Processing": "a more appropriate one").

    Raises:
        RegistryError: invalid_attribute.
    """
    if not isinstance(value, Mapping):
        raise RegistryError("invalid_attribute", owner, name=name, error_detail=detail)
    return value


def map_of(value: Any, *, name: str, subject: str) -> Sent:
    """A collection inside an entity of the request: a map, or None for an empty one."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise RegistryError(
            "invalid_attribute", subject, name=name, error_detail="must be a map of entities"
        )
    return value


def body_of(draft: Draft) -> Sent:
    """The request's body, which must be a JSON object, without "$schema"."""
    body = draft.request.body
    if not isinstance(body, Mapping):
        if body is None or isinstance(body, (list, str, bool, int, float)):
            raise RegistryError(
                "parsing_data", draft.path, error_detail="the body must be a JSON object"
            )
        raise RegistryError("missing_body", draft.path)
    if "$schema" in body:
        return {name: value for name, value in body.items() if name != "$schema"}
    return body
