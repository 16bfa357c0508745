"""TLS contexts of connections that the hub opens to brokers, made once for each set of certificates."""

from __future__ import annotations

import os
import ssl
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from chappe.kit.dial import NotConnected

KEPT: Final = 256
"""A context with the system's authorities takes about a megabyte and some 20 ms to make."""


class ClientTls:
    """Gives the context for PEM texts: authorities instead of the system's, and our certificate."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str | None, str | None, str | None], ssl.SSLContext] = {}

    def of(self, ca: str | None, certificate: str | None, key: str | None) -> ssl.SSLContext:
        """The context; it checks the server's certificate and its name.

        Raises:
            NotConnected: the certificates or the key are of no use; the text holds no key.
        """
        context = self._kept.pop((ca, certificate, key), None)
        if context is None:
            context = client_context(ca, certificate, key)
            if len(self._kept) >= KEPT:
                del self._kept[next(iter(self._kept))]
        self._kept[ca, certificate, key] = context  # the one used last stands last
        return context


def client_context(ca: str | None, certificate: str | None, key: str | None) -> ssl.SSLContext:
    """A context that checks certificate and host name of the server, and shows ours if there is one.

    Raises:
        NotConnected: the certificates or the key are of no use; the text holds no key.
    """
    try:
        context = ssl.create_default_context(cadata=ca)
        if certificate is not None:
            with _as_file(f"{certificate}\n{key or ''}") as path:
                # An encrypted key would be asked for on the terminal.
                context.load_cert_chain(path, password="")
    except (ssl.SSLError, ValueError) as exc:
        why = exc.reason if isinstance(exc, ssl.SSLError) else str(exc)
        said = (why or "unknown").replace("_", " ").lower()
        raise NotConnected(f"tls: the certificates or the key cannot be used: {said}") from exc
    return context


@contextmanager
def _as_file(pem: str) -> Iterator[str]:
    """The text as a file, which the `ssl` module insists on; in memory where that is possible."""
    if sys.platform == "linux":
        fd = os.memfd_create("tls", os.MFD_CLOEXEC)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(pem)
            file.flush()
            yield f"/proc/self/fd/{fd}"
    else:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".pem") as file:
            file.write(pem)
            file.flush()
            yield file.name
