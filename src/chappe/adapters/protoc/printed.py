"""What protoc prints, as one error that names the line and what is missing.

other.proto: File not found.
dataschema.proto:2:1: Import "other.proto" was not found or had errors.
dataschema.proto:4:3: "Other" is not defined.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from chappe.formats.protobuf_schema.compiler import Source

MAX_LINES: Final = 5
_MAX_CHARACTERS: Final = 300

_LINE = re.compile(r"(?P<file>[^:\n]+):(?:(?P<line>\d+):(?P<column>\d+):)? (?P<what>.*)")
_NOISE = re.compile(r"WARNING: All log messages|[IW]\d{4} |.*: warning: |\s*$")
_IMPORT = re.compile(r'Import "(.*)" was not found or had errors\.')


def explain(printed: str, main: Source, references: Sequence[Source]) -> str:
    """One text for an answer: the first few errors, each with its place."""
    names = {each.name for each in references} | {main.name}
    given = sorted(each.name for each in references)
    errors: list[str] = []
    for line in printed.splitlines():
        if _NOISE.match(line):
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            errors.append(line[:_MAX_CHARACTERS])
            continue
        what = found["what"]
        missing = _IMPORT.fullmatch(what)
        if missing is not None and missing[1] not in names:
            what = (
                f"import {missing[1][:_MAX_CHARACTERS]!r} is missing: it is neither a reference"
                f"{_list(given)} nor a bundled type"
            )
        elif missing is not None:
            # What is wrong in the imported file has its own line.
            continue
        elif found["file"] not in names:
            # "x.proto: File not found." comes back as the import that names it.
            continue
        place = "" if found["file"] == main.name else f" in reference {found['file']!r}"
        if found["line"]:
            place += f" line {found['line']}, column {found['column']}"
        errors.append(f"{place.strip()}: {what[:_MAX_CHARACTERS]}" if place else what)
    if not errors:
        return "dataschema: protoc refuses it and does not say why"
    more = len(errors) - MAX_LINES
    told = "; ".join(errors[:MAX_LINES])
    return f"dataschema: {told}{f'; and {more} more' if more > 0 else ''}"


def _list(names: Sequence[str]) -> str:
    if not names:
        return " (there are none)"
    told = ", ".join(names[:10])
    return f" ({told}{', …' if len(names) > 10 else ''})"
