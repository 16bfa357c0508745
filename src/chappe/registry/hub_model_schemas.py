"""The model's group type `schemagroups` (schema/spec.md of xRegistry 1.0-rc4)."""

from __future__ import annotations

from typing import Final

from chappe.registry.hub_model_notation import ANY_OTHER, Definition, text

SCHEMAGROUPS: Final[Definition] = {
    "singular": "schemagroup",
    "description": "Schemas that belong together",
    "modelversion": "1.0-rc4",
    "modelcompatiblewith": "https://xregistry.io/xreg/domains/schema/specs/model.json",
    "attributes": {
        "format": text("The language that every schema of the group is in, if it is set"),
        **ANY_OTHER,
    },
    "constraints": {"schemas.format": {"equals": "format"}},
    "resources": {
        "schemas": {
            "singular": "schema",
            "description": "A schema; its versions are its history",
            "modelversion": "1.0-rc4",
            "modelcompatiblewith": "https://xregistry.io/xreg/domains/schema/specs/model.json",
            "validateformat": True,
            "validatecompatibility": True,
            "strictvalidation": False,
            "attributes": {
                "format": text(
                    "The language of the schema, such as JsonSchema/draft/2020-12",
                    required=True,
                    matchversions=True,
                ),
                **ANY_OTHER,
            },
        }
    },
}
