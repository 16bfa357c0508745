"""The private engine's directory: its configuration, credentials, ports and last words.

DATA/engine/                      0700
    nats-server.conf              0600, written at each start
    credentials                   0600, {"user", "password"}, drawn once
    nats-server.log               the engine's own words; 4 files of 1 MB at most
    nats-server.stderr            what it could not log, of the last start alone
    ports/                        where the engine tells which ports it got
    jetstream/                    the store
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from chappe.server.nats_binary import Version
from chappe.server.private_files import (
    FILE_MODE,
    make_private_directory,
    read_private,
    write_private,
)

MAX_PAYLOAD_BYTES = 8 * 1024 * 1024
"""The largest message; the engine warns above it."""

ANY_PORT = -1
"""Lets the kernel choose a free port, so that no other program can take it first."""

_TAIL_LINES = 6
_TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the engine asks of every client."""

    user: str
    password: str = field(repr=False)


class Ports(msgspec.Struct, frozen=True):
    """Where the engine listens, as URLs: {"nats": ["nats://127.0.0.1:1"], "monitoring": […]}."""

    nats: list[str]
    monitoring: list[str]


@dataclass(frozen=True, slots=True)
class EngineHome:
    """The directory at `path`."""

    path: Path

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.path / "nats-server.conf"

    def prepare(self, version: Version, *, port: int, monitor_port: int) -> Credentials:
        """Make all that the engine needs before it starts; forget what the last start left.

        Raises:
            OSError: the directory cannot be written.
        """
        make_private_directory(self.path)
        make_private_directory(self._ports)
        for stale in self._ports.iterdir():
            stale.unlink()
        credentials = self._credentials()
        write_private(
            self.config,
            engine_config(
                self.path,
                version=version,
                credentials=credentials,
                port=port,
                monitor_port=monitor_port,
            ),
        )
        return credentials

    def open_stderr(self) -> int:
        """An empty file, for what the engine says before and after it has a log."""
        flags = os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        return os.open(self._stderr, flags, FILE_MODE)

    def ports_of(self, pid: int) -> Ports | None:
        """What the engine `pid` wrote once it listened; None: nothing, or not all of it yet."""
        for file in self._ports.glob(f"*_{pid}.ports"):
            with contextlib.suppress(OSError, msgspec.DecodeError):
                return msgspec.json.decode(file.read_bytes(), type=Ports)
        return None

    def last_words(self) -> str:
        """The last lines of the log and of stderr, indented, for a message."""
        lines = [*_tail(self.path / "nats-server.log"), *_tail(self._stderr)]
        return "\n".join(f"  {line}" for line in lines) or "  (none)"

    def _credentials(self) -> Credentials:
        path = self.path / "credentials"
        # A damaged file is replaced: it protects this store alone, and nobody keeps a copy.
        with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
            return msgspec.json.decode(read_private(path), type=Credentials)
        drawn = Credentials(f"chappe-{secrets.token_hex(4)}", secrets.token_urlsafe(32))
        write_private(path, msgspec.json.encode(drawn).decode() + "\n")
        return drawn

    @property
    def _ports(self) -> Path:
        return self.path / "ports"

    @property
    def _stderr(self) -> Path:
        return self.path / "nats-server.stderr"


def engine_config(
    home: Path,
    *,
    version: Version,
    credentials: Credentials,
    port: int = ANY_PORT,
    monitor_port: int = ANY_PORT,
) -> str:
    """The text of the engine's configuration file."""
    # 2.15 refuses the 1001st consumer of a stream by default; older ones do not know the word.
    limits = "limits { default_max_consumers: -1 }" if version >= (2, 15, 0) else ""
    return f"""\
# Written by the hub at each start; changes are lost.
server_name: "chappe"
listen: "127.0.0.1:{port}"
http: "127.0.0.1:{monitor_port}"
ports_file_dir: {_quoted(home / "ports")}
log_file: {_quoted(home / "nats-server.log")}
logtime_utc: true
logfile_size_limit: 1MB
logfile_max_num: 3
max_payload: {MAX_PAYLOAD_BYTES}
authorization {{
  user: {_quoted(credentials.user)}
  password: {_quoted(credentials.password)}
}}
jetstream {{
  store_dir: {_quoted(home)}
  sync_interval: always
  # By default the sum of all streams' max_bytes must fit in 3/4 of what is free at the start.
  max_file_store: 1PB
  {limits}
}}
"""


def _tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace").splitlines()[-_TAIL_LINES:]
    except FileNotFoundError:
        return []


def _quoted(value: Path | str) -> str:
    return json.dumps(str(value), ensure_ascii=False)
