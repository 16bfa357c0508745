"""Where entities are: their absolute URLs, short ones, and JSON pointers of the document view."""

from __future__ import annotations

from typing import Final

from chappe.registry.model import ResourceType
from chappe.registry.paths import DETAILS, short_path

HERE: Final = "#"
"""The pointer of a response's root."""


def details(type: ResourceType) -> str:
    """What ends the URL of the metadata of a resource or version (core/http.md "`self` Attribute")."""
    return DETAILS if type.hasdocument else ""


def below(pointer: str, name: str) -> str:
    """The pointer of a member (RFC 6901); of the characters of ids only "~" needs an escape."""
    return f"{pointer}/{name.replace('~', '~0')}" if "~" in name else f"{pointer}/{name}"


def shown_pointer(pointer: str) -> str:
    """A pointer as a URL: that of the response's root is "#/" (core/spec.md "Doc Flag")."""
    return "#/" if pointer == HERE else pointer


def short_url(base: str, uid: int, suffix: str = "") -> str:
    """The `shortself` of an entity; `suffix` tells "/meta" and a mirror's "/versions/vid"."""
    return f"{base}{short_path(uid)}{suffix}"
