"""The files that say what the command line goes by: the user's, and a project's.

    ~/.config/chappe/config.toml          chappe.toml, up to the root of the repository
    context = "staging"                   [cli]
    output = "table"                      context = "staging"
    [contexts.staging]
    url = "https://hub.example"

Both are read anew by each invocation, so nothing is imported or parsed where there is none. What is
no known name, or no value of its kind, is refused with the file, the line, and what was meant.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from chappe.cli.environment import CONFIG, config_directory, home, variable
from chappe.domain.errors import InvalidSetting

PROJECT: Final = "chappe.toml"
TABLE: Final = "cli"
"""The command line's table of chappe.toml; the rest of that file is a node's (server/settings)."""

_SECRETS: Final = ("token", "token_file")
_FILES: Final = ("ca", "token_file")


class ContextEntry(NamedTuple):
    """One hub as the user knows it."""

    name: str
    values: Mapping[str, Any]

    @property
    def is_protected(self) -> bool:
        """Whether what destroys needs its name."""
        return bool(self.values.get("protected"))


class UserFile(NamedTuple):
    """The user's configuration; `values` are the defaults below all contexts."""

    path: str
    values: Mapping[str, Any] = {}
    contexts: Mapping[str, ContextEntry] = {}


class ProjectFile(NamedTuple):
    """What a project says to all who work in it."""

    path: str
    values: Mapping[str, Any]


def user_path() -> str:
    """Where the user's configuration is, or would be."""
    return variable(CONFIG) or os.path.join(config_directory(), "config.toml")


def read_user(path: str) -> UserFile:
    """Read the user's configuration; an empty one where there is no file.

    Raises:
        InvalidSetting: it is no TOML, a name or a value in it is wrong, or others could read a token.
    """
    found = _read(path)
    if found is None:
        return UserFile(path)
    text, table = found
    where = _Where(path, text)
    contexts = table.pop("contexts", {})
    if not isinstance(contexts, dict):
        raise where.wrong("contexts", "must be a table: [contexts.NAME]")
    values = _checked(where, table, _USER)
    entries = {}
    for name, one in contexts.items():
        inside = where.within("contexts", name)
        if not isinstance(one, dict):
            raise where.wrong(f"contexts.{name}", "must be a table: [contexts.NAME]")
        if not is_name(name):
            raise inside.wrong("", "a context's name is letters, digits and . _ @ : -")
        read = _checked(inside, one, CONTEXT_KEYS)
        if "url" not in read:
            raise inside.wrong("", "has no url")
        if all(secret in read for secret in _SECRETS):
            raise inside.wrong("token_file", "token and token_file: one of them")
        entries[name] = ContextEntry(name, read)
    if any("token" in one.values for one in entries.values()) and os.stat(path).st_mode & 0o077:
        raise InvalidSetting(f"{path}: others can read it, and a token is in it; make it 0600")
    return UserFile(path, values, entries)


def project_path(directory: str) -> str | None:
    """The nearest chappe.toml from the directory up to its repository's root, or to the home.

    Where neither is above it, only the directory itself counts: what lies in /tmp is anybody's.
    """
    top = home()
    at = os.path.abspath(directory)
    passed = []
    while True:
        passed.append(at)
        if at == top or os.path.exists(os.path.join(at, ".git")):
            break
        above = os.path.dirname(at)
        if above == at:
            passed = passed[:1]
            break
        at = above
    for one in passed:
        file = os.path.join(one, PROJECT)
        if os.path.isfile(file):
            return file
    return None


def read_project(path: str) -> ProjectFile | None:
    """Read the table [cli] of a chappe.toml; None where it has none.

    Raises:
        InvalidSetting: it is no TOML, or a name or a value in the table is wrong.
    """
    found = _read(path)
    if found is None or TABLE not in found[1]:
        return None
    text, whole = found
    table = whole[TABLE]
    where = _Where(path, text)
    if not isinstance(table, dict):
        raise where.wrong(TABLE, "must be a table: [cli]")
    inside = where.within(TABLE)
    for secret in _SECRETS:
        if secret in table:
            raise inside.wrong(
                secret, "a token would be committed with it; keep it in CHAPPE_TOKEN or a context"
            )
    return ProjectFile(path, _checked(inside, table, _PROJECT))


