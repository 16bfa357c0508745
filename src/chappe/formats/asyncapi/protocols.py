"""Where an endpoint is, in AsyncAPI's words: servers, the channel's address, and bindings.

    protocol   server             address              operation binding
    HTTP       https, host        path and query       method, query
    NATS       nats, host:port    subject(filter)      queue
    KAFKA      kafka, host:port   topic                groupId
    MQTT       mqtt, host:port    topic(filter)        qos, retain
    AMQP       amqp1, host        node

An HTTP endpoint whose addresses have different paths has no one address: the paths are the servers'.
Names and passwords in URIs are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from chappe.formats.asyncapi.values import OWN, given, items, members, own, text, texts

KAFKA_SERVERS: Final = "bootstrap.servers"
_METHODS: Final = frozenset("GET PUT POST PATCH DELETE HEAD OPTIONS CONNECT TRACE".split())
_NONE_ASKED: Final = "PLAINTEXT"
_AMQP_0_9: Final = "AMQP/0.9.1"


@dataclass(frozen=True, slots=True)
class Family:
    """A protocol that both know: `name` is the binding's, `protocol` the registry's usual name."""

    name: str
    protocol: str
    schemes: Mapping[str, str]
    """AsyncAPI's `protocol` by the scheme of a URI; the first is the usual one."""


