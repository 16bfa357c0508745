"""TLS and credentials files, against a real nats-server that asks for them."""

from __future__ import annotations

import asyncio
import base64
import binascii
import datetime
import ipaddress
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from chappe.adapters.nats.connection import Connection, NatsAddress
from chappe.domain.errors import InvalidSetting, Unavailable
from chappe.server.nats_binary import find_nats_binary

pytestmark = pytest.mark.engine

OPERATOR, ACCOUNT, USER = 14 << 3, 0, 20 << 3  # nkeys' prefix bytes


@asynccontextmanager
async def serving(home: Path, config: str) -> AsyncIterator[int]:
    """A nats-server with that configuration; gives its port."""
    binary = await find_nats_binary(None)
    file = home / "nats-server.conf"
    file.write_text(f'listen: "127.0.0.1:-1"\nports_file_dir: {json.dumps(str(home))}\n{config}')
    process = await asyncio.create_subprocess_exec(
        binary.path, "-c", file, "-l", home / "server.log"
    )
    try:
        async with asyncio.timeout(60):
            ports: list[Path] = []
            while not ports or not ports[0].read_text().endswith("}"):
                assert process.returncode is None, (home / "server.log").read_text()
                await asyncio.sleep(0.005)
                ports = list(home.glob("*.ports"))  # noqa: ASYNC240 - one small directory
        yield int(json.loads(ports[0].read_text())["nats"][0].rpartition(":")[2])
    finally:
        process.terminate()
        await process.wait()


async def echoes(connection: Connection) -> bool:
    """Whether a message of 100 kB goes out and comes back whole."""
    arrived: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    connection.subscribe("echo", lambda *message: arrived.set_result(message[3]))
    connection.send("echo", b"x" * 100_000)
    return await asyncio.wait_for(arrived, 60) == b"x" * 100_000


def certificate(home: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nats")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36_500))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, private = home / "cert.pem", home / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert, private


def tls(cert: Path, key: Path) -> str:
    return f"tls {{ cert_file: {json.dumps(str(cert))}, key_file: {json.dumps(str(key))} }}"


@pytest.mark.parametrize("scheme", ["tls", "nats"])
async def test_a_server_with_a_trusted_certificate_is_spoken_to_over_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    cert, key = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    async with serving(tmp_path, tls(cert, key)) as port:
        address = NatsAddress((f"{scheme}://127.0.0.1:{port}",))
        connection = await Connection.open(address, name="test")
        assert await echoes(connection)
        await connection.close()


async def test_an_untrusted_certificate_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path, tls(*certificate(tmp_path))) as port:
        with pytest.raises(Unavailable, match="certificate verify failed"):
            await Connection.open(NatsAddress((f"tls://127.0.0.1:{port}",)), name="test")


async def test_tls_is_never_dropped_for_a_server_without_it(tmp_path: Path) -> None:
    async with serving(tmp_path, "") as port:
        with pytest.raises(Unavailable, match="without TLS"):
            await Connection.open(NatsAddress((f"tls://127.0.0.1:{port}",)), name="test")


def nkey(prefix: int, key: Ed25519PrivateKey) -> str:
    raw = bytes([prefix]) + key.public_key().public_bytes_raw()
    return _base32(raw)


def seed(prefix: int, key: Ed25519PrivateKey) -> str:
    first = bytes([18 << 3 | prefix >> 5, (prefix & 31) << 3])
    return _base32(first + key.private_bytes_raw())


def _base32(raw: bytes) -> str:
    crc = binascii.crc_hqx(raw, 0).to_bytes(2, "little")
    return base64.b32encode(raw + crc).decode().rstrip("=")


def jwt(kind: str, subject: str, issuer: str, key: Ed25519PrivateKey) -> str:
    def part(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    nats: dict[str, object] = {"type": kind, "version": 2}
    if kind == "account":
        nats["limits"] = dict.fromkeys(
            ["subs", "conn", "leaf", "imports", "exports", "data", "payload"], -1
        )
    if kind == "user":
        nats |= {"subs": -1, "data": -1, "payload": -1}
    claims = {"jti": "1", "iat": 1, "iss": issuer, "name": "n", "sub": subject, "nats": nats}
    text = part(json.dumps({"typ": "JWT", "alg": "ed25519-nkey"}).encode()) + "."
    text += part(json.dumps(claims).encode())
    return f"{text}.{part(key.sign(text.encode()))}"


async def test_a_credentials_file_signs_in(tmp_path: Path) -> None:
    operator, account, user = (Ed25519PrivateKey.generate() for _ in range(3))
    operator_id, account_id = nkey(OPERATOR, operator), nkey(ACCOUNT, account)
    account_jwt = jwt("account", account_id, operator_id, operator)
    user_jwt = jwt("user", nkey(USER, user), account_id, account)
    creds = tmp_path / "hub.creds"
    creds.write_text(
        f"-----BEGIN NATS USER JWT-----\n{user_jwt}\n------END NATS USER JWT------\n\n"
        "************************* IMPORTANT *************************\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{seed(USER, user)}\n------END USER NKEY SEED------\n"
    )
    config = (
        f"operator: {jwt('operator', operator_id, operator_id, operator)}\n"
        f"resolver: MEMORY\nresolver_preload {{ {account_id}: {account_jwt} }}\n"
    )
    async with serving(tmp_path, config) as port:
        url = f"nats://127.0.0.1:{port}"
        connection = await Connection.open(NatsAddress((url,), creds=creds), name="test")
        assert await echoes(connection)
        await connection.close()
        with pytest.raises(Unavailable, match="Authorization Violation"):
            await Connection.open(NatsAddress((url,)), name="test")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (None, "cannot be read"),
        ("nothing", "must hold a NATS USER JWT and a USER NKEY SEED"),
        (
            "---BEGIN NATS USER JWT---\nx\n---END\n---BEGIN USER NKEY SEED---\nSUAAAA\n---END",
            "the seed is damaged",
        ),
    ],
)
async def test_a_wrong_credentials_file_is_named(
    tmp_path: Path, text: str | None, rule: str
) -> None:
    creds = tmp_path / "hub.creds"
    if text is not None:
        creds.write_text(text)
    async with serving(tmp_path, "") as port:
        address = NatsAddress((f"nats://127.0.0.1:{port}",), creds=creds)
        with pytest.raises(InvalidSetting, match=rule):
            await Connection.open(address, name="test")
