"""Bodies of requests about schemas. What is not known in them does not matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from json import detect_encoding
from typing import Any, Final

import msgspec

from chappe.formats.confluent.contracts import (
    Metadata,
    RuleSet,
    parse_metadata,
    parse_rule_set,
    text_or_none,
)
from chappe.formats.confluent.errors import Refused, bad_body
from chappe.formats.confluent.identity import Reference
from chappe.formats.confluent.texts import AVRO

_MOST: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class TaggedEntity:
    """Tags of a record or a field of a schema, such as ("User.email", "sr_field", ("PII",))."""

    path: str
    kind: str
    tags: Sequence[str]

    def shown(self) -> dict[str, Any]:
        """As JSON."""
        entity = {"entityPath": self.path, "entityType": self.kind}
        return {"schemaEntity": entity, "tags": list(self.tags)}


@dataclass(frozen=True, slots=True)
class SchemaRequest:
    """A schema as it was sent; `version` 0 and `id` -1 where none was."""

    type: str = AVRO
    text: str = ""
    references: Sequence[Reference] = ()
    metadata: Metadata | None = None
    rules: RuleSet | None = None
    version: int = 0
    id: int = -1
    tags_to_add: Sequence[TaggedEntity] = ()
    tags_to_remove: Sequence[TaggedEntity] = ()
    propagates_tags: bool = False


@dataclass(frozen=True, slots=True)
class TagRequest:
    """What POST …/tags changes of a version."""

    new_version: int | None = None
    tags_to_add: Sequence[TaggedEntity] = ()
    tags_to_remove: Sequence[TaggedEntity] = ()
    metadata: Metadata | None = None
    rules: RuleSet | None = None
    rules_to_merge: RuleSet | None = None
    rules_to_remove: Sequence[str] | None = None


def parse_object(body: bytes) -> Mapping[str, Any]:
    """The JSON object of a body: in UTF-8, or in another encoding that its first bytes tell.

    Raises:
        Refused: there is no body, or another one.
    """
    if not body.strip():
        raise Refused(422, 422, "the request's body must not be null")
    try:
        encoding = detect_encoding(body)
        value = msgspec.json.decode(body if encoding == "utf-8" else body.decode(encoding))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise bad_body(f"the request's body is no JSON: {error}") from None
    if value is None:
        raise Refused(422, 422, "the request's body must not be null")
    if not isinstance(value, dict):
        raise bad_body("the request's body must be a JSON object")
    return value


def parse_schema(value: object) -> SchemaRequest:
    """A schema that is to be registered, looked for, or compared.

    Raises:
        Refused: it is of another shape.
    """
    document = _object(value, "schema")
    return SchemaRequest(
        type=text_or_none(document.get("schemaType"), "schemaType") or AVRO,
        text=_schema_text(document.get("schema")),
        references=_references(document.get("references")),
        metadata=parse_metadata(document.get("metadata")),
        rules=parse_rule_set(document.get("ruleSet")),
        version=whole_or(document.get("version"), 0, "version"),
        id=whole_or(document.get("id"), -1, "id"),
        tags_to_add=_tagged(document.get("schemaTagsToAdd")),
        tags_to_remove=_tagged(document.get("schemaTagsToRemove")),
        propagates_tags=document.get("propagateSchemaTags") is True,
    )


def parse_tags(body: bytes) -> TagRequest:
    """What a body of POST …/tags says.

    Raises:
        Refused: it is of another shape.
    """
    document = parse_object(body)
    new = document.get("newVersion")
    remove = document.get("rulesToRemove")
    if remove is not None and not isinstance(remove, list):
        raise bad_body("rulesToRemove: an array is needed")
    return TagRequest(
        None if new is None else whole_or(new, 0, "newVersion"),
        _tagged(document.get("tagsToAdd")),
        _tagged(document.get("tagsToRemove")),
        parse_metadata(document.get("metadata")),
        parse_rule_set(document.get("ruleSet")),
        parse_rule_set(document.get("rulesToMerge")),
        None if remove is None else [str(one) for one in remove],
    )


def whole_or(value: object, otherwise: int, where: str) -> int:
    """A whole number, also as text; `otherwise` for null.

    Raises:
        Refused: it is none.
    """
    match value:
        case None:
            return otherwise
        case bool():
            pass
        case int() if abs(value) <= _MOST:
            return value
        case str() if value.strip().lstrip("-").isdigit() and len(value) < 12:
            return int(value)
        case _:
            pass
    raise bad_body(f"{where}: a whole number is needed")


def _schema_text(value: object) -> str:
    """The schema's text; one that was sent as JSON instead of as a text of it is let pass."""
    if isinstance(value, dict | list):
        return msgspec.json.encode(value).decode()
    return text_or_none(value, "schema") or ""


def _references(value: object) -> Sequence[Reference]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise bad_body("references: an array is needed")
    return tuple(_reference(_object(one, "references")) for one in value)


def _reference(document: Mapping[str, Any]) -> Reference:
    name = text_or_none(document.get("name"), "references.name")
    subject = text_or_none(document.get("subject"), "references.subject")
    version = document.get("version")
    if name is None or subject is None or version is None:
        raise Refused(
            422,
            42201,
            f"Invalid reference: {{name='{name}', subject='{subject}', version={version}}}",
        )
    return Reference(name, subject, whole_or(version, 0, "references.version"))


def _tagged(value: object) -> Sequence[TaggedEntity]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise bad_body("tags: an array is needed")
    found: list[TaggedEntity] = []
    for one in value:
        document = _object(one, "tags")
        entity = _object(document.get("schemaEntity"), "schemaEntity")
        path = text_or_none(entity.get("entityPath"), "entityPath")
        kind = text_or_none(entity.get("entityType"), "entityType")
        tags = document.get("tags") or []
        if path is None or kind not in ("sr_field", "sr_record") or not isinstance(tags, list):
            raise bad_body(
                "schemaEntity: entityPath and entityType (sr_field, sr_record) are needed"
            )
        found.append(TaggedEntity(path, kind, tuple(str(tag) for tag in tags)))
    return tuple(found)


def _object(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise bad_body(f"{where}: an object is needed")
    return value
