"""The helper process: answers jobs until its input ends. Imports nothing of the hub but the loop of such
processes (kit.helper_side).

    first frame:  limit of memory in bytes, limit of CPU seconds a job, then name, text of each of the
                  bundled files, and names without a text (b"" follows) that packages bring
    a job:        main name, then name, kind (b"text" | b"described"), content of each file
    an answer:    b"ok", FileDescriptorSet | b"refused", what protoc printed | b"costly", what

The working directory belongs to this process and goes with it: "known" has the bundled files, each
job has a directory of its own, which is gone with the answer.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from chappe.kit.helper_side import serve

DIRECTORY_PREFIX = "chappe-protoc-"
MAX_PRINTED_BYTES = 1 << 16
MAX_ANSWER_BYTES = 4 << 20


def main() -> None:
    """Serve frames from standard input; whatever protoc prints goes to a file."""
    printed = os.open("printed", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    from grpc_tools import _protoc_compiler  # type: ignore[import-untyped]

    def answer(job: Sequence[bytes]) -> Sequence[bytes]:
        os.ftruncate(printed, 0)
        try:
            return _compile(_protoc_compiler.run_main, job, printed)
        except MemoryError:
            return [b"costly", b"memory"]
        except OSError as exc:
            return [b"refused", f"dataschema: cannot be written: {exc.strerror}".encode()]

    serve(answer, directory_prefix=DIRECTORY_PREFIX, begin=_bring_known, printed=printed)


def _bring_known(parts: Sequence[bytes]) -> None:
    """Put the bundled files into "known", where nothing else ever lies."""
    roots = _roots()
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        target = Path("known", name.decode())
        target.parent.mkdir(parents=True, exist_ok=True)
        if text:
            target.write_bytes(text)
            continue
        for root in roots:
            source = root / name.decode()
            if source.is_file():
                shutil.copyfile(source, target)
                break


def _roots() -> list[Path]:
    """Below what the packages keep google/protobuf and google/type."""
    found: list[Path] = []
    tools = importlib.util.find_spec("grpc_tools")
    if tools is not None:
        found.extend(Path(place, "_proto") for place in tools.submodule_search_locations or ())
    google = importlib.util.find_spec("google")
    if google is not None:
        found.extend(Path(place).parent for place in google.submodule_search_locations or ())
    return found


def _compile(run_main: object, job: Sequence[bytes], printed: int) -> list[bytes]:
    assert callable(run_main)
    place = Path(tempfile.mkdtemp(prefix="job-", dir=Path.cwd()))
    try:
        arguments = _write(place, job)
        code = run_main([b"protoc", *arguments, job[0]])
        out = place / "out"
        if code != 0 or not out.is_file():
            text = os.pread(printed, MAX_PRINTED_BYTES, 0)
            return [b"refused", text.replace(os.fsencode(place / "files") + b"/", b"")]
        if (size := out.stat().st_size) > MAX_ANSWER_BYTES:
            return [b"costly", f"{size} bytes when compiled".encode()]
        return [b"ok", out.read_bytes()]
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _write(place: Path, job: Sequence[bytes]) -> list[bytes]:
    """Lay out the job's files; gives protoc's arguments."""
    files = place / "files"
    files.mkdir()
    described: list[bytes] = []
    for name, kind, content in zip(job[1::3], job[2::3], job[3::3], strict=True):
        if kind == b"described":
            # FileDescriptorSet: field 1, length-delimited.
            described.append(b"\x0a" + _varint(len(content)) + content)
            continue
        target = files / name.decode()
        if not target.resolve().is_relative_to(files.resolve()):
            raise OSError(1, "a name leads out of the directory")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    arguments = [
        b"-I" + os.fsencode(place.parent / "known"),
        b"-I" + os.fsencode(files),
        b"--include_imports",
        b"--retain_options",
        b"--descriptor_set_out=" + os.fsencode(place / "out"),
    ]
    if described:
        (place / "in").write_bytes(b"".join(described))
        arguments.append(b"--descriptor_set_in=" + os.fsencode(place / "in"))
    return arguments


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
