"""Logging in with a browser: /console/login, /console/callback, /console/logout; and who one is.

    GET  /console/login?next=/console/types        a page: with the provider, or with a token
    GET  /console/login?with=oidc&next=…           to the provider (authorization code, PKCE)
    GET  /console/callback?code=…&state=…          back from it: the session's cookie, and on to `next`
    POST /console/login  token=…&next=…            with a token of the hub
    POST /console/logout                           the session ends, and on to the page to log in on,
                                                   which leads to the provider's own logout

The pages have no scripts and no styles of their own, so that the strictest policy holds for them.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from chappe.domain.access import Principal
from chappe.domain.audit import Action, Audited
from chappe.domain.errors import ChappeError, Malformed, Unauthenticated
from chappe.http.audited import forwarded_for
from chappe.http.cookies import LOGIN, SESSION, Site
from chappe.http.exchange import Header, Request, Response, json_response
from chappe.http.login_pages import error_page, login_page, logout_page
from chappe.http.parts import Login, Parts
from chappe.http.problems import status_of
from chappe.ports.identity import Asked

HOME: Final = "/console"
PARAMETERS: Final = ("next", "with", "left")
FORM_BYTES: Final = 16 * 1024
_PRINTABLE: Final = re.compile(r"[!-\[\]-~]*")
"""ASCII without blanks and "\\", which browsers take for "/"."""

Handler = Callable[[Parts, Request], Awaitable[Response]]


async def describe(parts: Parts, request: Request) -> Response:
    """How one logs in, for programs."""
    provider = None if parts.login is None else parts.login.provider
    oidc = None
    if provider is not None:
        client = provider.client
        oidc = {"issuer": client.issuer, "client_id": client.client_id, "scopes": client.scopes}
    return json_response({"open": parts.authorizer.is_open, "oidc": oidc}, 200, _ALWAYS)


async def whoami(parts: Parts, request: Request) -> Response:
    """Who asks, and what they may."""
    by = request.principal
    return json_response(
        {
            "name": by.name,
            "how": by.how,
            "rights": sorted(by.rights),
            "roles": [str(grant) for grant in by.grants],
        },
        200,
        _ALWAYS,
    )


async def page(parts: Parts, request: Request) -> Response:
    """The page to log in on, or on to the provider."""
    return await _shown(_page, parts, request)


async def by_token(parts: Parts, request: Request) -> Response:
    """Log in with a token."""
    return await _shown(_by_token, parts, request)


async def callback(parts: Parts, request: Request) -> Response:
    """Back from the provider."""
    return await _shown(_callback, parts, request)


async def ask_logout(parts: Parts, request: Request) -> Response:
    """The page to log out on: a link must not be enough."""
    return _html(200, logout_page())


async def logout(parts: Parts, request: Request) -> Response:
    """End the session."""
    return await _shown(_logout, parts, request)


async def _page(parts: Parts, request: Request) -> Response:
    site = _site(parts, request)
    after = _next(request.query.get("next"), site)
    login = parts.login
    if parts.authorizer.is_open or login is None:
        return _on_to(after)
    site.check_login()
    if request.query.get("with") != "oidc":
        issuer = None if login.provider is None else login.provider.client.issuer
        elsewhere = None
        if login.provider is not None and request.query.get("left") == "true":
            elsewhere = login.provider.logout_url(f"{site.base}{HOME}/login")
        return _html(200, login_page(issuer, after, elsewhere))
    if login.provider is None:
        raise Malformed("parameter with: 'oidc' is not set up (setting oidc_issuer)")
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    asked = Asked(state, nonce, verifier, after)
    url = login.provider.login_url(asked, _callback_url(site))
    return _on_to(url, site.set(LOGIN, login.sessions.seal_asked(asked), lasts_s=600))


async def _by_token(parts: Parts, request: Request) -> Response:
    site, login = _site(parts, request), _login(parts)
    site.check_login()
    site.check_same(request.headers)
    form = _form(request)
    after = _next(form.get("next"), site)
    begun = login.sessions.begin(form.get("token", "").strip())
    if begun is None:
        _told(parts, request, "login", None, 401)
        raise Unauthenticated("the token is unknown to this hub; it may have been removed")
    return _begun(parts, request, begun, after)


async def _callback(parts: Parts, request: Request) -> Response:
    site = _site(parts, request)
    if parts.authorizer.is_open:
        return _on_to(_next(None, site))
    login = _login(parts)
    if login.provider is None:
        raise Malformed("login: no provider is set up (setting oidc_issuer)")
    site.check_login()
    given = _single(request.raw_query)
    cookie = site.find(LOGIN, request.headers)
    asked = None if cookie is None else login.sessions.open_asked(cookie)
    if asked is None:
        raise Malformed("login: it was not begun here, or took too long; begin again")
    if not hmac.compare_digest(given.get("state", "").encode(), asked.state.encode()):
        raise Malformed("login: the answer belongs to another login (state); begin again")
    if given.get("iss", login.provider.client.issuer) != login.provider.client.issuer:
        raise Malformed("login: the answer is of another issuer (RFC 9207)")  # a mix-up attack
    if "error" in given or "code" not in given:
        _told(parts, request, "login", None, 401)
        raise Unauthenticated(f"login: the provider says {given.get('error', 'nothing')[:80]!r}")
    try:
        person = await login.provider.redeem(given["code"], asked, _callback_url(site))
    except Unauthenticated:
        _told(parts, request, "login", None, 401)
        raise
    begun = login.sessions.begin(person)
    assert begun is not None
    return _begun(parts, request, begun, asked.next)


async def _logout(parts: Parts, request: Request) -> Response:
    site, login = _site(parts, request), _login(parts)
    site.check_same(request.headers)
    cookie = site.find(SESSION, request.headers)
    found = None if cookie is None else login.sessions.find(cookie)
    if cookie is not None and found is not None:
        login.sessions.end(cookie)
        _told(parts, request, "logout", found, 303)
    to = f"{urlsplit(site.base).path}{HOME}/login?left=true"
    return _on_to(to, site.set(SESSION, "", lasts_s=0))


def _begun(parts: Parts, request: Request, begun: tuple[str, Principal], after: str) -> Response:
    cookie, principal = begun
    site = _site(parts, request)
    _told(parts, request, "login", principal, 303)
    return _on_to(
        after,
        site.set(SESSION, cookie, lasts_s=_login(parts).lasts_s),
        site.set(LOGIN, "", lasts_s=0),
    )


def _told(
    parts: Parts, request: Request, action: Action, who: Principal | None, status: int
) -> None:
    parts.audit.record(
        Audited(
            action,
            "refused" if who is None else "done",
            "" if who is None else who.name,
            None if who is None else who.how,
            request.method,
            request.path,
            status,
            address=request.peer,
            forwarded_for=forwarded_for(request.headers),
        )
    )


async def _shown(handle: Handler, parts: Parts, request: Request) -> Response:
    """What a person did wrong is told on a page."""
    try:
        return await handle(parts, request)
    except ChappeError as error:
        if status_of(error) == 500:
            raise
        return _html(status_of(error), error_page(error.message))


def _next(text: str | None, site: Site) -> str:
    """Where to go after the login: a page of the console, never another site.

    Raises:
        Malformed: it is none.
    """
    home = f"{urlsplit(site.base).path}{HOME}"
    if not text:
        return home
    rest = text.removeprefix(home)
    below = rest != text and rest[:1] in ("", "/", "?")
    if not below or not _PRINTABLE.fullmatch(rest):
        raise Malformed(f"parameter next: {text[:80]!r} is no page below {home}")
    return text


def _form(request: Request) -> Mapping[str, str]:
    type_ = (request.header(b"content-type") or b"").partition(b";")[0].strip().lower()
    if type_ != b"application/x-www-form-urlencoded" or len(request.body) > FORM_BYTES:
        raise Malformed("login: a form (application/x-www-form-urlencoded) is needed")
    return _single(request.body)


def _single(raw: bytes) -> Mapping[str, str]:
    """The parameters by name; none may stand twice (RFC 6749 3.1)."""
    pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True)
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("login: a parameter stands twice")
    return found


def _login(parts: Parts) -> Login:
    if parts.authorizer.is_open or parts.login is None:
        raise Malformed("login: this hub is open, it asks nobody who they are")
    return parts.login


def _site(parts: Parts, request: Request) -> Site:
    return Site(parts.registry.base(request.headers))


def _callback_url(site: Site) -> str:
    return f"{site.base}{HOME}/callback"


_ALWAYS: Final[tuple[Header, ...]] = (
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
_PAGE: Final[tuple[Header, ...]] = (
    (b"content-type", b"text/html; charset=utf-8"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
        b"frame-ancestors 'none'",
    ),
    *_ALWAYS,
)


def _html(status: int, text: str) -> Response:
    return Response(status, text.encode(), _PAGE)


def _on_to(url: str, *cookies: Header) -> Response:
    return Response(303, b"", ((b"location", url.encode("ascii")), *cookies, *_ALWAYS))
