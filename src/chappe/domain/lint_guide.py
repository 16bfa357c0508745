"""What each rule of a linter means, why it matters, and how to mend what it found.

Written here once, with the rule's level: the linters take that from here, so that no rule comes without
a text; `chappe errors explain` tells it, and docs/errors.md lists it (a test holds the page to it).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Level = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: how much it weighs, and for people, in Markdown, what it means, why, and the cure."""

    level: Level
    meaning: str
    why: str
    cure: str


TYPE_LINT: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "no-schema": Rule(
            "error",
            "the declaration of the type has no schema, and takes none from another",
            "nobody can tell a valid payload from a broken one, or what a change would break",
            "`chappe schema infer TYPE` suggests one from stored events; `chappe schema add` sets it",
        ),
        "not-checked": Rule(
            "warning",
            "the type has a schema, and no `validation`",
            "a payload that breaks the schema is stored and delivered like any other",
            "`chappe schema add TYPE FILE --mode warn`, and `--mode enforce` once no warning comes",
        ),
        "no-description": Rule(
            "warning",
            "the declaration has no `description`",
            "who looks for an event finds a name, and has to ask somebody when it is sent",
            "say in one sentence what has happened when it is sent: `description` of the type",
        ),
        "no-owner": Rule(
            "warning",
            "the declaration has no label `owner`",
            "nobody knows whom to ask before a change, and whom to tell of broken events",
            "set the label to a team's name: `labels: {owner: checkout}`",
        ),
        "short-name": Rule(
            "warning",
            "the type's name is one word, or has signs other than letters, digits, `_`, `-`, `.`, "
            "`:` and `/`",
            "another team's `created` is a type of the same name; CloudEvents says that a type "
            "SHOULD begin with whose it is (spec.md, type)",
            "name it `whose.what.happened`: declare the longer name, have producers send it, then "
            "`chappe type deprecate` the short one",
        ),
        "empty-schema": Rule(
            "warning",
            "the schema says that the payload is an object, and names no property",
            "any object is valid, so the check finds nothing and readers learn nothing",
            "describe the properties; `chappe schema infer TYPE` suggests them from stored events",
        ),
        "unknown-required": Rule(
            "error",
            "the schema requires a property that its `properties` do not describe",
            "mostly the name is misspelt in one of the two places, and each event is refused",
            "describe the property, or take it out of `required`",
        ),
        "undeclared": Rule(
            "error",
            "events of the type were stored, and nobody has declared it",
            "they are checked against nothing, have no owner, and cannot be found by what they mean",
            "`chappe schema add` declares it with its schema, or `chappe apply` a file of it; if "
            "nobody should send it, ask its source, which `chappe type producers TYPE` names",
        ),
    }
)

SCHEMA_LINT: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "no-json": Rule(
            "error",
            "the file is no JSON",
            "nothing in it can be read, neither by the hub nor by a generator of code",
            "mend it where the message says; a comma after the last member is the usual cause",
        ),
        "no-dialect": Rule(
            "warning",
            "the schema has no `$schema`",
            "the hub takes it for draft-07, other tools for what they know best: `prefixItems` or "
            "`dependentRequired` then mean nothing",
            'say it: `"$schema": "http://json-schema.org/draft-07/schema#"`',
        ),
        "no-schema": Rule(
            "error",
            "the JSON is no schema of its dialect",
            "the hub refuses to register it",
            "mend the keyword that the message names",
        ),
        "foreign-ref": Rule(
            "warning",
            "a `$ref` names a schema outside of the file",
            "the hub never fetches one: what stands there is unknown to it",
            "bring it into the file, below `$defs`, and refer to `#/$defs/NAME`",
        ),
        "impossible": Rule(
            "error",
            "no value can obey the schema: a required property is not allowed, or a minimum is "
            "above its maximum",
            "every event would be refused",
            "describe the property, or correct the bounds",
        ),
        "unknown-required": Rule(
            "warning",
            "a property is required and not described",
            "mostly its name is misspelt in one of the two places; and readers do not learn what it is",
            "describe it below `properties`, or take it out of `required`",
        ),
        "twice-required": Rule(
            "error",
            "`required` names a property twice",
            "JSON Schema wants the names unique, and strict tools refuse the schema",
            "take one out",
        ),
        "no-description": Rule(
            "warning",
            "the schema has neither `title` nor `description`",
            "who finds the type learns its fields, and not what the event is for",
            "say it in one sentence: `description`",
        ),
        "no-type": Rule(
            "warning",
            "nothing says what the property is: no `type`, `enum`, `$ref`, or the like",
            "any value is valid, and a later `type` breaks those who sent another",
            'say what it is: `"type": "string"`',
        ),
    }
)

HOOK_LINT: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "invalid-schema": Rule(
            "error",
            "the file, or a schema within a registry document, is no schema of its language",
            "the hub refuses to register it",
            "mend what the message names",
        ),
        "invalid-document": Rule(
            "error",
            "the file is no registry document: it cannot be read, or the model of the hub has not "
            "what it says",
            "`chappe apply` refuses it as a whole",
            "mend what the message names; `chappe export` shows how one looks",
        ),
        "misspelt-attribute": Rule(
            "error",
            "a group has an attribute that nobody knows, and that is nearly one that it can have",
            "groups take any attribute: the hub keeps `labelz`, and nobody finds the labels",
            "spell it as the message suggests",
        ),
    }
)

LINTERS: Final[Mapping[str, Mapping[str, Rule]]] = MappingProxyType(
    {"type lint": TYPE_LINT, "schema lint": SCHEMA_LINT, "hook lint": HOOK_LINT}
)
"""By the command that finds it."""
