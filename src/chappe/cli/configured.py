"""What an invocation goes by, each value with the place that says so; the first place wins.

    --url, --context NAME      a flag, and the context that a flag names
    CHAPPE_URL                 the environment
    context                    that of CHAPPE_CONTEXT, else the project's, else the one in use
    chappe.toml, [cli]         the project
    config.toml                the user
    the default

A token and a CA are for one URL: below flags and the environment they are taken from the place that
the URL comes from, and from no other, so that no file sends a token to a hub that it is not for.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from chappe.cli.config_files import (
    ContextEntry,
    UserFile,
    project_path,
    read_project,
    read_user,
    user_path,
)
from chappe.domain.errors import InvalidSetting

KEYS: Final = ("url", "token", "ca", "output", "timeout")
DEFAULT_URL: Final = "http://127.0.0.1:4280"
DEFAULTS: Final[Mapping[str, Any]] = {"url": DEFAULT_URL, "output": "table", "timeout": 30.0}
DEFAULT: Final = "default"
_OF_THE_URL: Final = frozenset({"token", "ca"})


class Value(NamedTuple):
    """A value, and where it comes from: "--url", "CHAPPE_URL", a file, a context, "default"."""

    value: Any
    place: str


class Given(NamedTuple):
    """What the invocation itself says, by key, "context" among them."""

    flags: Mapping[str, Value] = {}
    environment: Mapping[str, Value] = {}

    def flagged(self, flags: Mapping[str, Value]) -> Given:
        """The same with more flags, which win."""
        return self._replace(flags={**self.flags, **flags})


NOTHING: Final = Given()


class Configured(NamedTuple):
    """Everything that was found; `context` is the one that the URL is of, `chosen` the one named."""

    values: Mapping[str, Value]
    context: ContextEntry | None
    chosen: Value | None
    user: UserFile

    def protecting(self) -> ContextEntry | None:
        """The protected context whose hub the URL is, however the URL was named."""
        if not any(one.is_protected for one in self.user.contexts.values()):
            return None
        from chappe.cli.credentials import canonical

        here = canonical(self.values["url"].value)
        named = (self.context, *self.user.contexts.values())
        for one in named:
            if one is not None and one.is_protected and canonical(one.values["url"]) == here:
                return one
        return None


def configured(given: Given, directory: str | None = None) -> Configured:
    """Put it together; `directory` is where the project is looked for.

    Raises:
        InvalidSetting: a file is wrong, or the context is none of the user's.
    """
    user = read_user(user_path())
    found = project_path(directory or os.getcwd())
    project = read_project(found) if found is not None else None
    of_project = {} if project is None else _placed(project.values, project.path)
    of_user = _placed(user.values, user.path)
    flags, environment = given.flags, given.environment
    chosen = _first("context", (flags, environment, of_project, of_user))
    context = None if chosen is None else _entry(user, chosen)
    of_context = {} if context is None else _of_context(context, user.path)
    # What a flag names stands where flags stand: CHAPPE_URL must not lead --context elsewhere.
    first = (flags, of_context, environment) if "context" in flags else (flags, environment)
    places = (*first, of_context, of_project, of_user, _placed(DEFAULTS, DEFAULT))
    source = next(place for place in places if "url" in place)
    of_the_url = [
        place for place in places if any(place is one for one in (flags, environment, source))
    ]
    values = {}
    for key in KEYS:
        value = _first(key, of_the_url if key in _OF_THE_URL else places)
        if value is not None:
            values[key] = value
    return Configured(values, context if source is of_context else None, chosen, user)


def _of_context(context: ContextEntry, path: str) -> Mapping[str, Value]:
    place = f"context {context.name} ({path})"
    values = _placed(context.values, place)
    file = context.values.get("token_file")
    if file is not None:
        values["token"] = Value(_TokenFile(file), f"{file}, by {place}")
    return values


class _TokenFile(str):
    """The path of a file whose content is the token; read when a request is made."""


def token_of(value: Value | None) -> str | None:
    """The token itself.

    Raises:
        InvalidSetting: the file that holds it cannot be read, or is empty.
    """
    if value is None or not isinstance(value.value, _TokenFile):
        return None if value is None else value.value
    try:
        with open(value.value, encoding="utf-8") as file:
            token = file.read().strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidSetting(f"token_file: {value.value}: cannot be read ({exc})") from exc
    if not token:
        raise InvalidSetting(f"token_file: {value.value}: is empty")
    return token


def _entry(user: UserFile, chosen: Value) -> ContextEntry:
    entry = user.contexts.get(chosen.value)
    if entry is None:
        from chappe.kit.near import meant

        known = meant(chosen.value, user.contexts) if user.contexts else f"{user.path} has none"
        raise InvalidSetting(
            f"context: {chosen.value!r} (from {chosen.place}) is none of yours; {known}",
            next=f"chappe context add {chosen.value} --url URL, or chappe context ls",
        )
    return entry


def _placed(values: Mapping[str, Any], place: str) -> dict[str, Value]:
    return {key: Value(value, place) for key, value in values.items()}


def _first(key: str, places: Iterable[Mapping[str, Value]]) -> Value | None:
    return next((place[key] for place in places if key in place), None)
