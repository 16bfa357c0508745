"""Compiles .proto files in one long-lived helper process with limits.

Untrusted text meets a C++ compiler here. So that runs in a process of its own, bounded in memory,
processor time and time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chappe.adapters.protoc import helper
from chappe.adapters.protoc.printed import explain
from chappe.domain.errors import Malformed, Unavailable
from chappe.formats.protobuf_schema import known
from chappe.formats.protobuf_schema.compiler import Compiler, Source
from chappe.kit.helper_process import Helped, HelperProcess, NoHelper, TooCostly

MEMORY_BYTES: Final = 512 << 20
CPU_S: Final = 4
WATCHDOG_S: Final = 5.0


class ProtocCompiler(Helped):
    """The compiler; one job at a time, from any thread. `close` it: it owns a process."""

    def __init__(
        self,
        *,
        memory_bytes: int = MEMORY_BYTES,
        cpu_s: int = CPU_S,
        watchdog_s: float = WATCHDOG_S,
    ) -> None:
        first = [str(memory_bytes).encode(), str(cpu_s).encode()]
        for name in sorted(known.NAMES):
            first += [name.encode(), known.TEXTS.get(name, "").encode()]
        super().__init__(
            HelperProcess(
                helper.__name__,
                first,
                prefix=helper.DIRECTORY_PREFIX,
                cpu_s=cpu_s,
                watchdog_s=watchdog_s,
                most_answer_bytes=helper.MAX_ANSWER_BYTES + (1 << 17),
            )
        )

    def compile(self, main: Source, references: Sequence[Source]) -> bytes:
        """See `Compiler.compile`. Blocks for a millisecond as a rule, `watchdog_s` at most twice."""
        job = [main.name.encode()]
        for each in (main, *references):
            job += [each.name.encode(), b"described" if each.described else b"text", each.content]
        try:
            answer = self._helper.ask(job)
        except TooCostly as exc:
            raise _costly(str(exc)) from None
        except NoHelper as exc:
            raise Unavailable(f"dataschema: the Protobuf compiler {exc}") from exc.__cause__
        match answer:
            case [b"ok", described]:
                return described
            case [b"refused", printed]:
                raise Malformed(explain(printed.decode(errors="replace"), main, references))
            case [b"costly", what]:
                raise _costly(what.decode())
            case _:
                raise Unavailable("dataschema: the Protobuf compiler gave an answer that is none")


def _costly(what: str) -> Malformed:
    return Malformed(f"dataschema: compiling it takes {what}; that is more than is possible")


_: type[Compiler] = ProtocCompiler
