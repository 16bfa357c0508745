"""Services of the CloudEvents Discovery API (discovery/spec.md of 2020-2022, "0.1-wip") in JSON.

    {"id": "shop", "name": "The shop", "epoch": 3, "url": "https://hub.example/services/shop",
     "specversions": ["1.0"], "subscriptionurl": "https://hub.example/subscriptions",
     "protocols": ["HTTP"], "events": [{"type": "order.paid", "sourcetemplate": "/shops/{shop}"}]}

Only JSON <-> values, and their rules; what a service is in the registry stands in
discovery_endpoints, how services are looked for in discovery_filters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from chappe.domain.attributes import (
    check_name,
    check_string,
    is_media_type,
    is_uri_reference,
    timestamp,
)
from chappe.domain.errors import InvalidEvent, Malformed
from chappe.domain.event import CORE_ATTRIBUTES
from chappe.formats.fields import Fields, decode_json, kind_of, shortened

MOST_EPOCH: Final = 2**32 - 1
"""discovery/spec.md "epoch": an unsigned 32-bit integer."""


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension attribute that events of a type have."""

    name: str
    type: str
    specurl: str | None = None


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of events that a service offers."""

    type: str
    description: str | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    dataschematype: str | None = None
    dataschemacontent: str | None = None
    sourcetemplate: str | None = None
    extensions: Sequence[Extension] = ()


@dataclass(frozen=True, slots=True)
class Deprecated:
    """That, and since when, a service should be left; nothing of it needs to be known."""

    effectivetime: str | None = None
    removaltime: str | None = None
    alternative: str | None = None
    docsurl: str | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """Somebody who offers events, and how to subscribe to them.

    `id` is "" and `epoch` None where a request leaves them to the hub.
    """

    id: str
    name: str
    specversions: Sequence[str]
    subscriptionurl: str
    protocols: Sequence[str]
    epoch: int | None = None
    authority: str | None = None
    description: str | None = None
    docsurl: str | None = None
    deprecated: Deprecated | None = None
    subscriptionconfig: Mapping[str, str] = field(default_factory=dict)
    subscriptiondialects: Sequence[str] = ()
    authscope: str | None = None
    events: Sequence[EventType] = ()


@dataclass(frozen=True, slots=True)
class Removal:
    """A service that is to go; the epoch must be greater than the present one, if it is given."""

    id: str
    epoch: int | None = None


_SERVICE: Final = frozenset(
    "id authority epoch name url description docsurl deprecated specversions subscriptionurl"
    " subscriptionconfig subscriptiondialects authscope protocols events".split()
)
_EVENT: Final = frozenset(
    "type description datacontenttype dataschema dataschematype dataschemacontent sourcetemplate"
    " extensions".split()
)
_DEPRECATED: Final = frozenset({"effectivetime", "removaltime", "alternative", "docsurl"})
_EXTENSION: Final = frozenset({"name", "type", "specurl"})
_TYPES: Final = frozenset(
    "boolean integer string binary uri uri-reference timestamp".split()
)  # spec.md "Type System"

# An id is a `segment-nz-nc` (RFC 3986 3.3) here and an id of xRegistry there: what both allow.
_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._~@-]{0,127}", re.ASCII)
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:", re.ASCII)
_VARNAME: Final = r"(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2})+"
_LEVEL_1: Final = re.compile(
    rf"(?:[^\x00-\x20\"'<>\\^`{{|}}%\x7f]|%[0-9A-Fa-f]{{2}}|\{{{_VARNAME}(?:\.{_VARNAME})*\}})+"
)


def parse_service(body: bytes, id: str) -> Service:
    """The service of `PUT /services/{id}`.

    Raises:
        Malformed: a field breaks its rule, or the id is another than that of the path.
    """
    service = _service(decode_json(body, "body"), "")
    if service.id and service.id != id:
        raise Malformed(f"id: {shortened(service.id)} is not that of the path, {id!r}")
    return replace(service, id=_checked_id(id, "id"))


def parse_services(body: bytes) -> list[Service]:
    """The services of `POST /services`.

    Raises:
        Malformed: a field breaks its rule, or an id stands twice.
    """
    services = [_service(one, path) for path, one in _array(body)]
    _check_distinct([service.id for service in services])
    return services


def parse_removals(body: bytes) -> list[Removal]:
    """The services of `DELETE /services`; whatever else is told of them does not matter.

    Raises:
        Malformed: an id is missing or stands twice, or an epoch is none.
    """
    removals = []
    for path, one in _array(body):
        if not isinstance(one, dict):
            raise Malformed(f"{path}: {kind_of(one)} was sent, an object is needed")
        told = {name: one[name] for name in ("id", "epoch") if one.get(name) is not None}
        fields = Fields(told, path, known=frozenset({"id", "epoch"}))
        removals.append(Removal(fields.need_text("id"), _epoch(fields)))
    _check_distinct([removal.id for removal in removals])
    return removals


def parse_epoch(text: str) -> int:
    """The epoch of `DELETE /services/{id}?epoch=`."""
    if not re.fullmatch(r"\d{1,10}", text, re.ASCII) or int(text) > MOST_EPOCH:
        raise Malformed(f"parameter epoch: {text!r} is no whole number from 0 to {MOST_EPOCH}")
    return int(text)


def render_service(service: Service, base: str) -> dict[str, object]:
    """The object that a GET answers; `base` is the hub's URL without a slash at its end."""
    deprecated = service.deprecated
    return _given(
        id=service.id,
        authority=service.authority,
        epoch=service.epoch,
        name=service.name,
        url=f"{base}/services/{service.id}",
        description=service.description,
        docsurl=service.docsurl,
        deprecated=None
        if deprecated is None
        else _given(
            effectivetime=deprecated.effectivetime,
            removaltime=deprecated.removaltime,
            alternative=deprecated.alternative,
            docsurl=deprecated.docsurl,
        ),
        specversions=list(service.specversions),
        subscriptionurl=service.subscriptionurl,
        subscriptionconfig=dict(service.subscriptionconfig) or None,
        subscriptiondialects=list(service.subscriptiondialects) or None,
        authscope=service.authscope,
        protocols=list(service.protocols),
        events=[_render_event(event) for event in service.events] or None,
    )


