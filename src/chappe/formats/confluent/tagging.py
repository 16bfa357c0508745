"""Tags inside of schemas: `confluent:tags` of records, objects and fields.

Avro  "shop.User" is a record, "shop.User.email" a field
JSON  "object" is the document, "object.email" a property, "object.address.object.city" one below;
      arrays, definitions and combinations stand in the path as "array", "definitions.Name",
      "oneof.0"
Protobuf  "User" is a message, "User.Address.city" a field of one nested in it; the package is left out
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from chappe.domain.errors import Malformed
from chappe.formats.confluent.errors import InvalidSchema
from chappe.formats.confluent.identity import Content
from chappe.formats.confluent.index import Entry, Index
from chappe.formats.confluent.names import Name
from chappe.formats.confluent.parsing import Described, Parser, Resolved, resolve, resolve_entry
from chappe.formats.confluent.requests import TaggedEntity
from chappe.formats.confluent.texts import AVRO, JSON, PROTOBUF

TAGS: Final = "confluent:tags"
RECORD: Final = "sr_record"
FIELD: Final = "sr_field"

_COMBINED: Final = ("allOf", "anyOf", "oneOf")
_DEFINITIONS: Final = ("definitions", "$defs")


def tags_of(
    index: Index, parser: Parser, entry: Entry, wanted: Sequence[str] = ("*",)
) -> list[TaggedEntity]:
    """What of a version is tagged with one of the wanted tags; "*" stands for any.

    Raises:
        InvalidSchema: it cannot be read any more.
    """
    content = entry.content
    tagged: Iterable[TaggedEntity]
    if content.type == PROTOBUF:
        tagged = _protobuf(parser, resolve_entry(index, entry))
    else:
        tagged = (
            TaggedEntity(path, kind, _tags(node))
            for path, kind, node in _entities(content.type, _read(content.text))
        )
    return [
        one
        for one in tagged
        if one.tags and ("*" in wanted or not set(wanted).isdisjoint(one.tags))
    ]


def retagged(
    index: Index,
    parser: Parser,
    name: Name,
    content: Content,
    add: Sequence[TaggedEntity],
    remove: Sequence[TaggedEntity],
) -> Content:
    """A schema of the subject with tags more or less; what is in both goes.

    Raises:
        InvalidSchema: an entity is not there, or it is no schema.
    """
    if not add and not remove:
        return content
    if content.type == PROTOBUF:
        resolved = resolve(index, name, content)
        return _retagged_protobuf(parser, resolved, add, remove)
    document = _read(content.text)
    nodes = {(kind, path): node for path, kind, node in _entities(content.type, document)}
    _check_paths(nodes, (*add, *remove))
    for (kind, path), node in nodes.items():
        before = _tags(node)
        tags = _changed(TaggedEntity(path, kind, before), add, remove)
        if tuple(tags) == before:
            continue
        node[TAGS] = tags
        if not tags:
            del node[TAGS]
    return replace(content, text=json.dumps(document, ensure_ascii=False, separators=(",", ":")))


def _check_paths(known: Collection[tuple[str, str]], wanted: Iterable[TaggedEntity]) -> None:
    for one in wanted:
        if (one.kind, _path(one)) not in known:
            raise InvalidSchema(f"No matching path '{one.path}' found in the schema")


def _changed(
    entity: TaggedEntity, add: Sequence[TaggedEntity], remove: Sequence[TaggedEntity]
) -> list[str]:
    """The tags of a part of the schema as they are to be."""
    mine = entity.kind, entity.path
    more = [tag for one in add if (one.kind, _path(one)) == mine for tag in one.tags]
    less = {tag for one in remove if (one.kind, _path(one)) == mine for tag in one.tags}
    return [tag for tag in dict.fromkeys((*entity.tags, *more)) if tag not in less]


def _path(entity: TaggedEntity) -> str:
    return entity.path.removeprefix(".")


def _tags(node: Mapping[str, Any]) -> tuple[str, ...]:
    tags = node.get(TAGS)
    return tuple(dict.fromkeys(map(str, tags))) if isinstance(tags, list) else ()


def _protobuf(parser: Parser, resolved: Resolved) -> Sequence[TaggedEntity]:
    """All that can be tagged; nothing where the schema has an option of its own in the tags' place."""
    from chappe.formats.protobuf_schema.tags import tags_in

    schema = parser.parse(resolved)
    if not isinstance(schema, Described):
        return ()
    try:
        found = tags_in(schema.descriptor())
    except Malformed:
        return ()
    return [
        TaggedEntity(one.path, FIELD if one.is_field else RECORD, tuple(dict.fromkeys(one.tags)))
        for one in found
    ]


def _retagged_protobuf(
    parser: Parser,
    resolved: Resolved,
    add: Sequence[TaggedEntity],
    remove: Sequence[TaggedEntity],
) -> Content:
    from chappe.formats.protobuf_schema.tags import Tagged, with_tags

    schema = parser.parse(resolved)
    if not isinstance(schema, Described):
        raise InvalidSchema("tags inside of the schema cannot be changed; send the schema itself")
    known = {(one.kind, one.path) for one in _protobuf(parser, resolved)}
    _check_paths(known, (*add, *remove))

    def change(one: Tagged) -> list[str]:
        kind = FIELD if one.is_field else RECORD
        return _changed(TaggedEntity(one.path, kind, one.tags), add, remove)

    described = base64.b64encode(with_tags(schema.descriptor(), change)).decode("ascii")
    content = replace(resolved.content, text=described)
    return parser.shown(replace(resolved, content=content)).content


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _entities(type: str, document: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    if type == AVRO:
        yield from _avro(document, "")
    elif type == JSON:
        yield from _json(document, "", in_field=False)


def _avro(value: Any, namespace: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    match value:
        case list():
            for one in value:
                yield from _avro(one, namespace)
        case {"type": "record" | "error", "name": str() as name}:
            full = (
                name
                if "." in name
                else ".".join(filter(None, (value.get("namespace", namespace), name)))
            )
            yield full, RECORD, value
            inner = full.rpartition(".")[0]
            for field in value.get("fields", ()):
                if isinstance(field, dict):
                    yield f"{full}.{field.get('name')}", FIELD, field
                    yield from _avro(field.get("type"), inner)
        case dict():
            for part in ("type", "items", "values"):
                if isinstance(value.get(part), dict | list):
                    yield from _avro(value[part], namespace)
        case _:
            pass


def _json(value: Any, scope: str, *, in_field: bool) -> Iterator[tuple[str, str, dict[str, Any]]]:
    if not isinstance(value, dict):
        return
    for part in _COMBINED:
        for number, one in enumerate(value.get(part) or ()):
            yield from _json(one, f"{scope}{part.lower()}.{number}.", in_field=False)
    if isinstance(value.get("items"), dict):
        yield from _json(value["items"], f"{scope}array.", in_field=False)
    if isinstance(value.get("not"), dict):
        yield from _json(value["not"], f"{scope}not.", in_field=False)
    for part in ("if", "then", "else"):
        yield from _json(value.get(part), f"{scope}conditional.{part}.", in_field=False)
    properties = value.get("properties")
    if value.get("type") != "object" and not isinstance(properties, dict):
        return
    own = f"{scope}object"
    if not in_field:
        yield own, RECORD, value
    for name, one in (properties or {}).items():
        if isinstance(one, dict):
            yield f"{own}.{name}", FIELD, one
            yield from _json(one, f"{own}.{name}.", in_field=True)
    for part in _DEFINITIONS:
        for name, one in (value.get(part) or {}).items():
            yield from _json(one, f"{own}.{part}.{name}.", in_field=False)
