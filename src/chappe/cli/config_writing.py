"""Changing the user's configuration: at once or not at all, and what a person wrote in it stays."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from chappe.cli.config_files import read_user
from chappe.domain.errors import InvalidSetting

if TYPE_CHECKING:
    from tomlkit import TOMLDocument


@contextlib.contextmanager
def changing(path: str) -> Iterator[TOMLDocument]:
    """The document, to be changed within the block; written at its end, mode 0600.

    Raises:
        InvalidSetting: the file is wrong already, or cannot be written.
    """
    import tomlkit

    read_user(path)  # what is wrong in it is told before anything is put beside it
    try:
        with open(path, encoding="utf-8") as file:
            document = tomlkit.parse(file.read())
    except FileNotFoundError:
        document = tomlkit.document()
    yield document
    _write(path, tomlkit.dumps(document))


def table_of(document: TOMLDocument, name: str) -> Any:
    """The table [contexts.NAME], made where there is none."""
    import tomlkit

    contexts = document.setdefault("contexts", tomlkit.table(is_super_table=True))
    if name not in contexts:
        contexts[name] = tomlkit.table()
    return contexts[name]


def _write(path: str, text: str) -> None:
    # A link stays one: what it leads to is replaced.
    target = os.path.realpath(path)
    directory = os.path.dirname(target)
    draft = os.path.join(directory, f".{os.path.basename(target)}.{secrets.token_hex(8)}")
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                out.write(text)
                out.flush()
                os.fsync(out.fileno())
            os.replace(draft, target)
        except OSError:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(draft)
            raise
    except OSError as exc:
        raise InvalidSetting(f"{path}: cannot be written ({exc})") from exc
