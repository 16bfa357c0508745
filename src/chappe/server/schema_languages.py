"""The schema languages, for a command that judges schemas without a hub."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from typing_extensions import override

from chappe.formats.languages import Languages, every_language
from chappe.formats.protobuf_schema.compiler import Compiler, Source


class _WhenNeeded(Compiler):
    """Protobuf's compiler is a process of its own: it is started when the first .proto comes."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._compiler: Compiler | None = None

    @override
    def compile(self, main: Source, references: Sequence[Source]) -> bytes:
        if self._compiler is None:
            from chappe.adapters.protoc.compiler import ProtocCompiler

            compiler = ProtocCompiler()
            self._stack.callback(compiler.close)
            self._compiler = compiler
        return self._compiler.compile(main, references)


@contextmanager
def languages_here() -> Iterator[Languages]:
    """All languages, each loaded when it is needed; what they started ends with the context."""
    with ExitStack() as stack:
        yield every_language(_WhenNeeded(stack))
