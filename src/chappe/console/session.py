"""Who asks: the credential that a page's own requests to the API carry.

The one place where the console takes it from. A page can do what its reader may, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

from chappe.console.exchange import Asked


def credential(asked: Asked) -> Mapping[str, str]:
    """The headers that say to the API who asks; none on behalf of nobody."""
    sent = asked.headers.get("authorization")
    return {} if sent is None else {"authorization": sent}
