"""The Discovery API (discovery/spec.md of 2020-2022): /features, /services, /types.

    GET /features                          what the hub's discovery can do
    GET, POST, DELETE /services            all services; several at once
    GET, PUT, DELETE /services/{id}        one service
    GET /types, /types/{type}              services by the types of events that they offer
    GET /channels/{channel}/types          an extension: types declared, and types seen

Parameters that are not known do not matter here (spec), so the query is read as it was sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from chappe.domain.access import SUBSCRIBE, Principal
from chappe.domain.errors import Malformed, NotFound
from chappe.flows.discover import WINDOW_S, Discover, TypeSeen
from chappe.formats.discovery_filters import ATTRIBUTES, parameters, parse_filters
from chappe.formats.discovery_json import (
    MOST_EPOCH,
    Removal,
    Service,
    parse_epoch,
    parse_removals,
    parse_service,
    parse_services,
    render_service,
)
from chappe.formats.times import rfc3339
from chappe.http.exchange import Header, Response, json_response
from chappe.registry.writing import Committed

CORRELATION: Final = b"xregistry-xregcorrelationid"
LEAST_WINDOW_S: Final = 60
MOST_WINDOW_S: Final = 7 * 24 * 3600


class Asked(Protocol):
    """What the handlers need of a request (http.exchange.Request, and the query as it was sent)."""

    @property
    def params(self) -> Mapping[str, str]: ...
    @property
    def raw_query(self) -> bytes: ...
    @property
    def headers(self) -> Sequence[Header]: ...
    @property
    def body(self) -> bytes: ...
    @property
    def principal(self) -> Principal: ...


class Rooted(Protocol):
    """Knows the hub's URL (http.parts.RegistryParts)."""

    def base(self, headers: Sequence[Header]) -> str: ...


class DiscoveryParts(Protocol):
    """What the handlers need of the hub (http.parts.Parts)."""

    @property
    def discover(self) -> Discover: ...
    @property
    def registry(self) -> Rooted: ...


async def features(parts: DiscoveryParts, request: Asked) -> Response:
    """What can be filtered by, and whether this caller may write."""
    return json_response(
        {
            "servicefilterattributes": ATTRIBUTES,
            "pagination": False,
            "update": request.principal.may(SUBSCRIBE),
        }
    )


async def list_services(parts: DiscoveryParts, request: Asked) -> Response:
    """The services that all filters fit, an array in the order of their ids."""
    base = parts.registry.base(request.headers)
    filters = parse_filters(request.raw_query)
    rendered = [render_service(one, base) for one in parts.discover.services(base).all()]
    return json_response([one for one in rendered if all(each.fits(one) for each in filters)])


async def one_service(parts: DiscoveryParts, request: Asked) -> Response:
    """One service."""
    base, id_ = parts.registry.base(request.headers), request.params["id"]
    service = parts.discover.services(base).get(id_)
    if service is None:
        raise NotFound(f"service {id_!r}: there is none")
    return json_response(render_service(service, base))


async def put_services(parts: DiscoveryParts, request: Asked) -> Response:
    """Make or replace several services, all or none; answered in the order of the request."""
    base = parts.registry.base(request.headers)
    services = parse_services(request.body)
    committed = await parts.discover.put(services, base, by=request.principal.name)
    rendered = [render_service(one, base) for one in committed.answer]
    return json_response(rendered, 200, _correlation(committed))


async def put_service(parts: DiscoveryParts, request: Asked) -> Response:
    """Make or replace one service."""
    base = parts.registry.base(request.headers)
    service = parse_service(request.body, request.params["id"])
    committed = await parts.discover.put([service], base, by=request.principal.name)
    return json_response(render_service(committed.answer[0], base), 200, _correlation(committed))


async def remove_services(parts: DiscoveryParts, request: Asked) -> Response:
    """End several services, all or none; their last states, or the bare id of one there was not."""
    base = parts.registry.base(request.headers)
    removals = parse_removals(request.body)
    committed = await parts.discover.remove(removals, base, by=request.principal.name)
    rendered = [
        {"id": removal.id} if last is None else render_service(last, base)
        for removal, last in zip(removals, committed.answer, strict=True)
    ]
    return json_response(rendered, 200, _correlation(committed))


