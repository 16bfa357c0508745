"""Where the hub may connect to on behalf of others (sinks and their token endpoints); pure.

    policy = EgressPolicy("network", (parse_allowance("127.0.0.1:9000"),))
    policy.refusal("localhost", 8080, ip_address("127.0.0.1"))
        -> "localhost is 127.0.0.1, a loopback address; egress = network lets none through …"

Who may subscribe chooses what the hub connects to, from inside of the operator's network: without a policy that
is a door to all that trusts this network (server-side request forgery).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit

from chappe.domain.addresses import KINDS, Address, Kind, Network, kinds_of, literal, plain
from chappe.domain.errors import Malformed

Reach: TypeAlias = Literal["local", "network", "strict", "listed"]

REACH: Final[Mapping[Reach, frozenset[Kind]]] = {
    "local": frozenset({"public", "private", "shared", "loopback"}),
    "network": frozenset({"public", "private", "shared"}),
    "strict": frozenset({"public"}),
    "listed": frozenset(),
}
"""The kinds of addresses that each setting lets through, besides what `egress_allow` lists."""

_BY_NAME: Final = frozenset(KINDS) - {
    "link-local",
    "metadata",
    "unspecified",
    "multicast",
    "broadcast",
}
"""What a host may resolve to that is allowed by its name: who answers for the name in the DNS is not the
operator, so the rest needs to be allowed by address."""

_SAID: Final[Mapping[Kind, str]] = {
    "public": "a public address",
    "private": "a private address",
    "shared": "an address of carrier-grade NAT",
    "loopback": "a loopback address",
    "link-local": "a link-local address",
    "metadata": "a cloud's metadata service",
    "unspecified": "no address of a host",
    "multicast": "a multicast address",
    "broadcast": "the broadcast address",
    "documentation": "an address for documentation",
    "benchmarking": "an address for benchmarks",
    "reserved": "a reserved address",
}
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_NAME: Final = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")
_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}
_LOCALHOST: Final = (ip_address("127.0.0.1"), ip_address("::1"))


@dataclass(frozen=True, slots=True)
class Allowance:
    """One entry of `egress_allow`: a network, or a host (`.example.com`: all below it), at one port or any."""

    network: Network | None = None
    host: str = ""
    port: int | None = None

    def covers(self, host: str, port: int | None, address: Address) -> bool:
        """Whether it lets this connection through; a `port` of None is not known yet."""
        if self.port is not None and port is not None and self.port != port:
            return False
        if self.network is not None:
            return self.network.version == address.version and address in self.network
        named = host == self.host or (self.host.startswith(".") and host.endswith(self.host))
        return named and _BY_NAME.issuperset(kinds_of(address))


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """What may be connected to: by kind of address, by an operator's list, over TLS alone if so wanted."""

    reach: Reach = "local"
    allow: tuple[Allowance, ...] = ()
    https_only: bool = False

    def refusal(self, host: str, port: int | None, address: Address) -> str | None:
        """Why the address that `host` stands for must not be connected to; None: it may be."""
        address = plain(address)
        name = _canonical(host)
        if any(one.covers(name, port, address) for one in self.allow):
            return None
        let_through = REACH[self.reach]
        for kind in kinds_of(address):
            if kind not in let_through:
                whole = "" if literal(host) is not None else f"host {name}: "
                return (
                    f"{whole}{address} is {_SAID[kind]}, which the hub must not connect to"
                    f" (settings egress = {self.reach}, egress_allow)"
                )
        return None

    def refusal_of_plain(self, host: str) -> str | None:
        """Why `host` must not be asked over HTTP without TLS; None: it may be."""
        if self.https_only:
            return f"host {_canonical(host)}: only https is allowed (setting egress_https_only)"
        return None

    def check_sink(self, sink: str, name: str = "sink") -> None:
        """See, before something is stored, that its sink (or source) is not one that could never be reached.

        What a name resolves to is looked at when a connection is opened, and each time again.

        Raises:
            Malformed: the URL of the field `name` has an address, in whatever notation, or a scheme that
                is not allowed.
        """
        scheme, colon, rest = sink.partition("://")
        servers, slash, path = rest.partition("/")
        for server in servers.split(",") if scheme not in _PORTS else (servers,):  # brokers' URLs
            self._check_server(f"{scheme}{colon}{server}{slash}{path}", name)

    def _check_server(self, url: str, name: str) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return  # whoever connects to it asks
        if "[" in parts.netloc:
            if literal(host) is None:
                raise Malformed(f"{name}: {host!r} in brackets is no IPv6 address")
        elif "%" in host:
            raise Malformed(f"{name}: the host holds a percent sign, which no host name can")
        refused = self.refusal_of_plain(host) if parts.scheme == "http" else None
        port = port or _PORTS.get(parts.scheme)
        refusals = [self.refusal(host, port, address) for address in _certain(host)]
        if refused is None and refusals and None not in refusals:
            refused = refusals[0]
        if refused is not None:
            raise Malformed(f"{name}: {refused}")


ANYWHERE: Final = EgressPolicy(
    "listed", (Allowance(ip_network("::/0")), Allowance(ip_network("0.0.0.0/0")))
)
"""Lets everything through: for tests, and for tools that connect on behalf of nobody else."""


def parse_allowance(text: str) -> Allowance:
    """`10.0.0.0/8`, `10.1.2.3:8080`, `[fd00::/8]:443`, `hooks.example.com`, `*.example.com:443`.

    Raises:
        ValueError: it is none of these.
    """
    if text.startswith("["):
        what, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(text)
        port = rest[1:] if rest else None
    elif text.count(":") > 1:
        what, port = text, None
    else:
        what, colon, rest = text.partition(":")
        port = rest if colon else None
    number = None if port is None else _port(port)
    if "/" in what or ":" in what or literal(what) is not None:
        return Allowance(network=ip_network(what), port=number)  # 127.1 is none: write it out
    host = _canonical(what)
    if not _NAME.fullmatch(host) or len(host) > 253:
        raise ValueError(text)
    return Allowance(host=host.removeprefix("*"), port=number)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65_536):
        raise ValueError(text)
    return int(text)


def _canonical(host: str) -> str:
    """Lower case, ASCII, without the dot at the end."""
    host = host.lower()
    if not host.isascii():
        host = host.encode("idna").decode("ascii")  # UnicodeError is a ValueError
    return host.removesuffix(".")


def _certain(host: str) -> tuple[Address, ...]:
    """The addresses that the host stands for without any look-up; none for other names."""
    address = literal(host)
    if address is not None:
        return (address,)
    # RFC 6761 6.3: these are the machine itself.
    name = host.lower().removesuffix(".")
    return _LOCALHOST if name == "localhost" or name.endswith(".localhost") else ()
