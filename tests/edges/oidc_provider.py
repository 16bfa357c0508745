"""A small OpenID Connect provider on loopback, with real keys: for tests of who trusts it.

Discovery, keys, the authorization code flow with PKCE, and the device flow (RFC 8628). Whoever asks at
/authorize is logged in as `user`; nobody is asked for anything.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jwk, jwt

CLIENT_ID = "chappe-hub"
AUDIENCE = "https://hub.example"


def rsa_key(id_: str) -> Any:
    return jwk.RSAKey.generate_key(2048, {"kid": id_, "use": "sig"})


def ec_key(id_: str) -> Any:
    return jwk.ECKey.generate_key("P-256", {"kid": id_, "use": "sig"})


@dataclass
class Provider:
    """What it publishes, and what it was asked for."""

    port: int = 0
    keys: list[Any] = field(default_factory=list)
    user: dict[str, Any] = field(default_factory=lambda: {"sub": "u-1", "groups": ["shop"]})
    asked: Counter[str] = field(default_factory=Counter)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    devices: dict[str, bool] = field(default_factory=dict)
    has_device_flow: bool = True
    broken: bool = False
    discovery: dict[str, Any] = field(default_factory=dict)
    id_claims: dict[str, Any] = field(default_factory=dict)
    """Replace claims of the id_tokens that are made from now on."""

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        made = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + 300,
            **self.user,
            **changes,
        }
        return {name: value for name, value in made.items() if value is not None}

    def token(self, key: Any = None, alg: str | None = None, **changes: Any) -> str:
        """A token signed with a key of the provider's, or another one; None takes a claim away."""
        key = key or self.keys[0]
        alg = alg or ("ES256" if key.key_type == "EC" else "RS256")
        header = {"alg": alg, "kid": key.kid, "typ": "JWT"}
        return jwt.encode(header, self.claims(**changes), key, algorithms=[alg])

    def answer(self, method: str, target: str, form: Mapping[str, str]) -> tuple[int, Any, str]:
        """Status, JSON, and where to go."""
        url = urlsplit(target)
        self.asked[url.path] += 1
        if self.broken:
            return 503, {}, ""
        query = dict(parse_qsl(url.query))
        match url.path:
            case "/.well-known/openid-configuration":
                return 200, self._discovery(), ""
            case "/jwks":
                return 200, {"keys": [one.as_dict(private=False) for one in self.keys]}, ""
            case "/authorize":
                return self._authorize(query)
            case "/device":
                return self._device()
            case "/token":
                return self._token(form)
            case _:
                return 404, {}, ""

    def _discovery(self) -> dict[str, Any]:
        found = {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/jwks",
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
        }
        if self.has_device_flow:
            found["device_authorization_endpoint"] = f"{self.issuer}/device"
        return {**found, **self.discovery}

    def _authorize(self, query: dict[str, str]) -> tuple[int, Any, str]:
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert query["client_id"] == CLIENT_ID
        code = secrets.token_hex(8)
        self.codes[code] = query
        sent = {"code": code, "state": query["state"]}
        return 302, {}, f"{query['redirect_uri']}?{urlencode(sent)}"

    def _device(self) -> tuple[int, Any, str]:
        code = secrets.token_hex(8)
        self.devices[code] = False
        where = f"{self.issuer}/activate"
        return (
            200,
            {
                "device_code": code,
                "user_code": "WDJB-MJHT",
                "verification_uri": where,
                "expires_in": 60,
                "interval": 0,
            },
            "",
        )

    def _token(self, form: Mapping[str, str]) -> tuple[int, Any, str]:
        if form["grant_type"].endswith("device_code"):
            code = form["device_code"]
            if not self.devices[code]:
                self.devices[code] = True  # the person has typed the code by the next time
                return 400, {"error": "authorization_pending"}, ""
            return self._tokens(None)
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] != "r-1":
                return 400, {"error": "invalid_grant"}, ""
            return self._tokens(None)
        query = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            query is None
            or query["code_challenge"] != challenge
            or query["redirect_uri"] != form["redirect_uri"]
        ):
            return 400, {"error": "invalid_grant"}, ""
        return self._tokens(query.get("nonce"))

    def _tokens(self, nonce: str | None) -> tuple[int, Any, str]:
        id_token = self.token(**{"aud": CLIENT_ID, "nonce": nonce, **self.id_claims})
        return (
            200,
            {
                "access_token": self.token(),
                "id_token": id_token,
                "token_type": "Bearer",
                "expires_in": 300,
            },
            "",
        )

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, *lines = head.split("\r\n")
            headers = {
                name.lower(): value.strip()
                for name, _, value in (one.partition(":") for one in lines)
            }
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            method, target, _ = line.split(" ")
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            status, value, to = self.answer(method, target, form)
            content = json.dumps(value).encode()
            where = f"location: {to}\r\n" if to else ""
            writer.write(
                f"HTTP/1.1 {status} .\r\n{where}content-length: {len(content)}\r\n"
                "connection: close\r\n\r\n".encode()
                + content
            )
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def providing() -> AsyncIterator[Provider]:
    """A provider with one RSA key."""
    provider = Provider(keys=[_FIRST])
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    provider.port = server.sockets[0].getsockname()[1]
    try:
        yield provider
    finally:
        server.close()
        await server.wait_closed()


_FIRST = rsa_key("first")
