"""The JSON of an entity's stored attributes, kept while the entity lives.

Entities never change, and their JSON depends neither on the request nor on the place they are shown
at; what does (ids, URLs, `isdefault`, counts) stands around these pieces. The store is bounded, holds
its entities weakly, and drops the oldest first.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any, Final

import msgspec

from chappe.registry.entity import Group, Resource, Version

MAX_CACHED_CHARS: Final = 16 * 1024 * 1024
_ENTRY_CHARS: Final = 512
"""What an entry takes besides its texts, about."""

_HEAD: Final = ("epoch", "name")
_BODY: Final = (
    "description",
    "documentation",
    "icon",
    "labels",
    "createdat",
    "modifiedat",
    "deprecated",
    "constraints",
    "ancestorid",
    "contenttype",
    "format",
    "formatvalidated",
    "formatvalidatedreason",
    "compatibilityvalidated",
    "compatibilityvalidatedreason",
)
_CHECKED: Final = frozenset(
    {
        "formatvalidated",
        "formatvalidatedreason",
        "compatibilityvalidated",
        "compatibilityvalidatedreason",
    }
)
"""What the document view leaves out (core/spec.md "Doc Flag")."""

_META: Final = (
    "epoch",
    "labels",
    "createdat",
    "modifiedat",
    "readonly",
    "compatibility",
    "deprecated",
)
_NOT_PIECES: Final = frozenset(
    {"registryid", "xref", "defaultversionid", "defaultversionsticky", "defaultversionurl"}
)
_FIRST: Final = frozenset((*_HEAD, *_BODY))
_META_FIRST: Final = frozenset((*_META, *_NOT_PIECES))

_encoder = msgspec.json.Encoder(decimal_format="number")


def encoded(value: Any) -> str:
    """A JSON value as text; a Decimal is written digit for digit."""
    return _encoder.encode(value).decode()


def _members(attributes: Mapping[str, Any], names: Sequence[str]) -> str:
    """`,"a":1,"b":2`, or "" of no names."""
    return "," + encoded({name: attributes[name] for name in names})[1:-1] if names else ""


@dataclass(frozen=True, slots=True)
class Pieces:
    """Of a registry, group or version: each is "" or begins with a comma.

    `head` is up to `name`, `body` is the rest, `bare` is the rest in document view.
    """

    head: str
    body: str
    bare: str


def pieces(attributes: Mapping[str, Any], url: str = "") -> Pieces:
    """The pieces of stored attributes, in the order that the spec shows them.

    Args:
        attributes: as stored.
        url: the name of `<RESOURCE>url`, which comes behind the extensions.
    """
    head, names = names_in_order(attributes, url)
    body = _members(attributes, names)
    bare = body
    if not _CHECKED.isdisjoint(attributes):
        bare = _members(attributes, [name for name in names if name not in _CHECKED])
    return Pieces(_members(attributes, head), body, bare)


def names_in_order(
    attributes: Mapping[str, Any], url: str = ""
) -> tuple[Sequence[str], Sequence[str]]:
    """The names of the attributes that may be shown: up to `name`, and the rest."""
    return _in_order(tuple(attributes), url)


@lru_cache(maxsize=512)  # few sets of names are in use at a time
def _in_order(names: tuple[str, ...], url: str) -> tuple[list[str], list[str]]:
    others = sorted(
        name
        for name in names
        if name not in _FIRST and name != url and name != "registryid" and name[:1] != "."
    )
    head: list[str] = [name for name in _HEAD if name in names]
    return head, [name for name in (*_BODY, *others, url) if name in names]


def meta_piece(meta: Mapping[str, Any]) -> str:
    """The piece of a resource's meta: without `xref` and what tells the default version."""
    others = sorted(name for name in meta if name not in _META_FIRST and name[:1] != ".")
    known = meta if "readonly" in meta else {**meta, "readonly": False}
    return _members(known, [*(name for name in _META if name in known), *others])


class Kept:
    """What was made of entities, by their identity; the oldest go first when there is too much."""

    def __init__(self, max_chars: int) -> None:
        self.chars = 0
        self._max_chars = max_chars
        self._by_identity: dict[int, tuple[weakref.ref[Any], Any, int]] = {}
        self._turn = Lock()  # large answers are made in threads

    def get(self, entity: Any) -> Any:
        """What was made of the entity, or None."""
        entry = self._by_identity.get(id(entity))
        # An identity is used again once its entity is gone.
        return None if entry is None or entry[0]() is not entity else entry[1]

    def put(self, entity: Any, value: Any, chars: int) -> None:
        """Keep a value of so many characters, if that is possible at all."""
        chars += _ENTRY_CHARS
        if chars > self._max_chars:
            return
        with self._turn:
            self._drop(id(entity))
            self._by_identity[id(entity)] = (weakref.ref(entity), value, chars)
            self.chars += chars
            while self.chars > self._max_chars:
                self._drop(next(iter(self._by_identity)))

    def _drop(self, identity: int) -> None:
        entry = self._by_identity.pop(identity, None)
        if entry is not None:
            self.chars -= entry[2]


_kept: Final = Kept(MAX_CACHED_CHARS)
_kept_meta: Final = Kept(MAX_CACHED_CHARS // 4)


def pieces_of(entity: Group | Version, url: str = "") -> Pieces:
    """The pieces of a group or a version."""
    found: Pieces | None = _kept.get(entity)
    if found is None:
        found = pieces(entity.attributes, url)
        size = len(found.head) + len(found.body)
        _kept.put(entity, found, size if found.bare is found.body else size + len(found.bare))
    return found


def meta_piece_of(resource: Resource) -> str:
    """The piece of a resource's meta."""
    found: str | None = _kept_meta.get(resource)
    if found is None:
        found = meta_piece(resource.meta)
        _kept_meta.put(resource, found, len(found))
    return found
