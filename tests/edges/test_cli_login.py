"""`chappe login` as a process, at a real provider; what it keeps, and who may read that."""

from __future__ import annotations

import asyncio
import json
import os
import re
import stat
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from identity_edge import World, trusting
from oidc_provider import Provider, providing

from chappe.adapters.auth import tokens
from chappe.cli import credentials
from chappe.cli.credentials import Credential


@dataclass
class Shell:
    """Runs `chappe` against the world's hub, with a home of its own."""

    url: str
    home: Path

    async def start(self, *args: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "chappe", "--url", self.url, *args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self.home,
            env={
                **{name: value for name, value in os.environ.items() if "CHAPPE" not in name},
                "XDG_CONFIG_HOME": str(self.home),
            },
        )  # fmt: skip

    async def __call__(self, *args: str, stdin: str = "") -> tuple[int, str, str]:
        process = await self.start(*args)
        async with asyncio.timeout(100):
            out, err = await process.communicate(stdin.encode())
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    @property
    def file(self) -> Path:
        return self.home / "chappe" / "credentials.json"


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with providing() as provider:
        provider.user = {"sub": "u-1", "email": "ann@example.org", "groups": ["shop"]}
        yield provider


@pytest.fixture
async def world(provider: Provider, tmp_path: Path) -> AsyncIterator[World]:
    async with trusting(provider, tmp_path / "tokens.json") as world:
        yield world


@pytest.fixture
def shell(world: World, tmp_path: Path) -> Shell:
    return Shell(f"http://127.0.0.1:{world.hub.port}", tmp_path)


async def test_with_the_device_flow_one_logs_in_and_out(shell: Shell) -> None:
    code, out, err = await shell("login", "--flow", "device")
    assert (code, out) == (0, "ann@example.org\n"), err
    assert "WDJB-MJHT" in err
    assert stat.S_IMODE(shell.file.stat().st_mode) == 0o600

    code, out, err = await shell("whoami", "-o", "json")
    assert code == 0, err
    assert json.loads(out)["name"] == "ann@example.org"
    code, out, _ = await shell("whoami")
    assert out == "ann@example.org (oidc): read, developer@channels/orders\n"

    assert (await shell("logout"))[:2] == (0, "ann@example.org\n")
    assert json.loads(shell.file.read_text()) == {"hubs": {}}
    code, _, err = await shell("whoami")
    assert code == 4
    assert "chappe login" in err


async def test_with_a_browser_one_logs_in_by_coming_back_with_the_state(
    shell: Shell, provider: Provider
) -> None:
    provider.has_device_flow = False
    process = await shell.start("login")
    assert process.stderr is not None
    async with asyncio.timeout(100):
        line = (await process.stderr.readline()).decode()
        found = re.search(r"http\S+", line)
        assert found is not None, line
        _, _, back = provider.answer("GET", _of(found[0]), {})
        port = urlsplit(back).port
        assert b"404" in await _get(port, "/?code=stolen&state=guessed")
        assert b"logged in" in await _get(port, _of(back))
        out, err = await process.communicate()
    assert (process.returncode, out) == (0, b"ann@example.org\n"), err
    assert shell.file.exists()


async def test_a_token_is_read_from_standard_input_and_kept_out_of_sight(
    shell: Shell, world: World, tmp_path: Path
) -> None:
    token = tokens.add(tmp_path / "tokens.json", "ci", ["read"], created="")
    await world.clock.advance(2)

    code, out, err = await shell("login", "--token", "-", stdin=f"{token}\n")
    assert (code, out) == (0, "ci\n")
    assert token not in err
    assert (await shell("sub", "ls"))[0] == 0

    code, _, err = await shell("login", "--token", "-", stdin="chp_wrong\n")
    assert code == 4
    assert credentials_of(shell)[shell.url]["token"] == token


async def test_a_login_that_has_expired_says_what_to_do_and_can_be_renewed(shell: Shell) -> None:
    expired = {"token": "a.b.c", "expires": 1.0, "name": "ann"}
    shell.file.parent.mkdir(parents=True)
    shell.file.write_text(json.dumps({"hubs": {shell.url: expired}}))
    shell.file.chmod(0o600)

    code, _, err = await shell("sub", "ls")
    assert code == 4
    assert "chappe login" in err
    assert (await shell("login", "--flow", "device"))[0] == 0
    assert (await shell("sub", "ls"))[0] == 0


@pytest.mark.parametrize(("refresh_token", "code"), [("r-1", 0), ("r-0", 4)])
async def test_a_token_that_ends_is_renewed_while_the_issuer_lets_it(
    shell: Shell, provider: Provider, refresh_token: str, code: int
) -> None:
    kept = {
        "token": "a.b.c",
        "expires": 1.0,
        "refresh_token": refresh_token,
        "issuer": provider.issuer,
        "client_id": "chappe-hub",
        "kind": "id_token",
    }
    shell.file.parent.mkdir(parents=True)
    shell.file.write_text(json.dumps({"hubs": {shell.url: kept}}))
    shell.file.chmod(0o600)

    assert (await shell("whoami"))[0] == code
    assert (credentials_of(shell)[shell.url]["token"] != "a.b.c") is (code == 0)


async def test_a_file_that_others_can_read_is_not_used(shell: Shell) -> None:
    shell.file.parent.mkdir(parents=True)
    shell.file.write_text('{"hubs": {}}')
    shell.file.chmod(0o644)
    code, _, err = await shell("sub", "ls")
    assert code != 0
    assert "0600" in err


async def test_an_issuer_that_is_not_whom_the_hub_names_gets_no_secret(
    shell: Shell, provider: Provider
) -> None:
    provider.discovery = {"issuer": "https://evil.example"}
    code, _, err = await shell("login")
    assert code != 0
    assert "evil.example" in err
    assert provider.asked["/device"] == 0


def credentials_of(shell: Shell) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(shell.file.read_text())["hubs"]
    return found


async def _get(port: int | None, target: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {target} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def _of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("http://hub.example:80/", "http://hub.example"),
        ("HTTPS://Hub.Example:443", "https://hub.example"),
        ("https://hub.example/chappe/", "https://hub.example/chappe"),
        ("http://[::1]:4280", "http://[::1]:4280"),
        ("http://hub.example:4280", "http://hub.example:4280"),
    ],
)
def test_a_hub_has_one_entry_however_its_url_is_written(url: str, same: str) -> None:
    assert credentials.canonical(url) == same


def test_what_is_kept_is_found_and_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert credentials.find("http://a") is None
    assert credentials.forget("http://a") is False

    one, other = Credential("chp_1", name="a"), Credential("chp_2", expires=5.0, issuer="i")
    credentials.keep("http://a/", one)
    credentials.keep("http://b", other)
    assert credentials.find("http://a") == one
    assert credentials.find("http://b") == other
    assert credentials.forget("http://a:80") is True
    assert credentials.find("http://a") is None
    assert credentials.find("http://b") == other
    assert [one.name for one in credentials.path().parent.iterdir()] == ["credentials.json"]
