"""Whose NATS, and who we are there: what a subscription or a source says -> a connection."""

from __future__ import annotations

from typing import NamedTuple

from chappe.adapters.nats.broker import Broker
from chappe.adapters.nats.messages import NatsAddress
from chappe.domain.options import Tls
from chappe.domain.subscription import Credential
from chappe.formats.broker_url import place_of
from chappe.kit.client_tls import ClientTls
from chappe.kit.dial import Addresses, Peer


class Servers(NamedTuple):
    """What makes one connection differ from another."""

    urls: tuple[str, ...]
    user: str | None
    password: str | None
    token: str | None
    tls: Tls | None


def servers_of(url: str, credential: Credential | None, tls: Tls | None) -> Servers:
    """The servers of a sink or a source, and who we are there."""
    place = place_of(url)
    urls = tuple(f"{place.scheme}://{Peer(host, port)}" for host, port in place.servers)
    if credential is None:
        return Servers(urls, None, None, None, tls)
    if credential.credentialtype == "PLAIN":
        return Servers(urls, credential.identifier, credential.secret, None, tls)
    return Servers(urls, None, None, credential.secret, tls)


class Opener:
    """Opens connections to servers, with TLS contexts that are made once."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._contexts = ClientTls()

    async def __call__(self, servers: Servers) -> Broker:
        """Connect; raises NotConnected as `Broker.open` does."""
        tls = servers.tls
        secure = tls is not None or servers.urls[0].startswith("tls:")
        wanted = tls or Tls()
        address = NatsAddress(
            servers.urls,
            servers.user,
            servers.password,
            None,
            servers.token,
            self._contexts.of(wanted.ca, wanted.certificate, wanted.key) if secure else None,
        )
        return await Broker.open(address, name="chappe", addresses=self._addresses)
