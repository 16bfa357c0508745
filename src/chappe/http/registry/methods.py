"""Which methods a place of the registry has (core/http.md), and what is not available at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chappe.registry.capabilities import is_available, is_mutable
from chappe.registry.errors import RegistryError
from chappe.registry.target import Level, Target

READ_ONLY: Sequence[str] = ("GET", "HEAD", "OPTIONS")

_NEEDS = {
    Level.EXPORT: "export",
    Level.CAPABILITIES_OFFERED: "capabilitiesoffered",
    Level.MODELSOURCE: "modelsource",
    Level.CAPABILITIES: "capabilities",
    Level.MODEL: "model",
}
"""The `available` capability that a place is; all others are "entities"."""

_WRITES: Mapping[Level, Sequence[str]] = {
    Level.REGISTRY: ("PATCH", "POST", "PUT"),
    Level.EXPORT: (),
    Level.CAPABILITIES: ("PATCH", "PUT"),
    Level.CAPABILITIES_OFFERED: (),
    Level.MODEL: (),
    Level.MODELSOURCE: ("PUT",),
    Level.GROUPS: ("DELETE", "PATCH", "POST"),
    Level.GROUP: ("DELETE", "PATCH", "POST", "PUT"),
    Level.RESOURCES: ("DELETE", "PATCH", "POST"),
    Level.RESOURCE: ("DELETE", "PATCH", "POST", "PUT"),
    Level.META: ("PATCH", "PUT"),
    Level.VERSIONS: ("DELETE", "PATCH", "POST"),
    Level.VERSION: ("DELETE", "PATCH", "PUT"),
}


class NotSupported(RegistryError):
    """action_not_supported or details_required; `allow` is for the `Allow` header."""

    def __init__(
        self, kind: str, subject: str, *, allow: Sequence[str], detail: str = "", **args: object
    ) -> None:
        super().__init__(kind, subject, detail=detail, **args)
        self.allow = allow


def allowed(target: Target, capabilities: Mapping[str, Any]) -> Sequence[str]:
    """The methods of a place, sorted; those that write only where clients may."""
    writes = _WRITES[target.level]
    if not is_mutable(capabilities, _NEEDS.get(target.level, "entities")):
        writes = ()
    if target.is_document:
        writes = [one for one in writes if one != "PATCH"]
    return sorted((*READ_ONLY, *writes))


def check_available(target: Target, capabilities: Mapping[str, Any]) -> None:
    """Refuse what the capabilities do not list.

    Raises:
        RegistryError: not_available (core/spec.md "`available` Capability").
    """
    name = _NEEDS.get(target.level)
    if name is not None and not is_available(capabilities, name):
        raise RegistryError("not_available", f"/{name}")


def check_method(method: str, target: Target, capabilities: Mapping[str, Any], path: str) -> None:
    """Refuse a method that a place does not have.

    Raises:
        NotSupported: the method is not in `allowed`.
    """
    if method in READ_ONLY:
        return
    allow = allowed(target, capabilities)
    if method in allow:
        return
    mutable = is_mutable(capabilities, _NEEDS.get(target.level, "entities"))
    if method == "PATCH" and target.is_document and mutable:
        kind = "Resource" if target.level is Level.RESOURCE else "Version"
        raise NotSupported(
            "details_required",
            path,
            allow=allow,
            detail=f"PATCH is not allowed on {kind} documents.",
        )
    raise NotSupported(
        "action_not_supported", path, allow=allow, detail=_why(method, target), action=method
    )


def _why(method: str, target: Target) -> str:
    match target.level:
        case Level.MODEL if method != "DELETE":
            return 'Use "/modelsource" instead of "/model".'
        case Level.META if method == "POST":
            return "POST not allowed on a 'meta'."
        case Level.VERSION if method == "POST":
            return "POST not allowed on a version."
        case _ if target.is_collection and method == "PUT":
            return "PUT not allowed on collections."
        case _:
            return ""