def check_context(name: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values of a new context, as they are kept: files by their whole paths.

    Raises:
        InvalidSetting: one of them is wrong.
    """
    where = _Where(f"context {name}", "")
    if all(secret in values for secret in _SECRETS):
        raise where.wrong("token_file", "token and token_file: one of them")
    placed = {key: os.path.abspath(one) if key in _FILES else one for key, one in values.items()}
    return _checked(where, placed, CONTEXT_KEYS)


def is_name(text: str) -> bool:
    """Whether a context may be called that."""
    return text[:1].isalnum() and text.isascii() and all(c.isalnum() or c in "._@:-" for c in text)


class _Where(NamedTuple):
    """A table of a file, for messages that name the line."""

    path: str
    text: str
    table: tuple[str, ...] = ()

    def within(self, *names: str) -> _Where:
        return self._replace(table=(*self.table, *names))

    def wrong(self, key: str, why: str) -> InvalidSetting:
        line = _line_of(self.text, self.table, key)
        dotted = ".".join(part for part in (*self.table, key) if part)
        return InvalidSetting(f"{self.path}{f':{line}' if line else ''}: {dotted}: {why}")


def _line_of(text: str, table: tuple[str, ...], key: str) -> int | None:
    """The line of a key in a table, else of the table's head; None where it is written otherwise."""
    head: tuple[str, ...] = ()
    found = None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if line.startswith("["):
            head = tuple(part.strip(" \"'") for part in line.strip("[] ").split("."))
            if head == table or head == (*table, key):
                found = number
        elif head == table and line.partition("=")[0].strip(" \"'") == key:
            return number
    return found


def _read(path: str) -> tuple[str, dict[str, Any]] | None:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidSetting(f"{path}: cannot be read ({exc})") from exc
    import tomllib

    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise InvalidSetting(f"{path}: no TOML: {exc}") from exc


def _checked(
    where: _Where, table: Mapping[str, Any], keys: Mapping[str, Callable[[Any], str]]
) -> Mapping[str, Any]:
    for key, value in table.items():
        if key not in keys:
            from chappe.kit.near import meant

            raise where.wrong(key, f"there is no such key; {meant(key, keys)}")
        wrong = keys[key](value)
        if wrong:
            raise where.wrong(key, f"{value!r} {wrong}")
    base = os.path.dirname(os.path.abspath(where.path))
    return {key: _placed(base, key, value) for key, value in table.items()}


def _placed(base: str, key: str, value: Any) -> Any:
    if key in _FILES:
        return os.path.join(base, os.path.expanduser(value))
    return float(value) if key == "timeout" else value


def _text(value: Any) -> str:
    return "" if isinstance(value, str) and value else "must be a text"


def _url(value: Any) -> str:
    fits = isinstance(value, str) and value.startswith(("http://", "https://"))
    return "" if fits else "must be a URL of http or https"


def _output(value: Any) -> str:
    from chappe.cli.session import ALL_OUTPUTS

    return "" if value in ALL_OUTPUTS else f"must be one of {', '.join(ALL_OUTPUTS)}"


def _seconds(value: Any) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return "" if number and 0 < value < 1e6 else "must be a number of seconds"


def _flag(value: Any) -> str:
    return "" if isinstance(value, bool) else "must be true or false"


_SHARED: Final[Mapping[str, Callable[[Any], str]]] = {
    "url": _url,
    "ca": _text,
    "output": _output,
    "timeout": _seconds,
}
CONTEXT_KEYS: Final[Mapping[str, Callable[[Any], str]]] = {
    **_SHARED, "token": _text, "token_file": _text, "protected": _flag,
}  # fmt: skip
_PROJECT: Final[Mapping[str, Callable[[Any], str]]] = {"context": _text, **_SHARED}
_USER: Final[Mapping[str, Callable[[Any], str]]] = {**_PROJECT, "previous": _text}
KEYS: Final[Mapping[str, Mapping[str, Callable[[Any], str]]]] = {
    "context": CONTEXT_KEYS,
    "project": _PROJECT,
    "user": _USER,
}
"""Which keys there are, and what tells that a value is wrong, by the place."""
