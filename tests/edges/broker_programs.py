"""Real brokers for tests: found on the machine, or fetched into `.cache/brokers` without being root.

    mosquitto     Debian's package, unpacked beside the tests where it is not installed
    Qpid          Apache Qpid Broker-J (AMQP 1.0) from Maven Central; needs Java and Maven

Where one cannot be had, the tests that need it are skipped, and the reason says what was tried.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

CACHE = Path(__file__).parents[2] / ".cache" / "brokers"
QPID = "9.2.0"


@cache
def mosquitto_command() -> tuple[str, dict[str, str]]:
    """The program and its environment; skips the test where there is none."""
    installed = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if installed:
        return installed, dict(os.environ)
    root = CACHE / "mosquitto"
    program = root / "usr" / "sbin" / "mosquitto"
    with _locked("mosquitto"):
        if not program.exists():
            _unpack_debian("mosquitto", root)
    libraries = {str(one.parent) for one in root.glob("usr/lib/**/*.so.*")}
    return str(program), {**os.environ, "LD_LIBRARY_PATH": ":".join(sorted(libraries))}


@cache
def qpid_home() -> Path:
    """Where Qpid Broker-J is unpacked; skips the test where it cannot be had."""
    home = CACHE / "qpid" / "qpid-broker" / QPID
    if not shutil.which("java"):
        pytest.skip("no AMQP 1.0 broker: java is not installed")
    with _locked("qpid"):
        if not home.exists():
            _unpack_qpid(home)
    return home


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _unpack_debian(package: str, root: Path) -> None:
    """The package and those it needs that are not installed."""
    debs = root.with_suffix(".debs")
    shutil.rmtree(debs, ignore_errors=True)
    debs.mkdir(parents=True)
    needed = _run("apt-cache", "depends", "--recurse", "--important", package).splitlines()
    names = {line for line in needed if line and not line.startswith((" ", "<"))}
    missing = sorted(name for name in names if not _is_installed(name)) or [package]
    try:
        _run("apt-get", "download", *missing, cwd=debs)
    except _NotHad:
        _run("apt-get", "update", "-qq")
        _run("apt-get", "download", *missing, cwd=debs)
    unpacked = root.with_suffix(".new")
    shutil.rmtree(unpacked, ignore_errors=True)
    for deb in debs.glob("*.deb"):
        _run("dpkg", "-x", str(deb), str(unpacked))
    unpacked.rename(root)
    shutil.rmtree(debs)


def _is_installed(name: str) -> bool:
    found = subprocess.run(["dpkg", "-s", name], capture_output=True, text=True, check=False)
    return "Status: install ok installed" in found.stdout


def _unpack_qpid(home: Path) -> None:
    artifact = f"org.apache.qpid:apache-qpid-broker-j:{QPID}:tar.gz:bin"
    _run("mvn", "-q", "-B", "dependency:get", f"-Dartifact={artifact}", "-Dtransitive=false")
    unpacked = home.parents[1].with_suffix(".new")
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir(parents=True)
    _run(
        "mvn", "-q", "-B", "dependency:copy", f"-Dartifact={artifact}",
        f"-DoutputDirectory={unpacked}",
    )  # fmt: skip
    (archive,) = unpacked.glob("*.tar.gz")
    _run("tar", "xzf", str(archive), "-C", str(unpacked))
    archive.unlink()
    shutil.rmtree(home.parents[1], ignore_errors=True)
    unpacked.rename(home.parents[1])


class _NotHad(Exception):
    """A step of fetching a broker did not work."""


def _run(*command: str, cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, check=True, timeout=300
        )
    except FileNotFoundError:
        raise _NotHad(f"{command[0]} is not installed") from None
    except subprocess.CalledProcessError as exc:
        raise _NotHad(f"{' '.join(command[:3])}: {(exc.stderr or exc.stdout)[-300:]}") from None
    except subprocess.TimeoutExpired:
        raise _NotHad(f"{' '.join(command[:3])} took too long") from None
    return done.stdout


@contextmanager
def _locked(name: str) -> Iterator[None]:
    """Test processes run side by side: one fetches, the others wait."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        except _NotHad as exc:
            pytest.skip(f"no broker {name}: {exc}")
