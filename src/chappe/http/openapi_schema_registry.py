"""CloudEvents Schema Registry 0.2 in the published OpenAPI; operations are called as in schemaregistry.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from chappe.http.openapi_hub_schemas import FILLED, TEXT, TEXTS, TIME, array_of, object_of
from chappe.http.openapi_parts import (
    OF_THE_HUB,
    answer,
    body,
    header,
    in_path,
    operation,
    query,
    ref,
    schema,
)
from chappe.http.openapi_schemas import Schema
from chappe.http.schemaregistry.answers import PREFIX

_ANY: Final = "*/*"
_OF_GROUP: Final[Mapping[str, Schema]] = {
    "format": FILLED,
    "description": TEXT,
    "groupProperties": {"type": "object", "additionalProperties": TEXT},
}
_TIMES: Final = ("createdtimeutc", "updatedtimeutc")

SCHEMAS: Final[Mapping[str, Schema]] = {
    "SchemaGroup": object_of(
        {"id": FILLED, **_OF_GROUP, **dict.fromkeys(_TIMES, TIME)}, "id", *_TIMES, closed=True
    ),
    "SchemaGroup-sent": object_of(
        {
            name: {"anyOf": [value, {"type": "null"}]}
            for name, value in {"id": FILLED, **_OF_GROUP, **{one: {} for one in _TIMES}}.items()
        },
        closed=True,
    ),
    "SchemaId": object_of({"id": FILLED}, "id", closed=True),
}

_NUMBER: Final[Schema] = {"type": "integer", "minimum": 1}
_OF_VERSION: Final = ("Location", "Schema-Id", "Schema-Id-Location", "Schema-Version")
_SHOWN: Final = (
    *_OF_VERSION,
    "Schema-Format",
    "Schema-Description",
    "Schema-Authority",
    "Schema-Createdtimeutc",
    "chappe-revision",
)
_WRITTEN: Final = ("chappe-revision", "xRegistry-xregcorrelationid")
_SAID: Final[Mapping[str, str]] = {
    "format": "The schema's format, where its group has none: avro, json-schema, protobuf, xsd11 …",
    "description": "What is to be said of the version.",
    "authority": "Who controls the schema, a URI.",
    "id": "What the version is called below its authority, a URI-reference.",
}
_SAYING: Final = [
    *(query(name, text, FILLED) for name, text in _SAID.items()),
    *(header(f"Schema-{name.capitalize()}", text) for name, text in _SAID.items()),
]


def schema_registry_paths() -> dict[str, Schema]:
    """The path items, by path."""
    groups = f"{PREFIX}/schemagroups"
    group, schemas = f"{groups}/{{group}}", f"{groups}/{{group}}/schemas"
    one, versions = f"{schemas}/{{schema}}", f"{schemas}/{{schema}}/versions"
    uri = query("uri", "A schema version URI.", FILLED, required=True)
    return {
        f"{PREFIX}/schema": {
            "get": _document("getSchemaVersionByURI", "Read a version by its URI", parameters=[uri])
        },
        groups: {"get": _listing("getGroups", "List groups", TEXTS)},
        group: _item(
            "group",
            get=_operation("getGroup", "Read a group", {"200": _shown(schema("SchemaGroup"))}),
            put=_operation(
                "createGroup",
                "Make or update a group",
                {
                    "200": _shown(schema("SchemaGroup"), *_WRITTEN),
                    "201": _shown(schema("SchemaGroup"), "Location", *_WRITTEN),
                },
                "subscribe",
                request=body(schema("SchemaGroup-sent")),
            ),
            delete=_removal("deleteGroup", "Delete a group with all that is in it"),
        ),
        schemas: _item(
            "group",
            get=_listing("getSchemasByGroup", "List the schemas of a group", TEXTS),
            delete=_removal("deleteSchemasByGroup", "Delete all schemas of a group"),
        ),
        one: _item(
            "group",
            "schema",
            get=_document("getLatestSchema", "Read the newest version"),
            post=_operation(
                "createSchema",
                "Make a version, unless there is one that is the same",
                {"200": _shown(schema("SchemaId"), *_SHOWN, *_WRITTEN[1:])},
                "subscribe",
                parameters=_SAYING,
                request=body({}, types=[_ANY]),
            ),
            delete=_removal("deleteSchema", "Delete a schema with all its versions"),
        ),
        versions: _item(
            "group",
            "schema",
            get=_listing("getSchemaVersions", "List the versions of a schema", array_of(_NUMBER)),
        ),
        f"{versions}/{{version}}": _item(
            "group",
            "schema",
            "version",
            get=_document("getSchemaVersion", "Read a version"),
            delete=_removal("deleteSchemaVersion", "Delete a version"),
        ),
    }


def _item(*parts: str, **operations: Schema) -> Schema:
    said = {"group": "The id of the group.", "schema": "The id of the schema."}
    number = in_path("version", "The number of the version.", pattern="^[1-9][0-9]{0,8}$")
    parameters = [
        number if part == "version" else in_path(part, said[part], pattern=".") for part in parts
    ]
    return {"parameters": parameters, **operations}


def _operation(
    id: str, summary: str, responses: Mapping[str, Schema], right: str = "read", **more: Any
) -> Schema:
    return operation(
        id, summary, "schemaregistry", right, responses={**responses, **OF_THE_HUB}, **more
    )


def _shown(value: Schema, *headers: str) -> Schema:
    return answer("As it is shown.", value, headers=headers or ("chappe-revision",))


def _listing(id: str, summary: str, value: Schema) -> Schema:
    return _operation(id, summary, {"200": _shown(value)})


def _document(id: str, summary: str, **more: Any) -> Schema:
    shown = answer("The document, as it was sent.", {}, type=_ANY, headers=("ETag", *_SHOWN))
    return _operation(id, summary, {"200": shown, "304": ref("responses", "NotModified")}, **more)


def _removal(id: str, summary: str) -> Schema:
    return _operation(id, summary, {"204": answer("It is gone.", headers=_WRITTEN)}, "subscribe")
