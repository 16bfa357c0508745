"""Which version is a resource's default one, and the rest of its meta.

core/spec.md "`defaultversionid` Attribute", "`defaultversionsticky` Attribute", "Default Version of a
Resource", "SetDefaultVersionID Flag".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chappe.registry.draft import Draft
from chappe.registry.entity_drafts import ResourceDraft
from chappe.registry.errors import RegistryError
from chappe.registry.linking import is_restructured, newest_of
from chappe.registry.merging import check_epoch, merge
from chappe.registry.target import Level
from chappe.registry.validation import conform

_STICKY = "defaultversionsticky"
_POINTER = "defaultversionid"


@dataclass(frozen=True, slots=True)
class _Choice:
    """`sticky`, and the version asked for; `again`: not the present one but the newest."""

    sticky: Any
    wanted: str | None = None
    again: bool = False


def settle_meta(draft: Draft, resource: ResourceDraft) -> None:
    """Steps 4 and 5 of the algorithm: meta's attributes and the default version.

    Raises:
        RegistryError: mismatched_epoch, unknown_id, setdefaultversionsticky_false, bad_flag,
            defaultversionid_request, too_many_versions, and what the validation finds.
    """
    choice = _choice(draft, resource)
    subject = f"{resource.xid}/meta"
    entry = resource.meta
    wish = resource.wish
    before = entry.before
    if wish is not None:
        if before is not None and not resource.was_xref:
            check_epoch(draft, wish.sent.get("epoch"), before.get("epoch"), subject)
        sent = {
            name: value
            for name, value in wish.sent.items()
            if name not in (_STICKY, _POINTER, "xref", f"{resource.type.singular}id")
        }
        merge(entry, sent, patch=wish.patch, now=draft.now, subject=subject)
    elif before is None:
        merge(entry, {}, patch=False, now=draft.now, subject=subject)
    elif resource.flag is not None:
        entry.touch(draft.now)  # The flag stands for a patch of meta.
    if resource.flag is not None:
        _check_wanted(draft, resource, choice)
    if choice.sticky is True and resource.type.maxversions == 1:
        raise RegistryError("setdefaultversionsticky_false", resource.xid)
    entry.attributes[_STICKY] = choice.sticky
    if (
        wish is not None
        or before is None
        or resource.was_xref
        or before.get(_STICKY) != choice.sticky
    ):
        _conform(draft, resource)
    if choice.wanted is not None and choice.sticky is True:
        _check_wanted(draft, resource, choice)
        entry.attributes[_POINTER] = choice.wanted
    elif before is None or _POINTER not in entry.attributes:
        entry.attributes[_POINTER] = before.get(_POINTER) if before is not None else None
    choose_default(draft, resource, again=choice.again)


def _check_wanted(draft: Draft, resource: ResourceDraft, choice: _Choice) -> None:
    """Refuse a default version that is not there once all versions are processed."""
    if choice.wanted is not None and not resource.has(choice.wanted):
        by_flag = resource.flag is not None and draft.request.target.level is not Level.META
        subject = (
            resource.xid if by_flag and resource.before is not None else f"{resource.xid}/meta"
        )
        detail = ""
        if draft.request.method == "DELETE":
            detail = f'Can\'t find next default Version "{choice.wanted}".'
        raise RegistryError(
            "unknown_id", subject, detail=detail, singular="version", id=choice.wanted
        )


def _conform(draft: Draft, resource: ResourceDraft) -> None:
    entry = resource.meta
    attributes = entry.attributes
    present = dict(entry.before or {})
    if draft.request.admin and resource.wish is not None and "readonly" in resource.wish.sent:
        present["readonly"] = resource.wish.sent["readonly"] is True
    pointer = attributes.pop(_POINTER, None)
    entry.attributes = conform(
        attributes,
        resource.type.meta,
        model=draft.model,
        subject=f"{resource.xid}/meta",
        present=present,
    )
    if pointer is not None:
        entry.attributes[_POINTER] = pointer


def choose_default(draft: Draft, resource: ResourceDraft, *, again: bool = False) -> None:
    """Point to the default version: the newest, unless a sticky one is there."""
    attributes = resource.meta.attributes
    pointer = attributes.get(_POINTER)
    before = resource.meta.before or {}
    if attributes.get(_STICKY) is True and not again:
        if isinstance(pointer, str) and resource.has(pointer):
            chosen: str | None = pointer
        else:
            # Also a sticky default that is gone: "the server MUST revert back to option 1".
            if isinstance(pointer, str):
                attributes[_STICKY] = _by_default(resource)
            chosen = newest_of(resource)
    elif (
        not again
        and isinstance(pointer, str)
        and pointer == before.get(_POINTER)
        and before.get(_STICKY) is not True
        and not is_restructured(resource)
    ):
        chosen = pointer
    else:
        chosen = newest_of(resource)
    attributes[_POINTER] = chosen
    if before.get(_POINTER) != chosen or before.get(_STICKY) != attributes.get(_STICKY):
        resource.meta.touch(draft.now)


def _by_default(resource: ResourceDraft) -> bool:
    definition = resource.type.meta.get(_STICKY)
    return definition is not None and definition.default is True


def _choice(draft: Draft, resource: ResourceDraft) -> _Choice:
    if resource.flag is not None:
        return _by_flag(draft, resource, resource.flag)
    before = resource.meta.before
    fresh = before is None or resource.was_xref
    present = _by_default(resource) if before is None or fresh else before.get(_STICKY, False)
    wish = resource.wish
    if wish is None:
        return _Choice(present)
    sent = dict(wish.sent)
    if "defaultversionid" in draft.ignore:
        sent.pop(_POINTER, None)
    if "defaultversionsticky" in draft.ignore:
        sent.pop(_STICKY, None)
    wanted = sent.get(_POINTER)
    if wanted is not None and not isinstance(wanted, str):
        raise RegistryError(
            "invalid_attribute",
            f"{resource.xid}/meta",
            name=_POINTER,
            error_detail="must be a string",
        )
    sticky = sent.get(_STICKY)
    if sticky is None:
        sticky = _by_default(resource)
    if not wish.patch or fresh:
        if wish.patch and wanted is not None and _STICKY not in sent:
            sticky = True
        return _Choice(sticky, wanted or None, again=not wanted)
    if _STICKY in sent:
        is_reset = _POINTER in sent or sent[_STICKY] is None
        again = wanted is None and (present is not True or is_reset)
        return _Choice(sticky, wanted, again=again)
    if _POINTER in sent:
        return _Choice(wanted is not None or _by_default(resource), wanted, again=wanted is None)
    return _Choice(present)


def _by_flag(draft: Draft, resource: ResourceDraft, flag: str) -> _Choice:
    if flag == "null":
        return _Choice(sticky=False, again=True)
    if flag != "request":
        return _Choice(sticky=True, wanted=flag)
    target = draft.request.target
    if draft.request.method == "DELETE" or target.level in (Level.META, Level.VERSION):
        raise RegistryError("bad_flag", draft.path, flag="setdefaultversionid")
    made = list(resource.made.values())
    if len(made) > 1:
        raise RegistryError("too_many_versions", draft.path)
    if not made:
        raise RegistryError("defaultversionid_request", resource.xid)
    return _Choice(sticky=True, wanted=made[0])