FAMILIES: Final = (
    Family("http", "HTTP", {"https": "https", "http": "http"}),
    Family("nats", "NATS", {"nats": "nats"}),
    Family("kafka", "KAFKA", {"kafka": "kafka"}),
    Family("mqtt", "MQTT/5.0", {"mqtt": "mqtt", "mqtts": "mqtts"}),
    Family("amqp1", "AMQP/1.0", {"amqp": "amqp1"}),
)
_BY_PROTOCOL: Final = {
    "http": FAMILIES[0], "nats": FAMILIES[1], "kafka": FAMILIES[2], "mqtt": FAMILIES[3],
    "amqp": FAMILIES[4],
}  # fmt: skip
_BY_SERVER: Final = {
    "http": FAMILIES[0], "https": FAMILIES[0], "nats": FAMILIES[1], "kafka": FAMILIES[2],
    "kafka-secure": FAMILIES[2], "mqtt": FAMILIES[3], "mqtts": FAMILIES[3], "mqtt5": FAMILIES[3],
    "secure-mqtt": FAMILIES[3], "amqp1": FAMILIES[4],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reach:
    """How an endpoint is reached; `protocol` only where the rest would not tell it."""

    servers: Sequence[dict[str, Any]] = ()
    address: str | None = None
    channel: Mapping[str, Any] = field(default_factory=dict)
    operation: Mapping[str, Any] = field(default_factory=dict)
    protocol: str | None = None


def family_of(protocol: str | None) -> Family | None:
    """The family of a registry's protocol: "HTTP/1.1" -> http."""
    name = (protocol or "").lower()
    return None if name == _AMQP_0_9.lower() else _BY_PROTOCOL.get(name.partition("/")[0])


def reach(attributes: Mapping[str, Any], *, by_subscription: bool) -> Reach:
    """How an endpoint is reached; with `by_subscription`, nothing passes at its address itself."""
    protocol = text(attributes.get("protocol"))
    options = members(attributes.get("protocoloptions"))
    family = family_of(protocol)
    if family is None:
        servers = [one for _, one in _servers(options, None, protocol or "")]
        told = protocol if not servers or protocol != usual(servers[0]) else None
        return Reach(servers, text(options.get("address")), protocol=told)
    if family.name == "kafka":
        servers = list(_kafka_servers(options))
    else:
        servers = []
        places = list(_servers(options, family, protocol or ""))
        paths = {_path(place) for place, _ in places}
        apart = by_subscription or len(paths) > 1
        for place, server in places:
            if _path(place) and (apart or (family.name not in ("http", "amqp1"))):
                server["pathname"] = _path(place)
            servers.append(server)
        if family.name == "http" and not apart and paths:
            return _with(family, protocol, options, servers, paths.pop() or "/")
        if family.name == "amqp1" and not apart and paths:
            (path,) = paths
            if text(options.get("node")) is None:
                return _with(family, protocol, options, servers, path.removeprefix("/") or None)
            for server in servers:
                server |= given(pathname=path)
    return _with(family, protocol, options, servers, None if by_subscription else _name(options))


def usual(server: Mapping[str, Any]) -> str:
    """The registry's protocol for a server that says no more of it."""
    name = str(server.get("protocol", "")).lower()
    version = text(server.get("protocolVersion")) or ""
    family = _BY_SERVER.get(name)
    if name in ("amqp", "amqps"):
        return "AMQP/1.0" if version.startswith("1") else _AMQP_0_9
    if family is None:
        return name.upper()
    if family.name == "mqtt" and version.startswith("3"):
        return "MQTT/3.1.1"
    return family.protocol


def options_of(
    protocol: str,
    servers: Sequence[Mapping[str, Any]],
    address: str | None,
    bindings: Mapping[str, Any],
    *,
    takes: bool,
) -> dict[str, Any]:
    """The `protocoloptions` of an endpoint; `takes` tells whether clients hand messages in there.

    `bindings` are those of the family, of the channel and the operation together.
    """
    family = family_of(protocol)
    uris = [_uri(one, family, address) for one in servers]
    addresses = [{"uri": one} for one in dict.fromkeys(uris)]
    match family.name if family else "":
        case "http":
            query = {
                name: str(members(one).get("const"))
                for name, one in members(members(bindings.get("query")).get("properties")).items()
                if "const" in members(one)
            }
            return given(endpoints=addresses, method=text(bindings.get("method")), query=query)
        case "nats":
            is_filter = not takes or any(one in (address or "") for one in "*>")
            name = "subjectfilter" if is_filter else "subject"
            queue = text(bindings.get("queue"))
            return given(endpoints=addresses, queuegroup=queue, **{name: address})
        case "kafka":
            group = members(bindings.get("groupId"))
            named = group.get("const", items(group.get("enum"))[:1])
            named = named[0] if isinstance(named, list) and named else named
            return given(
                endpoints=_brokers(servers),
                topic=text(bindings.get("topic")) or address,
                consumergroup=text(named) or text(bindings.get("groupId")),
            )
        case "mqtt":
            is_filter = not takes or any(one in (address or "") for one in "+#")
            name = "topicfilter" if is_filter else "topic"
            qos, retain = bindings.get("qos"), bindings.get("retain")
            made = given(endpoints=addresses, **{name: address})
            if qos in (0, 1, 2) and not isinstance(qos, bool):
                made["qos"] = qos
            if isinstance(retain, bool):
                made["retain"] = retain
            return made
        case "amqp1":
            return given(endpoints=addresses, node=address)
        case _:
            return given(endpoints=addresses, address=address)


def _with(
    family: Family,
    protocol: str | None,
    options: Mapping[str, Any],
    servers: list[dict[str, Any]],
    address: str | None,
) -> Reach:
    channel: dict[str, Any] = {}
    operation: dict[str, Any] = {}
    match family.name:
        case "http":
            method = text(options.get("method"))
            query = {
                name: {"type": "string", "const": value}
                for name, value in members(options.get("query")).items()
            }
            operation = given(
                method=method.upper() if method and method.upper() in _METHODS else None,
                query=given(type="object" if query else None, properties=query),
            )
            if operation:
                operation["bindingVersion"] = "0.3.0"
        case "nats":
            operation = given(queue=text(options.get("queuegroup")))
        case "kafka":
            channel = given(bindingVersion="0.5.0", topic=text(options.get("topic")))
            group = text(options.get("consumergroup"))
            if group:
                operation = {
                    "groupId": {"type": "string", "const": group},
                    "bindingVersion": "0.5.0",
                }
        case "mqtt":
            operation = {name: options[name] for name in ("qos", "retain") if name in options}
            if operation:
                operation["bindingVersion"] = "0.2.0"
        case _:
            pass
    known = usual(servers[0]) if servers else family.protocol
    return Reach(
        servers,
        address,
        {family.name: channel},
        {family.name: operation} if operation else {},
        protocol if protocol != known else None,
    )


def _servers(
    options: Mapping[str, Any], family: Family | None, protocol: str
) -> Iterator[tuple[SplitResult, dict[str, Any]]]:
    """The servers of the addresses that are URIs with a host, without their paths."""
    version = protocol.partition("/")[2]
    for one in items(options.get("endpoints")):
        uri = text(members(one).get("uri"))
        if uri is None:
            continue
        try:
            place = urlsplit(uri)
        except ValueError:
            continue
        host = place.netloc.rpartition("@")[2]
        if not host:
            continue
        scheme = place.scheme.lower()
        if family is None:
            name, known = protocol.partition("/")[0].lower() or scheme, scheme
        else:
            usual_scheme = next(iter(family.schemes))
            name = family.schemes.get(scheme, family.schemes[usual_scheme])
            known = next(one for one, other in family.schemes.items() if other == name)
        server = given(host=host, protocol=name or "unknown")
        if version and (family is None or protocol != family.protocol or family.name != "http"):
            server["protocolVersion"] = version
        if known != scheme or family is None:
            server[OWN] = {"scheme": scheme}
        if family is None and _path(place):
            server["pathname"] = _path(place)
        yield place, server


def _kafka_servers(options: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for one in items(options.get("endpoints")):
        asked = (text(members(one).get("security.protocol")) or _NONE_ASKED).upper()
        for host in texts(members(one).get(KAFKA_SERVERS)):
            server = {
                "host": host,
                "protocol": "kafka-secure" if asked.endswith("SSL") else "kafka",
            }
            if asked.startswith("SASL"):
                # Taken away again where the server's security is told.
                server[_SASL] = text(members(one).get("sasl.mechanism")) or "PLAIN"
            yield server


_SASL: Final = "sasl"


def sasl_of(server: dict[str, Any]) -> str | None:
    """The mechanism of SASL that a broker asks for; it stands in the server no longer."""
    return text(server.pop(_SASL, None))


def _brokers(servers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Kafka's addresses: those that are secured in the same way stand together."""
    found: dict[tuple[str, str | None], list[str]] = {}
    for one in servers:
        mechanism = text(one.get(_SASL))
        tls = str(one.get("protocol", "")).lower() == "kafka-secure"
        asked = (
            f"SASL_{'SSL' if tls else _NONE_ASKED}" if mechanism else "SSL" if tls else _NONE_ASKED
        )
        found.setdefault((asked, mechanism), []).append(str(one["host"]))
    return [
        {
            KAFKA_SERVERS: list(dict.fromkeys(hosts)),
            "security.protocol": asked,
            **given(**{"sasl.mechanism": mechanism}),
        }
        for (asked, mechanism), hosts in found.items()
    ]


def _uri(server: Mapping[str, Any], family: Family | None, address: str | None) -> str:
    name = str(server.get("protocol", "")).lower()
    scheme = text(own(server).get("scheme"))
    if scheme is None:
        by_name = {other: one for one, other in family.schemes.items()} if family else {}
        scheme = {"secure-mqtt": "mqtts", "mqtt5": "mqtt"}.get(name) or by_name.get(name) or name
    path = text(server.get("pathname")) or ""
    if family is not None and family.name == "http" and address:
        path = f"{path.rstrip('/')}/{address.lstrip('/')}" if address != "/" else path
    if path and not path.startswith(("/", "?")):
        path = f"/{path}"
    return f"{scheme}://{server['host']}{path}"


def _path(place: SplitResult) -> str:
    """Path and query; the root is none."""
    path = "" if place.path == "/" and not place.query else place.path
    return f"{path}?{place.query}" if place.query else path


def _name(options: Mapping[str, Any]) -> str | None:
    names = ("subject", "subjectfilter", "topic", "topicfilter", "node")
    return next((found for name in names if (found := text(options.get(name)))), None)
