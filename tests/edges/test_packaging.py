"""What is shipped: the wheel and the sdist are built, installed aside, and run as systemd would run them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from packaging.metadata import Metadata
from packaging.requirements import Requirement
from trove_classifiers import classifiers

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

pytestmark = [pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the wheel and the sdist; nothing is downloaded."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-t", "wheel", "-d", out]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    return out


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (one,) = built.glob("chappe-*.whl")
    return one


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheel alone is installed."""
    target = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    alone = ["--no-index", "--no-deps", "--no-compile", "--target", str(target)]
    subprocess.run([*pip, *alone, str(wheel)], check=True, timeout=120)
    return target


def environment(installed: Path, **more: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CHAPPE_")}
    return {**clean, "PYTHONPATH": str(installed), **more}


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as opened:
        (name,) = (one for one in opened.namelist() if one.endswith(".dist-info/METADATA"))
        return BytesParser().parsebytes(opened.read(name))


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        held = {one for one in opened.namelist() if ".dist-info/" not in one}
    source = ROOT / "src"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "src/chappe"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    there = {str((ROOT / one).relative_to(source)) for one in listed.stdout.splitlines()}
    assert held == {one for one in there if (source / one).is_file()}
    assert "chappe/py.typed" in held


def test_the_metadata_can_be_read_and_say_what_the_project_says(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        (name,) = (one for one in opened.namelist() if one.endswith(".dist-info/METADATA"))
        read = Metadata.from_email(opened.read(name), validate=True)
    assert (read.name, str(read.version)) == ("chappe", "0.1.0")
    assert read.license_expression == "Apache-2.0"
    assert set(read.provides_extra or ()) == set(PROJECT["optional-dependencies"])
    assert set(read.classifiers or ()) <= set(classifiers)
    assert {one.name for one in read.requires_dist or () if not one.marker} <= {
        Requirement(one).name for one in PROJECT["dependencies"]
    }
    assert (read.description or "").startswith("# Chappe")
    assert read.description_content_type == "text/markdown"


def test_the_wheel_names_its_command_and_holds_its_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
        (points,) = (one for one in names if one.endswith("entry_points.txt"))
        assert "chappe = chappe.cli.main:main" in opened.read(points).decode()
    assert [one for one in names if one.endswith("licenses/LICENSE")]


def test_the_sdist_holds_what_the_wheel_is_made_of(built: Path, wheel: Path) -> None:
    (sdist,) = built.glob("chappe-*.tar.gz")
    with tarfile.open(sdist) as opened:
        held = {one.partition("/")[2] for one in opened.getnames()}
    with zipfile.ZipFile(wheel) as opened:
        needed = {f"src/{one}" for one in opened.namelist() if ".dist-info/" not in one}
    assert needed | {"pyproject.toml", "README.md", "LICENSE"} <= held
    assert not [one for one in held if one.startswith(("tests/", "bench/", ".venv"))]


def test_what_is_installed_knows_its_version(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import chappe; print(chappe.__file__)"],
        env=environment(installed),
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert Path(done.stdout.strip()).is_relative_to(installed)
    shown = subprocess.run(
        [sys.executable, "-m", "chappe", "version"],
        env=environment(installed),
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "0.1.0" in shown.stdout


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket of a service manager."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.bind(str(tmp_path / "notify"))
        one.settimeout(90)
        yield one


@pytest.mark.engine
def test_a_hub_from_the_wheel_tells_its_manager_takes_an_event_and_ends(
    installed: Path, tmp_path: Path, manager: socket.socket
) -> None:
    told = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
    with (tmp_path / "log").open("wb") as log:
        hub = subprocess.Popen(
            [sys.executable, "-m", "chappe", "dev", "--port", "0", "--data", "data"],
            env=environment(installed, **told),
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        first = manager.recv(100)
        url = json.loads((tmp_path / "data" / "hub.json").read_bytes())["url"]
        alive = [manager.recv(100), manager.recv(100)]
        event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}
        kind = {"content-type": "application/cloudevents+json"}
        request = Request(f"{url}/events", json.dumps(event).encode(), kind, method="POST")
        with urlopen(request, timeout=60) as answer:
            accepted = json.loads(answer.read())
        hub.send_signal(signal.SIGTERM)
        last = manager.recv(100)
        while last == b"WATCHDOG=1":
            last = manager.recv(100)
    finally:
        hub.terminate()
        code = hub.wait(90)
    assert (first, alive, last) == (b"READY=1", [b"WATCHDOG=1"] * 2, b"STOPPING=1")
    assert accepted["duplicate"] is False
    assert code == 0, (tmp_path / "log").read_text()
