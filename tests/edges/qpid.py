"""An Apache Qpid Broker-J of a test's own: AMQP 1.0, a virtual host with durable queues on disk."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.edges.broker_programs import free_port, qpid_home

STARTS_WITHIN_S = 90.0
USER, PASSWORD = "guest", "guest-secret"


class Qpid:
    """Listens at `port` of 127.0.0.1; user and password are `USER` and `PASSWORD`."""

    def __init__(self, directory: Path, *, queues: dict[str, dict[str, Any]] | None = None) -> None:
        self.port = free_port()
        self._http = free_port()
        self._home = qpid_home()
        self._directory = directory
        self._queues = {"orders": {}} if queues is None else queues
        (directory / "initial.json").write_text(json.dumps(self._configuration()))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"amqp://localhost:{self.port}"

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
            await self.kill()

    async def start(self) -> None:
        libraries = ":".join(str(one) for one in sorted((self._home / "lib").glob("*.jar")))
        log = self._directory / "log"
        with log.open("ab") as out:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
                ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", libraries,
                 f"-DQPID_HOME={self._home}", f"-DQPID_WORK={self._directory}",
                 "org.apache.qpid.server.Main", "-st", "JSON",
                 "-icp", str(self._directory / "initial.json")],
                stdout=out, stderr=out, cwd=self._directory,
            )  # fmt: skip
        begins = len(log.read_bytes())
        async with asyncio.timeout(STARTS_WITHIN_S):
            while b"BRK-1004" not in log.read_bytes()[begins:]:
                assert self._process.poll() is None, log.read_text()
                await asyncio.sleep(0.05)
        await asyncio.to_thread(self._make_queues)

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        await asyncio.to_thread(self._process.wait)
        self._process = None

    def depth(self, queue: str) -> int:
        """How many messages stand in a queue."""
        found = self._manage("GET", f"queue/localhost/localhost/{queue}")
        return int(found["statistics"]["queueDepthMessages"])

    def _make_queues(self) -> None:
        known = {one["name"] for one in self._manage("GET", "queue/localhost/localhost")}
        for name, attributes in self._queues.items():
            if name not in known:
                self._manage(
                    "PUT", f"queue/localhost/localhost/{name}", {"durable": True, **attributes}
                )

    def _manage(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._http}/api/latest/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "content-type": "application/json",
                "authorization": "Basic "
                + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode(),
            },
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def _configuration(self) -> dict[str, Any]:
        return {
            "name": "broker",
            "modelVersion": "9.1",
            "authenticationproviders": [
                {
                    "name": "plain",
                    "type": "Plain",
                    "secureOnlyMechanisms": [],
                    "users": [{"name": USER, "type": "managed", "password": PASSWORD}],
                },
                {"name": "anonymous", "type": "Anonymous"},
            ],
            "ports": [
                {
                    "name": "AMQP",
                    "port": self.port,
                    "bindingAddress": "127.0.0.1",
                    "authenticationProvider": "plain",
                    "protocols": ["AMQP_1_0"],
                    "virtualhostaliases": [{"name": "nameAlias", "type": "nameAlias"}],
                },
                {
                    "name": "HTTP",
                    "port": self._http,
                    "bindingAddress": "127.0.0.1",
                    "authenticationProvider": "plain",
                    "protocols": ["HTTP"],
                },
            ],
            "plugins": [
                {
                    "type": "MANAGEMENT-HTTP",
                    "name": "httpManagement",
                    "httpBasicAuthenticationEnabled": True,
                }
            ],
            "virtualhostnodes": [
                {
                    "name": "localhost",
                    "type": "JSON",
                    "defaultVirtualHostNode": True,
                    "virtualHostInitialConfiguration": json.dumps({"type": "DERBY"}),
                }
            ],
        }
