"""TLS contexts of connections to sinks, made once for each value of `Tls`."""

from __future__ import annotations

import os
import ssl
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from chappe.domain.options import Tls

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
        context = ssl.create_default_context(cadata=tls.ca)
        context.set_alpn_protocols(list(alpn))
        if tls.certificate is not None:
            with _as_file(f"{tls.certificate}\n{tls.key or ''}") as path:
                # An encrypted key would be asked for on the terminal.
                context.load_cert_chain(path, password="")
    except (ssl.SSLError, ValueError) as exc:
        why = exc.reason if isinstance(exc, ssl.SSLError) else str(exc)
        said = (why or "unknown").replace("_", " ").lower()
        raise BadTls(f"tls: the certificates or the key cannot be used: {said}") from exc
    return context


@contextmanager
def _as_file(pem: str) -> Iterator[str]:
    """The text as a file, which the `ssl` module insists on; in memory where that is possible."""
    if sys.platform == "linux":
        fd = os.memfd_create("tls", os.MFD_CLOEXEC)
        with os.fdopen(fd, "w", encoding="ascii") as file:
            file.write(pem)
            file.flush()
            yield f"/proc/self/fd/{fd}"
    else:
        with tempfile.NamedTemporaryFile("w", encoding="ascii", suffix=".pem") as file:
            file.write(pem)
            file.flush()
            yield file.name
