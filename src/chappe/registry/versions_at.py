"""The version that an xid names: of a resource its default one."""

from __future__ import annotations

from chappe.registry.entity import Resource, Tree, Version


def resource_at(tree: Tree, xid: str) -> Resource | None:
    """The resource at "/schemagroups/g/schemas/s", or the one that it mirrors."""
    resource = tree.resource(xid)
    if resource is None or resource.xref is None:
        return resource
    return tree.resource(resource.xref)


def version_at(tree: Tree, xid: str) -> Version | None:
    """The version at "/schemagroups/g/schemas/s" (the default one) or "…/versions/v"."""
    place, _, vid = xid.removesuffix("$details").partition("/versions/")
    resource = resource_at(tree, place)
    if resource is None:
        return None
    return resource.versions.find(vid) if vid else resource.default
