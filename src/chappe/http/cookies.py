"""Cookies of browsers: which are read, how they are set, and when one counts as a credential.

A browser sends its cookies with requests that pages of others make. So a cookie counts for what only
reads, and for the rest where the browser says that a page of the hub itself asks (Fetch Metadata), or,
where it is too old for that, by its Origin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from chappe.domain.errors import Forbidden, Malformed
from chappe.http.exchange import Header, find_header

SESSION: Final = "chappe-session"
LOGIN: Final = "chappe-login"


@dataclass(frozen=True, slots=True)
class Site:
    """The hub as browsers see it: the URL of its root, without a slash at the end."""

    base: str

    @property
    def is_secure(self) -> bool:
        """Whether it is reached by TLS."""
        return self.base.startswith("https://")

    @property
    def origin(self) -> str:
        """Scheme, host and port, as `Origin` has them."""
        parts = urlsplit(self.base)
        return f"{parts.scheme}://{parts.netloc}".lower()

    def check_login(self) -> None:
        """See that a cookie would be safe here.

        Raises:
            Malformed: others on the way could read it.
        """
        if not self.is_secure and not _is_loopback(urlsplit(self.base).hostname or ""):
            raise Malformed(
                f"login: {self.base} is not https, so others could read the session; put a proxy "
                "with TLS in front of the hub, and set public_url"
            )

    def find(self, name: str, headers: Sequence[Header]) -> str | None:
        """The value of a cookie of ours; None where it is missing or stands twice."""
        wanted = self._name(name)
        found = [
            value
            for key, line in headers
            if key == b"cookie"
            for one in line.decode("latin-1").split(";")
            for called, _, value in (one.strip().partition("="),)
            if called == wanted
        ]
        return found[0] if len(found) == 1 else None

    def set(self, name: str, value: str, *, lasts_s: float) -> Header:
        """Keep a value with the browser; "" and 0 take it away."""
        # The prefix __Host- makes browsers refuse it from other hosts and without TLS.
        secure = "; Secure" if self.is_secure else ""
        line = f"{self._name(name)}={value}; Path=/; Max-Age={lasts_s:.0f}; HttpOnly; SameSite=Lax"
        return b"set-cookie", f"{line}{secure}".encode("ascii")

    def _name(self, name: str) -> str:
        return f"__Host-{name}" if self.is_secure else name

    def check_same(self, headers: Sequence[Header]) -> None:
        """See that a page of our own asks.

        Raises:
            Forbidden: another one does, or nobody can tell.
        """
        site = find_header(headers, b"sec-fetch-site")
        if site is not None:
            same = site == b"same-origin"
        else:
            origin = find_header(headers, b"origin")
            same = origin is not None and origin.decode("latin-1").lower() == self.origin
        if not same:
            raise Forbidden(
                "the request comes from a page of another site, so the session's cookie does not "
                "count; send a token in the header Authorization"
            )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
