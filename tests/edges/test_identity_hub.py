"""A whole hub with its engine and an issuer: log in, write, read who did it, and go on after a restart."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from oidc_provider import AUDIENCE, CLIENT_ID, Provider, providing

from chappe.client.http1 import Answer, Http1, Origin

pytestmark = [pytest.mark.engine, pytest.mark.timeout(170)]


@asynccontextmanager
async def serving(home: Path, provider: Provider) -> AsyncIterator[str]:
    """A hub that knows the provider's keys; its URL."""
    clean = {name: value for name, value in os.environ.items() if "CHAPPE" not in name}
    settings = {
        "CHAPPE_OIDC_ISSUER": provider.issuer,
        "CHAPPE_OIDC_CLIENT_ID": CLIENT_ID,
        "CHAPPE_OIDC_AUDIENCE": AUDIENCE,
        "CHAPPE_OIDC_ROLES": "platform=admin;*=viewer",
        "CHAPPE_EGRESS": "listed",
    }
    with (home / "log").open("ab") as log:
        hub = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "chappe", "serve", "--port", "0", "--data", str(home / "data"),
            stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, cwd=home,
            env={**clean, **settings},
        )  # fmt: skip
    try:
        file = home / "data" / "hub.json"
        asked = provider.asked["/jwks"]
        async with asyncio.timeout(60):
            while not file.exists() or provider.asked["/jwks"] == asked:
                assert hub.returncode is None, (home / "log").read_text()
                await asyncio.sleep(0.05)
        yield str(json.loads(file.read_bytes())["url"])
    finally:
        if hub.returncode is None:
            hub.send_signal(signal.SIGTERM)
        assert await hub.wait() == 0, (home / "log").read_text()


class Asking:
    """Requests of a program, or of a browser with a cookie."""

    def __init__(self, url: str) -> None:
        self._http = Http1(Origin.parse(url))

    async def __call__(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        return await self._http.ask(
            method, target, headers=headers or {}, body=body, timeout_s=60.0
        )

    async def audit(self, headers: Mapping[str, str], count: int) -> list[Any]:
        """The events of the audit, the oldest first, once there are so many."""
        async with asyncio.timeout(60):
            while True:
                answer = await self("GET", "/channels/audit/events", headers)
                assert answer.status == 200, answer.body
                found = [row["event"]["data"] for row in json.loads(answer.body)]
                if len(found) >= count:
                    return found[::-1]
                await asyncio.sleep(0.05)

    async def close(self) -> None:
        await self._http.close()


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[Asking]:
    made = Asking(url)
    try:
        yield made
    finally:
        await made.close()


def of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


async def test_a_hub_knows_its_issuers_people_and_tells_what_they_did(tmp_path: Path) -> None:
    async with providing() as provider:
        provider.user = {"sub": "u-1", "preferred_username": "ann", "groups": ["platform"]}
        ann = {"authorization": f"Bearer {provider.token()}"}
        eve = {"authorization": f"Bearer {provider.token(groups=[], preferred_username='eve')}"}
        async with serving(tmp_path, provider) as url, asking(url) as ask:
            assert (await ask("GET", "/events")).status == 401
            put = await ask("PUT", "/schemagroups/shop", ann, b"{}")
            assert put.status == 201, put.body
            assert (await ask("PUT", "/schemagroups/shop", eve, b"{}")).status == 403
            assert (await ask("GET", "/channels/audit/events", eve)).status == 403
            done, refused, *_ = await ask.audit(ann, 3)

            begun = await ask("GET", "/console/login?with=oidc")
            assert begun.status == 303, begun.body
            cookie = {"cookie": begun.headers["set-cookie"].partition(";")[0]}
            _, _, back = provider.answer("GET", of(begun.headers["location"]), {})
            came = await ask("GET", of(back), cookie)
            assert came.status == 303, came.body
            found = re.search(r"chappe-session=[^;]+", came.headers["set-cookie"])
            assert found is not None
            session = {"cookie": found[0]}
            assert json.loads((await ask("GET", "/whoami", session)).body)["how"] == "session"

        assert done["who"] == {"name": "ann", "how": "oidc"}
        assert done["what"]["path"] == "/schemagroups/shop"
        assert done["correlation"] == put.headers["xregistry-xregcorrelationid"]
        assert (refused["who"]["name"], refused["what"]["right"]) == ("eve", "subscribe")

        # The hub's key is the hub's, not the process's; and what was told at the end is there, too.
        async with serving(tmp_path, provider) as url, asking(url) as ask:
            assert json.loads((await ask("GET", "/whoami", session)).body)["name"] == "ann"
            written = await ask("PUT", "/schemagroups/more", session, b"{}")
            assert written.status == 403
            same = {**session, "sec-fetch-site": "same-origin"}
            assert (await ask("PUT", "/schemagroups/more", same, b"{}")).status == 201
            told = await ask.audit(session, 6)
            assert [one["what"]["path"] for one in told][3:] == [
                "/console/callback",
                "/schemagroups/more",
                "/schemagroups/more",
            ]
