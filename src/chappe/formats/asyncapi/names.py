"""Ids of entities for what an AsyncAPI document names, where it does not name them itself."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Final

_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._~:@-]{0,127}", re.ASCII)
_NO_ID: Final = re.compile(r"[^A-Za-z0-9._~:@-]+")
_NO_SLUG: Final = re.compile(r"[^a-z0-9]+")
_LABEL: Final = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,62}", re.ASCII)


def is_id(text: str) -> bool:
    """Whether a text can be the id of an entity (core/spec.md)."""
    return _ID.fullmatch(text) is not None


def slug(text: str) -> str:
    """A plain name: "Checkout Service" -> "checkout-service"."""
    return _NO_SLUG.sub("-", text.lower()).strip("-")[:60] or "application"


def id_of(text: str) -> str:
    """The text itself where it can be an id, else one that is made of it."""
    if is_id(text):
        return text
    plain = _NO_ID.sub("_", text).lstrip("._~:@-")
    if plain and is_id(plain):
        return plain
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{plain[:100] or 'x'}-{digest}"


def parts_of(xid: object, *kinds: str) -> list[str] | None:
    """The ids in "/messagegroups/shop/messages/paid" with the kinds "messagegroups", "messages".

    None: it is no such path.
    """
    if not isinstance(xid, str):
        return None
    parts = xid.split("/")[1:]
    ids = parts[1::2]
    if not xid.startswith("/") or tuple(parts[::2]) != kinds or len(ids) != len(kinds):
        return None
    return ids if all(map(is_id, ids)) else None


def labels_of(tags: list[str]) -> dict[str, str]:
    """Labels of tags: "team=shop" -> {"team": "shop"}, "Audit Log" -> {"audit-log": ""}."""
    found: dict[str, str] = {}
    for tag in tags:
        name, _, value = tag.partition("=")
        if not _LABEL.fullmatch(name):
            name, value = slug(tag), ""
        found[name] = value
    return found


@dataclass(slots=True)
class Ids:
    """Ids within one collection: no two of them the same, whatever their case."""

    _taken: set[str] = field(default_factory=set)

    def of(self, wanted: str) -> str:
        """An id as it is wanted, or with a number after it."""
        plain = id_of(wanted)
        name, number = plain, 2
        while name.lower() in self._taken:
            name, number = f"{plain[:120]}-{number}", number + 1
        self._taken.add(name.lower())
        return name
