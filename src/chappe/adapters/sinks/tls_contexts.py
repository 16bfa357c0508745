"""TLS contexts of connections to sinks, made once for each value of `Tls`."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

from chappe.domain.options import Tls
from chappe.kit import client_tls as kit_tls
from chappe.kit.dial import NotConnected

KEPT = 256
"""A context with the system's authorities takes about a megabyte and some 20 ms to make."""


class BadTls(Exception):
    """No context can be made of it; the text says why and holds no key."""


class TlsContexts:
    """Gives the context for a `Tls`; `usual` is the one where a subscription says nothing."""

    def __init__(self, usual: ssl.SSLContext | None = None) -> None:
        self._usual = usual
        self._kept: dict[Tls, ssl.SSLContext] = {}

    def of(self, tls: Tls | None) -> ssl.SSLContext:
        """The context, made at the first connection that needs it.

        Raises:
            BadTls: the certificates or the key are of no use.
        """
        if tls is None:
            if self._usual is None:
                self._usual = client_context()
            return self._usual
        context = self._kept.pop(tls, None)
        if context is None:
            context = client_context(tls)
            if len(self._kept) >= KEPT:
                del self._kept[next(iter(self._kept))]
        self._kept[tls] = context  # the one used last stands last
        return context


def client_context(
    tls: Tls | None = None, *, alpn: Sequence[str] = ("http/1.1",)
) -> ssl.SSLContext:
    """Checks certificate and host name of the server, and shows the hub's own certificate if there is one.

    Raises:
        BadTls: the certificates or the key are of no use.
    """
    tls = tls or Tls()
    try:
        context = kit_tls.client_context(tls.ca, tls.certificate, tls.key)
    except NotConnected as exc:
        raise BadTls(str(exc)) from exc
    context.set_alpn_protocols(list(alpn))
    return context
