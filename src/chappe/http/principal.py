"""Who is asking: the Authorization header, or a browser's session, to a principal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chappe.domain.access import ANYONE, Principal
from chappe.domain.errors import Unauthenticated
from chappe.http.cookies import SESSION, Site
from chappe.http.exchange import Header
from chappe.ports.authorizer import Authorizer


def authenticate(
    authorizer: Authorizer,
    headers: Sequence[Header],
    query_token: str | None = None,
    *,
    site: Callable[[], Site] | None = None,
    safe: bool = False,
) -> Principal:
    """The caller. `query_token` is the parameter access_token where the route takes it.

    With `site` a session's cookie counts, too: for a `safe` request, which changes nothing, always,
    for another one where a page of the hub asks.

    Raises:
        Unauthenticated: there are tokens and none, two, or a wrong one was sent.
        Forbidden: the cookie came with a page of another site.
        Unavailable: the issuer of a token must be asked first.
    """
    if authorizer.is_open:
        return ANYONE
    sent = [value for name, value in headers if name == b"authorization"]
    if query_token is not None:
        sent.append(b"Bearer " + query_token.encode("utf-8", "surrogateescape"))
    if not sent:
        here = None if site is None else site()
        cookie = None if here is None else here.find(SESSION, headers)
        if cookie is None or here is None:
            raise Unauthenticated(
                "a token is needed: send the header 'Authorization: Bearer TOKEN'"
            )
        if not safe:
            here.check_same(headers)
        principal = authorizer.session(cookie)
        if principal is None:
            raise Unauthenticated("the session has ended, or is of another hub; log in again")
        return principal
    if len(sent) > 1:
        # http-webhook.md 3: a client uses one method in a request.
        raise Unauthenticated("two tokens were sent; send one")
    scheme, _, token = sent[0].partition(b" ")
    if scheme.lower() != b"bearer":
        raise Unauthenticated("the Authorization header is not of the form 'Bearer TOKEN'")
    principal = authorizer.identify(token.strip(b" ").decode("utf-8", "surrogateescape"))
    if principal is None:
        raise Unauthenticated("the token is unknown to this hub; it may have been removed")
    return principal
