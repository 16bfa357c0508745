"""A schema and those before it, at an xid: what a change of it is held against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chappe.registry.declaration import Declaration
from chappe.registry.entity import Resource, Tree, Version
from chappe.registry.lineage import ancestor
from chappe.registry.versions_at import resource_at


@dataclass(frozen=True, slots=True)
class Document:
    """A schema's text at `xid`, and the format that says what it is."""

    xid: str
    format: str
    text: bytes


@dataclass(frozen=True, slots=True)
class Line:
    """The present document, its ancestors behind it (the nearest first), and the rule they keep.

    `rule` is the schema's own `compatibility`, "" where it has none; `xid` names the schema or the
    message that holds the document.
    """

    xid: str
    documents: Sequence[Document]
    rule: str = ""


def line_at(tree: Tree, declarations: Mapping[str, Declaration], xid: str) -> Line | None:
    """The line of a schema (its default version), a version, or a message; None: there is none.

    A message stands for the schema in it, or for the one that it names.
    """
    declared = next((one for one in declarations.values() if one.path == xid), None)
    if declared is not None:
        if declared.schema:
            return Line(xid, [Document(xid, declared.format, declared.schema)])
        return None if declared.schemaxid is None else line_at(tree, {}, declared.schemaxid)
    place, _, vid = xid.removesuffix("$details").partition("/versions/")
    resource = resource_at(tree, place)
    if resource is None:
        return None
    first = resource.versions.find(vid) if vid else resource.default
    if first is None:
        return None
    documents = [
        Document(
            f"{place}/versions/{id}", str(one.attributes.get("format", "")), one.document or b""
        )
        for id, one in _back_from(resource, first)
    ]
    return Line(place, documents, str(resource.meta.get("compatibility") or ""))


def _back_from(resource: Resource, first: Version) -> Iterator[tuple[str, Version]]:
    id, version = first.id, first
    seen = set[str]()
    while id not in seen:
        seen.add(id)
        yield id, version
        id = ancestor(id, version)
        found = resource.versions.find(id)
        if found is None:
            return
        version = found
