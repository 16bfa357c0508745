"""What a subscription says about TLS: whom to trust, and who the hub is (RFC 8446 4.4.2)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Tls:
    """Each a PEM text: `ca` replaces the system's authorities; `certificate` (with its chain) and `key` are the hub's.

    A value, and so the key under which connections and contexts are kept: what differs in it shares nothing.
    """

    ca: str | None = None
    certificate: str | None = None
    key: str | None = field(default=None, repr=False)
