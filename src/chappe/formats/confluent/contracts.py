"""Metadata and rule sets of schemas (data contracts): read, checked, merged, shown.

The hub stores them and checks their form; clients run the rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from chappe.formats.confluent.errors import bad_body, invalid_rules

VERSION: Final = "confluent:version"
"""The property that a client sets to make a version only if it is the next one."""
MOST_NAME: Final = 256

_KINDS: Final = ("CONDITION", "TRANSFORM")
_MIGRATION_MODES: Final = ("UPGRADE", "DOWNGRADE", "UPDOWN")
_DOMAIN_MODES: Final = ("WRITE", "READ", "WRITEREAD")
_MODES: Final = (*_MIGRATION_MODES, *_DOMAIN_MODES)
_TWO_ACTIONS: Final = ("WRITEREAD", "UPDOWN")
_ENVIRONMENTS: Final = ("ALL", "CLIENT", "GATEWAY", "SERVER", "NONE")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is said of a schema: tags by path, properties, names of properties that are sensitive.

    All of it is in the order of names.
    """

    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    sensitive: Sequence[str] = ()

    @property
    def version(self) -> str | None:
        """The property confluent:version."""
        return self.properties.get(VERSION)

    def with_version(self, version: int | str | None) -> Metadata:
        """With another confluent:version, or with none."""
        properties = {name: one for name, one in self.properties.items() if name != VERSION}
        if version is not None:
            properties[VERSION] = str(version)
        return replace(self, properties=_sorted(properties))

    def shown(self) -> dict[str, Any]:
        """As JSON; what is empty is left out."""
        shown: dict[str, Any] = {}
        if self.tags:
            shown["tags"] = {path: list(tags) for path, tags in self.tags.items()}
        if self.properties:
            shown["properties"] = dict(self.properties)
        if self.sensitive:
            shown["sensitive"] = list(self.sensitive)
        return shown


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `name` and `type` are None where they were not sent."""

    name: str | None = None
    doc: str | None = None
    kind: str = "TRANSFORM"
    mode: str = "WRITEREAD"
    type: str | None = None
    tags: Sequence[str] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    expr: str | None = None
    on_success: str | None = None
    on_failure: str | None = None
    disabled: bool = False

    def shown(self) -> dict[str, Any]:
        """As JSON; what is empty is left out, but for `disabled`."""
        shown: dict[str, Any] = {
            "name": self.name,
            "doc": self.doc,
            "kind": self.kind,
            "mode": self.mode,
            "type": self.type,
            "tags": list(self.tags),
            "params": dict(self.params),
            "expr": self.expr,
            "onSuccess": self.on_success,
            "onFailure": self.on_failure,
        }
        return {name: value for name, value in shown.items() if value} | {"disabled": self.disabled}


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of a schema; `enable_at` says who runs them."""

    migration: Sequence[Rule] = ()
    domain: Sequence[Rule] = ()
    encoding: Sequence[Rule] = ()
    enable_at: str | None = None

    def shown(self) -> dict[str, Any]:
        """As JSON; what is empty is left out."""
        shown: dict[str, Any] = {
            "migrationRules": [rule.shown() for rule in self.migration],
            "domainRules": [rule.shown() for rule in self.domain],
            "encodingRules": [rule.shown() for rule in self.encoding],
            "enableAt": self.enable_at,
        }
        return {name: value for name, value in shown.items() if value}

    def has_type(self, type: str) -> bool:
        """Whether there is a rule of the type."""
        return any(rule.type == type for rule in (*self.migration, *self.domain, *self.encoding))

    def without(self, names: Sequence[str]) -> RuleSet:
        """Without the rules of those names."""
        migration, domain, encoding = (
            tuple(rule for rule in rules if rule.name not in names)
            for rules in (self.migration, self.domain, self.encoding)
        )
        return RuleSet(migration, domain, encoding, self.enable_at)


def parse_metadata(value: object) -> Metadata | None:
    """Metadata as it was sent; None for null.

    Raises:
        Refused: it is of another shape.
    """
    if value is None:
        return None
    document = _object(value, "metadata")
    tags = {
        path: _sorted_texts(one, "metadata.tags")
        for path, one in _object(document.get("tags") or {}, "metadata.tags").items()
    }
    properties = _texts_by_name(document.get("properties"), "metadata.properties")
    sensitive = _sorted_texts(document.get("sensitive") or (), "metadata.sensitive")
    return Metadata(_sorted(tags), properties, sensitive)


def parse_rule_set(value: object) -> RuleSet | None:
    """A rule set as it was sent, unchecked; None for null.

    Raises:
        Refused: it is of another shape.
    """
    if value is None:
        return None
    document = _object(value, "ruleSet")
    return RuleSet(
        _rules(document.get("migrationRules"), "migrationRules"),
        _rules(document.get("domainRules"), "domainRules"),
        _rules(document.get("encodingRules"), "encodingRules"),
        _one_of(document.get("enableAt"), _ENVIRONMENTS, "enableAt"),
    )


