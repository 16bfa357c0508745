"""A mosquitto of a test's own: started, stopped and started again with what it had stored."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.edges.broker_programs import free_port, mosquitto_command

STARTS_WITHIN_S = 20.0


class Mosquitto:
    """Listens at `port` of 127.0.0.1; `conf` are more lines of its configuration."""

    def __init__(
        self, directory: Path, *conf: str, passwords: Mapping[str, str] | None = None
    ) -> None:
        self.port = free_port()
        self._program, self._env = mosquitto_command()
        self._directory = directory
        lines = [
            f"listener {self.port} 127.0.0.1",
            "user root",
            "persistence true",
            f"persistence_location {directory}/",
            "autosave_interval 1",
            "autosave_on_changes true",
            "max_inflight_messages 200",
            "log_type all",
            *conf,
        ]
        if passwords is None:
            lines.append("allow_anonymous true")
        else:
            lines.append(f"password_file {directory}/passwords")
            self._write_passwords(passwords)
        (directory / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None:
            await self.stop()

    async def start(self) -> None:
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
                [self._program, "-c", str(self._directory / "mosquitto.conf")],
                env=self._env, stdout=log, stderr=log,
            )  # fmt: skip
        async with asyncio.timeout(STARTS_WITHIN_S):
            while not _answers(self.port):
                assert self._process.poll() is None, (self._directory / "log").read_text()
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """SIGTERM: what it has is stored."""
        assert self._process is not None
        self._process.terminate()
        await asyncio.to_thread(self._process.wait)
        self._process = None

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        await asyncio.to_thread(self._process.wait)
        self._process = None

    def _write_passwords(self, passwords: Mapping[str, str]) -> None:
        path = self._directory / "passwords"
        path.write_text("".join(f"{user}:{secret}\n" for user, secret in passwords.items()))
        near = Path(self._program).parent.parent / "bin" / "mosquitto_passwd"
        program = str(near) if near.exists() else "mosquitto_passwd"
        subprocess.run([program, "-U", str(path)], env=self._env, check=True)


def _answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
