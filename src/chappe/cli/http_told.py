"""-v and --debug-http: what is asked of the hub, told on standard error; secrets never are.

* context staging  https://hub.example
> GET /subscriptions HTTP/1.1        only with --debug-http
> authorization: ***
< 200
* GET /subscriptions: 200, 1,204 bytes in 31 ms
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import click

from chappe.cli.render import latency, printable
from chappe.cli.session import Session
from chappe.client.http1 import Http1, Origin
from chappe.client.transport import Answer, Arriving, Transport
from chappe.domain.errors import Unavailable

MASK: Final = "***"
MOST_BYTES: Final = 65_536
"""So much of a body is shown."""

_SECRET_NAME: Final = re.compile(
    r"auth|cookie|token|secret|passw|credential|session|signature|signing|api[-_]?key|private"
    r"|^(key|keys|assertion)$",
    re.IGNORECASE,
)
_SECRET_TEXT: Final = re.compile(
    r"\b(chp_|whsec_|whsk_|Bearer |Basic )[A-Za-z0-9+/=_.~-]+", re.IGNORECASE
)
_JWT: Final = re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_USERINFO: Final = re.compile(r"(://)[^/\s@\"']+@")
_PARAMETER: Final = re.compile(r"([?&;]|^)([^=&?;\s\"]+)=([^&;\s\"]*)")
_MEMBER: Final = re.compile(r'("([^"\\]*)"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^,}\]\s]+)')


def told(session: Session) -> Transport:
    """What carries the session's requests, and tells of each."""
    return _Told(Http1(Origin.parse(session.url), tls=session.tls()), session)


class _Told:
    def __init__(self, inner: Transport, session: Session) -> None:
        self._inner = inner
        self._session = session
        self._began = False

    @property
    def url(self) -> str:
        return self._inner.url

    async def ask(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        timeout_s: float,
        repeatable: bool = False,
    ) -> Answer:
        self._request(method, target, headers, body)
        with self._failing(method, target) as begun_s:
            answer = await self._inner.ask(
                method,
                target,
                headers=headers,
                body=body,
                timeout_s=timeout_s,
                repeatable=repeatable,
            )
        if self._session.debug_http:
            self._message("<", f"{answer.status}", answer.headers, answer.body)
        took = latency(round((_now_s() - begun_s) * 1000))
        self._say(
            f"* {method} {masked_text(target)}: {answer.status}, {len(answer.body):,} bytes in {took}"
        )
        return answer

    @contextlib.asynccontextmanager
    async def stream(
        self, target: str, *, headers: Mapping[str, str], timeout_s: float, silence_s: float
    ) -> AsyncIterator[Arriving]:
        self._request("GET", target, headers, b"")
        with self._failing("GET", target) as begun_s:
            async with self._inner.stream(
                target, headers=headers, timeout_s=timeout_s, silence_s=silence_s
            ) as arriving:
                if self._session.debug_http:
                    self._message("<", f"{arriving.status}", arriving.headers, b"")
                took = latency(round((_now_s() - begun_s) * 1000))
                self._say(f"* GET {masked_text(target)}: {arriving.status}, a stream, in {took}")
                yield arriving

    async def close(self) -> None:
        await self._inner.close()

    def _request(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> None:
        if not self._began:
            self._began = True
            context = self._session.context
            of = f"context {context}" if context else "no context"
            self._say(f"* {of}  {masked_text(self.url)}")
        if self._session.debug_http:
            self._message(">", f"{method} {masked_text(target)}", headers, body)

    @contextlib.contextmanager
    def _failing(self, method: str, target: str) -> Any:
        begun_s = _now_s()
        try:
            yield begun_s
        except Unavailable as exc:
            took = latency(round((_now_s() - begun_s) * 1000))
            self._say(f"* {method} {masked_text(target)}: {exc.message}, after {took}")
            raise

    def _message(self, sign: str, first: str, headers: Mapping[str, str], body: bytes) -> None:
        self._say(f"{sign} {first}")
        for name, value in headers.items():
            self._say(f"{sign} {name}: {masked_value(name, value)}")
        for line in masked_body(body).splitlines():
            self._say(f"{sign} {line}")

    def _say(self, text: str) -> None:
        click.echo(printable(text), err=True)


def masked_value(name: str, value: str) -> str:
    """The value of a header, or of a parameter, of that name."""
    return MASK if is_secret(name) else masked_text(value)


def is_secret(name: str) -> bool:
    """Whether what is called that must not be shown: "Authorization", "sinkcredential"."""
    return _SECRET_NAME.search(name) is not None


def masked_text(text: str) -> str:
    """Text without what looks like a secret: tokens, keys, JWTs, users of URLs, parameters."""
    text = _SECRET_TEXT.sub(rf"\1{MASK}", text)
    text = _USERINFO.sub(rf"\1{MASK}@", _JWT.sub(MASK, text))
    return _PARAMETER.sub(
        lambda found: f"{found[1]}{found[2]}={MASK}" if is_secret(found[2]) else found[0], text
    )


def masked_body(body: bytes) -> str:
    """The body for a person: JSON with its secrets masked, other text too, bytes by their number."""
    if not body:
        return ""
    more = f"\n… {len(body) - MOST_BYTES:,} bytes more" if len(body) > MOST_BYTES else ""
    try:
        return json.dumps(_masked(json.loads(body)), ensure_ascii=False)[:MOST_BYTES] + more
    except (ValueError, RecursionError):
        pass
    try:
        text = body[:MOST_BYTES].decode()
    except UnicodeDecodeError:
        return f"({len(body):,} bytes)"
    # Cut off, or several values: by the names of members, as far as they can be read.
    named = _MEMBER.sub(
        lambda found: f'{found[1]}"{MASK}"' if is_secret(found[2]) else found[0], text
    )
    return masked_text(named) + more


def _masked(value: Any) -> Any:
    match value:
        case dict():
            return {
                name: MASK if is_secret(name) and one not in (None, "") else _masked(one)
                for name, one in value.items()
            }
        case list():
            return [_masked(one) for one in value]
        case str():
            return masked_text(value)
        case _:
            return value


def _now_s() -> float:
    return asyncio.get_running_loop().time()
