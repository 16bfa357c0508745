"""A request to the registry as plain values, and what its answers depend on besides the registry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from chappe.http.exchange import Header, find_header
from chappe.registry.capabilities import NO_FORMATS, Offer
from chappe.registry.entity import Tree

READS = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods that `answers.answer_read` answers; all others are `answers.answer_write`'s."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, whole.

    `path` and `query` are as they were sent, the path below the registry's root; header names are
    lower-case. `base` is the absolute URL of the registry's root without a slash at its end.
    """

    method: str
    path: bytes
    query: bytes
    headers: Sequence[Header]
    body: bytes
    base: str

    def header(self, name: bytes) -> bytes | None:
        """The value of the first header of that name."""
        return find_header(self.headers, name)


CrossOrigin: TypeAlias = Literal["all", "reads", "none"]
"""What pages of other origins may do with a visitor's browser: everything that the visitor's token
allows, read, or nothing. Where no token is asked for, a page could write to the hub of whoever looks
at it, so only reads are for all."""


@dataclass(frozen=True, slots=True)
class Edge:
    """What the hub's operator decides of the edge, and what it knows.

    `offer` is what the capabilities can be set to; `find` gives the xid of the entity with a uid
    (`shortself`), `snapshot` the registry as it was at a revision, while that is kept. `registries`
    are the URLs for "/.xregistry", the registry itself where there are none. A body is read up to
    `body_bytes` and `depth` levels of JSON.
    """

    offer: Offer = NO_FORMATS
    find: Callable[[int], str | None] = field(default=lambda uid: None)
    snapshot: Callable[[int], Tree | None] = field(default=lambda revision: None)
    registries: Sequence[str] = ()
    body_bytes: int = 64 * 1024 * 1024
    depth: int = 100
    cross_origin: CrossOrigin = "all"
