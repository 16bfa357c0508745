"""What a resource with `xref` shows (core/spec.md "Cross Referencing Resources")."""

from __future__ import annotations

from chappe.registry.entity import Resource, Tree, Version


def shown_of(tree: Tree, resource: Resource) -> Resource | None:
    """The resource whose meta and versions it shows: itself, or the target of its `xref`.

    None: the target is not there, or is a mirror itself (an `xref` is followed once).
    """
    xref = resource.meta.get("xref")
    if xref is None:
        return resource
    target = tree.resource(xref)
    return None if target is None or "xref" in target.meta else target


def default_of(tree: Tree, resource: Resource) -> Version | None:
    """The version whose attributes the resource shows; None of a mirror of nothing."""
    version = resource.versions.find(resource.meta.get("defaultversionid", ""))
    if version is not None or "xref" not in resource.meta:
        return version
    shown = shown_of(tree, resource)
    return None if shown is None else shown.default
