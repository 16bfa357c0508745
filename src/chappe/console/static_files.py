"""Files that never change under their name: `chappe-3f9a1c2b.css`, so that a browser asks once."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType

TYPES: Mapping[str, str] = MappingProxyType(
    {
        "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8",
        "svg": "image/svg+xml",
    }
)


@dataclass(frozen=True, slots=True)
class File:
    """One file: what it is called for browsers, and its bytes, as they are and compressed."""

    name: str
    media_type: str
    plain: bytes
    gzipped: bytes


@cache
def by_source() -> Mapping[str, File]:
    """By what it is called in the package: "vendor/htmx-4.0.1.js"."""
    return {path: _file(path, one) for path, one in _found(files("chappe.console") / "static", "")}


@cache
def by_name() -> Mapping[str, File]:
    """By what it is called for browsers."""
    return {one.name: one for one in by_source().values()}


def _found(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for one in sorted(folder.iterdir(), key=lambda one: one.name):
        if one.is_dir():
            yield from _found(one, f"{prefix}{one.name}/")
        elif one.name.rpartition(".")[2] in TYPES:
            yield prefix + one.name, one


def _file(path: str, one: Traversable) -> File:
    plain = one.read_bytes()
    stem, _, ending = path.rpartition("/")[2].rpartition(".")
    digest = hashlib.sha256(plain).hexdigest()[:12]
    # Without a time in it, so that all nodes send the same.
    return File(f"{stem}-{digest}.{ending}", TYPES[ending], plain, gzip.compress(plain, 9, mtime=0))
