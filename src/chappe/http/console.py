"""Where the web console stands in the API: below /console/, and `/` leads browsers to it.

What it answers is not known here: the server gives it in, and it asks this API like anybody else.
"""

from __future__ import annotations

from typing import Final, Protocol

from chappe.domain.errors import NotAcceptable
from chappe.http.call import Asked, Call
from chappe.http.exchange import Response, Stream
from chappe.http.negotiation import negotiate

PREFIX: Final = b"/console"
_LOGIN: Final = frozenset(
    (b"/console/login", b"/console/login.json", b"/console/callback", b"/console/logout")
)
"""Pages of the API itself: who cannot read yet has to see them."""
_JSON: Final = "application/json"
_HTML: Final = "text/html"
_HOME: Final = Response(
    302, b"", ((b"location", b"console/"), (b"vary", b"accept"), (b"cache-control", b"no-store"))
)


class Consoling(Protocol):
    """The web console; it never raises, its errors are pages."""

    async def __call__(self, call: Call, *, draining: bool) -> Response | Stream: ...


def is_below(path: bytes) -> bool:
    """Whether a path is the console's."""
    return path[:8] == PREFIX and path[8:9] in (b"", b"/") and path not in _LOGIN


def home_for(call: Asked, method: str) -> Response | None:
    """What leads a browser from the hub's root to the console; None: the registry answers."""
    if call.path != b"/" or call.query or method not in ("GET", "HEAD"):
        return None
    try:
        wanted = negotiate(call.headers, [_JSON, _HTML], default=_JSON, also={})
    except NotAcceptable:
        return None
    return _HOME if wanted == _HTML else None
