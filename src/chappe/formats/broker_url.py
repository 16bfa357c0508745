"""Where a sink or a source is: one URL, of several servers where the protocol's clients take them.

kafka://k1:9092,k2:9092/orders   https://billing.example/events   tls://n1:4222,n2:4222
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from chappe.domain.errors import Malformed
from chappe.formats.fields import Fields, shortened

SCHEMES: Final[Mapping[str, Sequence[str]]] = {
    "HTTP": ("http", "https"),
    "KAFKA": ("kafka",),
    "NATS": ("nats", "tls"),
    "MQTT3": ("mqtt", "mqtts"),
    "MQTT5": ("mqtt", "mqtts"),
    "AMQP": ("amqp", "amqps"),
}
EXTRAS: Final = {"KAFKA": "kafka", "AMQP": "amqp"}
"""What must be installed for a protocol: chappe[kafka]."""

# RFC 3986: the characters of a URI; a percent sign begins a triplet.
URI = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")
_MAX_URI: Final = 4096
_LISTS: Final = frozenset(scheme for name in ("KAFKA", "NATS") for scheme in SCHEMES[name])
_PORTS: Final = {
    "http": 80, "https": 443, "kafka": 9092, "nats": 4222, "tls": 4222,
    "mqtt": 1883, "mqtts": 8883, "amqp": 5672, "amqps": 5671,
}  # fmt: skip


class Place(NamedTuple):
    """The parts of a URL that was found right: ("kafka", (("k1", 9092), ("k2", 9092)), "orders")."""

    scheme: str
    servers: tuple[tuple[str, int], ...]
    path: str


def place_of(url: str) -> Place:
    """The servers of a URL, with their ports, and its path, decoded, without the first slash."""
    scheme, _, rest = url.partition("://")
    scheme = scheme.lower()
    servers, _, path = rest.partition("/")
    parts = [
        urlsplit(f"{scheme}://{one}")
        for one in (servers.split(",") if scheme in _LISTS else [servers])
    ]
    return Place(
        scheme,
        tuple((one.hostname or "", one.port or _PORTS.get(scheme, 0)) for one in parts),
        unquote(path.partition("?")[0].partition("#")[0]),
    )


def read_url(fields: Fields, name: str, protocol: str, *, credential: str) -> str:
    """The field `name` as the URL of a server of `protocol`; `credential` is where secrets belong.

    Raises:
        Malformed: it is missing, no URL, or not of the protocol.
    """
    url = fields.need_text(name)
    check_uri(url, SCHEMES[protocol], name, credential=credential)
    return url


def check_uri(url: str, schemes: Sequence[str], name: str, *, credential: str) -> None:
    """See that the URL of the field `name` is absolute, of one of the schemes, and holds no secret.

    Raises:
        Malformed: it breaks a rule.
    """
    if "@" in url.partition("://")[2].partition("/")[0]:
        # The value is not shown: what stands there may be a password.
        raise Malformed(f"{name}: user and password have no place in it; use {credential}")
    shown = shortened(url)
    if len(url) > _MAX_URI:
        raise Malformed(
            f"{name}: {shown} has {len(url)} characters; at most {_MAX_URI} are possible"
        )
    if not URI.fullmatch(url):
        raise Malformed(f"{name}: {shown} is no URI: a character is not allowed there (RFC 3986)")
    # Kafka's and NATS' may name several servers: each stands for the URI's form.
    lists = _LISTS.issuperset(schemes)
    servers, slash, path = url.partition("://")[2].partition("/")
    for server in servers.split(",") if lists else (servers,):
        one = f"{url.partition('://')[0]}://{server}{slash}{path}" if lists else url
        try:
            parts = urlsplit(one)
            host, port = parts.hostname, parts.port
        except ValueError as exc:
            raise Malformed(f"{name}: {shown} is no URI: {exc}") from None
        if parts.scheme not in schemes:
            raise Malformed(f"{name}: {shown} must be an absolute {' or '.join(schemes)} URI")
        if "@" in parts.netloc:
            raise Malformed(f"{name}: user and password have no place in it; use {credential}")
        if not host:
            raise Malformed(f"{name}: {shown} names no host")
        if port == 0:
            raise Malformed(f"{name}: {shown}: the port 0 cannot be reached")
