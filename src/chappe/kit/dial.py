"""Opening a connection: host -> addresses -> the first that answers, with TLS where it is wanted.

    protocol = await dial(make, Peer("broker.example.com", 8883), addresses, tls=context)

`addresses` decides what may be connected to; the name itself is never resolved again.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

from typing_extensions import override

P = TypeVar("P", bound=asyncio.BaseProtocol)

Addresses: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host that may be connected to, the first to try in front; or NotConnected."""

NEXT_ADDRESS_AFTER_S = 3.0
"""How long an address may take while there is another one to try (RFC 8305, without the race)."""


class NotConnected(Exception):
    """There is no connection, or no longer one; the text says why in plain words."""


class Peer(NamedTuple):
    """ASCII host name or address (no brackets), and port."""

    host: str
    port: int

    @override
    def __str__(self) -> str:
        """`host:port`, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


async def every_address(host: str, port: int) -> Sequence[str]:
    """All addresses of the host, as the system's resolver tells them.

    Raises:
        NotConnected: there is no such host.
    """
    loop = asyncio.get_running_loop()
    try:
        infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise NotConnected(f"host name {host} not found") from exc
    return list(dict.fromkeys(str(info[4][0]) for info in infos))


async def dial(
    make: Callable[[], P], peer: Peer, addresses: Addresses, *, tls: ssl.SSLContext | None
) -> P:
    """A connection to the first address that takes one; `make` makes its protocol.

    Raises:
        NotConnected: none does, in the words of the last one's error.
    """
    loop = asyncio.get_running_loop()
    found = await addresses(peer.host, peer.port)
    for number, address in enumerate(found, start=1):
        last = number == len(found)
        try:
            async with asyncio.timeout(None if last else NEXT_ADDRESS_AFTER_S):
                _, protocol = await loop.create_connection(
                    make,
                    address,
                    peer.port,
                    ssl=tls,
                    server_hostname=peer.host if tls is not None else None,
                )
        except OSError as exc:
            if last or isinstance(exc, ssl.SSLError):
                raise NotConnected(_in_words(exc, peer)) from exc
            continue
        return protocol
    raise NotConnected(f"host name {peer.host} has no address")


def _in_words(error: OSError, peer: Peer) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"TLS: certificate verify failed: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS: {(error.reason or str(error)).replace('_', ' ').lower()}"
        case ConnectionRefusedError():
            return f"connection refused by {peer}"
        case ConnectionResetError() | ConnectionAbortedError() | BrokenPipeError():
            return f"connection closed by {peer} while it was opened"
        case TimeoutError():
            return f"no connection to {peer}: it does not answer"
        case _:
            return f"no connection to {peer}: {error.strerror or error}"
