"""The history of this repository as CloudEvents: one event a commit, without anybody's name.

Where there is no history (a tarball, a shallow clone) the entries of CHANGELOG.md fill up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from chappe.domain.event import Event

ROOT = Path(__file__).resolve().parent.parent
SOURCE = "/repo/chappe"
COMMIT = "dev.chappe.commit"
CHANGE = "dev.chappe.change"
TYPES = (COMMIT, CHANGE)
GROUP = "chappe"

MAX_COMMITS = 500
MAX_FILES = 50
FEW = 20

SCHEMAS: dict[str, dict[str, object]] = {
    COMMIT: {
        "type": "object",
        "required": ["hash", "subject", "files_changed", "files"],
        "additionalProperties": False,
        "properties": {
            "hash": {"type": "string", "pattern": "^[0-9a-f]{40,64}$"},
            "subject": {"type": "string"},
            "files_changed": {"type": "integer", "minimum": 0},
            "files": {"type": "array", "maxItems": MAX_FILES, "items": {"type": "string"}},
        },
    },
    CHANGE: {
        "type": "object",
        "required": ["section", "text"],
        "additionalProperties": False,
        "properties": {"section": {"type": "string"}, "text": {"type": "string"}},
    },
}


@dataclass(frozen=True, slots=True)
class History:
    """The events, oldest first, and in words where they come from."""

    events: Sequence[Event]
    told: str


async def history() -> History:
    """What this repository has to tell."""
    commits = list(_commits(await _git_log()))[::-1]
    if len(commits) >= FEW:
        return History(commits, f"the {len(commits)} newest commits of this repository")
    changes = list(_changes())
    told = f"{len(commits) or 'no'} commits are known here, so {len(changes)} lines of CHANGELOG.md"
    return History([*commits, *changes], f"{told} fill up")


async def _git_log() -> str:
    top = await _git("rev-parse", "--show-toplevel")
    # A tarball that was unpacked within another repository must not tell that one's history.
    if not _is_root(top.strip()):
        return ""
    form = "--format=%x1e%H%x1f%cI%x1f%s%x1f"
    return await _git("log", f"--max-count={MAX_COMMITS}", form, "--name-only", "-z")


def _is_root(top: str) -> bool:
    return bool(top) and Path(top).resolve() == ROOT


async def _git(*arguments: str) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            "git",
            "-C",
            ROOT,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return ""
    said, _ = await process.communicate()
    return said.decode("utf-8", "replace") if process.returncode == 0 else ""


def _commits(log: str) -> Iterator[Event]:
    for record in log.split("\x1e")[1:]:
        hash_, time, subject, names = record.split("\x1f", 3)
        files = [name for name in names.replace("\n", "\0").split("\0") if name]
        line = _line(subject)
        data = {
            "hash": hash_,
            "subject": line,
            "files_changed": len(files),
            "files": [_line(name) for name in files[:MAX_FILES]],
        }
        yield _event(COMMIT, hash_, data, subject=line or None, time=time)


def _changes() -> Iterator[Event]:
    try:
        lines = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    section = ""
    for number, line in enumerate(lines, start=1):
        if line.startswith("#"):
            section = _line(line.lstrip("# "))
        elif line.startswith("- "):
            data = {"section": section, "text": _line(line[2:])}
            yield _event(CHANGE, f"CHANGELOG.md:{number}", data, subject=section or None)


def _event(
    type_: str, id_: str, data: object, *, subject: str | None, time: str | None = None
) -> Event:
    return Event(
        id=id_,
        source=SOURCE,
        type=type_,
        subject=subject,
        time=time,
        datacontenttype="application/json",
        data=msgspec.json.encode(data),
        text=True,
    )


def _line(text: str) -> str:
    # spec.md 2.4 String: no control characters.
    return "".join(character for character in text if character.isprintable()).strip()
