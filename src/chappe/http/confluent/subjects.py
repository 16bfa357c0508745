"""Subjects and their versions: /subjects/… and /compatibility/subjects/…."""

from __future__ import annotations

import re
from typing import Any, Final

from chappe.flows.confluent import Confluent
from chappe.formats.confluent.bodies import (
    found_body,
    qualified,
    registered_body,
    version_body,
)
from chappe.formats.confluent.comparing import check
from chappe.formats.confluent.contracts import check_rules
from chappe.formats.confluent.deleting import delete_subject, delete_version, referrers
from chappe.formats.confluent.errors import invalid_version, schema_not_found, subject_not_found
from chappe.formats.confluent.index import Entry
from chappe.formats.confluent.looking import (
    LATEST,
    find_version,
    has_subjects,
    look_up,
    subjects_with_prefix,
)
from chappe.formats.confluent.names import Name, parse_name, valid_name
from chappe.formats.confluent.registering import Registration
from chappe.formats.confluent.requests import parse_object, parse_schema, parse_tags
from chappe.formats.confluent.retagging import modify_tags
from chappe.formats.confluent.scope import alias_of, config_in_scope
from chappe.formats.confluent.tagging import tags_of
from chappe.formats.confluent.texts import PROTOBUF
from chappe.http.confluent.asked import Asked
from chappe.http.confluent.paging import page

_WHOLE: Final = re.compile(r"[+-]?\d{1,10}")
_SERIALIZED: Final = re.compile(r"[A-Za-z0-9+/\s]+={0,2}\s*")
_MOST: Final = 2**31 - 1


def subject_name(confluent: Confluent, asked: Asked) -> Name:
    """The subject that the path names, or that its alias stands for."""
    return alias_of(confluent.index(), parse_name(asked.params["subject"]))


def parse_version(text: str) -> int:
    """A version as it stands in a path: a number, or LATEST.

    Raises:
        Refused: it is none.
    """
    text = text.strip()
    if text.lower() == "latest":
        return LATEST
    if not _WHOLE.fullmatch(text) or abs(int(text)) > _MOST:
        raise invalid_version(text)
    number = int(text)
    if number <= 0 and number != LATEST:
        raise invalid_version(str(number))
    return number


async def list_subjects(confluent: Confluent, asked: Asked) -> Any:
    """The names of all subjects, or of those with a prefix."""
    prefix = asked.text("subjectPrefix")
    only_deleted, deleted = asked.flag("deletedOnly"), asked.flag("deleted")
    found = subjects_with_prefix(confluent.index(), ":*:" if prefix is None else prefix)
    names = [
        one.text
        for one in found
        if (one.latest is None if only_deleted else deleted or one.latest is not None)
    ]
    return page(sorted(names), asked)


async def look_up_schema(confluent: Confluent, asked: Asked) -> Any:
    """The version of a subject that a schema is."""
    request = parse_schema(parse_object(asked.body))
    name, index = subject_name(confluent, asked), confluent.index()
    normalize = asked.flag("normalize") or bool(config_in_scope(index, name).normalize)
    found = await confluent.ask(
        lambda index: look_up(
            index,
            confluent.parser,
            name,
            request,
            normalize=normalize,
            deleted=asked.flag("deleted"),
        )
    )
    text = await _text(confluent, found.entry, asked)
    return found_body(found, text=text)


async def delete_one(confluent: Confluent, asked: Asked) -> Any:
    """Delete a subject; the numbers of its versions."""
    name, permanent = subject_name(confluent, asked), asked.flag("permanent")
    return await confluent.write(
        lambda edit: delete_subject(edit, name, permanent=permanent), by=asked.by
    )


async def with_metadata(confluent: Confluent, asked: Asked) -> Any:
    """The newest version that has all the properties."""
    name, index = subject_name(confluent, asked), confluent.index()
    deleted = asked.flag("deleted")
    wanted = dict(zip(asked.texts("key"), asked.texts("value"), strict=False))
    subject = index.subject(name)
    for entry in reversed(() if subject is None else subject.versions):
        metadata = entry.metadata
        if (entry.deleted and not deleted) or metadata is None:
            continue
        if wanted.items() <= metadata.properties.items():
            return version_body(entry, text=await _text(confluent, entry, asked))
    if not has_subjects(index, name, deleted=deleted):
        raise subject_not_found(name.text)
    raise schema_not_found()


