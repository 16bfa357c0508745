"""Setting configuration and modes, and taking them back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chappe.formats.confluent.deleting import referrers, shown_key
from chappe.formats.confluent.edit import Edit
from chappe.formats.confluent.errors import (
    invalid_mode,
    not_permitted,
    reference_exists,
    subject_not_found,
)
from chappe.formats.confluent.index import Subject
from chappe.formats.confluent.looking import has_subjects
from chappe.formats.confluent.marks import settings_of
from chappe.formats.confluent.names import Name
from chappe.formats.confluent.scope import (
    EVERYTHING,
    mode_in_scope,
    own_config,
    own_mode,
    require_writable,
)
from chappe.formats.confluent.settings import FORWARD, IMPORT, MODES, Config, updated


def set_config(edit: Edit, name: Name, changes: Mapping[str, Any]) -> Config:
    """Change the configuration of a scope; as it is then.

    Raises:
        Refused: a value is wrong, or the scope is read-only.
    """
    settings = settings_of(edit.index, name)
    config = updated(settings.config or Config(), changes)
    require_writable(edit.index, name)
    edit.set(name, replace(settings, config=config))
    return config


def drop_config(edit: Edit, name: Name) -> Config:
    """Take back the configuration of a scope; as it was.

    Raises:
        Refused: there is none, or the scope is read-only.
    """
    before = own_config(edit.index, name)
    if before is None:
        raise subject_not_found(name.text)
    require_writable(edit.index, name)
    settings = settings_of(edit.index, name)
    if settings.config is not None:
        edit.set(name, replace(settings, config=None))
    return before


def set_mode(edit: Edit, name: Name, mode: str | None, *, force: bool) -> None:
    """Set the mode of a scope; None takes it back.

    Without `force` IMPORT needs a scope without schemas; deleted ones in it are gone for good then.

    Raises:
        Refused: it is no mode, none for this scope, or there are schemas.
    """
    new = parse_mode(mode, name)
    index = edit.index
    if new == IMPORT and mode_in_scope(index, name) != IMPORT and not force:
        if has_subjects(index, name, deleted=False):
            raise not_permitted("Cannot import since found existing subjects")
        doomed = _subjects(edit, name)
        for subject in doomed:
            for entry in subject.versions:
                if referrers(index, entry, deleted=True):
                    raise reference_exists(shown_key(entry))
        for subject in doomed:
            edit.drop_subject(subject)
    settings = settings_of(edit.index, name)
    if settings.mode != new:
        edit.set(name, replace(settings, mode=new))


def drop_mode(edit: Edit, name: Name, *, recursive: bool) -> str | None:
    """Take back the mode of a scope, `recursive` also those of a context's subjects; as it was.

    Raises:
        Refused: there is none.
    """
    before = own_mode(edit.index, name)
    if before is None and not recursive:
        raise subject_not_found(name.text)
    settings = settings_of(edit.index, name)
    if settings.mode is not None:
        edit.set(name, replace(settings, mode=None))
    context = edit.index.context(name.context)
    if recursive and not name.subject and context is not None:
        subjects = [*context.pending, *context.subjects]
        for subject in subjects:
            below = Name(name.context, subject)
            settings = settings_of(edit.index, below)
            if settings.mode is not None:
                edit.set(below, replace(settings, mode=None))
    return before


def parse_mode(mode: str | None, name: Name) -> str | None:
    """The mode in its one spelling.

    Raises:
        Refused: it is none, or none that can be set for the scope.
    """
    new = None if mode is None else mode.upper()
    if new is not None and new not in MODES:
        raise invalid_mode()
    if mode == FORWARD and name != EVERYTHING:
        raise invalid_mode("Forward mode only supported on global level")
    return new


def _subjects(edit: Edit, name: Name) -> list[Subject]:
    """The subjects of a scope, all of which are deleted."""
    if name.subject:
        subject = edit.index.subject(name)
        return [] if subject is None else [subject]
    contexts = edit.index.contexts.values()
    return [
        subject
        for context in contexts
        if name == EVERYTHING or context.name == name.context
        for subject in context.subjects.values()
    ]
