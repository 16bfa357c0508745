"""The command line and a hub behind TLS: whom it trusts, what it says of whom it does not, and how to mend it."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chappe.testing.certificates import Authority

pytestmark = [pytest.mark.timeout(180)]

ANSWER = b'[{"id": "behind-tls"}]'


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("The shop's own authority")


@pytest.fixture
def home(tmp_path: Path, authority: Authority) -> dict[str, str]:
    """An environment that knows nothing of a hub, and the authority's file in the directory."""
    (tmp_path / "ca.pem").write_text(authority.pem)
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CHAPPE_")}
    return {**clean, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}


@contextmanager
def listening(tls: ssl.SSLContext) -> Iterator[tuple[str, list[bytes]]]:
    """What answers each request over TLS alike: its URL, and the request lines that came."""
    came: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        came.append(head.split(b"\r\n", 1)[0])
        fields = b"content-type: application/json\r\nconnection: close\r\n"
        length = b"content-length: %d\r\n\r\n" % len(ANSWER)
        writer.write(b"HTTP/1.1 200 OK\r\n" + fields + length + ANSWER)
        await writer.drain()
        writer.close()

    loop = asyncio.new_event_loop()
    # Of a client that hangs up in the handshake, asyncio tells its loop; here that is what is wanted.
    loop.set_exception_handler(lambda _loop, _context: None)
    server = loop.run_until_complete(asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls))
    thread = threading.Thread(target=loop.run_forever, name="behind tls")
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", came
    finally:
        server.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


def chappe(home: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chappe", *words],
        capture_output=True,
        text=True,
        timeout=120,
        env=dict(home),
        cwd=home["HOME"],
        check=False,
    )


def test_a_hub_is_trusted_by_option_by_variable_and_by_context(
    home: dict[str, str], authority: Authority
) -> None:
    with listening(authority.server_context("127.0.0.1")) as (url, came):
        by_option = chappe(home, "--ca", "ca.pem", "--url", url, "sub", "ls", "-o", "json")
        by_variable = chappe(
            {**home, "CHAPPE_CA": "ca.pem"}, "sub", "ls", "--url", url, "-o", "json"
        )
        added = chappe(home, "context", "add", "shop", "--url", url, "--ca", "ca.pem")
        by_context = chappe(home, "sub", "ls", "-o", "json")

    assert added.returncode == 0, added.stderr
    assert [one.stdout for one in (by_option, by_variable, by_context)] == [ANSWER.decode()] * 3
    assert came == [b"GET /subscriptions HTTP/1.1"] * 3


def test_without_the_authority_nothing_is_sent_and_it_is_told_what_to_do(
    home: dict[str, str], authority: Authority
) -> None:
    with listening(authority.server_context("127.0.0.1")) as (url, came):
        ran = chappe(home, "--token", "chp_S3CRET", "sub", "ls", "--url", url)
        as_json = chappe(home, "sub", "ls", "--url", url, "-o", "json")

    assert came == []
    assert ran.returncode == 6
    what, why, following = ran.stderr.splitlines()
    assert what == "error: the hub's certificate is not trusted; nothing was sent"
    assert why.startswith(f"why:   {url}: its certificate is not trusted (")
    assert "issuer certificate" in why
    assert "chappe --ca FILE" in following
    assert "chappe context add NAME --url URL --ca FILE" in following
    problem = json.loads(as_json.stderr)
    assert (problem["url"], problem["untrusted"]) == (url, "authority")


def test_another_authority_vouches_for_nothing(home: dict[str, str], authority: Authority) -> None:
    (Path(home["HOME"]) / "ca.pem").write_text(Authority("Somebody else").pem)
    with listening(authority.server_context("127.0.0.1")) as (url, came):
        ran = chappe(home, "--ca", "ca.pem", "--url", url, "sub", "ls")

    assert (ran.returncode, came) == (6, [])
    assert "is not trusted" in ran.stderr


def test_a_certificate_for_another_name_is_told_as_such(
    home: dict[str, str], authority: Authority
) -> None:
    with listening(authority.server_context("hub.example")) as (url, came):
        ran = chappe(home, "--ca", "ca.pem", "--url", url, "sub", "ls")

    assert (ran.returncode, came) == (6, [])
    assert "IP address mismatch" in ran.stderr
    assert ran.stderr.splitlines()[2].startswith("next:  use a name that the certificate is for")


def test_a_certificate_that_has_expired_is_told_as_such(
    home: dict[str, str], authority: Authority, tmp_path: Path
) -> None:
    certificate, key = authority.issue("127.0.0.1", until=datetime(2021, 1, 1, tzinfo=UTC))
    (tmp_path / "chain.pem").write_text(key + certificate)
    expired = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    expired.load_cert_chain(tmp_path / "chain.pem")
    with listening(expired) as (url, came):
        ran = chappe(home, "--ca", "ca.pem", "--url", url, "sub", "ls")

    assert (ran.returncode, came) == (6, [])
    assert "has expired" in ran.stderr
    assert ran.stderr.splitlines()[2].startswith("next:  have the hub's certificate renewed")


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "does not exist"), ("no certificates", "ca: ca.pem: holds no certificates")],
    ids=["no file", "no PEM"],
)
def test_a_file_of_no_use_is_refused_before_anything_is_asked(
    home: dict[str, str], text: str | None, said: str
) -> None:
    file = Path(home["HOME"]) / "ca.pem"
    file.unlink()
    if text is not None:
        file.write_text(text)

    ran = chappe(home, "--ca", "ca.pem", "--url", "https://127.0.0.1:1", "sub", "ls")

    assert ran.returncode == 2
    assert said in ran.stderr
