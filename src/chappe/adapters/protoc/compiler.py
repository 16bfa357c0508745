"""Compiles .proto files in one long-lived helper process with limits; starts it when it is first needed
and again when it died.

Untrusted text meets a C++ compiler here. So that runs in a process of its own, without the hub's
environment and open files, bounded in memory, processor time and time, in a directory of its own.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from chappe.adapters.protoc import helper
from chappe.adapters.protoc.printed import explain
from chappe.domain.errors import Malformed, Unavailable
from chappe.formats.protobuf_schema import known
from chappe.formats.protobuf_schema.compiler import Compiler, Source

MEMORY_BYTES: Final = 512 << 20
CPU_S: Final = 4
WATCHDOG_S: Final = 5.0

_GRACE_S: Final = 2.0
_CHUNK_BYTES: Final = 1 << 16
_MAX_FRAME_BYTES: Final = helper.MAX_ANSWER_BYTES + (1 << 17)
_CRASHES: Final = frozenset(
    -getattr(signal, name)
    for name in ("SIGABRT", "SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE")
    if hasattr(signal, name)
)
_OVER_CPU: Final = -getattr(signal, "SIGXCPU", 0)


class ProtocCompiler:
    """The compiler; one job at a time, from any thread. `close` it: it owns a process."""

    def __init__(
        self,
        *,
        memory_bytes: int = MEMORY_BYTES,
        cpu_s: int = CPU_S,
        watchdog_s: float = WATCHDOG_S,
    ) -> None:
        self._memory_bytes = memory_bytes
        self._cpu_s = cpu_s
        self._watchdog_s = watchdog_s
        self._lock = threading.Lock()
        self._helper: _Helper | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The helper's process id; None while there is none."""
        running = self._helper
        return None if running is None else running.process.pid

    def compile(self, main: Source, references: Sequence[Source]) -> bytes:
        """See `Compiler.compile`. Blocks for a millisecond as a rule, `watchdog_s` at most twice."""
        job = [main.name.encode()]
        for each in (main, *references):
            job += [each.name.encode(), b"described" if each.described else b"text", each.content]
        with self._lock:
            answer = self._ask(job) or self._ask(job)
        if answer is None:
            raise Unavailable("dataschema: the Protobuf compiler ended twice without an answer")
        match answer:
            case [b"ok", described]:
                return described
            case [b"refused", printed]:
                raise Malformed(explain(printed.decode(errors="replace"), main, references))
            case [b"costly", what]:
                raise _costly(what.decode())
            case _:
                raise Unavailable("dataschema: the Protobuf compiler gave an answer that is none")

    def close(self) -> None:
        """End the helper, also in the middle of a job; no job is possible afterwards."""
        self._closed = True
        if (running := self._helper) is not None:
            running.process.kill()
        with self._lock:
            self._end()

    def __enter__(self) -> ProtocCompiler:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, job: Sequence[bytes]) -> list[bytes] | None:
        """The answer; None when the helper was ended by something that the job did not cause."""
        running = self._running()
        try:
            answer = running.ask(job, self._watchdog_s)
        except TimeoutError:
            self._end(kill=True)
            raise _costly(f"more than {self._watchdog_s:g} s") from None
        except BaseException:
            # Its answer may yet come, and would be taken for that of the next job.
            self._end(kill=True)
            raise
        if answer is not None:
            return answer
        code = self._end()
        if code == _OVER_CPU:
            raise _costly(f"more than {self._cpu_s} s of processor time")
        if code in _CRASHES:
            raise _costly("more memory or stack than there is: the compiler crashed")
        return None

    def _running(self) -> _Helper:
        if self._closed:
            raise Unavailable("dataschema: the Protobuf compiler is closed")
        if self._helper is not None and self._helper.process.poll() is not None:
            self._end()
        if self._helper is None:
            self._helper = _Helper(self._memory_bytes, self._cpu_s)
        return self._helper

    def _end(self, *, kill: bool = False) -> int | None:
        """End the helper if there is one; gives its exit code."""
        running, self._helper = self._helper, None
        if running is None:
            return None
        if kill:
            running.process.kill()
        return running.end()


class _Helper:
    """One helper process and its directory."""

    def __init__(self, memory_bytes: int, cpu_s: int) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix=helper.DIRECTORY_PREFIX))
        try:
            self.process = subprocess.Popen(  # noqa: S603 - nothing in it comes from outside
                # By its path, isolated: neither PYTHON… variables nor the directory matter.
                [sys.executable, "-I", str(Path(helper.__file__).resolve())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                stderr=subprocess.DEVNULL,
                cwd=self._directory,
                env={},
                # Ctrl-C in a terminal is the hub's to handle.
                start_new_session=True,
            )
        except OSError as exc:
            shutil.rmtree(self._directory, ignore_errors=True)
            raise Unavailable(
                f"dataschema: the Protobuf compiler cannot be started: {exc.strerror}"
            ) from exc
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._jobs, self._answers = self.process.stdin, self.process.stdout
        os.set_blocking(self._jobs.fileno(), False)
        os.set_blocking(self._answers.fileno(), False)
        first = [str(memory_bytes).encode(), str(cpu_s).encode()]
        for name in sorted(known.NAMES):
            first += [name.encode(), known.TEXTS.get(name, "").encode()]
        self._first = helper.framed(first)

    def ask(self, job: Sequence[bytes], within_s: float) -> list[bytes] | None:
        """Send a job and wait for its answer; None when the process ended instead.

        Raises:
            TimeoutError: neither came within that time.
        """
        end_s = time.monotonic() + within_s
        left = memoryview(self._first + helper.framed(job))
        self._first = b""
        answer = bytearray()
        with selectors.DefaultSelector() as ready:
            ready.register(self._answers, selectors.EVENT_READ)
            ready.register(self._jobs, selectors.EVENT_WRITE)
            while not helper.is_whole(answer):
                if (rest_s := end_s - time.monotonic()) <= 0:
                    raise TimeoutError
                for key, _ in ready.select(rest_s):
                    try:
                        if key.fileobj is self._answers:
                            some = os.read(key.fd, _CHUNK_BYTES)
                            if not some or len(answer) > _MAX_FRAME_BYTES:
                                return None
                            answer += some
                        else:
                            left = left[os.write(key.fd, left[:_CHUNK_BYTES]) :]
                    except BlockingIOError:
                        continue
                    except OSError:
                        return None
                    if not left and len(ready.get_map()) > 1:
                        ready.unregister(self._jobs)
        return helper.parts(bytes(answer[4:]))

    def end(self) -> int:
        """Let the process end, make it if it does not; gives its exit code."""
        self._jobs.close()
        try:
            code = self.process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self._answers.close()
        shutil.rmtree(self._directory, ignore_errors=True)
        return code


def _costly(what: str) -> Malformed:
    return Malformed(f"dataschema: compiling it takes {what}; that is more than is possible")


_: type[Compiler] = ProtocCompiler
