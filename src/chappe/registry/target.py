"""What a path of the registry names (core/http.md "HTTP API Patterns")."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from chappe.registry.model import GroupType, ResourceType


class Level(Enum):
    """The places of the registry."""

    REGISTRY = "registry"  # /
    EXPORT = "export"  # /export
    CAPABILITIES = "capabilities"
    CAPABILITIES_OFFERED = "capabilitiesoffered"
    MODEL = "model"
    MODELSOURCE = "modelsource"
    GROUPS = "groups"  # /GROUPS
    GROUP = "group"  # /GROUPS/gid
    RESOURCES = "resources"  # /GROUPS/gid/RESOURCES
    RESOURCE = "resource"  # /GROUPS/gid/RESOURCES/rid
    META = "meta"  # …/meta
    VERSIONS = "versions"  # …/versions
    VERSION = "version"  # …/versions/vid


COLLECTIONS = frozenset({Level.GROUPS, Level.RESOURCES, Level.VERSIONS})


@dataclass(frozen=True, slots=True)
class Target:
    """A place of the registry, whether or not an entity is there; its types exist.

    `details` tells whether the path ended in "$details". `xid` is without it. What a level does not
    have is "" or None.
    """

    level: Level
    group_type: GroupType | None = None
    gid: str = ""
    resource_type: ResourceType | None = None
    rid: str = ""
    vid: str = ""
    details: bool = False

    @property
    def xid(self) -> str:
        """The path below the registry's root, such as "/dirs/d1/files/f1/versions/v1" or "/model"."""
        match self.level:
            case Level.RESOURCE if self.group_type and self.resource_type:
                return (
                    f"/{self.group_type.plural}/{self.gid}/{self.resource_type.plural}/{self.rid}"
                )
            case Level.REGISTRY:
                return "/"
            case (
                Level.EXPORT
                | Level.CAPABILITIES
                | Level.CAPABILITIES_OFFERED
                | Level.MODEL
                | Level.MODELSOURCE
            ):
                return f"/{self.level.value}"
            case _:
                pass
        parts = [self.group_type.plural if self.group_type else "", self.gid]
        if self.resource_type is not None:
            parts += [self.resource_type.plural, self.rid]
        if self.level is Level.META:
            parts.append("meta")
        elif self.level in (Level.VERSIONS, Level.VERSION):
            parts += ["versions", self.vid]
        return "/" + "/".join(part for part in parts if part)

    @property
    def is_collection(self) -> bool:
        """Whether it names a collection."""
        return self.level in COLLECTIONS

    @property
    def is_document(self) -> bool:
        """Whether it names a resource or version in its document view (no "$details")."""
        return (
            self.level in (Level.RESOURCE, Level.VERSION)
            and self.resource_type is not None
            and self.resource_type.hasdocument
            and not self.details
        )
