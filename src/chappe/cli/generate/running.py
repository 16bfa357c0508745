"""One run of a tool in a directory of its own: a schema goes in, files come out."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from chappe.domain.errors import CallerError

WITHIN_S: Final = 60.0
"""A schema of a megabyte takes some seconds."""

Arguments: TypeAlias = Callable[[Path, Path], Sequence[str]]
"""The whole command line, by the schema's file and the directory where its output belongs."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that was made; `path` is relative to where the files belong: "shop/Order.java"."""

    path: str
    text: str


def run(
    tool: str,
    arguments: Arguments,
    *,
    name: str,
    document: bytes,
    env: Mapping[str, str] | None = None,
) -> list[File]:
    """The files that a tool makes of a schema, in a file called `name`.

    Raises:
        CallerError: it failed, made nothing, or took too long.
    """
    with tempfile.TemporaryDirectory(prefix="chappe-gen-") as room:
        source, out = Path(room, name), Path(room, "out")
        source.write_bytes(document)
        out.mkdir()
        try:
            done = subprocess.run(  # noqa: S603 - a tool of the table, arguments from here
                arguments(source, out),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                cwd=room,
                env=env,
                timeout=WITHIN_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise CallerError(f"{tool}: took more than {WITHIN_S:g} s and was stopped") from None
        except OSError as exc:
            raise CallerError(f"{tool}: cannot be run: {exc.strerror or exc}") from exc
        if done.returncode != 0:
            raise CallerError(f"{tool}: {_why(done.stderr, done.stdout, room)}")
        files = [
            File(path.relative_to(out).as_posix(), path.read_text(encoding="utf-8"))
            for path in sorted(out.rglob("*"))
            if path.is_file()
        ]
    if not files:
        raise CallerError(f"{tool}: it made nothing of the schema")
    return files


def _why(stderr: bytes, stdout: bytes, room: str) -> str:
    """The last line that says something: of a traceback, the error itself."""
    for stream in (stderr, stdout):
        lines = [line for line in stream.decode(errors="replace").splitlines() if line.strip()]
        if lines:
            return lines[-1].strip().replace(f"{room}/", "")[:500]
    return "it failed and does not say why"
