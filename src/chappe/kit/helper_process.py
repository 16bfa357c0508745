"""One long-lived helper process with limits: starts when it is first needed, and again when it died.

What strangers wrote meets code there that may take for ever, or crash. So it runs without the hub's
environment and open files, in a directory of its own, and each job has a deadline.
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
from typing import Final, Self

from chappe.kit import frames

_GRACE_S: Final = 2.0
_CHUNK_BYTES: Final = 1 << 16
_CRASHES: Final = frozenset(
    -getattr(signal, name)
    for name in ("SIGABRT", "SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE")
    if hasattr(signal, name)
)
_OVER_CPU: Final = -getattr(signal, "SIGXCPU", 0)
# Isolated: neither PYTHON… variables nor the directory matter. The hub's own place is told.
_RUN: Final = (
    "import sys, importlib; sys.path.append(sys.argv[1]);"
    " importlib.import_module(sys.argv[2]).main()"
)
_PLACE: Final = str(Path(__file__).resolve().parents[2])


class TooCostly(Exception):
    """A job took more time, memory or stack than there is; the text says which."""


class NoHelper(Exception):
    """There is no process that could answer; that says nothing about the job."""


class HelperProcess:
    """Asks `main` of a module; one job at a time, from any thread. `close` it: it owns a process.

    `first` is the frame that it is told first; `cpu_s` is what that sets as its limit.
    """

    def __init__(
        self,
        module: str,
        first: Sequence[bytes],
        *,
        prefix: str,
        cpu_s: int,
        watchdog_s: float,
        most_answer_bytes: int,
    ) -> None:
        self._module = module
        self._first = first
        self._prefix = prefix
        self._cpu_s = cpu_s
        self._watchdog_s = watchdog_s
        self._most_answer_bytes = most_answer_bytes
        self._lock = threading.Lock()
        self._running: _Process | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The process's id; None while there is none."""
        running = self._running
        return None if running is None else running.process.pid

    def ask(self, job: Sequence[bytes], *, turn_s: float = -1) -> list[bytes]:
        """The answer. Blocks for `watchdog_s` at most twice, and for `turn_s` until others have theirs.

        Raises:
            TooCostly: the job, or those before it.
            NoHelper: it cannot be started, ended twice without an answer, or is closed.
        """
        if not self._lock.acquire(timeout=turn_s):
            raise TooCostly(f"more than {turn_s:g} s to wait for others")
        try:
            answer = self._ask(job) or self._ask(job)
        finally:
            self._lock.release()
        if answer is None:
            raise NoHelper("ended twice without an answer")
        return answer

    def close(self) -> None:
        """End the process, also in the middle of a job; no job is possible afterwards."""
        self._closed = True
        if (running := self._running) is not None:
            running.process.kill()
        with self._lock:
            self._end()

    def _ask(self, job: Sequence[bytes]) -> list[bytes] | None:
        """The answer; None when the process was ended by something that the job did not cause."""
        running = self._need()
        try:
            answer = running.ask(job, self._watchdog_s, self._most_answer_bytes)
        except TimeoutError:
            self._end(kill=True)
            raise TooCostly(f"more than {self._watchdog_s:g} s") from None
        except BaseException:
            # Its answer may yet come, and would be taken for that of the next job.
            self._end(kill=True)
            raise
        if answer is not None:
            return answer
        code = self._end()
        if code == _OVER_CPU:
            raise TooCostly(f"more than {self._cpu_s} s of processor time")
        if code in _CRASHES:
            raise TooCostly("more memory or stack than there is: it crashed")
        return None

    def _need(self) -> _Process:
        if self._closed:
            raise NoHelper("is closed")
        if self._running is not None and self._running.process.poll() is not None:
            self._end()
        if self._running is None:
            self._running = _Process(self._module, self._first, self._prefix)
        return self._running

    def _end(self, *, kill: bool = False) -> int | None:
        """End the process if there is one; gives its exit code."""
        running, self._running = self._running, None
        if running is None:
            return None
        if kill:
            running.process.kill()
        return running.end()


class Helped:
    """What asks a helper and owns it: `close` it, or use it in a `with`."""

    def __init__(self, helper: HelperProcess) -> None:
        self._helper = helper

    @property
    def pid(self) -> int | None:
        """The helper's process id; None while there is none."""
        return self._helper.pid

    def close(self) -> None:
        """End the helper, also in the middle of a job; no job is possible afterwards."""
        self._helper.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Process:
    """One process and its directory."""

    def __init__(self, module: str, first: Sequence[bytes], prefix: str) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix=prefix))
        try:
            self.process = subprocess.Popen(  # noqa: S603 - nothing in it comes from outside
                [sys.executable, "-I", "-c", _RUN, _PLACE, module],
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
            raise NoHelper(f"cannot be started: {exc.strerror}") from exc
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._jobs, self._answers = self.process.stdin, self.process.stdout
        os.set_blocking(self._jobs.fileno(), False)
        os.set_blocking(self._answers.fileno(), False)
        self._first = frames.framed(first)

    def ask(self, job: Sequence[bytes], within_s: float, most_bytes: int) -> list[bytes] | None:
        """Send a job and wait for its answer; None when the process ended instead.

        Raises:
            TimeoutError: neither came within that time.
        """
        end_s = time.monotonic() + within_s
        left = memoryview(self._first + frames.framed(job))
        self._first = b""
        answer = bytearray()
        with selectors.DefaultSelector() as ready:
            ready.register(self._answers, selectors.EVENT_READ)
            ready.register(self._jobs, selectors.EVENT_WRITE)
            while not frames.is_whole(answer):
                if (rest_s := end_s - time.monotonic()) <= 0:
                    raise TimeoutError
                for key, _ in ready.select(rest_s):
                    try:
                        if key.fileobj is self._answers:
                            some = os.read(key.fd, _CHUNK_BYTES)
                            if not some or len(answer) > most_bytes:
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
        return frames.parts(bytes(answer[4:]))

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
