"""Public npm packages as test data: brought by npm when a test asks, checked, kept out of the repository.

They are kept in `.cache/npm`, which git does not see; what is there already needs no network.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CACHE = Path(__file__).parents[2] / ".cache" / "npm"


@dataclass(frozen=True)
class NpmPackage:
    """One version of a package; `integrity` is what the registry says of it, "sha512-…"."""

    name: str
    version: str
    integrity: str

    def json(self, *members: str) -> list[Any]:
        """The JSON of members of the package, such as "schema.json".

        Skips the test, and says why, where the package can be had neither here nor from npm.
        """
        return [json.loads(one) for one in self.read(*members)]

    def read(self, *members: str) -> list[bytes]:
        """The bytes of members of the package; skips as `json` does."""
        with tarfile.open(self._file()) as archive:
            found = [archive.extractfile(f"package/{one}") for one in members]
            return [one.read() for one in found if one is not None]

    def _file(self) -> Path:
        scope, _, name = self.name.removeprefix("@").rpartition("/")
        file = CACHE / f"{f'{scope}-' if scope else ''}{name}-{self.version}.tgz"
        if not file.exists():
            self._fetch(file)
        digest = hashlib.sha512(file.read_bytes()).digest()
        if f"sha512-{base64.b64encode(digest).decode()}" != self.integrity:
            file.unlink()
            pytest.fail(f"{self.name}@{self.version}: npm gave something else than is expected")
        return file

    def _fetch(self, file: Path) -> None:
        npm = shutil.which("npm")
        wanted = f"{self.name}@{self.version}"
        if npm is None:
            pytest.skip(f"{wanted} is not in {CACHE}, and there is no npm to bring it")
        CACHE.mkdir(parents=True, exist_ok=True)
        command = [npm, "pack", wanted, "--ignore-scripts", "--pack-destination", str(CACHE)]
        command += [
            "--fetch-retries=1",
            "--fetch-retry-mintimeout=500",
            "--fetch-retry-maxtimeout=2000",
            "--fetch-timeout=20000",
        ]
        try:
            ended = subprocess.run(
                command, capture_output=True, text=True, timeout=60, cwd=CACHE, check=False
            )
        except subprocess.TimeoutExpired:
            pytest.skip(f"{wanted} is not in {CACHE}, and npm brought nothing within 60 s")
        if ended.returncode or not file.exists():
            told = [line for line in ended.stderr.splitlines() if line.startswith("npm error")]
            why = "; ".join(told[:3]) or f"it ended with {ended.returncode}"
            pytest.skip(f"{wanted} is not in {CACHE}, and npm cannot bring it: {why}")
