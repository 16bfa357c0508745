"""Bodies of the Schema Registry API in the published OpenAPI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chappe.formats.confluent.settings import LEVELS, MODES, POLICIES
from chappe.http.openapi_hub_schemas import OBJECT, TEXT, TEXTS, array_of, object_of
from chappe.http.openapi_parts import schema
from chappe.http.openapi_schemas import Schema

_NUMBER: Final[Schema] = {"type": "integer"}
_FLAG: Final[Schema] = {"type": "boolean"}


def _of(name: str) -> Schema:
    return schema(f"Confluent.{name}")


_CONTENT: Final[Mapping[str, Schema]] = {
    "schemaType": TEXT,
    "schema": TEXT,
    "references": array_of(_of("Reference")),
    "metadata": _of("Metadata"),
    "ruleSet": _of("RuleSet"),
}
_TAGGED: Final = array_of(_of("TaggedEntity"))


def _nullable(properties: Mapping[str, Schema]) -> dict[str, Schema]:
    return {name: {"anyOf": [one, {"type": "null"}]} for name, one in properties.items()}


_CONFIG: Final[Mapping[str, Schema]] = {
    "alias": TEXT,
    "aliasForDeks": TEXT,
    "normalize": _FLAG,
    "validateFields": _FLAG,
    "validateNewSchemas": _FLAG,
    "validateRules": _FLAG,
    "compatibilityPolicy": {"enum": list(POLICIES)},
    "compatibilityGroup": TEXT,
    "defaultMetadata": _of("Metadata"),
    "overrideMetadata": _of("Metadata"),
    "defaultRuleSet": _of("RuleSet"),
    "overrideRuleSet": _of("RuleSet"),
}
_LEVEL: Final[Schema] = {"enum": list(LEVELS)}
_ASSOCIATION: Final[Mapping[str, Schema]] = {
    "subject": TEXT,
    "associationType": TEXT,
    "lifecycle": {"enum": ["STRONG", "WEAK"]},
    "frozen": _FLAG,
}
_RESOURCE: Final[Mapping[str, Schema]] = {
    "resourceName": TEXT,
    "resourceNamespace": TEXT,
    "resourceId": TEXT,
    "resourceType": TEXT,
}

_ALL: Final[Mapping[str, Schema]] = {
    "Error": object_of({"error_code": _NUMBER, "message": TEXT}, "error_code", "message"),
    "Reference": object_of(
        {"name": TEXT, "subject": TEXT, "version": _NUMBER}, "name", "subject", "version"
    ),
    "Metadata": object_of(
        {
            "tags": {"type": "object", "additionalProperties": TEXTS},
            "properties": {"type": "object", "additionalProperties": TEXT},
            "sensitive": TEXTS,
        }
    ),
    "RuleSet": object_of(
        {
            "migrationRules": array_of(OBJECT),
            "domainRules": array_of(OBJECT),
            "encodingRules": array_of(OBJECT),
            "enableAt": TEXT,
        }
    ),
    "TaggedEntity": object_of(
        {
            "schemaEntity": object_of(
                {"entityPath": TEXT, "entityType": {"enum": ["sr_record", "sr_field"]}},
                "entityPath",
                "entityType",
            ),
            "tags": TEXTS,
        },
        "schemaEntity",
    ),
    "Schema": object_of(
        {
            "subject": TEXT,
            "version": _NUMBER,
            "id": _NUMBER,
            "guid": TEXT,
            **_CONTENT,
            "ts": _NUMBER,
            "deleted": _FLAG,
            "schemaTags": _TAGGED,
            "aliases": TEXTS,
            "associations": array_of(_of("Association")),
            "maxId": _NUMBER,
        },
        "schema",
        "schemaType",
    ),
    "SchemaSent": object_of(
        _nullable(
            {
                **_CONTENT,
                "id": _NUMBER,
                "version": _NUMBER,
                "schemaTagsToAdd": _TAGGED,
                "schemaTagsToRemove": _TAGGED,
                "propagateSchemaTags": _FLAG,
            }
        )
    ),
    "TagsSent": object_of(
        _nullable(
            {
                "newVersion": _NUMBER,
                "tagsToAdd": _TAGGED,
                "tagsToRemove": _TAGGED,
                "metadata": _of("Metadata"),
                "ruleSet": _of("RuleSet"),
                "rulesToMerge": _of("RuleSet"),
                "rulesToRemove": TEXTS,
            }
        )
    ),
    "SubjectVersion": object_of({"subject": TEXT, "version": _NUMBER}, "subject", "version"),
    "ContextId": object_of({"context": TEXT, "id": _NUMBER}, "context", "id"),
    "Compatibility": object_of({"is_compatible": _FLAG, "messages": TEXTS}, "is_compatible"),
    "Config": object_of({"compatibilityLevel": _LEVEL, **_CONFIG}),
    "ConfigSent": object_of(_nullable({"compatibility": _LEVEL, **_CONFIG})),
    "Mode": object_of({"mode": {"anyOf": [{"enum": list(MODES)}, {"type": "null"}]}}),
    "Association": object_of(
        {
            **_RESOURCE,
            **_ASSOCIATION,
            "guid": TEXT,
            "createTs": _NUMBER,
            "updateTs": _NUMBER,
        },
        "subject",
        "associationType",
    ),
    "Associated": object_of(
        {
            **_RESOURCE,
            "associations": array_of(object_of({**_ASSOCIATION, "schema": _of("Schema")})),
        }
    ),
    "AssociationsSent": object_of({**_nullable(_RESOURCE), "associations": array_of(OBJECT)}),
    "Batch": object_of(
        {
            "results": array_of(
                {
                    "anyOf": [
                        object_of({"result": _of("Associated")}, "result"),
                        object_of({"error": _of("Error")}, "error"),
                    ]
                }
            )
        },
        "results",
    ),
    "BatchSent": object_of({"requests": array_of(OBJECT)}, "requests"),
}

CONFLUENT_SCHEMAS: Final[Mapping[str, Schema]] = {
    f"Confluent.{name}": one for name, one in _ALL.items()
}
