"""What an IP address is: public, private, the machine itself, a cloud's metadata service, …; pure.

    kinds_of(ip_address("10.1.2.3"))         -> ("private",)
    kinds_of(ip_address("64:ff9b::7f00:1"))  -> ("loopback",)    NAT64 leads to 127.0.0.1
    literal("0x7f.1")                        -> IPv4Address("127.0.0.1")

The tables are IANA's special-purpose registries (RFC 6890, updated to RFC 9637) and the documented metadata
addresses of clouds.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final, Literal, TypeAlias, get_args
from urllib.parse import unquote

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

Kind: TypeAlias = Literal[
    "public",
    "private",
    "shared",
    "loopback",
    "link-local",
    "metadata",
    "unspecified",
    "multicast",
    "broadcast",
    "documentation",
    "benchmarking",
    "reserved",
]
"""`shared` is carrier-grade NAT (RFC 6598), which overlay networks and clusters use like a private one."""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

_TABLE: Final[tuple[tuple[Kind, str], ...]] = (
    # Before what they lie in: who reaches one of these gets the credentials of the machine.
    (
        "metadata",
        "169.254.169.254/32 169.254.170.2/32 169.254.170.23/32 169.254.0.23/32 169.254.42.42/32"
        " 100.100.100.200/32 168.63.129.16/32 192.0.0.192/32"
        " fd00:ec2::/32 fd20:ce::254/128 fd00:42::42/128 fd00:c1::a9fe:a9fe/128"
        " fe80::a9fe:a9fe/128",
    ),
    ("loopback", "127.0.0.0/8 ::1/128"),
    ("link-local", "169.254.0.0/16 fe80::/10"),
    ("private", "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7 fec0::/10"),
    ("shared", "100.64.0.0/10"),
    # "This network": Linux takes 0.0.0.0 for the machine itself.
    ("unspecified", "0.0.0.0/8 ::/128"),
    ("broadcast", "255.255.255.255/32"),
    ("multicast", "224.0.0.0/4 ff00::/8"),
    ("documentation", "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20"),
    ("benchmarking", "198.18.0.0/15 2001:2::/48"),
    # 192.88.99.0/24, 2002::/16 and 2001::/32 lead into tunnels (6to4, Teredo) that nobody runs any more.
    ("reserved", "192.0.0.0/24 192.88.99.0/24 240.0.0.0/4 2001::/23 2002::/16 5f00::/16"),
)
_NETWORKS: Final = tuple(
    (ip_network(text), kind) for kind, texts in _TABLE for text in texts.split()
)
_GLOBAL: Final = IPv6Network("2000::/3")
"""All of IPv6 that is given out; the rest is reserved, whatever it may become."""

_NAT64: Final = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL: Final = IPv6Network("64:ff9b:1::/48")
_COMPATIBLE: Final = IPv6Network("::/96")
_TRANSLATED: Final = IPv6Network("::ffff:0:0:0/96")
_ISATAP: Final = frozenset({0x00005EFE, 0x02005EFE, 0x01005EFE, 0x03005EFE})
_LOW: Final = 0xFFFF_FFFF


def plain(address: Address) -> Address:
    """The address that is really connected to: `::ffff:127.0.0.1` -> 127.0.0.1; without a scope."""
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or IPv6Address(int(address))


def kinds_of(address: Address) -> tuple[Kind, ...]:
    """What the address is, and what the IPv4 addresses are that it may lead to, each kind once."""
    address = plain(address)
    if isinstance(address, IPv4Address):
        return (_kind(address),)
    # A translator's address is what lies behind it; a tunnel's is both.
    own = () if address in _NAT64 else (_kind(address),)
    return tuple(dict.fromkeys((*map(_kind, _embedded(address)), *own)))


def literal(host: str) -> Address | None:
    """The address that a URL's host writes in any notation that resolvers understand; None: a name.

    Decimal, octal and hexadecimal numbers, one to four of them (as `inet_aton`), IPv6 with or without brackets
    and scope, a dot at the end, percent-encoding, and digits of other scripts.
    """
    text = unicodedata.normalize("NFKC", unquote(host)).lower().strip("[]")
    text = text.replace("\u3002", ".").removesuffix(".")  # RFC 3490 3.1: a dot in a host name
    if ":" in text:
        try:
            return IPv6Address(text.partition("%")[0])
        except ValueError:
            return None
    numbers = [_number(part) for part in text.split(".")]
    if len(numbers) > 4 or None in numbers:
        return None
    *high, low = [number for number in numbers if number is not None]
    if any(number > 255 for number in high) or low >= 256 ** (4 - len(high)):
        return None
    value = sum(number << (24 - 8 * index) for index, number in enumerate(high)) + low
    return IPv4Address(value)


def _kind(address: Address) -> Kind:
    for network, kind in _NETWORKS:
        if address.version == network.version and address in network:
            return kind
    if isinstance(address, IPv6Address) and address not in _GLOBAL:
        return "reserved"
    return "public"


def _embedded(address: IPv6Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that routers, translators and tunnels would read out of it."""
    value = int(address)
    if any(address in network for network in (_NAT64, _COMPATIBLE, _TRANSLATED)):
        if value > 1:  # :: and ::1 are themselves
            yield IPv4Address(value & _LOW)
    elif address in _NAT64_LOCAL:
        # RFC 6052 2.2: where the address stands depends on the prefix, which only the network knows.
        # Prefixes of 48, 56, 64 and 96 bits; the eight bits from 64 on are left out.
        without = (value >> 64 << 56) | (value & (1 << 56) - 1)  # 120 bits
        for prefix in (48, 56, 64):
            yield IPv4Address(without >> (120 - prefix - 32) & _LOW)
        yield IPv4Address(value & _LOW)
    elif address.sixtofour is not None:
        yield address.sixtofour
    elif address.teredo is not None:
        yield from address.teredo
    if value >> 32 & _LOW in _ISATAP:
        yield IPv4Address(value & _LOW)


def _number(part: str) -> int | None:
    """Decimal, octal or hexadecimal: "127", "0177" and "0x7f" -> 127; None where it is no number."""
    if not part or not part.isascii() or not part.isalnum() or len(part) > 16:
        return None
    try:
        if part.startswith("0x"):
            return int(part[2:] or "0", 16)
        if part.startswith("0") and len(part) > 1:
            return int(part, 8)
        return int(part)
    except ValueError:
        return None
