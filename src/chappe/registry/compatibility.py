"""Whether versions are of the format they say, and compatible with each other.

core/spec.md "`formatvalidated` Attribute", "`compatibility` Attribute"; core/model.md
`validateformat`, `validatecompatibility`, `strictvalidation`. What is set here are read-only
attributes: no epoch moves (core/spec.md "Attributes").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from chappe.registry.draft import Draft
from chappe.registry.entity import Version
from chappe.registry.entity_drafts import ResourceDraft, VersionDraft
from chappe.registry.errors import RegistryError
from chappe.registry.lineage import ancestor

_FORMAT: Final = "formatvalidated"
_COMPATIBILITY: Final = "compatibilityvalidated"

Versions = Mapping[str, Version | VersionDraft]


def check_formats(draft: Draft, resource: ResourceDraft, *, everything: bool = False) -> None:
    """Step 6 of the algorithm: note what is of its format, refuse what is not.

    Raises:
        RegistryError: format_violation, format_unknown, format_external.
    """
    if everything:
        for id, version in resource.versions().items():
            if resource.type.validateformat or _FORMAT in version.attributes:
                _check_format(draft, resource, resource.opened(id), again=True)
        return
    if resource.type.validateformat:
        for one in resource.asked():
            _check_format(draft, resource, one, again=False)


def _mark(one: VersionDraft, name: str, reason: str | None) -> None:
    """Note that something was validated (None), or why not."""
    one.attributes[name] = reason is None
    if reason is None:
        one.attributes.pop(f"{name}reason", None)
    else:
        one.attributes[f"{name}reason"] = reason


def _unmark(one: VersionDraft, name: str) -> None:
    one.attributes.pop(name, None)
    one.attributes.pop(f"{name}reason", None)


def _check_format(draft: Draft, resource: ResourceDraft, one: VersionDraft, *, again: bool) -> None:
    type = resource.type
    format = one.attributes.get("format")
    if not type.validateformat or not isinstance(format, str):
        _unmark(one, _FORMAT)
        return
    if not again and not _is_new_text(resource, one) and _FORMAT in one.attributes:
        return
    subject = f"{resource.xid}/versions/{one.id}"
    if type.is_elsewhere(one.attributes):
        if type.strictvalidation:
            raise RegistryError("format_external", subject)
        _mark(one, _FORMAT, "The document is stored outside of the registry.")
    elif not _is_known(draft, format):
        if type.strictvalidation:
            raise RegistryError("format_unknown", subject, format=format)
        _mark(one, _FORMAT, f'The format "{format}" is not supported.')
    else:
        fault = draft.rules.formats.fault(format, one.document or b"")
        if fault is not None:
            raise RegistryError("format_violation", subject, detail=fault, format=format)
        _mark(one, _FORMAT, None)


def _is_new_text(resource: ResourceDraft, one: VersionDraft) -> bool:
    before = one.before
    if before is None or before.document != one.document:
        return True
    names = ("format", *resource.type.url_names)
    return any(before.attributes.get(name) != one.attributes.get(name) for name in names)


def _is_known(draft: Draft, format: str) -> bool:
    listed = draft.capabilities.get("formats") or ()
    return any(_covers(one, format) for one in listed) and draft.rules.formats.known(format)


@lru_cache(maxsize=1024)
def _covers(pattern: str, format: str) -> bool:
    parts = (re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(".*".join(parts), format, re.IGNORECASE) is not None


def _rules_of(draft: Draft, format: str) -> Iterator[str]:
    offered = {one.lower() for one in draft.rules.formats.compatibilities(format)}
    for pattern, rules in (draft.capabilities.get("compatibilities") or {}).items():
        if _covers(pattern, format):
            yield from (rule.lower() for rule in rules if rule.lower() in offered)


def check_compatibility(draft: Draft, resource: ResourceDraft, *, everything: bool = False) -> None:
    """Step 9 of the algorithm: note what is compatible, refuse what is not.

    Raises:
        RegistryError: compatibility_violation, compatibility_unknown.
    """
    type = resource.type
    if not type.validatecompatibility and not everything:
        return
    rule = resource.meta.attributes.get("compatibility")
    before = (resource.meta.before or {}).get("compatibility")
    if rule != before or everything:
        looked = list(resource.versions())
    else:
        looked = [id for id, one in resource.touched.items() if one is not None]
    if not type.validatecompatibility or not isinstance(rule, str):
        for id in looked:
            version = resource.version(id)
            if version is not None and _COMPATIBILITY in version.attributes:
                _unmark(resource.opened(id), _COMPATIBILITY)
        return
    versions = resource.versions()
    texts = {
        id
        for id in looked
        if everything
        or rule != before
        or (isinstance(one := versions[id], VersionDraft) and _is_moved(resource, one))
    }
    if not texts:
        return
    wrong: dict[str, str] = {}
    for older, newer in _pairs(versions, texts, transitive=rule.endswith("_transitive")):
        fault = _fault(draft, resource, versions, older, newer, rule)
        if fault is not None:
            wrong.setdefault(newer, fault)
    if wrong:
        reasons = " ".join(f"{id}: {fault}." for id, fault in wrong.items() if fault)
        detail = f"Versions: {', '.join(wrong)}. {reasons}".rstrip()
        raise RegistryError("compatibility_violation", resource.xid, detail=detail, compat=rule)
    for id in texts:
        _mark_compatibility(draft, resource, resource.opened(id), rule)


def _is_moved(resource: ResourceDraft, one: VersionDraft) -> bool:
    return _is_new_text(resource, one) or (
        one.before is not None
        and (
            ancestor(one.id, one.before) != ancestor(one.id, one)
            or one.before.attributes.get(_FORMAT) != one.attributes.get(_FORMAT)
        )
    )


def _pairs(versions: Versions, changed: set[str], *, transitive: bool) -> Iterator[tuple[str, str]]:
    """(older, newer) for each pair that a change of the `changed` versions concerns."""
    for newer, one in versions.items():
        older, follower = ancestor(newer, one), newer
        seen = {newer}
        while older != follower and older in versions and older not in seen:
            if newer in changed or older in changed:
                yield older, newer
            if not transitive:
                break
            seen.add(older)
            older, follower = ancestor(older, versions[older]), older


def _unchecked(
    draft: Draft, resource: ResourceDraft, one: Version | VersionDraft, rule: str
) -> str:
    """Why a version cannot be compared with others; "" when it can."""
    format = one.attributes.get("format")
    if one.attributes.get(_FORMAT) is not True or not isinstance(format, str):
        return "The version was not validated against its format."
    if rule.lower() not in set(_rules_of(draft, format)):
        return f'The compatibility "{rule}" is not supported for the format "{format}".'
    return ""


def _mark_compatibility(
    draft: Draft, resource: ResourceDraft, one: VersionDraft, rule: str
) -> None:
    format = one.attributes.get("format")
    if not isinstance(format, str):
        _unmark(one, _COMPATIBILITY)
        return
    reason = _unchecked(draft, resource, one, rule)
    if reason and resource.type.strictvalidation:
        raise RegistryError("compatibility_unknown", resource.xid, compat=rule, format=format)
    _mark(one, _COMPATIBILITY, reason or None)


def _fault(
    draft: Draft, resource: ResourceDraft, versions: Versions, older: str, newer: str, rule: str
) -> str | None:
    """What of a version breaks the rule with another one; None when nothing does."""
    first, second = versions[older], versions[newer]
    if _unchecked(draft, resource, first, rule) or _unchecked(draft, resource, second, rule):
        return None
    format, was = str(second.attributes["format"]), str(first.attributes["format"])
    if was.casefold() != format.casefold():
        return f"the format was {was}, it is {format}"
    direction = rule.lower().removesuffix("_transitive")
    formats = draft.rules.formats
    old, new = first.document or b"", second.document or b""
    fault = None
    if direction in ("backward", "full"):
        fault = formats.incompatibility(format, old, new)
    if fault is None and direction in ("forward", "full"):
        fault = formats.incompatibility(format, new, old)
    return None if fault is None else fault.rstrip(".")