def check_rules(rules: RuleSet | None) -> None:
    """See that a rule set is one.

    Raises:
        Refused: a name is missing, wrong or there twice, or a mode is none of the phase.
    """
    if rules is None:
        return
    names: set[str | None] = set()
    for phase, some, modes in (
        ("Migration", rules.migration, _MIGRATION_MODES),
        ("Domain", rules.domain, _DOMAIN_MODES),
        ("Encoding", rules.encoding, _DOMAIN_MODES),
    ):
        for rule in some:
            if rule.name in names:
                raise invalid_rules(f"Found rule with duplicate name '{rule.name}'")
            names.add(rule.name)
            _check_rule(rule)
            if rule.mode not in modes:
                raise invalid_rules(f"{phase} rules can only be {', '.join(modes)}")


def merged_metadata(old: Metadata | None, new: Metadata | None) -> Metadata | None:
    """Both, with what the new one says where both say something."""
    if old is None or new is None:
        return old if new is None else new
    return Metadata(
        _sorted({**old.tags, **new.tags}),
        _sorted({**old.properties, **new.properties}),
        tuple(sorted({*old.sensitive, *new.sensitive})),
    )


def merged_rules(old: RuleSet | None, new: RuleSet | None) -> RuleSet | None:
    """Both; a new rule takes the place of an old one of its name."""
    if old is None or new is None:
        return old if new is None else new
    migration, domain, encoding = (
        (*(rule for rule in was if rule.name not in {one.name for one in is_}), *is_)
        for was, is_ in (
            (old.migration, new.migration),
            (old.domain, new.domain),
            (old.encoding, new.encoding),
        )
    )
    return RuleSet(migration, domain, encoding, new.enable_at or old.enable_at)


def _check_rule(rule: Rule) -> None:
    name = rule.name
    if name is None:
        raise invalid_rules("Missing rule name")
    if not name:
        raise invalid_rules("Empty rule name")
    if len(name) > MOST_NAME:
        raise invalid_rules("Rule name too long")
    if not (name[0].isalpha() or name[0] == "_"):
        raise invalid_rules(f"Illegal initial character in rule name: {name}")
    if not all(one.isalnum() or one in "_-" for one in name):
        raise invalid_rules(f"Illegal character in rule name: {name}")
    if rule.type is None:
        raise invalid_rules("Missing rule type")
    for action in (rule.on_success, rule.on_failure):
        if action and "," in action and rule.mode not in _TWO_ACTIONS:
            raise invalid_rules("Multiple actions only valid with WRITEREAD and UPDOWN")


def _rules(value: object, where: str) -> Sequence[Rule]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise bad_body(f"{where}: an array is needed")
    return tuple(_rule(_object(one, where)) for one in value)


def _rule(document: Mapping[str, Any]) -> Rule:
    disabled = document.get("disabled")
    return Rule(
        name=text_or_none(document.get("name"), "name"),
        doc=text_or_none(document.get("doc"), "doc"),
        kind=_one_of(document.get("kind"), _KINDS, "kind") or "TRANSFORM",
        mode=_one_of(document.get("mode"), _MODES, "mode") or "WRITEREAD",
        type=text_or_none(document.get("type"), "type"),
        tags=_sorted_texts(document.get("tags") or (), "tags"),
        params=_texts_by_name(document.get("params"), "params"),
        expr=text_or_none(document.get("expr"), "expr"),
        on_success=text_or_none(document.get("onSuccess"), "onSuccess"),
        on_failure=text_or_none(document.get("onFailure"), "onFailure"),
        disabled=disabled is True or disabled == "true",
    )


def text_or_none(value: object, where: str) -> str | None:
    """A text, or a number or a boolean as text; None for null.

    Raises:
        Refused: it is an object or an array.
    """
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            raise bad_body(f"{where}: a string is needed")


def _one_of(value: object, known: Sequence[str], where: str) -> str | None:
    text = text_or_none(value, where)
    if text is not None and text not in known:
        raise bad_body(f"{where}: '{text}' is none of {', '.join(known)}")
    return text


def _object(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise bad_body(f"{where}: an object is needed")
    return value


def _texts_by_name(value: object, where: str) -> Mapping[str, str]:
    found = _object({} if value is None else value, where)
    texts = {name: text_or_none(one, where) for name, one in found.items()}
    return _sorted({name: one for name, one in texts.items() if one is not None})


def _sorted_texts(value: object, where: str) -> Sequence[str]:
    if not isinstance(value, list | tuple):
        raise bad_body(f"{where}: an array is needed")
    return tuple(sorted({text_or_none(one, where) or "" for one in value}, key=_utf16))


def _sorted(by_name: Mapping[str, Any]) -> dict[str, Any]:
    return {name: by_name[name] for name in sorted(by_name, key=_utf16)}


def _utf16(text: str) -> bytes:
    """The order of Java's strings, which the content's digest depends on."""
    return text.encode("utf-16-be", "surrogatepass")
