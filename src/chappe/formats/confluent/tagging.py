"""Tags inside of schemas: `confluent:tags` of records, objects and fields.

Avro  "shop.User" is a record, "shop.User.email" a field
JSON  "object" is the document, "object.email" a property, "object.address.object.city" one below;
      arrays, definitions and combinations stand in the path as "array", "definitions.Name",
      "oneof.0"
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from chappe.formats.confluent.errors import InvalidSchema
from chappe.formats.confluent.identity import Content
from chappe.formats.confluent.requests import TaggedEntity
from chappe.formats.confluent.texts import AVRO, JSON

TAGS: Final = "confluent:tags"
RECORD: Final = "sr_record"
FIELD: Final = "sr_field"

_COMBINED: Final = ("allOf", "anyOf", "oneOf")
_DEFINITIONS: Final = ("definitions", "$defs")


def tags_of(content: Content, wanted: Sequence[str] = ("*",)) -> list[TaggedEntity]:
    """What is tagged with one of the wanted tags; "*" stands for any."""
    found: list[TaggedEntity] = []
    for path, kind, node in _entities(content.type, _read(content.text)):
        tags = node.get(TAGS)
        if not isinstance(tags, list) or not tags:
            continue
        texts = tuple(dict.fromkeys(str(tag) for tag in tags))
        if "*" in wanted or not set(wanted).isdisjoint(texts):
            found.append(TaggedEntity(path, kind, texts))
    return found


def retagged(
    type: str, text: str, add: Sequence[TaggedEntity], remove: Sequence[TaggedEntity]
) -> str:
    """The schema with tags more or less.

    Raises:
        InvalidSchema: an entity is not there, or the language has no such tags here.
    """
    if not add and not remove:
        return text
    if type not in (AVRO, JSON):
        raise InvalidSchema(
            f"tags inside of {type} schemas cannot be changed; send the schema itself"
        )
    document = _read(text)
    nodes = {(kind, path): node for path, kind, node in _entities(type, document)}
    for entity in (*add, *remove):
        node = nodes.get((entity.kind, entity.path.removeprefix(".")))
        if node is None:
            raise InvalidSchema(f"No matching path '{entity.path}' found in the schema")
        present = node.get(TAGS)
        tags = [str(tag) for tag in present] if isinstance(present, list) else []
        if entity in add:
            tags += [tag for tag in entity.tags if tag not in tags]
        if entity in remove:
            tags = [tag for tag in tags if tag not in entity.tags]
        node[TAGS] = tags
        if not tags:
            del node[TAGS]
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


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
