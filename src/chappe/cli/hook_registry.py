"""The schemas that stand in registry documents: of types (`dataschema`), and documents (`schema`).

messagegroups: {shop: {messages: {order.paid: {dataschemaformat: JsonSchema/draft-07, dataschema: {…}}}}}
    ->  Embedded("/messagegroups/shop/messages/order.paid/dataschema", "order.paid", …)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from chappe.cli.registry_files import Document, documents_in, form_of
from chappe.cli.registry_tree import BadDocument, Registry, Shape, read_into
from chappe.client.registry import encoded
from chappe.kit.near import nearest
from chappe.registry.hub_model import hub_model

_LIKE: Final = 0.8
_COMMON: Final = frozenset({"name", "description", "documentation", "icon", "labels", "deprecated"})
"""What the specification gives every group."""

_SCHEMAS: Final = (("dataschema", "dataschemaformat"), ("schema", "format"))


@dataclass(frozen=True, slots=True)
class Embedded:
    """One schema: where it stands, the id of its type or document, and the schema itself."""

    xid: str
    name: str
    format: str
    document: bytes


def read_registry(document: Document) -> Registry:
    """The tree of a document, by the hub's model and the one that it brings along.

    Raises:
        BadDocument: the model does not have what it says.
    """
    brought = document.body.get("modelsource")
    # As `chappe apply` reads it.
    models = [hub_model(), *([brought] if isinstance(brought, dict) else [])]
    tree = Registry()
    read_into(tree, document.body, Shape.of_model(*models))
    return tree


def schemas_in(tree: Registry) -> Iterator[Embedded]:
    """The schemas of all versions."""
    for plural, gid, group in tree.each_group():
        for resources, held in group.resources.items():
            for rid, resource in held.items():
                for version in resource.versions.values():
                    yield from _of(f"/{plural}/{gid}/{resources}/{rid}", rid, version)


def schemas_of_documents(documents: Sequence[Document]) -> dict[str, Embedded]:
    """By xid, of what is a registry document; of a document with several versions the last one."""
    found: dict[str, Embedded] = {}
    for document in documents:
        try:
            found |= {one.xid: one for one in schemas_in(read_registry(document))}
        except BadDocument:
            continue  # a schema or an event; whether it should be one, `chappe hook lint` tells
    return found


def types_below(folder: str) -> Mapping[str, Embedded]:
    """The payload schemas of the types that the registry files in a directory declare, by type.

    Raises:
        click.UsageError: a file cannot be read.
    """
    found: dict[str, Embedded] = {}
    for path in sorted(Path(folder).rglob("*")):
        if form_of(path.name) is None or path.name.endswith(".schema.json") or not path.is_file():
            continue
        documents = documents_in(str(path), path.read_text(encoding="utf-8-sig"))
        named = [one for one in documents if "messagegroups" in one.body or "xid" in one.body]
        for one in schemas_of_documents(named).values():
            if one.xid.endswith("/dataschema"):
                found.setdefault(one.name, one)
    return found


def misspelt(tree: Registry) -> Iterator[tuple[str, str, str]]:
    """Attributes of groups that nobody knows and that are like a known one: (xid, name, known one).

    Groups take any attribute, so a hub would keep `labelz`, and nobody would find the labels.
    """
    types = hub_model()["groups"]
    for plural, gid, group in tree.each_group():
        if plural not in types:
            continue
        known = sorted(_COMMON | types[plural].get("attributes", {}).keys())
        for name in group.attributes.keys() - set(known):
            near = nearest(name, known, like=_LIKE)
            if near is not None and near not in group.attributes:
                yield f"/{plural}/{gid}", name, near


def _of(xid: str, name: str, version: Mapping[str, Any]) -> Iterator[Embedded]:
    for attribute, format_name in _SCHEMAS:
        schema, format_ = version.get(attribute), version.get(format_name)
        if schema is not None and isinstance(format_, str):
            document = schema.encode() if isinstance(schema, str) else encoded(schema)
            yield Embedded(f"{xid}/{attribute}", name, format_, document)