async def remove_service(parts: DiscoveryParts, request: Asked) -> Response:
    """End one service; a body does not matter. Its last state is answered, with a greater epoch."""
    base, id_ = parts.registry.base(request.headers), request.params["id"]
    sent = _single(request.raw_query, "epoch")
    removal = Removal(id_, None if sent is None else parse_epoch(sent))
    committed = await parts.discover.remove([removal], base, by=request.principal.name)
    (last,) = committed.answer
    rendered = {"id": id_} if last is None else _ended(last, removal, base)
    return json_response(rendered, 200, _correlation(committed))


async def list_types(parts: DiscoveryParts, request: Asked) -> Response:
    """The services by type of event; `matching` is a part of the type, in any case."""
    base = parts.registry.base(request.headers)
    matching = _matching(request.raw_query)
    return json_response(
        {
            type_: [render_service(one, base) for one in services]
            for type_, services in parts.discover.services(base).by_type().items()
            if matching in type_.casefold()
        }
    )


async def one_type(parts: DiscoveryParts, request: Asked) -> Response:
    """The services that offer one type: a map of that one."""
    base, type_ = parts.registry.base(request.headers), request.params["type"]
    services = parts.discover.services(base).by_type().get(type_)
    if services is None:
        raise NotFound(f"type {type_!r}: no service offers it")
    return json_response({type_: [render_service(one, base) for one in services]})


async def list_seen(parts: DiscoveryParts, request: Asked) -> Response:
    """Types of events, declared and seen in a channel, with rates: an extension."""
    base = parts.registry.base(request.headers)
    matching, window_s = _matching(request.raw_query), _window(request.raw_query)
    seen = await parts.discover.seen(request.params["channel"], base, window_s=window_s)
    return json_response(
        [_render_seen(one, window_s) for one in seen if matching in one.type.casefold()]
    )


def _ended(last: Service, removal: Removal, base: str) -> dict[str, object]:
    """discovery/spec.md "DELETE /services/{id}": the epoch is greater than before."""
    epoch = removal.epoch if removal.epoch is not None else (last.epoch or 0) + 1
    return {**render_service(last, base), "epoch": min(epoch, MOST_EPOCH)}


def _render_seen(one: TypeSeen, window_s: int) -> dict[str, object]:
    sources = one.sightings
    rendered: dict[str, object] = {
        "type": one.type,
        "declared": one.declared,
        "services": one.services,
        "events": sum(sighting.events for sighting in sources),
    }
    if sources:
        rendered |= {
            "firstseen": rfc3339(min(sighting.first_ms for sighting in sources)),
            "lastseen": rfc3339(max(sighting.last_ms for sighting in sources)),
        }
    rendered["perminute"] = _per_minute(sum(one.recent.values()), window_s)
    # Where the sources of all time are too many to tell apart, those of the window are not told.
    recent = one.recent
    if any(sighting.source is None for sighting in sources):
        recent = {None: sum(recent.values())}
    rendered["sources"] = [
        {
            "source": sighting.source,
            "events": sighting.events,
            "firstseen": rfc3339(sighting.first_ms),
            "lastseen": rfc3339(sighting.last_ms),
            "perminute": _per_minute(recent.get(sighting.source, 0), window_s),
        }
        for sighting in sources
    ]
    return rendered


def _per_minute(events: int, window_s: int) -> float:
    return round(events * 60 / window_s, 3)


def _matching(raw_query: bytes) -> str:
    text = _single(raw_query, "matching")
    if text == "":
        raise Malformed("parameter matching: is empty; leave it out to see every type")
    return "" if text is None else text.casefold()


def _window(raw_query: bytes) -> int:
    text = _single(raw_query, "window")
    if text is None:
        return WINDOW_S
    if not re.fullmatch(r"\d{1,6}", text, re.ASCII) or not (
        LEAST_WINDOW_S <= int(text) <= MOST_WINDOW_S
    ):
        raise Malformed(
            f"parameter window: {text!r} is no number of seconds from {LEAST_WINDOW_S} to"
            f" {MOST_WINDOW_S}"
        )
    return int(text)


def _single(raw_query: bytes, name: str) -> str | None:
    found = parameters(raw_query, name)
    if len(found) > 1:
        raise Malformed(f"parameter {name}: stands twice; it may stand once")
    return found[0] if found else None


def _correlation(committed: Committed[object]) -> tuple[Header, ...]:
    if not committed.correlation:
        return ()
    return ((CORRELATION, committed.correlation.encode("ascii")),)
