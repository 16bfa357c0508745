"""A hub that trusts a provider of ours, over real HTTP on loopback."""

from __future__ import annotations

import contextlib
import http.cookies
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from http_edge import Hub, Reply, running
from oidc_provider import AUDIENCE, CLIENT_ID, Provider

from chappe.adapters.auth import issuer as oidc
from chappe.adapters.auth.everybody import Everybody
from chappe.adapters.auth.fetch import Fetch
from chappe.adapters.auth.issuer import OidcIssuer
from chappe.adapters.auth.sessions import SealedSessions, session_key
from chappe.adapters.auth.tokens import TokenFile
from chappe.adapters.egress.guard import GuardedEgress
from chappe.adapters.system.secrets import SystemSecrets
from chappe.domain.audit import Audited
from chappe.domain.claims import parse_claim_role
from chappe.domain.egress import ANYWHERE
from chappe.http.parts import Login
from chappe.testing.fake_clock import FakeClock

ROLES = ("platform=admin", "shop=developer@channels/orders", "*=viewer")
HOST = {"host": "127.0.0.1:4280"}
ORIGIN = "http://127.0.0.1:4280"
FORM = {"content-type": "application/x-www-form-urlencoded"}


class Heard:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Audited] = []

    def record(self, one: Audited) -> None:
        self.told.append(one)

    def new_correlation(self) -> str:
        return "c"


@dataclass
class World:
    """The hub, the issuer as it knows it, and its clocks, which stand still."""

    hub: Hub
    provider: Provider
    issuer: OidcIssuer
    sessions: SealedSessions
    clock: FakeClock
    heard: Heard

    async def bearer(self, token: str, method: str = "GET", path: str = "/whoami") -> Reply:
        return await self.hub.ask(method, path, {"authorization": f"Bearer {token}"})

    def browser(self) -> Browser:
        return Browser(self.hub)


@dataclass
class Browser:
    """Keeps cookies, follows nothing."""

    hub: Hub
    cookies: dict[str, str] = field(default_factory=dict)

    async def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: str = ""
    ) -> Reply:
        sent = dict(headers or {})
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        lines = [f"{method} {path} HTTP/1.1", "connection: close", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in {**HOST, **sent}.items()]
        reply = await self.hub.say("\r\n".join([*lines, "", ""]).encode() + body.encode(), method)
        return reply

    def keep(self, *lines: str) -> None:
        for line in lines:
            for name, one in http.cookies.SimpleCookie(line).items():
                if one["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = one.value

    async def login(self, provider: Provider, after: str = "") -> Reply:
        """To the provider and back; the reply of the callback."""
        reply = await self.begin(after)
        _, _, back = provider.answer("GET", _target(reply.headers["location"]), {})
        return await self.come_back(_target(back))

    async def begin(self, after: str = "") -> Reply:
        query = urlencode({"with": "oidc", **({"next": after} if after else {})})
        reply = await self.ask("GET", f"/console/login?{query}")
        assert reply.status == 303, reply.body
        self.keep(reply.headers["set-cookie"])
        return reply

    async def come_back(self, target: str) -> Reply:
        async with self.hub.connection() as (reader, writer):
            cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            writer.write(
                f"GET {target} HTTP/1.1\r\nhost: {HOST['host']}\r\ncookie: {cookies}\r\n"
                "connection: close\r\n\r\n".encode()
            )
            raw = (await reader.read()).decode()
        head, _, body = raw.partition("\r\n\r\n")
        lines = [one.partition(": ")[::2] for one in head.split("\r\n")[1:]]
        self.keep(*(value for name, value in lines if name == "set-cookie"))
        return Reply(int(head.split(" ")[1]), dict(lines), body.encode())


def _target(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


@contextlib.asynccontextmanager
async def trusting(
    provider: Provider,
    tokens_file: Path,
    *,
    hub_key: bytes = b"k" * 32,
    roles: Sequence[str] = ROLES,
    **changes: Any,
) -> AsyncIterator[World]:
    """A hub that has fetched the provider's keys; its clock is the system's of now, and stands."""
    import time

    clock = FakeClock(int(time.time() * 1000))
    settings = oidc.Provider(
        provider.issuer,
        CLIENT_ID,
        audience=AUDIENCE,
        roles=tuple(map(parse_claim_role, roles)),
        name_claim="email",
    )
    issuer = OidcIssuer(settings, Fetch(GuardedEgress(ANYWHERE)), clock)
    await issuer.refresh()
    tokens = TokenFile(tokens_file, clock.monotonic_s)
    sessions = SealedSessions(
        SystemSecrets(session_key(hub_key)),
        tokens.by_hash,
        issuer,
        lambda: clock.now_ms() / 1000,
        lasts_s=3600,
    )
    heard = Heard()
    async with running(
        Everybody(tokens, issuer, sessions),
        login=Login(sessions, issuer, 3600),
        audit=heard,
        **changes,
    ) as hub:
        yield World(hub, provider, issuer, sessions, clock, heard)