async def list_versions(confluent: Confluent, asked: Asked) -> Any:
    """The numbers of a subject's versions."""
    name, index = subject_name(confluent, asked), confluent.index()
    deleted, only_deleted = asked.flag("deleted"), asked.flag("deletedOnly")
    negative = asked.flag("deletedAsNegative")
    subject = index.subject(name)
    if subject is None or not has_subjects(index, name, deleted=deleted or only_deleted):
        raise subject_not_found(name.text)
    numbers = [
        -one.version if negative and one.deleted else one.version
        for one in subject.versions
        if negative or (one.deleted if only_deleted else (deleted or not one.deleted))
    ]
    return page(numbers, asked)


async def register(confluent: Confluent, asked: Asked) -> Any:
    """Register a schema."""
    request = parse_schema(parse_object(asked.body))
    check_rules(request.rules)
    valid_name(asked.params["subject"])
    name = subject_name(confluent, asked)
    wanted = Registration(name, request, asked.flag("normalize"), asked.flag("force"))
    found = await confluent.register(wanted, by=asked.by)
    text = await _text(confluent, found.entry, asked)
    if text is None and request.type == PROTOBUF and _SERIALIZED.fullmatch(request.text):
        # Clients that send a descriptor keep what is answered, and read it as one.
        text = request.text
    return registered_body(found, text=text)


async def one_version(confluent: Confluent, asked: Asked) -> Any:
    """A version."""
    entry = _version(confluent, asked, deleted=asked.flag("deleted"))
    body = version_body(entry, text=await _text(confluent, entry, asked))
    tags = asked.texts("findTags")
    if tags:
        found = await confluent.ask(lambda index: tags_of(index, confluent.parser, entry, tags))
        body["schemaTags"] = [one.shown() for one in found]
    if asked.text("referenceFormat") == "qualified":
        body = qualified(entry, body)
    return body


async def version_text(confluent: Confluent, asked: Asked) -> bytes:
    """A version's schema alone."""
    entry = _version(confluent, asked, deleted=asked.flag("deleted"))
    text = await _text(confluent, entry, asked)
    return (entry.content.text if text is None else text).encode("utf-8", "replace")


async def referenced_by(confluent: Confluent, asked: Asked) -> Any:
    """The ids of the schemas that refer to a version."""
    entry = _version(confluent, asked, deleted=True)
    found = referrers(confluent.index(), entry, deleted=asked.flag("deleted"))
    ids = sorted({(one.name.context, one.id) for one in found})
    return page([id_ for _, id_ in ids], asked, most=1000)


async def delete_one_version(confluent: Confluent, asked: Asked) -> Any:
    """Delete a version; its number."""
    name, number = subject_name(confluent, asked), parse_version(asked.params["version"])
    permanent = asked.flag("permanent")
    return await confluent.write(
        lambda edit: delete_version(edit, name, number, permanent=permanent), by=asked.by
    )


async def tag_version(confluent: Confluent, asked: Asked) -> Any:
    """Register a version with other tags, metadata or rules than an earlier one."""
    request = parse_tags(asked.body)
    valid_name(asked.params["subject"])
    name, number = subject_name(confluent, asked), parse_version(asked.params["version"])
    find_version(confluent.index(), name, number, deleted=False)
    found = await confluent.write(
        lambda edit: modify_tags(edit, confluent.parser, name, number, request), by=asked.by
    )
    return registered_body(found)


async def compare_version(confluent: Confluent, asked: Asked) -> Any:
    """Whether a schema may follow one version of a subject."""
    return await _compare(confluent, asked, parse_version(asked.params["version"]))


async def compare_all(confluent: Confluent, asked: Asked) -> Any:
    """Whether a schema could be registered under a subject."""
    return await _compare(confluent, asked, None)


async def _compare(confluent: Confluent, asked: Asked, version: int | None) -> dict[str, Any]:
    request = parse_schema(parse_object(asked.body))
    verbose = asked.flag("verbose")
    faults = await confluent.ask(
        lambda index: check(
            index,
            confluent.parser,
            subject_name(confluent, asked),
            request,
            version=version,
            normalize=asked.flag("normalize"),
            verbose=verbose,
        )
    )
    return {"is_compatible": not faults, **({"messages": faults} if verbose else {})}


def _version(confluent: Confluent, asked: Asked, *, deleted: bool) -> Entry:
    number = parse_version(asked.params["version"])
    return find_version(confluent.index(), subject_name(confluent, asked), number, deleted=deleted)


async def _text(confluent: Confluent, entry: Entry | None, asked: Asked) -> str | None:
    if entry is None:
        return None
    return await confluent.formatted(entry, (asked.text("format") or "").strip())
