"""Reading an AsyncAPI document, 2.x or 3.x, into one form: channels, and what is done at them.

    2.x   publish: others send, so the application receives      subscribe: the application sends
    3.x   operations with `action` receive or send

References are followed within the document alone (see `document`); what is not understood is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from chappe.domain.errors import Malformed
from chappe.formats.asyncapi.document import Document, check_size, values_in
from chappe.formats.asyncapi.values import items, members, own, text
from chappe.formats.fields import kind_of, shortened

Action: TypeAlias = Literal["send", "receive"]
KNOWN: Final = "2.0 to 2.6, 3.0, 3.1"
MAX_ADDRESS: Final = 2_048
_VERSION: Final = re.compile(r"(2\.[0-6]|3\.[01])\.\d+(?:-[\w.]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Server:
    """One server, and the security schemes that a client may choose from there."""

    members: Mapping[str, Any]
    security: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class MessageRead:
    """A message with its traits; `place` is where it stands, `key` its name in the document.

    `headers` are its own, without what the traits say of them.
    """

    place: str
    key: str
    members: Mapping[str, Any]
    headers: Mapping[str, Any]


@dataclass(slots=True)
class Channel:
    """A channel; `bindings` are those of the channel alone."""

    key: str
    members: Mapping[str, Any]
    address: str | None
    servers: Sequence[Server]
    bindings: Mapping[str, Any]
    messages: dict[str, MessageRead] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Operation:
    """What the application does at a channel; no messages: all those of the channel."""

    action: Action
    bindings: Mapping[str, Any]
    messages: Sequence[str]
    security: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Described:
    """A whole document; `document` is for looking up schemas."""

    document: Document
    title: str
    version: str | None
    content_type: str | None
    channels: Sequence[Channel]


def read(root: object) -> Described:
    """A document that was sent, as JSON has it.

    Raises:
        Malformed: it is no AsyncAPI document of a version that is known, a part is of another kind
            than it must be, or a reference leads out of it.
    """
    if not isinstance(root, dict):
        raise Malformed(f"document: {kind_of(root)} was sent, an AsyncAPI document is an object")
    version = root.get("asyncapi")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        told = f"asyncapi: {shortened(version)}" if "asyncapi" in root else "asyncapi: is missing"
        raise Malformed(f"{told}; the versions that are known are {KNOWN}")
    check_size(root)
    reader = _Reader(Document(root))
    info = members(root.get("info"))
    channels = reader.of_2() if version.startswith("2") else reader.of_3()
    return Described(
        reader.document,
        text(info.get("title")) or "application",
        text(info.get("version")),
        text(root.get("defaultContentType")),
        channels,
    )


class _Reader:
    def __init__(self, document: Document) -> None:
        self.document = document
        self._messages: dict[str, MessageRead] = {}

    def of_3(self) -> list[Channel]:
        document = self.document
        by_place: dict[str, Channel] = {}
        all_servers = [one for _, one, _ in document.members(document.root, "servers", "")]
        for key, sent, at in document.members(document.root, "channels", ""):
            value, place = document.object_at(sent, at)
            named = items(value.get("servers"))
            if not named and "xid" not in own(value):
                named = all_servers
            channel = Channel(
                key,
                value,
                text(value.get("address")),
                [self._server(one, f"{at}/servers/{index}") for index, one in enumerate(named)],
                self._bindings(value, at),
            )
            for name, message, message_at in document.members(value, "messages", place):
                read = self._message(message, message_at, name)
                channel.messages[read.place] = read
            by_place[place] = channel
        for _, sent, at in document.members(document.root, "operations", ""):
            operation, _ = document.object_at(sent, at)
            self._operate(operation, at, by_place)
        return list(by_place.values())

    def _operate(
        self, operation: Mapping[str, Any], at: str, by_place: Mapping[str, Channel]
    ) -> None:
        action = operation.get("action")
        if action not in ("send", "receive"):
            raise Malformed(f"{at}/action: {shortened(action)} is neither 'send' nor 'receive'")
        _, place = self.document.object_at(operation.get("channel"), f"{at}/channel")
        channel = by_place.get(place)
        if channel is None:
            raise Malformed(f"{at}/channel: leads to none of the document's channels")
        places = []
        for index, one in enumerate(items(operation.get("messages"))):
            message_at = f"{at}/messages/{index}"
            read = self._message(one, message_at, str(index))
            if read.place not in channel.messages:
                raise Malformed(f"{message_at}: is none of the messages of channel {channel.key!r}")
            places.append(read.place)
        security = [
            self.document.object_at(one, f"{at}/security/{index}")[0]
            for index, one in enumerate(items(operation.get("security")))
        ]
        bindings = self._bindings(operation, at)
        channel.operations.append(Operation(action, bindings, places, security))

    def of_2(self) -> list[Channel]:
        document = self.document
        servers = {
            key: (one, at) for key, one, at in document.members(document.root, "servers", "")
        }
        channels: list[Channel] = []
        for key, sent, at in document.members(document.root, "channels", ""):
            value, place = document.object_at(sent, at)
            names = [one for one in items(value.get("servers")) if one in servers] or list(servers)
            channel = Channel(
                key,
                value,
                key,
                [self._server_2(*servers[name]) for name in names],
                self._bindings(value, at),
            )
            does: tuple[tuple[str, Action], ...] = (("publish", "receive"), ("subscribe", "send"))
            for name, action in does:
                if name not in value:
                    continue
                operation, operation_at = document.object_at(value[name], f"{place}/{name}")
                found = [
                    self._message(*one, key.strip("/") or "message")
                    for one in self._of_operation(operation, operation_at)
                ]
                channel.messages |= {one.place: one for one in found}
                bindings = self._bindings(operation, operation_at)
                places = [one.place for one in found]
                channel.operations.append(Operation(action, bindings, places))
            channels.append(channel)
        return channels

    def _of_operation(self, operation: Mapping[str, Any], at: str) -> Iterator[tuple[Any, str]]:
        if "message" not in operation:
            return
        value, place = self.document.object_at(operation["message"], f"{at}/message")
        if "oneOf" in value:
            for index, one in enumerate(items(value["oneOf"])):
                yield one, f"{place}/oneOf/{index}"
        else:
            yield operation["message"], f"{at}/message"

    def _message(self, node: Any, at: str, key: str) -> MessageRead:
        value, place = self.document.object_at(node, at)
        if place not in self._messages:
            made: dict[str, Any] = {}
            for index, one in enumerate(items(value.get("traits"))):
                trait, _ = self.document.object_at(one, f"{place}/traits/{index}")
                self.document.spend(values_in(trait))
                made = _joined(made, trait)
            headers: Mapping[str, Any] = {}
            if "headers" in value:
                headers = self.document.object_at(value["headers"], f"{place}/headers")[0]
                value = {**value, "headers": headers}
            last = place.rpartition("/")[2]
            name = last if place.startswith("/components/") else key
            name = name.replace("~1", "/").replace("~0", "~")
            self._messages[place] = MessageRead(place, name, _joined(made, value), headers)
        return self._messages[place]

    def _server(self, node: Any, at: str) -> Server:
        value, place = self.document.object_at(node, at)
        for name in ("host", "protocol"):
            if text(value.get(name)) is None:
                raise Malformed(f"{place}/{name}: {shortened(value.get(name))} is no text")
        security = [
            self.document.object_at(one, f"{place}/security/{index}")[0]
            for index, one in enumerate(items(value.get("security")))
        ]
        return Server(_filled(value), security)

    def _server_2(self, node: Any, at: str) -> Server:
        value, place = self.document.object_at(node, at)
        for name in ("url", "protocol"):
            if text(value.get(name)) is None:
                raise Malformed(f"{place}/{name}: {shortened(value.get(name))} is no text")
        host, slash, path = str(value["url"]).rpartition("://")[2].partition("/")
        server = {**value, "host": host, **({"pathname": f"/{path}"} if slash and path else {})}
        schemes = members(members(self.document.root.get("components")).get("securitySchemes"))
        names = [name for one in items(value.get("security")) for name in members(one)]
        security = [
            self.document.object_at(schemes[name], f"/components/securitySchemes/{name}")[0]
            for name in names
            if name in schemes
        ]
        return Server(_filled(server), security)

    def _bindings(self, parent: Mapping[str, Any], at: str) -> dict[str, Any]:
        return {
            name: self.document.object_at(one, place)[0]
            for name, one, place in self.document.members(parent, "bindings", at)
            if not name.startswith("x-")
        }


def _filled(server: Mapping[str, Any]) -> Mapping[str, Any]:
    """The server with its variables' defaults in the place of their names; without passwords."""
    variables = members(server.get("variables"))
    made = dict(server)
    for name in ("host", "pathname"):
        value = text(server.get(name))
        if value is not None:
            for variable, one in variables.items():
                default = text(members(one).get("default"))
                if default is not None and len(value) + len(default) <= MAX_ADDRESS:
                    value = value.replace(f"{{{variable}}}", default)
            if len(value) > MAX_ADDRESS:
                raise Malformed(f"servers: {name} {shortened(value)} is over {MAX_ADDRESS} long")
            made[name] = value
    made["host"] = str(made["host"]).rpartition("@")[2]
    return made


def _joined(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """JSON Merge Patch (RFC 7396), but that lists of required names are joined."""
    made = dict(base)
    for name, value in more.items():
        below = made.get(name)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            made[name] = _joined(below, value)
        elif name == "required" and isinstance(value, list) and isinstance(below, list):
            made[name] = list(dict.fromkeys([*filter(_is_text, below), *filter(_is_text, value)]))
        else:
            made[name] = value
    return made


def _is_text(value: object) -> bool:
    return isinstance(value, str)
