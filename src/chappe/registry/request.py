"""A write as the engine takes it, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, Protocol, TypeAlias

from chappe.registry.capabilities import NO_FORMATS, Offer
from chappe.registry.entity import Attributes, Group, Resource, Tree, Version
from chappe.registry.flags import Flags
from chappe.registry.model import ResourceType
from chappe.registry.target import Target


class Absent(Enum):
    """Stands for a body that was not sent; JSON's null is None."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class DocumentWrite:
    """A document as the body, attributes as headers (core/http.md, Serializing … Documents).

    `attributes` are as the headers gave them: text by name, None for "null", maps as
    {"labels": {"l1": "v"}}; `contenttype` is the Content-Type header or None.
    """

    document: bytes
    attributes: Mapping[str, Any] = field(default_factory=dict)
    contenttype: str | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """One write request; `now` is the time of all of it, `path` the request's path for errors.

    `body` is the parsed JSON, ABSENT, or a DocumentWrite. `admin` may edit `readonly` attributes of
    meta (core/spec.md "readonly").
    """

    method: Literal["PUT", "PATCH", "POST", "DELETE"]
    target: Target
    body: Any
    flags: Flags
    now: str
    path: str = ""
    admin: bool = False


Image: TypeAlias = Tree | Group | Resource | Version


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """One entity that a write made, changed or dropped.

    `path` is () of the registry itself (its attributes, capabilities and model), (plural, gid) of a
    group, (plural, gid, plural, rid) of a resource (its meta, last_id), and with a vid of a version.
    An image is of the entity alone: what is below it has changes of its own. None: it was not there
    before, or is not after. A dropped entity has one change for each entity below it, too.
    """

    path: tuple[str, ...]
    before: Image | None
    after: Image | None


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """What a write comes to.

    `answer` is what the response shows (None: 204, nothing); `processed`, where it is a map, are the
    xids of the entities that it may show (None: all), and of the collections that the request named. `created` is the xid of the entity that a
    request to a single entity made (201, Location).
    """

    tree: Tree
    changes: Sequence[Change]
    answer: Target | None
    processed: frozenset[str] | None = None
    created: Target | None = None


class Formats(Protocol):
    """What the hub knows of the formats of documents; pure, and may be slow for large documents."""

    def known(self, format: str) -> bool:
        """Whether documents of that format can be checked; names are case-insensitive."""
        ...

    def fault(self, format: str, document: bytes) -> str | None:
        """Why the document is none of the format; None if it is one."""
        ...

    def compatibilities(self, format: str) -> frozenset[str]:
        """The compatibility rules that can be checked for a format, such as "backward"."""
        ...

    def incompatibility(self, format: str, older: bytes, newer: bytes) -> str | None:
        """Why data of `older` cannot be read with `newer`; None if it can.

        "backward" asks this, "forward" asks it the other way round, "full" asks both.
        """
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """What a write is checked against besides the model.

    `incoming` sees a version's attributes after they were merged with the present ones and before
    they are validated, and gives those to go on with (type, the version's xid, attributes, what
    was stored before or None): here a secret becomes a private attribute. `guard` looks at the
    changes at the end; it raises RegistryError when they break a rule of the hub's own (such as a
    subscription whose sink is no URI). `offer` is what a client can switch on (see capabilities),
    `reserved` are names that no type of group may take, because they are other paths of the hub's.
    """

    formats: Formats
    incoming: Callable[[ResourceType, str, dict[str, Any], Attributes | None], dict[str, Any]] = (
        lambda type, xid, attributes, before: attributes
    )
    guard: Callable[[Tree, Sequence[Change]], None] = lambda tree, changes: None
    offer: Offer = NO_FORMATS
    reserved: frozenset[str] = frozenset()
