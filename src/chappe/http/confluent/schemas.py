"""Schemas by id and by content: /schemas/…."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from chappe.flows.confluent import Confluent
from chappe.formats.confluent.associations import association_body, associations_of
from chappe.formats.confluent.bodies import id_body, qualified, version_body
from chappe.formats.confluent.errors import schema_not_found
from chappe.formats.confluent.index import Entry, Index, Subject
from chappe.formats.confluent.looking import find_id, subjects_with_prefix
from chappe.formats.confluent.names import DEFAULT, Name, parse_name
from chappe.formats.confluent.scope import alias_of
from chappe.formats.confluent.tagging import tags_of
from chappe.http.confluent.asked import Asked, not_found
from chappe.http.confluent.paging import page

MOST_SCHEMAS: Final = 1000
_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}")


async def types(confluent: Confluent, asked: Asked) -> Any:
    """The types of schemas."""
    return confluent.parser.types


async def list_schemas(confluent: Confluent, asked: Asked) -> Any:
    """All versions of all subjects, or of those with a prefix."""
    index = confluent.index()
    deleted, latest_only = asked.flag("deleted"), asked.flag("latestOnly")
    rule_type = asked.text("ruleType")
    aliases = _aliases(index, asked.text("subjectPrefix") or "") if asked.flag("aliases") else {}
    found = {
        one.name: one for one in subjects_with_prefix(index, asked.text("subjectPrefix") or "")
    }
    for name in aliases:
        subject = index.subject(name)
        if subject is not None:
            found[name] = subject
    shown: list[dict[str, Any]] = []
    for name, subject in sorted(found.items(), key=lambda one: one[1].text):
        versions = subject.versions if deleted else subject.active
        if latest_only:
            versions = versions[-1:]
        extra: dict[str, Any] = {}
        if name in aliases:
            extra["aliases"] = aliases[name]
        belongs = _belongings(subject, asked)
        if belongs is None:
            continue
        if belongs:
            extra["associations"] = belongs
        for one in versions:
            if rule_type and (one.rules is None or not one.rules.has_type(rule_type)):
                continue
            shown.append({**version_body(one), **extra})
    return page(shown, asked, most=MOST_SCHEMAS)


async def by_id(confluent: Confluent, asked: Asked) -> Any:
    """The schema of an id."""
    scope, entry = _by_id(confluent, asked)
    index, format_ = confluent.index(), (asked.text("format") or "").strip()
    text = await confluent.formatted(entry, format_)
    body = id_body(entry, scope=scope, text=text)
    tags = asked.texts("findTags")
    if tags:
        found = await confluent.ask(lambda index: tags_of(index, confluent.parser, entry, tags))
        body["schemaTags"] = [one.shown() for one in found]
    if asked.flag("fetchMaxId"):
        context = index.context(entry.name.context)
        body["maxId"] = 0 if context is None else context.next_id - 1
    if asked.text("referenceFormat") == "qualified":
        body = qualified(entry, body)
    return body


async def text_by_id(confluent: Confluent, asked: Asked) -> bytes:
    """The schema of an id alone."""
    _, entry = _by_id(confluent, asked)
    format_ = (asked.text("format") or "").strip()
    text = await confluent.formatted(entry, format_)
    return (entry.content.text if text is None else text).encode("utf-8", "replace")


async def subjects_by_id(confluent: Confluent, asked: Asked) -> Any:
    """The subjects that a schema is registered under."""
    names = dict.fromkeys(one.name.text for one in _versions_of_id(confluent, asked))
    return page(list(names), asked)


async def versions_by_id(confluent: Confluent, asked: Asked) -> Any:
    """The subjects and versions that a schema is registered as."""
    found = _versions_of_id(confluent, asked)
    shown = [{"subject": one.name.text, "version": one.version} for one in found]
    return page(shown, asked)


async def by_guid(confluent: Confluent, asked: Asked) -> Any:
    """The schema of a guid, in whatever context."""
    index, guid = confluent.index(), _guid(asked)
    for context in _contexts(index):
        for entry in _of_guid(index, context, guid):
            format_ = (asked.text("format") or "").strip()
            text = await confluent.formatted(entry, format_)
            return id_body(entry, text=text)
    raise schema_not_found(asked.params["guid"])


async def ids_by_guid(confluent: Confluent, asked: Asked) -> Any:
    """The ids of a guid, by context."""
    index, guid = confluent.index(), _guid(asked)
    return [
        {"context": context, "id": entry.id}
        for context in sorted(_contexts(index))
        for entry in _of_guid(index, context, guid)[:1]
    ]


def _by_id(confluent: Confluent, asked: Asked) -> tuple[Name | None, Entry]:
    index, id_ = confluent.index(), _id(asked)
    scope = _scope(index, asked)
    found = find_id(index, id_, scope)
    if not found:
        raise schema_not_found(str(id_))
    return scope, found[0]


def _versions_of_id(confluent: Confluent, asked: Asked) -> Sequence[Entry]:
    """The newest version of each subject that the schema is registered under."""
    index, id_ = confluent.index(), _id(asked)
    found = find_id(index, id_, _scope(index, asked))
    if not found:
        raise schema_not_found()
    entries = index.by_id(found[0].name.context, id_)
    newest = {one.name: one for one in entries}
    deleted = asked.flag("deleted")
    return [one for one in newest.values() if deleted or not one.deleted]


def _id(asked: Asked) -> int:
    text = asked.params["id"]
    if not re.fullmatch(r"[+-]?\d{1,10}", text) or abs(int(text)) > 2**31 - 1:
        raise not_found()
    return int(text)


def _scope(index: Index, asked: Asked) -> Name | None:
    """The subject or context that the request is about; None where it names none."""
    text = asked.text("subject")
    return alias_of(index, parse_name(text)) if text else None


def _guid(asked: Asked) -> str:
    text = asked.params["guid"].lower()
    if not _GUID.fullmatch(text):
        return ""
    plain = text.replace("-", "")
    return "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))


def _contexts(index: Index) -> list[str]:
    return [DEFAULT, *(context.name for context in index.named_contexts())]


def _of_guid(index: Index, context: str, guid: str) -> Sequence[Entry]:
    found = index.context(context)
    if found is None:
        return ()
    of_types = (found.contents.find((type_, guid)) or () for type_ in ("AVRO", "JSON", "PROTOBUF"))
    return next((entries for entries in of_types if entries), ())


def _aliases(index: Index, prefix: str) -> dict[Name, list[str]]:
    """The aliases of subjects, of those aliases that begin with the prefix."""
    found: dict[Name, list[str]] = {}
    for context in index.contexts.values():
        settings = {
            **{one: context.subjects[one].settings for one in context.subjects},
            **context.pending,
        }
        for subject, one in settings.items():
            name = Name(context.name, subject)
            if one.config is not None and one.config.alias and name.text.startswith(prefix):
                found.setdefault(name.beside(one.config.alias), []).append(name.text)
    return found


def _belongings(subject: Subject, asked: Asked) -> list[dict[str, Any]] | None:
    """What a subject belongs to, of what the request asks for; None: it is not asked for."""
    types_, kind = asked.texts("associationType"), asked.text("resourceType")
    lifecycles = [one.upper() for one in asked.texts("lifecycle")]
    if not types_ and kind is None and not lifecycles:
        return []
    found = [
        one
        for one in associations_of(subject)
        if (kind is None or one.resource_type == kind) and (not types_ or one.type in types_)
    ]
    if not found:
        return [] if "NONE" in lifecycles else None
    wanted = [one for one in found if not lifecycles or one.lifecycle in lifecycles]
    return [association_body(one) for one in wanted] or None
