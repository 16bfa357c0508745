"""The seam to what compiles the text of .proto files: it needs a process of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Source:
    """One file: `name` is what imports call it.

    `content` is the text in UTF-8; with `described` it is a serialised FileDescriptorProto that
    bears that name.
    """

    name: str
    content: bytes
    described: bool = False


class Compiler(Protocol):
    """Compiles and links .proto files; waits, and may be called from several threads."""

    def compile(self, main: Source, references: Sequence[Source]) -> bytes:
        """A serialised FileDescriptorSet: all that `main` imports, each before its importer, and
        `main` at the end. The bundled types (`known.NAMES`) need no reference.

        Whatever the sources say, nothing else is read, and it ends within seconds.

        Raises:
            Malformed: they do not compile, or cost more than is possible.
            Unavailable: the compiler cannot run; that says nothing about the sources.
        """
        ...
