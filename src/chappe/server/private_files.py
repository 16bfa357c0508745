"""Files and directories that only the hub's own user can read, with the right mode from the start."""

from __future__ import annotations

import os
from pathlib import Path

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600


def make_private_directory(path: Path) -> None:
    """Make `path` (and its parents, with the usual mode) and close it to other users.

    Raises:
        OSError: it cannot be made, or belongs to another user.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # mkdir gives the mode at once: there is no moment in which others could enter.
    path.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
    if path.stat().st_mode & 0o077:
        path.chmod(DIRECTORY_MODE)


def write_private(path: Path, text: str) -> None:
    """Put `text` into `path`, whole or not at all, readable by the owner alone.

    The file is made beside `path` with O_EXCL and mode 0600, flushed to disk, and renamed over it:
    neither another user nor a crash ever sees a half or an open one.

    Raises:
        OSError: the directory cannot be written.
    """
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)  # left by a crash; O_EXCL would refuse it
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW
    with open(os.open(beside, flags, FILE_MODE), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def read_private(path: Path) -> str:
    """The text of `path`; a mode that lets others read it is mended first.

    Raises:
        FileNotFoundError: there is none.
    """
    if path.stat().st_mode & 0o077:
        path.chmod(FILE_MODE)
    return path.read_text(encoding="utf-8")
