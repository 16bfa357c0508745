"""Making a version out of another one, with other tags, metadata or rules."""

from __future__ import annotations

from dataclasses import replace

from chappe.formats.confluent.contracts import Metadata, RuleSet, check_rules, merged_rules
from chappe.formats.confluent.edit import Edit
from chappe.formats.confluent.errors import invalid_rules
from chappe.formats.confluent.index import Index
from chappe.formats.confluent.looking import Found, find_version, version_in
from chappe.formats.confluent.names import Name
from chappe.formats.confluent.parsing import Parser
from chappe.formats.confluent.registering import Registration, register
from chappe.formats.confluent.requests import SchemaRequest, TagRequest
from chappe.formats.confluent.tagging import retagged


def modify_tags(edit: Edit, parser: Parser, name: Name, number: int, request: TagRequest) -> Found:
    """Register what a version becomes; as it is registered then.

    Raises:
        Refused: there is no such version, the rules are wrong, or it may not be registered.
    """
    entry = find_version(edit.index, name, number, deleted=False)
    if request.rules_to_merge is not None or request.rules_to_remove is not None:
        if request.rules is not None:
            raise invalid_rules(
                "ruleSet should be omitted if specifying rulesToMerge or rulesToRemove"
            )
    check_rules(request.rules_to_merge)
    check_rules(request.rules)
    content = retagged(
        edit.index, parser, entry.name, entry.content, request.tags_to_add, request.tags_to_remove
    )
    version = request.new_version or 0
    metadata = request.metadata if request.metadata is not None else content.metadata
    metadata = replace(metadata or Metadata()).with_version(version)
    wanted = SchemaRequest(
        content.type,
        content.text,
        content.references,
        metadata,
        _rules(edit.index, name, request),
        version=version,
    )
    return register(edit, parser, Registration(name, wanted))


def _rules(index: Index, name: Name, request: TagRequest) -> RuleSet | None:
    if request.rules_to_merge is None and request.rules_to_remove is None:
        return request.rules
    number = -1 if request.new_version is None else request.new_version - 1
    previous = version_in(index, name, number, deleted=False)
    rules = None if previous is None else previous.rules
    if request.rules_to_merge is not None:
        rules = merged_rules(rules, request.rules_to_merge)
    if rules is not None and request.rules_to_remove is not None:
        rules = rules.without(request.rules_to_remove)
    return rules
