"""A small compiled model for tests of the registry's edges: dirs of files (documents) and notes."""

from __future__ import annotations

from chappe.registry.capabilities import initial
from chappe.registry.entity import Tree
from chappe.registry.model import AttributeSet, GroupType, Model, ResourceType

NONE = AttributeSet()


def resource_type(plural: str, singular: str, *, hasdocument: bool = True) -> ResourceType:
    return ResourceType(
        plural, singular, "dirs", f"/dirs/{plural}", NONE, NONE, NONE, hasdocument=hasdocument
    )


FILES = resource_type("files", "file")
NOTES = resource_type("notes", "note", hasdocument=False)
DIRS = GroupType("dirs", "dir", NONE, {"files": FILES, "notes": NOTES})
MODEL = Model({}, {}, NONE, {"dirs": DIRS})


def tree(**capabilities: object) -> Tree:
    """An empty registry that can do all, but for what is given."""
    return Tree({"registryid": "r"}, MODEL, {**initial(), **capabilities})
