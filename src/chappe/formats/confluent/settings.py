"""Configuration and modes: what was set where, and what holds for a subject.

A subject's own configuration, else its context's, else that of everything (`:.__GLOBAL:`), else the
default. What the default context is set to stands beside the last, on the registry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from chappe.formats.confluent.contracts import (
    Metadata,
    RuleSet,
    check_rules,
    parse_metadata,
    parse_rule_set,
    text_or_none,
)
from chappe.formats.confluent.errors import bad_body, invalid_level, invalid_policy

LEVELS: Final = (
    "NONE",
    "BACKWARD",
    "BACKWARD_TRANSITIVE",
    "FORWARD",
    "FORWARD_TRANSITIVE",
    "FULL",
    "FULL_TRANSITIVE",
)
DEFAULT_LEVEL: Final = "BACKWARD"
POLICIES: Final = ("STRICT", "LENIENT", "SEMANTIC")

READWRITE: Final = "READWRITE"
READONLY: Final = "READONLY"
READONLY_OVERRIDE: Final = "READONLY_OVERRIDE"
IMPORT: Final = "IMPORT"
FORWARD: Final = "FORWARD"
MODES: Final = (READWRITE, READONLY, READONLY_OVERRIDE, IMPORT, FORWARD)


@dataclass(frozen=True, slots=True)
class Config:
    """One scope's configuration; None where it says nothing."""

    alias: str | None = None
    alias_for_deks: str | None = None
    normalize: bool | None = None
    validate_fields: bool | None = None
    validate_new_schemas: bool | None = None
    validate_rules: bool | None = None
    level: str | None = None
    policy: str | None = None
    group: str | None = None
    default_metadata: Metadata | None = None
    override_metadata: Metadata | None = None
    default_rules: RuleSet | None = None
    override_rules: RuleSet | None = None

    @property
    def is_merging(self) -> bool:
        """Whether it adds something to schemas that are registered."""
        return any(
            one is not None
            for one in (
                self.default_metadata,
                self.override_metadata,
                self.default_rules,
                self.override_rules,
            )
        )

    def shown(self, *, level: str = "compatibilityLevel") -> dict[str, Any]:
        """As JSON; `level` is the name of the compatibility level, which is another in requests."""
        shown: dict[str, Any] = {}
        for part in fields(self):
            value = getattr(self, part.name)
            if value is None or value == "":
                continue
            name = level if part.name == "level" else _NAMES[part.name]
            shown[name] = value.shown() if isinstance(value, Metadata | RuleSet) else value
        return shown

    def over(self, below: Config) -> Config:
        """What holds in a subject of this configuration where `below` is the global one."""
        return replace(
            self,
            normalize=_first(self.normalize, below.normalize),
            validate_fields=_first(self.validate_fields, below.validate_fields),
            validate_new_schemas=_first(self.validate_new_schemas, below.validate_new_schemas),
            validate_rules=_first(self.validate_rules, below.validate_rules),
            policy=_first(self.policy, below.policy),
            group=_first(self.group, below.group),
        )

    def with_level(self) -> Config:
        """With a level in any case."""
        return self if self.level is not None else replace(self, level=DEFAULT_LEVEL)


_NAMES: Final[Mapping[str, str]] = {
    "alias": "alias",
    "alias_for_deks": "aliasForDeks",
    "normalize": "normalize",
    "validate_fields": "validateFields",
    "validate_new_schemas": "validateNewSchemas",
    "validate_rules": "validateRules",
    "level": "compatibility",
    "policy": "compatibilityPolicy",
    "group": "compatibilityGroup",
    "default_metadata": "defaultMetadata",
    "override_metadata": "overrideMetadata",
    "default_rules": "defaultRuleSet",
    "override_rules": "overrideRuleSet",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What was set in one scope; None where nothing was."""

    config: Config | None = None
    mode: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was set."""
        return self.config is None and self.mode is None

    def stored(self) -> dict[str, Any]:
        """As it lies in a private attribute."""
        stored: dict[str, Any] = {}
        if self.config is not None:
            stored["config"] = self.config.shown(level="compatibility")
        if self.mode is not None:
            stored["mode"] = self.mode
        return stored


NOTHING_SET: Final = Settings()


def read_settings(stored: Mapping[str, Any]) -> Settings:
    """The settings of a private attribute."""
    config, mode = stored.get("config"), stored.get("mode")
    return Settings(None if config is None else updated(Config(), config), mode)


def updated(config: Config, changes: Mapping[str, Any]) -> Config:
    """The configuration with what a request changes; null unsets.

    Raises:
        Refused: a value is none of the possible ones.
    """
    new: dict[str, Any] = {}
    for name, key in _NAMES.items():
        if key not in changes:
            continue
        value = changes[key]
        match name:
            case "default_metadata" | "override_metadata":
                new[name] = parse_metadata(value)
            case "default_rules" | "override_rules":
                rules = new[name] = parse_rule_set(value)
                check_rules(rules)
            case "level":
                new[name] = _level(value)
            case "policy":
                new[name] = _policy(value)
            case "alias" | "alias_for_deks" | "group":
                new[name] = text_or_none(value, key)
            case _:
                new[name] = _boolean(value, key)
    return replace(config, **new)


def _level(value: object) -> str | None:
    text = text_or_none(value, "compatibility")
    if text is not None and text.upper() not in LEVELS:
        raise invalid_level()
    return None if text is None else text.upper()


def _policy(value: object) -> str | None:
    text = text_or_none(value, "compatibilityPolicy")
    if text is not None and text.upper() not in POLICIES:
        raise invalid_policy(text)
    return None if text is None else text.upper()


def _boolean(value: object, name: str) -> bool | None:
    match value:
        case None | bool():
            return value
        case "true" | "false":
            return value == "true"
        case _:
            raise bad_body(f"{name}: a boolean is needed")


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)
