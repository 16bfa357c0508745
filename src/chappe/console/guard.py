"""Requests that change something must come from a page of ours (OWASP's Fetch Metadata policy)."""

from __future__ import annotations

from urllib.parse import urlsplit

from chappe.console.exchange import Asked
from chappe.domain.errors import Forbidden


def require_own_page(asked: Asked) -> None:
    """Go on only if no other site made the browser send this.

    A browser of today says where a request comes from in `Sec-Fetch-Site`, which no page can set;
    an older one at least in `Origin`. Who sends neither is no browser, and carries no cookie that
    another site could ride on.

    Raises:
        Forbidden: another site, or an origin that is not this hub's.
    """
    site = asked.headers.get("sec-fetch-site")
    if site is not None:
        if site in ("same-origin", "none"):
            return
        raise Forbidden(f"Sec-Fetch-Site: {site!r}; only a page of this hub may send that")
    origin = asked.headers.get("origin")
    if origin is None or urlsplit(origin).netloc in _hosts(asked):
        return
    raise Forbidden(f"Origin: {origin[:100]!r} is not this hub; only a page of it may send that")


def _hosts(asked: Asked) -> frozenset[str]:
    """What this hub is called: by the request, and by its setting."""
    return frozenset((asked.headers.get("host", ""), urlsplit(asked.hub_url).netloc)) - {""}