def _render_event(event: EventType) -> dict[str, object]:
    return _given(
        type=event.type,
        description=event.description,
        datacontenttype=event.datacontenttype,
        dataschema=event.dataschema,
        dataschematype=event.dataschematype,
        dataschemacontent=event.dataschemacontent,
        sourcetemplate=event.sourcetemplate,
        extensions=[
            _given(name=one.name, type=one.type, specurl=one.specurl) for one in event.extensions
        ]
        or None,
    )


def _given(**members: object) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}


def _array(body: bytes) -> Iterator[tuple[str, object]]:
    document = decode_json(body, "body")
    if not isinstance(document, list):
        raise Malformed(f"body: {kind_of(document)} was sent, an array of services is needed")
    for index, one in enumerate(document):
        yield str(index), one


def _fields(document: object, path: str, known: frozenset[str]) -> Fields:
    """The fields that have a value: null is as good as absent."""
    if isinstance(document, dict):
        document = {name: value for name, value in document.items() if value is not None}
    return Fields(document, path, known=known)


def _service(document: object, path: str) -> Service:
    fields = _fields(document, path, _SERVICE)
    id_ = fields.text("id")
    deprecated = fields.raw("deprecated")
    return Service(
        id="" if id_ is None else _checked_id(id_, fields.path("id")),
        name=fields.need_text("name"),
        specversions=_texts(fields, "specversions", required=True),
        subscriptionurl=_needed_url(fields, "subscriptionurl"),
        protocols=_texts(fields, "protocols", required=True),
        epoch=_epoch(fields),
        authority=_uri(fields, "authority"),
        description=fields.text("description"),
        docsurl=_url(fields, "docsurl"),
        deprecated=None
        if deprecated is None
        else _deprecated(deprecated, fields.path("deprecated")),
        subscriptionconfig=_config(fields),
        subscriptiondialects=_texts(fields, "subscriptiondialects"),
        authscope=fields.text("authscope"),
        events=_events(fields),
    )


def _events(fields: Fields) -> tuple[EventType, ...]:
    events = tuple(
        _event(one, f"{fields.path('events')}/{index}")
        for index, one in enumerate(_list(fields, "events"))
    )
    seen: set[str] = set()
    for index, event in enumerate(events):
        if event.type in seen:
            raise Malformed(
                f"{fields.path('events')}/{index}/type: {shortened(event.type)} stands twice;"
                " a service describes a type once"
            )
        seen.add(event.type)
    return events


def _event(document: object, path: str) -> EventType:
    fields = _fields(document, path, _EVENT)
    if "dataschema" in fields and "dataschemacontent" in fields:
        raise Malformed(f"{path}: dataschema and dataschemacontent exclude each other")
    type_ = fields.need_text("type")
    try:
        check_string("type", type_)
    except InvalidEvent as error:
        raise Malformed(f"{fields.path('type')}: {error.message}") from error
    template = fields.text("sourcetemplate")
    if template is not None and not _LEVEL_1.fullmatch(template):
        raise Malformed(
            f"{fields.path('sourcetemplate')}: {shortened(template)} is no URI template of level 1"
            " (RFC 6570), such as '/shops/{shop}'"
        )
    return EventType(
        type=type_,
        description=fields.text("description"),
        datacontenttype=_media_type(fields, "datacontenttype"),
        dataschema=_uri(fields, "dataschema"),
        dataschematype=_media_type(fields, "dataschematype"),
        dataschemacontent=fields.text("dataschemacontent"),
        sourcetemplate=template,
        extensions=_extensions(fields),
    )


