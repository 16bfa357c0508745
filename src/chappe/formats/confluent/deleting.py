"""Deleting: first what is deleted is only hidden, and then, asked for again, gone for good."""

from __future__ import annotations

from chappe.formats.confluent.edit import Edit
from chappe.formats.confluent.errors import (
    context_not_empty,
    no_active_version,
    reference_exists,
    subject_associated,
    subject_not_found,
    subject_not_soft_deleted,
    subject_soft_deleted,
    version_not_found,
    version_not_soft_deleted,
    version_soft_deleted,
)
from chappe.formats.confluent.index import Entry, Index
from chappe.formats.confluent.looking import LATEST, has_subjects
from chappe.formats.confluent.names import Name
from chappe.formats.confluent.scope import require_writable


def delete_version(edit: Edit, name: Name, number: int, *, permanent: bool) -> int:
    """Delete a version; its number.

    Raises:
        Refused: there is none, it is not deleted yet or is already, or something refers to it.
    """
    index = edit.index
    subject = index.subject(name)
    if subject is None:
        raise subject_not_found(name.text)
    entry = subject.latest if number == LATEST else subject.version(number)
    if entry is None:
        raise version_not_found(number)
    if entry.deleted and not permanent:
        raise version_soft_deleted(name.text, entry.version)
    require_writable(index, name)
    if subject.associations and not permanent and subject.active == [entry]:
        raise no_active_version(name.text)
    if referrers(index, entry, deleted=permanent):
        raise reference_exists(shown_key(entry))
    if permanent:
        if not entry.deleted:
            raise version_not_soft_deleted(name.text, entry.version)
        edit.drop_version(entry)
    else:
        edit.mark_version(entry, deleted=True)
    edit.settle_default(name)
    return entry.version


def delete_subject(edit: Edit, name: Name, *, permanent: bool) -> list[int]:
    """Delete all versions of a subject; their numbers.

    Raises:
        Refused: as `delete_version`.
    """
    index = edit.index
    subject = index.subject(name)
    if subject is None:
        raise subject_not_found(name.text)
    if subject.latest is None and not permanent:
        raise subject_soft_deleted(name.text)
    require_writable(index, name)
    if subject.associations:
        raise subject_associated(name.text)
    entries = subject.versions if permanent else subject.active
    for entry in entries:
        if any(one.name != name for one in referrers(index, entry, deleted=permanent)):
            raise reference_exists(shown_key(entry))
        if permanent and not entry.deleted:
            raise subject_not_soft_deleted(name.text)
    if permanent:
        edit.drop_subject(subject)
    else:
        for entry in entries:
            edit.mark_version(entry, deleted=True)
    return [entry.version for entry in entries]


def delete_context(edit: Edit, name: Name) -> None:
    """Delete a context that has no subjects, not even deleted ones; none may be there.

    Raises:
        Refused: it has.
    """
    if has_subjects(edit.index, Name(name.context), deleted=True):
        raise context_not_empty(name.prefix)
    context = edit.index.context(name.context)
    if context is not None:
        edit.drop_context(context)


def referrers(index: Index, entry: Entry, *, deleted: bool) -> list[Entry]:
    """The versions that refer to one, those that were deleted only if asked for."""
    found = index.references.find((entry.name, entry.version)) or ()
    return [one for one in found if deleted or not one.deleted]


def shown_key(entry: Entry) -> str:
    """What a message calls a version."""
    return f"{{magic=1,keytype=SCHEMA,subject={entry.name.text},version={entry.version}}}"
