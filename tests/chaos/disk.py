"""A disk that fills up: a small file system of its own, for one who may mount one."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path


class SmallDisk:
    """A tmpfs of some size, and a ballast that takes what is free of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    @property
    def free_bytes(self) -> int:
        """What a user can still write."""
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize

    def fill(self, *, leave_bytes: int) -> None:
        """Take all but so much."""
        with self._ballast.open("ab") as ballast:
            at = ballast.tell()
            os.posix_fallocate(ballast.fileno(), at, max(1, self.free_bytes - leave_bytes))

    def relieve(self) -> None:
        """Give it back."""
        self._ballast.unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(path: Path, *, mib: int) -> Iterator[SmallDisk | None]:
    """The disk, mounted at `path`; None where this user may not mount."""
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "chaos", str(path)]
    try:
        made = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        made = False
    if not made:
        yield None
        return
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
