"""Paths of the registry's API (core/http.md "HTTP API Patterns"), read into targets.

    /dirs/d1/files/f1$details  ->  Target(RESOURCE, dirs, "d1", files, "f1", details=True)

A path is split at its slashes before it is percent-decoded, so an id may hold an encoded slash (no id
that the registry accepts does). One slash may end it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import unquote_to_bytes

from chappe.registry.errors import RegistryError
from chappe.registry.model import GroupType, Model, ResourceType
from chappe.registry.target import Level, Target

DETAILS: Final = "$details"
DISCOVERY: Final = ".xregistry"
"""core/http.md "xRegistry Discovery": beside the levels, for it is about registries, not of one."""

SHORT: Final = "r"
"""`shortself` is "/r/<uid in base 36>"; so no type of group may be called that."""

_WHOLE: Final = {
    one.value: one
    for one in (
        Level.EXPORT,
        Level.CAPABILITIES,
        Level.CAPABILITIES_OFFERED,
        Level.MODEL,
        Level.MODELSOURCE,
    )
}

RESERVED: Final = frozenset({*_WHOLE, SHORT})
"""First parts of paths that no type of group may take."""

_WITH_DETAILS: Final = (4, 6)
"""How many parts the path of a resource, and of a version, has."""

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_MAX_UID_DIGITS: Final = 13


def parse_path(raw_path: bytes, model: Model) -> Target:
    """What a path below the registry's root names; whether an entity is there is not asked.

    Raises:
        RegistryError: not_found of a type that the model does not have, api_not_found below a place
            that has nothing below it, bad_details, bad_request of an empty id or of bytes that are
            no UTF-8.
    """
    path = shown_path(raw_path)
    parts = [_decoded(one, path) for one in raw_path.removeprefix(b"/").split(b"/")]
    if parts[-1] == "":
        parts.pop()
    details = bool(parts) and parts[-1].endswith(DETAILS)
    if details:
        parts[-1] = parts[-1].removesuffix(DETAILS)
        if not parts[-1] and len(parts) < max(_WITH_DETAILS) and len(parts) not in _WITH_DETAILS:
            raise RegistryError("bad_details", path)
    target = _target(parts, path, model, details=details)
    if details and target.level not in (Level.RESOURCE, Level.VERSION):
        raise RegistryError("bad_details", path)
    return target


def shown_path(raw_path: bytes) -> str:
    """A path as it was sent, as text for messages; it begins with "/"."""
    text = raw_path.decode("utf-8", "replace")
    return text if text.startswith("/") else f"/{text}"


def short_path(uid: int) -> str:
    """The path of an entity's `shortself`."""
    digits = ""
    while uid:
        uid, digit = divmod(uid, 36)
        digits = _DIGITS[digit] + digits
    return f"/{SHORT}/{digits or '0'}"


def expanded(raw_path: bytes, find: Callable[[int], str | None]) -> bytes:
    """The path itself, or the one that it is short for (core/spec.md "`shortself` Attribute").

    What follows the uid is kept: "/r/2s/meta" is the meta of the resource "/r/2s".

    Args:
        raw_path: as it was sent; "$details" may end it.
        find: gives the xid of the entity with a uid, or None.

    Raises:
        RegistryError: not_found: it is a short path of no entity.
    """
    start, slash, rest = raw_path.removeprefix(b"/").partition(b"/")
    if start != SHORT.encode() or not slash:
        return raw_path
    sent, slash, below = rest.partition(b"/")
    text = unquote_to_bytes(sent).decode("utf-8", "replace")
    digits = text.removesuffix(DETAILS)
    known = 0 < len(digits) <= _MAX_UID_DIGITS and set(digits) <= set(_DIGITS)
    xid = find(int(digits, 36)) if known else None
    if xid is None:
        raise RegistryError("not_found", shown_path(raw_path))
    return f"{xid}{text[len(digits) :]}".encode() + slash + below


def _decoded(part: bytes, path: str) -> str:
    try:
        return (unquote_to_bytes(part) if b"%" in part else part).decode("utf-8")
    except UnicodeDecodeError:
        raise RegistryError(
            "bad_request", path, error_detail="The path is no UTF-8 once it is percent-decoded"
        ) from None


def _target(parts: list[str], path: str, model: Model, *, details: bool) -> Target:
    if not parts:
        return Target(Level.REGISTRY)
    whole = _WHOLE.get(parts[0])
    if whole is not None and parts[0] not in model.groups:
        if len(parts) > 1:
            raise RegistryError("api_not_found", path)
        return Target(whole)
    group_type = _group_type(parts, path, model)
    if len(parts) == 1:
        return Target(Level.GROUPS, group_type)
    gid = _id(parts, 1, group_type.singular, path)
    if len(parts) == 2:
        return Target(Level.GROUP, group_type, gid)
    resource_type = _resource_type(parts, group_type)
    if len(parts) == 3:
        return Target(Level.RESOURCES, group_type, gid, resource_type)
    rid = _id(parts, 3, resource_type.singular, path)
    if len(parts) == 4:
        return Target(Level.RESOURCE, group_type, gid, resource_type, rid, details=details)
    if parts[4] == "meta":
        if len(parts) > 5:
            raise RegistryError("not_found", path)
        return Target(Level.META, group_type, gid, resource_type, rid)
    if parts[4] != "versions":
        raise RegistryError(
            "not_found",
            _above(parts, 5),
            detail=f'Expected "versions" or "meta", got: {parts[4]}.',
        )
    if len(parts) == 5:
        return Target(Level.VERSIONS, group_type, gid, resource_type, rid)
    vid = _id(parts, 5, "version", path)
    if len(parts) > 6:
        raise RegistryError("not_found", path)
    return Target(Level.VERSION, group_type, gid, resource_type, rid, vid, details=details)


def _group_type(parts: list[str], path: str, model: Model) -> GroupType:
    name = parts[0]
    if not name:
        raise RegistryError(
            "bad_request",
            path if len(parts) == 1 else "/",
            error_detail="Group type in URL cannot be an empty string",
        )
    found = model.groups.get(name)
    if found is None:
        raise RegistryError("not_found", f"/{name}", detail=f"Unknown Group type: {name}.")
    return found


def _resource_type(parts: list[str], group_type: GroupType) -> ResourceType:
    name = parts[2]
    if not name:
        raise RegistryError(
            "bad_request",
            _above(parts, 3),
            error_detail="Resource type in URL cannot be an empty string",
        )
    found = group_type.resources.get(name)
    if found is None:
        raise RegistryError("not_found", _above(parts, 3), detail=f"Unknown Resource type: {name}.")
    return found


def _id(parts: list[str], at: int, singular: str, path: str) -> str:
    if parts[at]:
        return parts[at]
    raise RegistryError(
        "bad_request",
        path if at == len(parts) - 1 else _above(parts, at + 1),
        error_detail=f'"{singular}id" value in URL cannot be an empty string',
    )


def _above(parts: list[str], count: int) -> str:
    return "/" + "/".join(parts[:count])
