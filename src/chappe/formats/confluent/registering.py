"""Registering a schema under a subject.

A schema that is registered already is found, whatever the mode. Another one becomes the next version,
if it may follow the others; in the mode IMPORT its id and version come from the client and nothing is
compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chappe.formats.confluent.comparing import breaks_rule, incompatibilities, java_list
from chappe.formats.confluent.contracts import Metadata, check_rules
from chappe.formats.confluent.edit import Edit
from chappe.formats.confluent.errors import InvalidSchema, incompatible, not_permitted
from chappe.formats.confluent.identity import Content
from chappe.formats.confluent.index import Entry, Index
from chappe.formats.confluent.looking import (
    LATEST,
    Found,
    content_of,
    contract,
    find_content,
    is_equivalent,
    read,
)
from chappe.formats.confluent.names import Name
from chappe.formats.confluent.parsing import Parser
from chappe.formats.confluent.requests import SchemaRequest
from chappe.formats.confluent.reserved import check_names
from chappe.formats.confluent.scope import (
    config_in_scope,
    mode_in_scope,
    require_writable,
    takes_imports,
)
from chappe.formats.confluent.settings import IMPORT, READWRITE, Config
from chappe.formats.confluent.tagging import retagged, tags_of


@dataclass(frozen=True, slots=True)
class Registration:
    """A schema to register; `force` does not compare it with the others."""

    name: Name
    request: SchemaRequest
    normalize: bool = False
    force: bool = False


def already(index: Index, parser: Parser, wanted: Registration) -> Found | None:
    """The registered schema where nothing would have to be written.

    Raises:
        InvalidSchema: it is no schema.
    """
    name, request = wanted.name, wanted.request
    config = config_in_scope(index, name)
    if (
        request.tags_to_add
        or request.tags_to_remove
        or request.propagates_tags
        or config.is_merging
    ):
        return None
    latest_only = request.version == LATEST
    found = find_content(
        index,
        parser,
        name,
        content_of(request),
        normalize=wanted.normalize or bool(config.normalize),
        deleted=False,
        latest_only=latest_only,
    )
    if found is None:
        return None
    if request.version == 0 or latest_only:
        return found if request.id < 0 or request.id == found.id else None
    return found if (request.id, request.version) == (found.id, found.version) else None


def register(edit: Edit, parser: Parser, wanted: Registration) -> Found:
    """Register a schema; as it is registered then.

    Raises:
        Refused: the mode does not allow it, it is no schema, or may not follow the others.
    """
    name = wanted.name
    index = edit.index
    request = _tagged(index, parser, name, wanted.request)
    _check_mode(index, name, request)
    check_rules(request.rules)
    config, mode = config_in_scope(index, name), mode_in_scope(index, name)
    subject = index.subject(name)
    versions: Sequence[Entry] = () if subject is None else subject.versions
    active = [one for one in versions if not one.deleted]
    number = 1 if subject is None else subject.last_version + 1
    content = content_of(request)
    if not takes_imports(mode):
        previous = active[-1] if active else None
        content = _completed(config, content, request, previous, number)
        if request.propagates_tags and previous is not None:
            content = retagged(index, parser, name, content, tags_of(index, parser, previous), ())
    if not content.text.strip():
        raise InvalidSchema("Empty schema")
    normalize = (wanted.normalize or bool(config.normalize)) and not takes_imports(mode)
    strict = request.id < 0 and config.validate_new_schemas is not False
    sent = read(
        index, parser, name, content, strict=strict, normalize=normalize, deleted=not strict
    )
    if config.validate_fields and not takes_imports(mode):
        check_names(sent.content)
    _check_references(index, name, sent.content)
    id_ = request.id if mode == IMPORT else -1
    same = index.by_content(name.context, sent.content)
    if same and id_ in (-1, same[0].id):
        own = [one for one in same if one.name == name and not one.deleted]
        if request.version == 0 and own:
            return Found(name, own[-1].version, own[-1].id, sent.content)
        id_ = same[0].id
    if request.version == 0:
        for one in reversed(active):
            if id_ in (-1, one.id) and is_equivalent(index, parser, sent, one):
                return Found(name, one.version, one.id, one.content, one)
    if not takes_imports(mode) and not wanted.force:
        faults = incompatibilities(index, parser, config, sent, active)
        if faults:
            raise incompatible(name.text, java_list(faults))
    if request.version > 0:
        if number != request.version and not takes_imports(mode):
            raise InvalidSchema("Version is not one more than previous version")
        number = request.version
    faults = breaks_rule(index, parser, edit.rule(name), sent, number, versions)
    if faults:
        raise incompatible(name.text, java_list(faults))
    if id_ >= 0:
        _check_id(index, name, id_, sent.content)
    else:
        id_ = edit.context(name.context).next_id
    document = (sent.content.text if normalize else content.text).encode("utf-8", "surrogatepass")
    made = edit.add_version(
        name,
        number,
        document,
        sent,
        marks_of(sent.content, id_, document),
    )
    _forget(edit, versions, made)
    edit.settle_default(name)
    return Found(name, made.version, made.id, sent.content)


def marks_of(content: Content, id: int, document: bytes) -> Mapping[str, Any]:
    """What is kept of a version beside its document."""
    marks: dict[str, Any] = {"id": id, "guid": content.guid}
    if content.text.encode("utf-8", "surrogatepass") != document:
        marks["text"] = content.text
    if content.references:
        marks["references"] = [[one.name, one.subject, one.version] for one in content.references]
    if content.metadata is not None:
        marks["metadata"] = content.metadata.shown()
    if content.rules is not None:
        marks["ruleSet"] = content.rules.shown()
    return marks


def _check_mode(index: Index, name: Name, request: SchemaRequest) -> None:
    require_writable(index, name)
    mode = mode_in_scope(index, name)
    if request.id >= 0:
        if not takes_imports(mode):
            raise not_permitted(
                f"Subject {name.text} in context {name.prefix} is not in import mode"
            )
    elif mode != READWRITE:
        raise not_permitted(
            f"Subject {name.text} in context {name.prefix} is not in read-write mode"
        )


def _completed(
    config: Config,
    content: Content,
    request: SchemaRequest,
    previous: Entry | None,
    number: int,
) -> Content:
    """The content with what it takes over from the version before it, and from the subject."""
    if not content.text.strip() and previous is not None:
        earlier = previous.content
        content = replace(
            content, type=earlier.type, text=earlier.text, references=earlier.references
        )
    metadata, rules = contract(config, content, previous)
    said = None if metadata is None else metadata.version
    if request.version != 0 or said is not None:
        metadata = (metadata or Metadata()).with_version(number)
    return replace(content, metadata=metadata, rules=rules)


def _tagged(index: Index, parser: Parser, name: Name, request: SchemaRequest) -> SchemaRequest:
    if not request.tags_to_add and not request.tags_to_remove:
        return request
    content = retagged(
        index, parser, name, content_of(request), request.tags_to_add, request.tags_to_remove
    )
    return replace(request, text=content.text, version=request.version or LATEST)


def _check_references(index: Index, name: Name, content: Content) -> None:
    for reference in content.references:
        subject = index.subject(name.beside(reference.subject))
        owned = () if subject is None else subject.associations
        if any(one.get("lifecycle") == "STRONG" for one in owned):
            raise not_permitted(
                f"Subject '{reference.subject}' has a strong association and cannot be referenced"
            )


def _check_id(index: Index, name: Name, id: int, content: Content) -> None:
    """An id that is taken must be that of the same content."""
    for one in index.by_id(name.context, id)[:1]:
        if one.key != (content.type, content.guid):
            raise not_permitted(
                f"Overwrite new schema with id {id} in context {name.prefix} is not permitted."
            )


def _forget(edit: Edit, versions: Sequence[Entry], made: Entry) -> None:
    """Delete earlier, deleted versions of the same id for good, unless they are referred to."""
    for one in versions:
        if one.deleted and one.id == made.id and one.version < made.version:
            if not edit.index.references.find((one.name, one.version)):
                edit.drop_version(one)
