"""Who asks: the credential that a page's own requests to the API carry.

The one place where the console takes it from. A page can do what its reader may, and nothing else: a
cookie goes on together with what the browser says of where the request comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chappe.console.exchange import Asked

_TELLING: Final = ("authorization", "cookie", "origin", "sec-fetch-site")


def credential(asked: Asked) -> Mapping[str, str]:
    """The headers that say to the API who asks; none on behalf of nobody."""
    return {name: asked.headers[name] for name in _TELLING if name in asked.headers}
