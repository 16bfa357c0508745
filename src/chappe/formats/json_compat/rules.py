"""The rules of JSON Schema compatibility by name: what each finds, whom it harms, what would mend it.

They are those of the Confluent Schema Registry, under its names. "old" is the schema that data was
written with, "new" the one it is read with. A change that STRICT does not allow is allowed by LENIENT
where only data that nobody is known to have written would be refused.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from chappe.formats.json_compat.changes import Change
from chappe.formats.json_compat.wording import told
from chappe.formats.schema_language import Difference


class Rule(NamedTuple):
    """`text` and `fix` may name {old}, {new} and {at}, the last part of the path."""

    text: str
    fix: str = ""


_ANNOTATIONS: Final = ("ID_CHANGED", "DESCRIPTION_CHANGED", "TITLE_CHANGED", "DEFAULT_CHANGED")

UPPER: Final = {
    "maxLength": "MAX_LENGTH",
    "maximum": "MAXIMUM",
    "exclusiveMaximum": "EXCLUSIVE_MAXIMUM",
    "maxProperties": "MAX_PROPERTIES",
    "maxItems": "MAX_ITEMS",
    "maxContains": "MAX_CONTAINS",
}
LOWER: Final = {
    "minLength": "MIN_LENGTH",
    "minimum": "MINIMUM",
    "exclusiveMinimum": "EXCLUSIVE_MINIMUM",
    "minProperties": "MIN_PROPERTIES",
    "minItems": "MIN_ITEMS",
    "minContains": "MIN_CONTAINS",
}

STRICT: Final = frozenset(
    {
        *_ANNOTATIONS,
        *(f"{name}_{end}" for name in UPPER.values() for end in ("INCREASED", "REMOVED")),
        *(f"{name}_{end}" for name in LOWER.values() for end in ("DECREASED", "REMOVED")),
        "SCHEMA_REMOVED",
        "TYPE_EXTENDED",
        "PATTERN_REMOVED",
        "MULTIPLE_OF_REDUCED",
        "MULTIPLE_OF_REMOVED",
        "REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED",
        "REQUIRED_ATTRIBUTE_REMOVED",
        "DEPENDENCY_ARRAY_NARROWED",
        "DEPENDENCY_ARRAY_REMOVED",
        "DEPENDENCY_SCHEMA_REMOVED",
        "ADDITIONAL_PROPERTIES_ADDED",
        "ADDITIONAL_PROPERTIES_EXTENDED",
        "UNEVALUATED_PROPERTIES_ADDED",
        "UNEVALUATED_PROPERTIES_EXTENDED",
        "PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL",
        "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_UNOPEN_CONTENT_MODEL",
        "OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL",
        "PROPERTY_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL",
        "PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL",
        "PROPERTY_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
        "PROPERTY_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
        "UNIQUE_ITEMS_REMOVED",
        "ADDITIONAL_ITEMS_ADDED",
        "ADDITIONAL_ITEMS_EXTENDED",
        "UNEVALUATED_ITEMS_ADDED",
        "UNEVALUATED_ITEMS_EXTENDED",
        "ITEM_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL",
        "ITEM_ADDED_TO_CLOSED_CONTENT_MODEL",
        "ITEM_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL",
        "ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL",
        "ITEM_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
        "ITEM_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
        "ENUM_ARRAY_EXTENDED",
        "COMBINED_TYPE_EXTENDED",
        "PRODUCT_TYPE_NARROWED",
        "SUM_TYPE_EXTENDED",
        "NOT_TYPE_NARROWED",
    }
)
"""What leaves every reader able to read."""

LENIENT: Final = STRICT | {
    "ADDITIONAL_PROPERTIES_NARROWED",
    "ADDITIONAL_PROPERTIES_REMOVED",
    "UNEVALUATED_PROPERTIES_NARROWED",
    "UNEVALUATED_PROPERTIES_REMOVED",
    "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL",
    "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
    "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL",
    "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
    "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
}

_OPEN: Final = (
    'close the old schema with "additionalProperties": false before {at} is added, or compare by the'
    " LENIENT policy"
)
_NOT_REQUIRED: Final = "do not require {at}, or give it a default"

INCOMPATIBLE: Final = {
    **{
        f"{name}_ADDED": Rule(f"{keyword} {{new}} was added", f"leave {keyword} out")
        for keyword, name in (UPPER | LOWER).items()
    },
    **{
        f"{name}_DECREASED": Rule(
            f"{keyword} went down from {{old}} to {{new}}", f"keep {keyword} at {{old}} or above"
        )
        for keyword, name in UPPER.items()
    },
    **{
        f"{name}_INCREASED": Rule(
            f"{keyword} went up from {{old}} to {{new}}", f"keep {keyword} at {{old}} or below"
        )
        for keyword, name in LOWER.items()
    },
    "SCHEMA_ADDED": Rule("the schema {new} was added where anything was allowed", "leave it out"),
    "TYPE_NARROWED": Rule("{old} became {new}", "keep the type number"),
    "TYPE_CHANGED": Rule("{old} became {new}", "keep {old}, or allow both with anyOf"),
    "PATTERN_ADDED": Rule("the pattern {new} was added", "leave the pattern out"),
    "PATTERN_CHANGED": Rule("the pattern {old} became {new}", "keep the pattern {old}"),
    "MULTIPLE_OF_ADDED": Rule("multipleOf {new} was added", "leave multipleOf out"),
    "MULTIPLE_OF_EXPANDED": Rule("multipleOf went up from {old} to {new}", "keep multipleOf {old}"),
    "MULTIPLE_OF_CHANGED": Rule(
        "multipleOf {old} became {new}, which does not divide it", "use a divisor of {old}"
    ),
    "REQUIRED_ATTRIBUTE_ADDED": Rule("{at} was optional and is now required", _NOT_REQUIRED),
    "DEPENDENCY_ARRAY_ADDED": Rule("{at} now needs {new} beside it", "leave the dependency out"),
    "DEPENDENCY_ARRAY_EXTENDED": Rule(
        "{at} needed {old} beside it and now {new}", "need no more than {old}"
    ),
    "DEPENDENCY_ARRAY_CHANGED": Rule(
        "{at} needed {old} beside it and now {new}", "need no more than {old}"
    ),
    "DEPENDENCY_SCHEMA_ADDED": Rule(
        "a schema now depends on {at}: {new}", "leave the dependency out"
    ),
    "REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL": Rule(
        "the required property {at} was added ({new}); the old schema allows any value there, or none",
        _NOT_REQUIRED + "; and " + _OPEN,
    ),
    "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL": Rule(
        "the property {at} was added ({new}); the old schema allows any value there", _OPEN
    ),
    "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL": Rule(
        "the property {at} was added ({new}); the old schema allows any value there", _OPEN
    ),
    "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL": Rule(
        "the required property {at} was added ({new}), which no old data has", _NOT_REQUIRED
    ),
    "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL": Rule(
        "the property {at} ({old}) was removed, and the new schema allows no others",
        "keep {at} as an optional property, or allow additionalProperties",
    ),
    "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": Rule(
        "the property {at} ({old}) was removed, and other properties must be {new}",
        "keep {at} as an optional property",
    ),
    "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": Rule(
        "the property {at} was added ({new}); by the old schema it may be {old}",
        "let {at} allow all that {old} does",
    ),
    "ADDITIONAL_PROPERTIES_REMOVED": Rule(
        "additionalProperties were allowed ({old}) and are not any more",
        "keep additionalProperties allowed",
    ),
    "ADDITIONAL_PROPERTIES_NARROWED": Rule(
        "additionalProperties were anything and are now {new}", "keep additionalProperties open"
    ),
    "UNEVALUATED_PROPERTIES_REMOVED": Rule(
        "unevaluatedProperties were allowed ({old}) and are not any more",
        "keep unevaluatedProperties allowed",
    ),
    "UNEVALUATED_PROPERTIES_NARROWED": Rule(
        "unevaluatedProperties were anything and are now {new}", "keep unevaluatedProperties open"
    ),
    "UNIQUE_ITEMS_ADDED": Rule("uniqueItems was added", "leave uniqueItems out"),
    "ADDITIONAL_ITEMS_REMOVED": Rule(
        "items behind the tuple were allowed ({old}) and are not any more", "keep them allowed"
    ),
    "ADDITIONAL_ITEMS_NARROWED": Rule(
        "items behind the tuple were anything and are now {new}", "keep them open"
    ),
    "UNEVALUATED_ITEMS_REMOVED": Rule(
        "unevaluatedItems were allowed ({old}) and are not any more",
        "keep unevaluatedItems allowed",
    ),
    "UNEVALUATED_ITEMS_NARROWED": Rule(
        "unevaluatedItems were anything and are now {new}", "keep unevaluatedItems open"
    ),
    "ITEM_ADDED_TO_OPEN_CONTENT_MODEL": Rule(
        "the item {at} was added to the tuple ({new}); the old schema allows anything there",
        "leave the item out, or close the old tuple first",
    ),
    "ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL": Rule(
        "the item {at} ({old}) was removed, and the new tuple allows no more items",
        "keep the item, or allow items behind the tuple",
    ),
    "ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": Rule(
        "the item {at} ({old}) was removed, and items behind the tuple must be {new}",
        "keep the item",
    ),
    "ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": Rule(
        "the item {at} was added ({new}); by the old schema it may be {old}",
        "let the item allow all that {old} does",
    ),
    "ENUM_ARRAY_NARROWED": Rule("the values {old} are not allowed any more", "keep {old}"),
    "ENUM_ARRAY_CHANGED": Rule("{old} became {new}", "keep {old}"),
    "COMBINED_TYPE_CHANGED": Rule("{old} became {new}", "keep {old}, or use anyOf"),
    "PRODUCT_TYPE_EXTENDED": Rule(
        "allOf has {new} schemas and had {old}", "leave the added ones out"
    ),
    "SUM_TYPE_NARROWED": Rule(
        "{new} branches are left of {old} in anyOf or oneOf", "keep all branches"
    ),
    "COMBINED_TYPE_SUBSCHEMAS_CHANGED": Rule(
        "no branch of the new schema is compatible with {old}{new}",
        "keep a compatible branch for each old one",
    ),
    "NOT_TYPE_EXTENDED": Rule("not {new} forbids more than not {old}", "forbid no more than {old}"),
}
"""What some reader may not be able to read."""


def difference(change: Change) -> Difference:
    """An incompatible change as it is told."""
    rule = INCOMPATIBLE[change.code]
    at = next(reversed([*change.steps()]), "the schema")
    words = {"old": told(change.old), "new": told(change.new), "at": at}
    pointer = change.pointer()
    return Difference(
        change.code,
        pointer,
        f"{pointer or '/'}: {rule.text.format(**words)}",
        rule.fix.format(**words),
    )