def _extensions(fields: Fields) -> tuple[Extension, ...]:
    extensions: dict[str, Extension] = {}
    for index, document in enumerate(_list(fields, "extensions")):
        path = f"{fields.path('extensions')}/{index}"
        one = _fields(document, path, _EXTENSION)
        name, type_ = one.need_text("name"), one.need_text("type")
        try:
            check_name(name)
        except InvalidEvent as error:
            raise Malformed(f"{path}/name: {error.message}") from error
        if name in CORE_ATTRIBUTES or name in extensions:
            what = "is a core attribute" if name in CORE_ATTRIBUTES else "stands twice"
            raise Malformed(f"{path}/name: {shortened(name)} {what}")
        if type_.lower() not in _TYPES:
            raise Malformed(
                f"{path}/type: {shortened(type_)} is no type of CloudEvents;"
                f" there are: {', '.join(sorted(_TYPES))}"
            )
        extensions[name] = Extension(name, type_, _url(one, "specurl"))
    return tuple(extensions.values())


def _deprecated(document: object, path: str) -> Deprecated:
    fields = _fields(document, path, _DEPRECATED)
    for name in ("effectivetime", "removaltime"):
        text = fields.text(name)
        if text is not None and timestamp(text) is None:
            raise Malformed(f"{fields.path(name)}: {shortened(text)} is no RFC 3339 time")
    return Deprecated(
        fields.text("effectivetime"),
        fields.text("removaltime"),
        _url(fields, "alternative"),
        _url(fields, "docsurl"),
    )


def _config(fields: Fields) -> dict[str, str]:
    config: dict[str, str] = {}
    for name, value in fields.object_of_any("subscriptionconfig").items():
        if not isinstance(value, str):
            raise Malformed(
                f"{fields.path('subscriptionconfig')}/{name}: {kind_of(value)} was sent,"
                " the name of a type is needed"
            )
        config[name] = value
    return config


def _epoch(fields: Fields) -> int | None:
    if "epoch" not in fields:
        return None
    return fields.whole("epoch", 0, least=0, most=MOST_EPOCH)


def _list(fields: Fields, name: str) -> list[object]:
    value = fields.raw(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Malformed(f"{fields.path(name)}: {kind_of(value)} was sent, an array is needed")
    return value


def _texts(fields: Fields, name: str, *, required: bool = False) -> tuple[str, ...]:
    texts = []
    for index, value in enumerate(_list(fields, name)):
        if not isinstance(value, str) or not value:
            raise Malformed(
                f"{fields.path(name)}/{index}: {shortened(value)} is no non-empty string"
            )
        texts.append(value)
    if required and not texts:
        raise Malformed(f"{fields.path(name)}: is missing or empty; at least one is required")
    return tuple(texts)


def _url(fields: Fields, name: str) -> str | None:
    text = fields.text(name)
    if text is not None and not (_SCHEME.match(text) and is_uri_reference(text)):
        raise Malformed(f"{fields.path(name)}: {shortened(text)} is no absolute URL")
    return text


def _needed_url(fields: Fields, name: str) -> str:
    fields.need_text(name)
    return _url(fields, name) or ""


def _uri(fields: Fields, name: str) -> str | None:
    text = fields.text(name)
    if text is not None and not is_uri_reference(text):
        raise Malformed(f"{fields.path(name)}: {shortened(text)} is no URI")
    return text


def _media_type(fields: Fields, name: str) -> str | None:
    text = fields.text(name)
    if text is not None and not is_media_type(text):
        raise Malformed(f"{fields.path(name)}: {shortened(text)} is no media type (RFC 2046)")
    return text


def _checked_id(id_: str, path: str) -> str:
    if not _ID.fullmatch(id_):
        raise Malformed(
            f"{path}: {shortened(id_)} is no id; 1 to 128 of A-Z, a-z, 0-9, '.', '_', '~', '@' and"
            " '-', the first a letter, a digit or '_'"
        )
    return id_


def _check_distinct(ids: Sequence[str]) -> None:
    seen: set[str] = set()
    for index, id_ in enumerate(ids):
        if id_ and id_ in seen:
            raise Malformed(f"{index}/id: {shortened(id_)} stands twice in the request")
        seen.add(id_)
