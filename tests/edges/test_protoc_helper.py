"""The compiler's helper process, real: hostile sources, and what happens when it dies."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chappe.adapters.protoc.compiler import ProtocCompiler
from chappe.domain.errors import Malformed, Unavailable
from chappe.formats.protobuf_schema.compiler import Source

PROTO3 = 'syntax = "proto3";\n'
GOOD = Source("main.proto", f"{PROTO3}message M {{ int32 a = 1; }}".encode())
# Numbers in one `reserved` are compared each with each: some seconds.
SLOW = Source(
    "main.proto",
    f"{PROTO3}message M {{ reserved {','.join(map(str, range(1, 100_000)))}; }}".encode(),
)


PATIENT_S = 60.0
"""A watchdog that a busy machine does not set off."""


@pytest.fixture
def compiler() -> Iterator[ProtocCompiler]:
    with ProtocCompiler(watchdog_s=PATIENT_S) as compiler:
        yield compiler


def wait_until(holds: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end_s, "it did not happen within 60 s"
        threading.Event().wait(0.01)


def running(pid: int) -> bool:
    """Whether there is such a process; a zombie is one."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def used_cpu(pid: int) -> float:
    """Seconds of processor time."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def shortened(source: Source, size: int) -> Source:
    """The slow source with fewer numbers, which compiles."""
    return Source(source.name, source.content[:size].rpartition(b",")[0] + b"; }")


def started(compiler: ProtocCompiler) -> int:
    compiler.compile(GOOD, ())
    assert compiler.pid is not None
    return compiler.pid


def test_the_helper_starts_with_the_first_job_and_serves_the_next(
    compiler: ProtocCompiler,
) -> None:
    assert compiler.pid is None
    first = started(compiler)
    assert started(compiler) == first


def test_closing_ends_the_helper_and_leaves_nothing(tmp_path: Path) -> None:
    before = tempfile.tempdir
    tempfile.tempdir = str(tmp_path)
    try:
        with ProtocCompiler() as compiler:
            pid = started(compiler)
            assert list(tmp_path.glob("chappe-protoc-*/known"))
            assert not list(tmp_path.glob("chappe-protoc-*/job-*"))
    finally:
        tempfile.tempdir = before
    assert not running(pid)
    assert list(tmp_path.iterdir()) == []


def test_a_closed_compiler_takes_no_job(compiler: ProtocCompiler) -> None:
    compiler.close()
    with pytest.raises(Unavailable, match="is closed"):
        compiler.compile(GOOD, ())


def test_closing_ends_a_job_in_the_middle(compiler: ProtocCompiler) -> None:
    pid = started(compiler)
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(compiler.compile, SLOW, ())
        wait_until(lambda: used_cpu(pid) > 0.3)
        compiler.close()
        with pytest.raises(Unavailable):
            job.result(5)
    assert not running(pid)


def test_a_helper_that_died_between_jobs_is_replaced(compiler: ProtocCompiler) -> None:
    first = started(compiler)
    os.kill(first, signal.SIGKILL)
    assert started(compiler) != first
    assert not running(first)


def test_a_job_survives_the_death_of_its_helper(compiler: ProtocCompiler) -> None:
    pid = started(compiler)
    slow = shortened(SLOW, 200_000)
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(compiler.compile, slow, ())
        wait_until(lambda: used_cpu(pid) > 0.3)
        os.kill(pid, signal.SIGKILL)
        assert job.result(60)
    assert compiler.pid != pid
    assert not running(pid)


def test_a_helper_that_dies_each_time_says_nothing_about_the_sources(
    compiler: ProtocCompiler,
) -> None:
    done = threading.Event()

    def kill_it() -> None:
        killed: set[int] = set()
        while not done.wait(0.01) and len(killed) < 2:
            pid = compiler.pid
            if pid is not None and pid not in killed and used_cpu(pid) > 0.3:
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)

    with ThreadPoolExecutor(1) as pool:
        killer = pool.submit(kill_it)
        try:
            with pytest.raises(Unavailable, match="ended twice without an answer"):
                compiler.compile(SLOW, ())
        finally:
            done.set()
            killer.result(5)


def test_jobs_from_several_threads_each_get_their_answer(compiler: ProtocCompiler) -> None:
    sources = [
        Source("main.proto", f"{PROTO3}message Unique{number} {{}}".encode())
        for number in range(40)
    ]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda each: compiler.compile(each, ()), sources))
    assert all(f"Unique{number}".encode() in answer for number, answer in enumerate(answers))


def test_a_job_over_its_processor_time_is_ended() -> None:
    with (
        ProtocCompiler(cpu_s=1, watchdog_s=PATIENT_S) as hasty,
        pytest.raises(Malformed, match="more than 1 s of proc"),
    ):
        hasty.compile(SLOW, ())


def test_a_job_over_its_time_is_ended() -> None:
    with ProtocCompiler(watchdog_s=0.5) as hasty:
        with pytest.raises(Malformed, match=r"takes more than 0\.5 s"):
            hasty.compile(SLOW, ())
        assert hasty.pid is None


def test_processor_time_counts_for_each_job_anew() -> None:
    slow = shortened(SLOW, 100_000)
    with ProtocCompiler(cpu_s=2, watchdog_s=PATIENT_S) as compiler:
        pid = started(compiler)
        while used_cpu(pid) < 3:
            compiler.compile(slow, ())
        assert compiler.pid == pid


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PROTO3 + "message A {" * 5_000 + "}" * 5_000, "recursion limit"),
        (
            "message A { optional int32 a = 1 [(x) = " + "{a:" * 100_000 + "}" * 100_000 + "]; }",
            "",
        ),
        (
            f'{PROTO3}import "google/protobuf/descriptor.proto"; message M {{ repeated M m = 1; }}'
            "extend google.protobuf.FileOptions { M o = 50000; }"
            f"option (o) = {{ {'m {' * 100_000} {'}' * 100_000} }};",
            "",
        ),
        (f'{PROTO3}import "/etc/passwd";', "import '/etc/passwd' is missing"),
        (f'{PROTO3}import "../../../../etc/passwd";', "is missing"),
        (f'{PROTO3}import "known/google/protobuf/any.proto";', "is missing"),
        (f'{PROTO3}import "../printed";', "is missing"),
        (f"{PROTO3}message A {{}}\0", "control characters"),
        ("message A { optional int32 a = 1 [" + "a." * 500_000 + "a = 1]; }", "crashed"),
        (
            f"{PROTO3}message {'A' * 50_000} {{"
            + "".join(f"int32 f{i}={i + 1};" for i in range(18_000))
            + "}",
            "more memory",
        ),
        (
            f"{PROTO3}package {'a' * 500}; message A {{"
            + "".join(f"A f{i}={i + 1};" for i in range(15_000))
            + "}",
            "bytes when compiled",
        ),
    ],
    ids=[
        "5,000 nested messages",
        "100,000 deep options",
        "100,000 deep options of a known type",
        "a path",
        "a path upwards",
        "the helper's own files",
        "what the helper printed",
        "a NUL",
        "an endless name",
        "a memory bomb",
        "an amplifier",
    ],
)
def test_hostile_sources_end_in_an_error_and_the_next_job_works(
    compiler: ProtocCompiler, text: str, message: str
) -> None:
    with pytest.raises(Malformed) as refused:
        compiler.compile(Source("main.proto", text.encode()), ())
    assert message in refused.value.message
    assert "chappe-protoc" not in refused.value.message
    assert len(refused.value.message) < 2_000
    assert compiler.compile(GOOD, ())


def test_fifty_thousand_fields_compile(compiler: ProtocCompiler) -> None:
    fields = "".join(f"int32 f{i}={i + 1 if i < 18_000 else i + 3_000};" for i in range(50_000))
    assert compiler.compile(Source("main.proto", f"{PROTO3}message A {{{fields}}}".encode()), ())


def test_the_memory_of_the_helper_is_limited() -> None:
    # Each full name is kept: 270 MB.
    messages = "".join(f"message B{i} {{}}" for i in range(9_000))
    hungry = Source("main.proto", f"{PROTO3}message {'A' * 30_000} {{ {messages} }}".encode())
    with ProtocCompiler(memory_bytes=128 << 20) as small:
        with pytest.raises(Malformed, match="memory"):
            small.compile(hungry, ())
        assert small.compile(GOOD, ())


def test_a_reference_cannot_leave_its_directory(compiler: ProtocCompiler, tmp_path: Path) -> None:
    target = tmp_path / "x.proto"
    for name in (str(target), f"../../../../../../../../..{target}"):
        with pytest.raises(Malformed):
            compiler.compile(GOOD, (Source(name, b"stolen"),))
    assert not target.exists()


def test_references_of_one_job_are_gone_for_the_next(compiler: ProtocCompiler) -> None:
    shared = Source("shared.proto", f"{PROTO3}message S {{}}".encode())
    main = Source("main.proto", f'{PROTO3}import "shared.proto"; message M {{ S s = 1; }}'.encode())
    assert compiler.compile(main, (shared,))
    with pytest.raises(Malformed, match=r"import 'shared\.proto' is missing"):
        compiler.compile(main, ())
