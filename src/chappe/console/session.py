"""Who asks: the credential that a page's own requests to the API carry.

The one place where the console takes it from. A page can do what its reader may, and nothing else: a
cookie goes on together with what the browser says of where the request comes from. Who a proxy says
is behind it goes on, too: the audit tells it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.console.exchange import Asked

_COOKIE: Final = "chappe-session="
_TELLING: Final = ("authorization", "cookie", "origin", "sec-fetch-site", "x-forwarded-for")


class _Who(msgspec.Struct, frozen=True):
    name: str = ""
    how: str | None = None


def credential(asked: Asked) -> Mapping[str, str]:
    """The headers that say to the API who asks; none on behalf of nobody."""
    told = {name: asked.headers[name] for name in _TELLING if name in asked.headers}
    if asked.method in ("GET", "HEAD"):
        # Wherever the link to a page stood, what the page itself asks the hub comes from the hub: it
        # tries filters and forecasts (by POST), and writes nothing.
        told |= {"sec-fetch-site": "same-origin"}
    return told


async def who(asked: Asked, hub: HubClient) -> str:
    """The name of whoever has logged in with this browser; "" for everybody else.

    Raises:
        ChappeError: the session has ended.
    """
    if _COOKIE not in asked.headers.get("cookie", ""):
        return ""
    answer = await hub.read(paths.WHOAMI)
    known = msgspec.json.decode(answer.body, type=_Who)
    return known.name if known.how == "session" else ""
