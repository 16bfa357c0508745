"""What holds for a subject, of all that was set (settings.py)."""

from __future__ import annotations

from chappe.formats.confluent.errors import not_permitted
from chappe.formats.confluent.index import Index
from chappe.formats.confluent.marks import settings_of
from chappe.formats.confluent.names import DEFAULT, GLOBAL, Name
from chappe.formats.confluent.settings import (
    FORWARD,
    IMPORT,
    READONLY,
    READONLY_OVERRIDE,
    READWRITE,
    Config,
)

EVERYTHING = Name(GLOBAL)
TOP = Name(DEFAULT)


def own_config(index: Index, name: Name) -> Config | None:
    """What was set in a scope itself; the outermost ones always say something."""
    config = settings_of(index, name).config
    if config is not None:
        return config.with_level()
    return Config().with_level() if name.is_default or name == EVERYTHING else None


def config_in_scope(index: Index, name: Name) -> Config:
    """What holds for a subject, or in a context."""
    own = settings_of(index, name).config
    if own is None or name.is_default:
        return _outer_config(index, name)
    top = own_config(index, TOP)
    assert top is not None
    return own.with_level().over(top)


def own_mode(index: Index, name: Name) -> str | None:
    """The mode that was set in a scope itself; the outermost ones always have one."""
    mode = settings_of(index, name).mode
    if mode is not None:
        return mode
    return READWRITE if name.is_default or name == EVERYTHING else None


def mode_in_scope(index: Index, name: Name) -> str:
    """The mode that holds for a subject, or in a context."""
    scopes = (name, Name(name.context), EVERYTHING)
    found = (settings_of(index, scope).mode for scope in scopes)
    return next((mode for mode in found if mode is not None), READWRITE)


def takes_imports(mode: str) -> bool:
    """Whether ids and versions come from the client, and nothing is checked."""
    return mode in (IMPORT, FORWARD)


def require_writable(index: Index, name: Name) -> None:
    """Go on only where the subject is not read-only.

    Raises:
        Refused: it is.
    """
    if mode_in_scope(index, name) in (READONLY, READONLY_OVERRIDE):
        raise not_permitted(f"Subject {name.text} in context {name.prefix} is in read-only mode")


def alias_of(index: Index, name: Name) -> Name:
    """The subject that a name stands for: that of its alias, where one was set."""
    config = settings_of(index, name).config if name.subject else None
    if config is None or not config.alias:
        return name
    return name.beside(config.alias)


def _outer_config(index: Index, name: Name) -> Config:
    scopes = (name, Name(name.context), EVERYTHING)
    found = (settings_of(index, scope).config for scope in scopes)
    return next((config for config in found if config is not None), Config()).with_level()
