"""The version that an xid names: of a resource its default one."""

from __future__ import annotations

from chappe.registry.entity import Tree, Version


def version_at(tree: Tree, xid: str) -> Version | None:
    """The version at "/schemagroups/g/schemas/s" (the default one) or "…/versions/v"."""
    place, _, vid = xid.removesuffix("$details").partition("/versions/")
    resource = tree.resource(place)
    if resource is None:
        return None
    if resource.xref is not None:
        resource = tree.resource(resource.xref)
        if resource is None:
            return None
    return resource.versions.find(vid) if vid else resource.default
