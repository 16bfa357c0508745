"""Looking up: whether a schema is registered under a subject, in whatever spelling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chappe.formats.confluent.contracts import (
    Metadata,
    RuleSet,
    merged_metadata,
    merged_rules,
)
from chappe.formats.confluent.errors import (
    InvalidSchema,
    schema_not_found,
    subject_not_found,
    version_not_found,
)
from chappe.formats.confluent.identity import Content
from chappe.formats.confluent.index import Context, Entry, Index, Subject
from chappe.formats.confluent.names import ANY, DEFAULT, Name
from chappe.formats.confluent.parsing import Parser, Resolved, resolve, resolve_entry
from chappe.formats.confluent.requests import SchemaRequest
from chappe.formats.confluent.scope import config_in_scope
from chappe.formats.confluent.settings import Config
from chappe.formats.confluent.texts import AVRO, resolved_avro

LATEST = -1


@dataclass(frozen=True, slots=True)
class Found:
    """A schema that is registered; `entry` None where it was sent in another spelling than stored.

    What is answered is as it was sent then, as Confluent's is.
    """

    name: Name
    version: int
    id: int
    content: Content
    entry: Entry | None = None


def content_of(request: SchemaRequest) -> Content:
    """What was sent, as it was sent."""
    return Content(request.type, request.text, request.references, request.metadata, request.rules)


def read(
    index: Index,
    parser: Parser,
    name: Name,
    content: Content,
    *,
    strict: bool = False,
    normalize: bool,
    deleted: bool = True,
) -> Resolved:
    """The content in the text that it is shown in, and with what it refers to.

    Raises:
        InvalidSchema: it is no schema, or refers to what is not there.
    """
    if not parser.knows(content.type):
        raise InvalidSchema(f"Invalid schema type {content.type}")
    try:
        resolved = resolve(index, name, content, deleted=deleted)
    except InvalidSchema as error:
        raise InvalidSchema(
            f"Invalid schema of type {content.type}, details: {error.message}"
        ) from error
    return parser.shown(resolved, strict=strict, normalize=normalize)


def look_up(
    index: Index,
    parser: Parser,
    name: Name,
    request: SchemaRequest,
    *,
    normalize: bool,
    deleted: bool,
) -> Found:
    """The version of a subject that a schema is; in any context where the name says none.

    Raises:
        Refused: there is none; InvalidSchema where it is no schema.
    """
    found = _look_up_in(index, parser, name, request, normalize=normalize, deleted=deleted)
    if found is None and name.context == DEFAULT:
        for context in index.named_contexts():
            other = Name(context.name, name.subject)
            if index.subject(other) is None:
                continue
            try:
                found = _look_up_in(
                    index, parser, other, request, normalize=normalize, deleted=deleted
                )
            except InvalidSchema:
                continue
            if found is not None:
                break
    if found is not None:
        return found
    if not has_subjects(index, name, deleted=deleted):
        raise subject_not_found(name.text)
    raise schema_not_found()


def _look_up_in(
    index: Index,
    parser: Parser,
    name: Name,
    request: SchemaRequest,
    *,
    normalize: bool,
    deleted: bool,
) -> Found | None:
    config = config_in_scope(index, name)
    content = content_of(request)
    found = find_content(
        index, parser, name, content, normalize=normalize, deleted=deleted, latest_only=False
    )
    if found is not None:
        return found
    subject = index.subject(name)
    latest = None if subject is None else subject.latest
    if latest is None:
        return None
    # What registering would have added to it.
    metadata, rules = contract(config, content, latest)
    merged = replace(content, metadata=metadata, rules=rules)
    if merged == content:
        return None
    return find_content(
        index, parser, name, merged, normalize=normalize, deleted=deleted, latest_only=False
    )


def find_content(
    index: Index,
    parser: Parser,
    name: Name,
    content: Content,
    *,
    normalize: bool,
    deleted: bool,
    latest_only: bool,
) -> Found | None:
    """The version of one subject that the content is, if it is one.

    Raises:
        InvalidSchema: it is no schema.
    """
    if not content.text.strip():
        return None
    resolved = read(index, parser, name, content, normalize=normalize)
    subject = index.subject(name)
    if subject is None:
        return None
    if not latest_only:
        same = [one for one in index.by_content(name.context, resolved.content) if one.name == name]
        if same and (deleted or not same[-1].deleted):
            return Found(name, same[-1].version, same[-1].id, resolved.content)
    for one in reversed(subject.versions):
        if one.deleted and not deleted:
            continue
        if is_equivalent(index, parser, resolved, one):
            return Found(name, one.version, one.id, one.content, one)
        if latest_only and not one.deleted:
            break
    return None


def is_equivalent(index: Index, parser: Parser, sent: Resolved, entry: Entry) -> bool:
    """Whether a schema is a registered one in another spelling.

    References may be resolved in it, and the property confluent:version may be missing on one side.
    """
    content = sent.content
    if content.type != entry.type:
        return False
    own = _contract_without_version(content, entry)
    if own is None:
        return False
    try:
        registered = resolve_entry(index, entry)
        if content.references or not entry.references:
            if content.references != registered.content.references:
                return False
            return content.text == registered.content.text or (
                parser.normal_text(sent) == parser.normal_text(registered)
            )
        if content.type != AVRO:
            return content.text == registered.content.text
        whole = resolved_avro(registered.content.text, registered.documents)
        return parser.normal_text(sent) == parser.normal_text(
            Resolved(replace(content, text=whole), {})
        )
    except InvalidSchema:
        return False


def _contract_without_version(content: Content, entry: Entry) -> bool | None:
    """Whether both say the same besides confluent:version; None where they do not."""
    if content.rules != entry.rules:
        return None
    mine, other = content.metadata, entry.metadata
    my_version, other_version = _number(mine), _number(other)
    if my_version is None and other_version is not None:
        mine, other = mine or Metadata(), (other or Metadata()).with_version(None)
    elif my_version is not None and other_version is None:
        if my_version != entry.version:
            return None
        mine, other = (mine or Metadata()).with_version(None), other or Metadata()
    return True if mine == other else None


def _number(metadata: Metadata | None) -> int | None:
    version = None if metadata is None else metadata.version
    return int(version) if version is not None and version.isdigit() else None


def contract(
    config: Config, content: Content, previous: Entry | None
) -> tuple[Metadata | None, RuleSet | None]:
    """Metadata and rules with the subject's defaults below and overrides above them.

    Without any of its own a schema takes over those of the version before it.
    """
    metadata = content.metadata
    if metadata is None and previous is not None:
        metadata = previous.metadata
    rules = content.rules
    if rules is None and previous is not None:
        rules = previous.rules
    return (
        merged_metadata(
            merged_metadata(config.default_metadata, metadata), config.override_metadata
        ),
        merged_rules(merged_rules(config.default_rules, rules), config.override_rules),
    )


def has_subjects(index: Index, name: Name, *, deleted: bool) -> bool:
    """Whether there is the subject, or any in the context where the name is one."""
    if name.subject:
        subject = index.subject(name)
        return subject is not None and (deleted or subject.latest is not None)
    context = index.context(name.context)
    if name.context == ".__GLOBAL":
        contexts: Sequence[Context] = list(index.contexts.values())
    else:
        contexts = [] if context is None else [context]
    return any(
        deleted or subject.latest is not None
        for one in contexts
        for subject in one.subjects.values()
    )


def version_in(index: Index, name: Name, number: int, *, deleted: bool) -> Entry | None:
    """A version of one subject; the latest is never a deleted one."""
    subject = index.subject(name)
    if subject is None:
        return None
    if number == LATEST:
        return subject.latest
    found = subject.version(number)
    return None if found is None or (found.deleted and not deleted) else found


def find_version(index: Index, name: Name, number: int, *, deleted: bool) -> Entry:
    """A version of a subject; in any context where the name says none.

    Raises:
        Refused: there is no such subject, or no such version of it.
    """
    found = version_in(index, name, number, deleted=deleted)
    if found is None and name.context == DEFAULT:
        for context in index.named_contexts():
            found = version_in(index, Name(context.name, name.subject), number, deleted=deleted)
            if found is not None:
                break
    if found is not None:
        return found
    if not has_subjects(index, name, deleted=deleted):
        raise subject_not_found(name.text)
    raise version_not_found(number)


def find_id(index: Index, id: int, scope: Name | None) -> Sequence[Entry]:
    """The versions of an id: in a context, of a subject, or of that subject in any context.

    None at all where there is no such id.
    """
    context = DEFAULT if scope is None else scope.context
    found = index.by_id(context, id)
    if scope is None or not scope.subject:
        return found
    own = [one for one in found if one.name == scope]
    if own or context != DEFAULT:
        return own
    for other in index.named_contexts():
        name = Name(other.name, scope.subject)
        own = [one for one in index.by_id(other.name, id) if one.name == name]
        if own:
            return own
    return found


def subjects_with_prefix(index: Index, prefix: str) -> list[Subject]:
    """The subjects that a prefix names, such as "orders", ":.shop:" or ":*:orders"."""
    anywhere = f":{ANY}:"
    if not prefix.startswith(anywhere):
        return [
            subject
            for context in index.contexts.values()
            for subject in context.subjects.values()
            if subject.text.startswith(prefix)
        ]
    rest = prefix.removeprefix(anywhere)
    return [
        subject
        for context in index.contexts.values()
        for subject in context.subjects.values()
        if subject.name.subject.startswith(rest)
    ]
