"""Transactions and snapshots of the registry <-> bytes, as they lie in the log.

    {"at": "…Z", "by": "ops", "correlation": "…", "uid": 17,
     "events": [["io.xregistry.version.updated", "/schemagroups/g/schemas/s/versions/1", ["name"]]],
     "changes": [{"path": ["schemagroups", "g"], "attributes": {"epoch": 2, …}, "uid": 3},
                 {"path": ["schemagroups", "g", "schemas", "s", "1"], "attributes": {…}, "doc": "…"},
                 {"path": ["endpoints", "old"], "drop": true}]}

A version's document that did not change is not written again. A snapshot is one such entity a line.
Numbers keep their text (1.10 stays 1.10). Unknown fields are passed over when reading, so that a node
reads what a newer one wrote. Secrets are sealed before they reach an entity (private attributes).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from io import BytesIO
from typing import Any, Final

import msgspec

from chappe.domain.errors import Unavailable
from chappe.registry.entity import OWN_TEXTS, Attributes, Collection, Group, Resource, Tree, Version
from chappe.registry.errors import RegistryError
from chappe.registry.journal import images, made
from chappe.registry.model import Model
from chappe.registry.model_source import compile_model
from chappe.registry.request import Change, Image
from chappe.registry.transaction import Announcement, Transaction


class _Change(msgspec.Struct, frozen=True, omit_defaults=True):
    path: tuple[str, ...]
    attributes: dict[str, Any] | None = None
    uid: int = 0
    last: int = 0
    doc: str | None = None
    doc64: str | None = None
    nodoc: bool = False
    drop: bool = False
    capabilities: dict[str, Any] | None = None
    modelsource: dict[str, Any] | None = None


class _Transaction(msgspec.Struct, frozen=True, omit_defaults=True):
    at: str
    changes: list[_Change]
    by: str = ""
    correlation: str = ""
    root: str = ""
    uid: int = 0
    events: list[Announcement] = []


class _SnapshotHead(msgspec.Struct, frozen=True):
    revision: int
    uid: int
    entities: int


_encode: Final = msgspec.json.Encoder(decimal_format="number").encode
_decode_transaction: Final = msgspec.json.Decoder(_Transaction, float_hook=Decimal).decode
_decode_change: Final = msgspec.json.Decoder(_Change, float_hook=Decimal).decode
_decode_head: Final = msgspec.json.Decoder(_SnapshotHead).decode


def encode_transaction(transaction: Transaction) -> bytes:
    """The transaction as bytes."""
    return _encode(
        _Transaction(
            transaction.at,
            [_written(change) for change in transaction.changes],
            transaction.by,
            transaction.correlation,
            transaction.root,
            transaction.next_uid,
            list(transaction.announcements),
        )
    )


def decode_transaction(data: bytes, tree: Tree) -> Transaction:
    """The transaction that `encode_transaction` wrote, upon the tree that it was made upon.

    Raises:
        Unavailable: the bytes are no transaction that this release knows.
    """
    found = _found(data)
    return Transaction(
        [_read(change, tree) for change in found.changes],
        found.at,
        found.by,
        found.correlation,
        found.root,
        found.uid,
        found.events,
    )


def decode_announcements(data: bytes) -> Transaction:
    """The transaction without its changes: what is to be announced of it."""
    found = _found(data)
    return Transaction(
        (), found.at, found.by, found.correlation, found.root, found.uid, found.events
    )


def _found(data: bytes) -> _Transaction:
    try:
        return _decode_transaction(data)
    except msgspec.MsgspecError as exc:
        raise Unavailable(f"registry: a transaction cannot be read: {exc}") from exc


def encode_tree(tree: Tree, revision: int) -> Iterator[bytes]:
    """The whole registry as of `revision`, in pieces of one entity each: a snapshot."""
    count = sum(1 for _ in images(tree))
    yield _encode(_SnapshotHead(revision, tree.next_uid, count)) + b"\n"
    for change in images(tree):
        yield _encode(_written(change)) + b"\n"


def decode_tree(data: bytes) -> tuple[Tree, int]:
    """The registry that `encode_tree` wrote, and its revision.

    Raises:
        Unavailable: it cannot be read.
    """
    lines = BytesIO(data)  # no list of lines: it would hold the snapshot once more
    try:
        head = _decode_head(lines.readline())
        tree, entities = made(_images(lines), next_uid=head.uid)
    except msgspec.MsgspecError as exc:
        raise Unavailable(f"registry: the snapshot cannot be read: {exc}") from exc
    if entities != head.entities:
        raise Unavailable(f"registry: the snapshot has {entities} entities of {head.entities}")
    return tree, head.revision


def _images(lines: Iterable[bytes]) -> Iterator[tuple[Sequence[str], Image]]:
    """The path and the image of each line of a snapshot.

    Times, formats, content types and ids are the same in many entities: each is kept once.
    """
    shared: dict[str, str] = {}
    for line in lines:
        found = _decode_change(line)
        attributes = found.attributes or {}
        for name, value in attributes.items():
            if type(value) is str and name not in OWN_TEXTS:
                attributes[name] = shared.setdefault(value, value)
        path = [shared.setdefault(part, part) for part in found.path]
        yield path, _image(found, path, attributes, None)


def _written(change: Change) -> _Change:
    match change.after:
        case None:
            return _Change(change.path, drop=True)
        case Tree(attributes=attributes, capabilities=capabilities, model=model):
            before = change.before
            same = isinstance(before, Tree) and before.model is model
            return _Change(
                change.path,
                dict(attributes),
                capabilities=dict(capabilities),
                modelsource=None if same else dict(model.source),
            )
        case Group(attributes=attributes, uid=uid):
            return _Change(change.path, dict(attributes), uid)
        case Resource(meta=meta, uid=uid, last_id=last_id):
            return _Change(change.path, dict(meta), uid, last_id)
        case Version(attributes=attributes, uid=uid, document=document):
            before = change.before
            if isinstance(before, Version) and before.document == document:
                return _Change(change.path, dict(attributes), uid)
            if document is None:
                return _Change(
                    change.path, dict(attributes), uid, nodoc=isinstance(before, Version)
                )
            try:
                return _Change(change.path, dict(attributes), uid, doc=document.decode())
            except UnicodeDecodeError:
                return _Change(
                    change.path, dict(attributes), uid, doc64=b64encode(document).decode("ascii")
                )


def _read(found: _Change, tree: Tree) -> Change:
    """The change, upon the tree that it was made upon."""
    path, attributes = found.path, found.attributes or {}
    if not path:
        return Change(path, tree, _image(found, path, attributes, tree))
    before = _present(tree, path)
    return Change(path, before, None if found.drop else _image(found, path, attributes, before))


def _image(
    found: _Change, path: Sequence[str], attributes: Attributes, before: Image | None
) -> Image:
    """The entity after the change; `before` has what was not written again."""
    match len(path):
        case 0:
            if found.modelsource is not None:
                model = _model(found.modelsource)
            else:
                model = before.model if isinstance(before, Tree) else _NO_MODEL
            return Tree(attributes, model, found.capabilities or {})
        case 2:
            return Group(path[1], attributes, {}, found.uid)
        case 4:
            return Resource(path[3], attributes, _NO_VERSIONS, found.last, found.uid)
        case _:
            document: bytes | None
            if found.doc is not None:
                document = found.doc.encode()
            elif found.doc64 is not None:
                document = b64decode(found.doc64)
            elif found.nodoc or not isinstance(before, Version):
                document = None
            else:
                document = before.document
            return Version(path[4], attributes, document, found.uid)


def _present(tree: Tree, path: Sequence[str]) -> Group | Resource | Version | None:
    group = tree.of(path[0]).find(path[1])
    if group is None or len(path) == 2:
        return group
    resource = group.of(path[2]).find(path[3])
    if resource is None or len(path) == 4:
        return resource
    return resource.versions.find(path[4])


def _model(source: Mapping[str, Any]) -> Model:
    # What is reserved is for writes: a name that a release adds must not hide a stored registry.
    try:
        return compile_model(source)
    except RegistryError as exc:
        raise Unavailable(f"registry: a model cannot be read: {exc}") from exc


_NO_VERSIONS: Final[Collection[Version]] = Collection()
_NO_MODEL: Final = compile_model({})
