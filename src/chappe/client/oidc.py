"""Logging in at an OpenID Connect issuer from a command line.

device flow (RFC 8628)       type a code on any device, while this program asks whether it was done
code with PKCE (RFC 8252)    a browser of this machine comes back to a port on loopback
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec

from chappe.client.http1 import Http1, Origin
from chappe.client.transport import Answer
from chappe.domain.errors import Malformed, Unauthenticated, Unavailable

T = TypeVar("T")

DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
LOGIN_S: Final = 300.0
LEAST_INTERVAL_S: Final = 1.0
_FORM: Final = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
_DONE: Final = b"You are logged in. You can close this page.\n"


class Endpoints(msgspec.Struct):
    """OpenID Connect Discovery 1.0, 3."""

    issuer: str
    token_endpoint: str
    authorization_endpoint: str = ""
    device_authorization_endpoint: str = ""


class Device(msgspec.Struct):
    """RFC 8628 3.2."""

    device_code: str
    user_code: str
    verification_uri: str
    expires_in: float = LOGIN_S
    interval: float = 5.0
    verification_uri_complete: str = ""


class Tokens(msgspec.Struct):
    """RFC 6749 5.1; `expires_in` in seconds."""

    access_token: str = ""
    id_token: str = ""
    refresh_token: str = ""
    expires_in: float | None = None


class _Refused(msgspec.Struct):
    error: str
    error_description: str = ""


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer, and who this program is to it; `timeout_s` is for each answer."""

    url: str
    client_id: str
    scopes: str
    timeout_s: float

    async def endpoints(self) -> Endpoints:
        """Where it is to be asked for what.

        Raises:
            Unavailable: it does not answer, or what answers is another one.
        """
        answer = await self._ask(
            "GET", f"{self.url.rstrip('/')}/.well-known/openid-configuration", None
        )
        try:
            found = msgspec.json.decode(answer.body, type=Endpoints)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Unavailable(f"{self.url}: sends no discovery document ({error})") from error
        if answer.status != 200 or found.issuer != self.url:
            raise Unavailable(f"{self.url}: what answers there says that it is {found.issuer!r}")
        return found

    async def by_device(self, at: Endpoints, show: Callable[[Device], None]) -> Tokens:
        """Log in on another device; `show` tells the person what to do.

        Raises:
            Unauthenticated: the person, or the issuer, refused; or it took too long.
            Unavailable: the issuer does not answer.
        """
        form = {"client_id": self.client_id, "scope": self.scopes}
        answer = await self._ask("POST", at.device_authorization_endpoint, form)
        if answer.status != 200:
            raise _refusal(answer)
        device = _decoded(answer, Device)
        show(device)
        wanted = {
            "grant_type": DEVICE_GRANT,
            "device_code": device.device_code,
            "client_id": self.client_id,
        }
        interval_s = max(device.interval, LEAST_INTERVAL_S)
        try:
            async with asyncio.timeout(device.expires_in):
                while True:
                    await asyncio.sleep(interval_s)
                    answer = await self._ask("POST", at.token_endpoint, wanted)
                    if answer.status == 200:
                        return _decoded(answer, Tokens)
                    match _error(answer):
                        case "authorization_pending":
                            pass
                        case "slow_down":
                            interval_s += 5  # RFC 8628 3.5
                        case _:
                            raise _refusal(answer)
        except TimeoutError as error:
            raise Unauthenticated("login: the code was not entered in time") from error

    async def by_browser(self, at: Endpoints, show: Callable[[str], None]) -> Tokens:
        """Log in with a browser of this machine; `show` opens the URL there.

        Raises:
            Unauthenticated: the person, or the issuer, refused; or it took too long.
            Unavailable: the issuer does not answer.
        """
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        digest = hashlib.sha256(verifier.encode("ascii")).digest()
        back = asyncio.get_running_loop().create_future()

        async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                line = (await reader.readline()).decode("latin-1").split(" ")
                given = {
                    name: values[0] for name, values in parse_qs(urlsplit(line[1]).query).items()
                }
                ours = hmac.compare_digest(given.get("state", "").encode(), state.encode())
                # A page that guesses the port has no state: it is told nothing, and ends nothing.
                body, status = (_DONE, "200 OK") if ours else (b"", "404 Not Found")
                writer.write(
                    f"HTTP/1.1 {status}\r\ncontent-type: text/plain\r\nconnection: close\r\n"
                    f"content-length: {len(body)}\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
                if ours and not back.done():
                    back.set_result(given)
            except (ConnectionError, IndexError, ValueError):
                pass  # no request that anybody waits for
            finally:
                writer.close()

        server = await asyncio.start_server(come, "127.0.0.1", 0, limit=16 * 1024)
        async with server:
            redirect_uri = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            query = urlencode(
                {
                    "response_type": "code",
                    "client_id": self.client_id,
                    "redirect_uri": redirect_uri,
                    "scope": self.scopes,
                    "state": state,
                    "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii"),
                    "code_challenge_method": "S256",
                }
            )
            joint = "&" if "?" in at.authorization_endpoint else "?"
            show(f"{at.authorization_endpoint}{joint}{query}")
            try:
                async with asyncio.timeout(LOGIN_S):
                    given: dict[str, str] = await back
            except TimeoutError as error:
                raise Unauthenticated("login: the browser did not come back in time") from error
        if "code" not in given:
            raise Unauthenticated(f"login: the issuer says {given.get('error', 'nothing')!r}")
        answer = await self._ask(
            "POST",
            at.token_endpoint,
            {
                "grant_type": "authorization_code",
                "code": given["code"],
                "redirect_uri": redirect_uri,
                "client_id": self.client_id,
                "code_verifier": verifier,
            },
        )
        if answer.status != 200:
            raise _refusal(answer)
        return _decoded(answer, Tokens)

    async def renewed(self, at: Endpoints, refresh_token: str) -> Tokens:
        """Newer tokens for a refresh token, which may be another one after that.

        Raises:
            Unauthenticated: it is of no use any more.
            Unavailable: the issuer does not answer.
        """
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": self.client_id,
        }
        answer = await self._ask("POST", at.token_endpoint, form)
        if answer.status != 200:
            raise _refusal(answer)
        return _decoded(answer, Tokens)

    async def _ask(self, method: str, url: str, form: dict[str, str] | None) -> Answer:
        parts = urlsplit(url)
        try:
            origin = Origin.parse(f"{parts.scheme}://{parts.netloc}")
        except Malformed as error:
            raise Unavailable(f"{self.url}: names {url[:80]!r}, which is no URL") from error
        asking = Http1(origin)
        try:
            return await asking.ask(
                method,
                (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
                headers=_FORM,
                body=b"" if form is None else urlencode(form).encode("ascii"),
                timeout_s=self.timeout_s,
            )
        finally:
            await asking.close()


def _decoded(answer: Answer, wanted: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.body, type=wanted)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unavailable(f"login: the issuer's answer is not as it should be ({error})") from error


def _error(answer: Answer) -> str:
    try:
        return msgspec.json.decode(answer.body, type=_Refused).error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return f"status {answer.status}"


def _refusal(answer: Answer) -> Unauthenticated:
    return Unauthenticated(f"login: the issuer says {_error(answer)[:80]!r}")
