"""Messages of an AsyncAPI document, and the schemas of their payloads, as bodies for the registry."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from chappe.formats.asyncapi.carried import parsed, version_at
from chappe.formats.asyncapi.document import Document
from chappe.formats.asyncapi.envelope import metadata_of, prefix_in
from chappe.formats.asyncapi.names import Ids, labels_of, parts_of
from chappe.formats.asyncapi.read import Described, MessageRead
from chappe.formats.asyncapi.references import Bundler
from chappe.formats.asyncapi.schema_formats import (
    format_of,
    is_in_json,
    is_json_schema,
    schema_format,
)
from chappe.formats.asyncapi.values import given, items, members, own, text
from chappe.registry.entity import Tree

_EVENTS: Final = "application/cloudevents"
_CLOUDEVENTS: Final = "CloudEvents/1.0"
_NO_ENVELOPE: Final = "none"
_COMPONENTS: Final = "/components/schemas/"
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


class SchemaBodies:
    """Collects the schemas that messages name; each place of the document is one."""

    def __init__(self, document: Document, tree: Tree, application: str) -> None:
        self._document, self._tree, self._application = document, tree, application
        self._bundler = Bundler(document)
        self._by_place: dict[str, tuple[str, str]] = {}
        self._ids = Ids()
        self.groups: dict[str, dict[str, Any]] = {}
        self.left: list[str] = []

    def of(self, node: Any, at: str, named: str | None) -> dict[str, Any]:
        """What a message says of its payload's schema, which stands at a place.

        `named` is the `schemaFormat` that the message says (2.x); a schema's own goes first.
        """
        value, place = self._document.resolved(node, at)
        if isinstance(value, dict) and "schemaFormat" in value and "schema" in value:
            named = text(value["schemaFormat"])
            content_at, said = f"{place}/schema", own(value)
        else:
            content_at, said = place, own(value)
        elsewhere = text(said.get("dataschemauri"))
        if elsewhere is not None:
            return {"dataschemauri": elsewhere}
        format_ = format_of(named)
        if not place.startswith(_COMPONENTS) or place.count("/") != 3:
            content = self.content(content_at, format_, at)
            return {"dataschemaformat": format_, "dataschema": content}
        if place not in self._by_place:
            content = self.content(content_at, format_, at)
            wanted = text(said.get("xid"))
            description = None if content_at == place else text(members(value).get("description"))
            self._by_place[place] = (
                self._add(place, wanted, format_, content, description),
                format_,
            )
        xid, format_ = self._by_place[place]
        return {"dataschemaxid": xid, "dataschemaformat": format_}

    def content(self, place: str, format: str, at: str) -> Any:
        """The schema at a place, standing for itself."""
        if is_json_schema(format):
            return self._bundler.taken_out(place, at)
        return self._document.resolved(self._document.at(place, at), place)[0]

    def _add(
        self, place: str, wanted: str | None, format: str, content: Any, description: str | None
    ) -> str:
        """Note the schema, where the registry has it not yet; its xid."""
        parts = parts_of(wanted, "schemagroups", "schemas") or parts_of(
            wanted, "schemagroups", "schemas", "versions"
        )
        if parts is None:
            key = place.removeprefix(_COMPONENTS).replace("~1", "/").replace("~0", "~")
            parts = [self._application, self._ids.of(key)]
        group, id_, *version = parts
        xid = f"/schemagroups/{group}/schemas/{id_}"
        present = self._tree.resource(xid)
        if present is not None and present.default is not None:
            # A schema's versions are of one format, in one spelling.
            before = str(present.default.attributes.get("format") or "")
            if schema_format(before, content) == schema_format(format, content):
                format = before
        body = {
            "format": format,
            **given(description=description),
            "contenttype": "application/json" if is_in_json(format) else "text/plain",
            "schemabase64": base64.b64encode(_bytes(content, format)).decode(),
        }
        if version:
            found = version_at(self._tree, f"{xid}/versions/{version[0]}")
            if found is None:
                self._version(group, id_, version[0], body)
                return f"{xid}/versions/{version[0]}"
            if _same(found.document, format, content):
                return f"{xid}/versions/{version[0]}"
        elif present is None or present.default is None:
            self._schemas(group).setdefault(id_, body)
            return xid
        assert present is not None
        for id_version, one in present.versions.items():
            if _same(one.document, format, content):
                return f"{xid}/versions/{id_version}" if version else xid
        taken = {one.lower() for one in present.versions}
        made = next(one for one in map(str, range(1, len(taken) + 2)) if one not in taken)
        self._version(group, id_, made, body)
        self.left.append(f"schemagroups/{group}/schemas/{id_}: is a new version, {made}")
        return f"{xid}/versions/{made}" if version else xid

    def _version(self, group: str, id: str, version: str, body: dict[str, Any]) -> None:
        schema = self._schemas(group).setdefault(id, {})
        schema.setdefault("versions", {})[version] = body

    def _schemas(self, group: str) -> dict[str, Any]:
        found: dict[str, Any] = self.groups.setdefault(group, {"schemas": {}})["schemas"]
        return found


class MessageBodies:
    """Collects messages: each place of the document is one, and each `xid`."""

    def __init__(self, described: Described, tree: Tree, application: str) -> None:
        self._described, self._application = described, application
        self.schemas = SchemaBodies(described.document, tree, application)
        self.groups: dict[str, dict[str, Any]] = {}
        self._own: dict[str, dict[str, Any]] = {}
        self._events: dict[str, bool] = {}
        self._by_place: dict[str, str] = {}
        self._ids = Ids()

    @property
    def left(self) -> list[str]:
        """What of the messages there is no place for, or what was done to them."""
        return self.schemas.left

    def add(self, message: MessageRead) -> str:
        """The xid of a message, whose body is noted."""
        found = self._by_place.get(message.place)
        if found is not None:
            return found
        body, is_event = self._body(message)
        wanted = own(message.members).get("xid")
        parts = parts_of(wanted, "messagegroups", "messages")
        of_endpoint = parts_of(wanted, "endpoints", "messages")
        if of_endpoint is not None:
            xid = f"/endpoints/{of_endpoint[0]}/messages/{of_endpoint[1]}"
            self._own[xid] = body
        else:
            if parts is None:
                type_ = members(members(body.get("envelopemetadata")).get("type")).get("value")
                parts = [self._application, self._ids.of(text(type_) or message.key)]
            group, id_ = parts
            xid = f"/messagegroups/{group}/messages/{id_}"
            self.groups.setdefault(group, {"messages": {}})["messages"][id_] = body
        self._by_place[message.place] = xid
        self._events[xid] = is_event
        return xid

    def is_event(self, xid: str) -> bool:
        """Whether a message that was added is a CloudEvent."""
        return self._events[xid]

    def of_endpoint(self, xid: str) -> dict[str, Any]:
        """The body of a message that stands below an endpoint."""
        return self._own[xid]

    def _body(self, message: MessageRead) -> tuple[dict[str, Any], bool]:
        value = message.members
        content_type = text(value.get("contentType")) or self._described.content_type
        headers = members(value.get("headers"))
        headers = members(headers.get("schema")) if "schemaFormat" in headers else headers
        prefix = prefix_in(headers)
        is_event = prefix is not None or (content_type or "").lower().startswith(_EVENTS)
        known = "xid" in own(value)
        url = members(value.get("externalDocs")).get("url")
        tags = [text(members(one).get("name")) for one in items(value.get("tags"))]
        body = given(
            name=text(value.get("title")),
            description=text(value.get("description")) or text(value.get("summary")),
            documentation=text(url),
            labels=labels_of([one for one in tags if one]),
            envelope=_CLOUDEVENTS if is_event else _NO_ENVELOPE,
        )
        payload, at = value.get("payload"), f"{message.place}/payload"
        if not is_event:
            told = given(datacontenttype=content_type)
            return {**body, **told, **self._schema(payload, at, value)}, False
        own_headers = message.headers
        whole = None if prefix is not None else self._event_schema(payload, at)
        if whole is not None:
            # The payload is the event itself, in structured mode.
            schema, place = whole
            headers, own_headers, prefix = schema, {}, ""
            data = members(schema.get("properties")).get("data")
            payload, at = data, f"{place}/properties/data"
        metadata = metadata_of(headers, prefix or "", own_headers)
        type_ = dict(members(metadata.get("type")))
        if not type_.get("value"):
            type_["value"] = text(value.get("name")) or message.key
        metadata["type"] = type_
        told_type = text(members(metadata.get("datacontenttype")).get("value"))
        if told_type is None and not known and not (content_type or "").startswith(_EVENTS):
            told_type = content_type
        told = given(datacontenttype=told_type)
        schema_said = self._schema(payload, at, value)
        return {**body, "envelopemetadata": metadata, **told, **schema_said}, True

    def _schema(self, payload: Any, at: str, message: Mapping[str, Any]) -> dict[str, Any]:
        if payload is None or payload == {} or payload is True:
            return {}
        return self.schemas.of(payload, at, text(message.get("schemaFormat")))

    def _event_schema(self, payload: Any, at: str) -> tuple[Mapping[str, Any], str] | None:
        """The schema of a whole event, where the payload is one, and its place."""
        if payload is None:
            return None
        value, place = self._described.document.resolved(payload, at)
        if isinstance(value, dict) and "schemaFormat" in value and "schema" in value:
            value, place = self._described.document.resolved(value["schema"], f"{place}/schema")
        if not isinstance(value, dict) or prefix_in(value) != "":
            return None
        return value, place


def _same(document: bytes | None, format: str, content: Any) -> bool:
    return document is not None and parsed(document, format) == content


def _bytes(content: Any, format: str) -> bytes:
    # A schema of Avro may be one word, or be sent as the text of its JSON.
    if isinstance(content, str) and (not is_in_json(format) or content.lstrip()[:1] in ("{", "[")):
        return content.encode("utf-8", "surrogatepass")
    return msgspec.json.format(_encode(content), indent=2)
