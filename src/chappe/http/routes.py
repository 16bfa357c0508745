"""The table of contents of the API, and the way from a path to its entry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from chappe.domain.access import (
    OPERATE,
    PUBLISH,
    READ,
    SUBSCRIBE,
    Principal,
    Right,
    may_publish,
    require,
    require_somewhere,
)
from chappe.domain.channel import DEFAULT
from chappe.domain.errors import Forbidden, Malformed, NotFound
from chappe.formats.schemaregistry02.documents import PARAMETERS as SCHEMA_PARAMETERS
from chappe.http import (
    asyncapi,
    catalogue,
    catalogues,
    channels,
    dead_letters,
    discovery,
    events,
    explain,
    grants,
    infer,
    login,
    nodes,
    openapi,
    openapi_view,
    past,
    pull,
    replays,
    signing,
    sources,
    stream,
    subscriptions,
    trial,
    try_filters,
    validate,
    webhooks,
)
from chappe.http.exchange import Request, Response, Stream
from chappe.http.paging import LIST_PARAMETERS, unquote
from chappe.http.parts import Parts
from chappe.http.schemaregistry import groups as schema_groups
from chappe.http.schemaregistry import schemas
from chappe.http.schemaregistry.answers import PREFIX as SCHEMA_REGISTRY
from chappe.http.scope import (
    Scope,
    by_body,
    of_channel,
    of_judged,
    of_letters,
    of_listed,
    of_schema_group,
    of_source,
    of_subscription,
    whole_hub,
)
from chappe.registry.state import State

Handler: TypeAlias = Callable[[Parts, Request], Awaitable[Response | Stream]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of a resource: who may, what does it, which query parameters it takes.

    None: it reads the query itself, as it was sent. Without a handler the app itself answers
    (publishing, health and metrics).
    """

    right: Right | None
    handler: Handler | None = None
    parameters: Sequence[str] | None = ()
    of_registry: bool = False
    """Whether a body may be as long as one that is sent to the registry."""
    of_event: bool = False
    """Whether a body may be no longer than an event."""
    scope: Scope = whole_hub
    """The groups for one of which the right is needed."""
    of_anybody: bool = False
    """Whether it is for whoever is known, whatever their rights."""
    audited: bool | None = None
    """Whether what was done is told to the channel `audit`; None: where it is a write."""

    def check(
        self, by: Principal, state: State, params: Mapping[str, str], query: Mapping[str, str]
    ) -> None:
        """See that somebody may; where the body says for which group, the handler looks once more.

        Raises:
            Forbidden: they may not.
        """
        if self.right is None:
            return
        groups = self.scope(state, params, query)
        if groups is None:
            require_somewhere(by, self.right)
        else:
            require(by, self.right, *groups)

    def is_audited(self, method: str) -> bool:
        """Whether a request is a write that is told of."""
        if self.audited is not None:
            return self.audited
        return self.right not in (None, READ, PUBLISH) and method not in ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Route:
    """A resource: a path, whose `{parts}` fit any text, and its methods."""

    path: str
    methods: Mapping[str, Endpoint]

    def allow(self, principal: Principal, params: Mapping[str, str], state: State) -> list[str]:
        """The methods that the principal may use here."""
        allowed: list[str] = []
        for method, endpoint in self.methods.items():
            if endpoint is PUBLISHING:
                may = may_publish(principal, params.get("channel", DEFAULT))
            else:
                may = _may(endpoint, principal, params, state)
            if may:
                allowed.append(method)
        return _shown(allowed)

    @property
    def every(self) -> list[str]:
        """All methods that there are."""
        return _shown(self.methods)

    @property
    def speaks_websocket(self) -> bool:
        """Whether a client may leave HTTP here."""
        return self.takes_events or self.path.endswith("/events/stream")

    @property
    def takes_events(self) -> bool:
        """Whether events are published here, so that the webhook handshake makes sense."""
        return self.methods.get("POST") is PUBLISHING


PUBLISHING = Endpoint(PUBLISH, parameters=("access_token",))
LIVEZ, READYZ, STARTUPZ, METRICS = (
    Endpoint(None),
    Endpoint(None),
    Endpoint(None),
    Endpoint(READ),
)

_EVENTS = {
    "GET": Endpoint(READ, events.list_page, LIST_PARAMETERS, scope=of_channel),
    "POST": PUBLISHING,
}
_STREAM = {"GET": Endpoint(READ, stream.stream, stream.PARAMETERS, scope=of_channel)}
_EVENT = {"GET": Endpoint(READ, events.one, scope=of_channel)}
_TRACE = {"GET": Endpoint(READ, events.trace, scope=of_channel)}
_SUBSCRIPTIONS = {
    "GET": Endpoint(READ, subscriptions.list_all, subscriptions.LIST_PARAMETERS, scope=of_listed),
    "POST": Endpoint(
        SUBSCRIBE, subscriptions.create, subscriptions.CREATE_PARAMETERS, scope=by_body
    ),
}
_SUBSCRIPTION = {
    "GET": Endpoint(READ, subscriptions.one, scope=of_subscription),
    "PUT": Endpoint(
        SUBSCRIBE, subscriptions.replace, subscriptions.WRITE_PARAMETERS, scope=of_subscription
    ),
    "PATCH": Endpoint(
        SUBSCRIBE, subscriptions.patch, subscriptions.WRITE_PARAMETERS, scope=of_subscription
    ),
    "DELETE": Endpoint(
        SUBSCRIBE, subscriptions.remove, subscriptions.WRITE_PARAMETERS, scope=of_subscription
    ),
}
_GRANT = Endpoint(None, grants.agree, ("key",), scope=of_subscription)  # the key says who may
_DEAD_LETTERS = {
    "GET": Endpoint(READ, dead_letters.list_page, dead_letters.LIST_PARAMETERS, scope=of_letters),
    "DELETE": Endpoint(
        OPERATE, dead_letters.discard_many, dead_letters.PURGE_PARAMETERS, scope=of_letters
    ),
}
_DEAD_LETTER = {
    "GET": Endpoint(READ, dead_letters.one, scope=by_body),
    "DELETE": Endpoint(
        OPERATE, dead_letters.discard_one, dead_letters.DISCARD_PARAMETERS, scope=by_body
    ),
}
_SOURCES = {
    "GET": Endpoint(READ, sources.list_all),
    "POST": Endpoint(SUBSCRIBE, sources.create, sources.WRITE_PARAMETERS, scope=by_body),
}
_SOURCE = {
    "GET": Endpoint(READ, sources.one, scope=of_source),
    "PUT": Endpoint(SUBSCRIBE, sources.put, sources.WRITE_PARAMETERS, scope=by_body),
    "DELETE": Endpoint(SUBSCRIBE, sources.remove, sources.WRITE_PARAMETERS, scope=of_source),
}
_WEBHOOK = {  # the signature says who may
    "GET": Endpoint(None, webhooks.ping, None),
    "POST": Endpoint(None, webhooks.take, None, of_event=True),
}
_LOGIN = {
    "GET": Endpoint(None, login.page, login.PARAMETERS),
    "POST": Endpoint(None, login.by_token),
}
_SERVICES = {
    "GET": Endpoint(READ, discovery.list_services, None),
    "POST": Endpoint(SUBSCRIBE, discovery.put_services, None),
    "DELETE": Endpoint(SUBSCRIBE, discovery.remove_services, None),
}
_SERVICE = {
    "GET": Endpoint(READ, discovery.one_service, None),
    "PUT": Endpoint(SUBSCRIBE, discovery.put_service, None),
    "DELETE": Endpoint(SUBSCRIBE, discovery.remove_service, None),
}
_SCHEMA_GROUP = {
    "GET": Endpoint(READ, schema_groups.one, scope=of_schema_group),
    "PUT": Endpoint(SUBSCRIBE, schema_groups.put, of_registry=True, scope=of_schema_group),
    "DELETE": Endpoint(SUBSCRIBE, schema_groups.remove, scope=of_schema_group),
}
_SCHEMAS = {
    "GET": Endpoint(READ, schema_groups.list_schemas, scope=of_schema_group),
    "DELETE": Endpoint(SUBSCRIBE, schema_groups.remove_schemas, scope=of_schema_group),
}
_SCHEMA = {
    "GET": Endpoint(READ, schemas.latest, scope=of_schema_group),
    "POST": Endpoint(
        SUBSCRIBE, schemas.register, SCHEMA_PARAMETERS, of_registry=True, scope=of_schema_group
    ),
    "DELETE": Endpoint(SUBSCRIBE, schemas.remove, scope=of_schema_group),
}
_SCHEMA_VERSION = {
    "GET": Endpoint(READ, schemas.one_version, scope=of_schema_group),
    "DELETE": Endpoint(SUBSCRIBE, schemas.remove_version, scope=of_schema_group),
}

ROUTES: Sequence[Route] = (
    Route("/events", _EVENTS),
    Route("/events/stream", _STREAM),
    Route("/events/{reference}", _EVENT),
    Route("/events/{reference}/trace", _TRACE),
    Route("/channels/{channel}/events", _EVENTS),
    Route("/channels/{channel}/events/stream", _STREAM),
    Route("/channels/{channel}/events/{reference}", _EVENT),
    Route("/channels/{channel}/events/{reference}/trace", _TRACE),
    Route("/channels/{channel}/extent", {"GET": Endpoint(READ, channels.extent, scope=of_channel)}),
    Route(
        "/channels/{channel}/types",
        {"GET": Endpoint(READ, discovery.list_seen, None, scope=of_channel)},
    ),
    Route(
        "/channels/{channel}/types/{type}/schema",
        {"GET": Endpoint(READ, infer.infer, ("last",), scope=of_channel)},
    ),
    Route("/subscriptions", _SUBSCRIPTIONS),
    Route("/subscriptions/{id}", _SUBSCRIPTION),
    Route("/subscriptions/{id}/grant", {"GET": _GRANT, "POST": _GRANT}),
    Route(
        "/subscriptions/{id}/signing",
        {"POST": Endpoint(SUBSCRIBE, signing.rotate, signing.PARAMETERS, scope=of_subscription)},
    ),
    Route(
        "/subscriptions/{id}/pause",
        {
            "POST": Endpoint(
                SUBSCRIBE,
                subscriptions.pause,
                subscriptions.WRITE_PARAMETERS,
                scope=of_subscription,
            )
        },
    ),
    Route(
        "/subscriptions/{id}/resume",
        {
            "POST": Endpoint(
                SUBSCRIBE,
                subscriptions.resume,
                subscriptions.WRITE_PARAMETERS,
                scope=of_subscription,
            )
        },
    ),
    Route(
        "/subscriptions/{id}/replay",
        {"POST": Endpoint(SUBSCRIBE, replays.replay, scope=of_subscription)},
    ),
    Route("/deadletters", _DEAD_LETTERS),
    Route(
        "/deadletters/redrive",
        {"POST": Endpoint(OPERATE, dead_letters.redrive_many, scope=by_body)},
    ),
    Route("/deadletters/{position}", _DEAD_LETTER),
    Route(
        "/deadletters/{position}/redrive",
        {"POST": Endpoint(OPERATE, dead_letters.redrive_one, scope=by_body)},
    ),
    Route(
        "/subscriptions/{id}/receive",
        {"POST": Endpoint(SUBSCRIBE, pull.receive, scope=of_subscription, audited=False)},
    ),
    Route(
        "/subscriptions/{id}/acknowledge",
        {"POST": Endpoint(SUBSCRIBE, pull.acknowledge, scope=of_subscription, audited=False)},
    ),
    Route(
        "/subscriptions/{id}/release",
        {"POST": Endpoint(SUBSCRIBE, pull.release, scope=of_subscription, audited=False)},
    ),
    Route(
        "/subscriptions/{id}/reject",
        {"POST": Endpoint(SUBSCRIBE, pull.reject, scope=of_subscription, audited=False)},
    ),
    Route(
        "/subscriptions/{id}/renewlocks",
        {"POST": Endpoint(SUBSCRIBE, pull.renew_locks, scope=of_subscription, audited=False)},
    ),
    Route("/sources", _SOURCES),
    Route("/sources/{id}", _SOURCE),
    Route(
        "/sources/{id}/pause",
        {"POST": Endpoint(SUBSCRIBE, sources.pause, sources.WRITE_PARAMETERS, scope=of_source)},
    ),
    Route(
        "/sources/{id}/resume",
        {"POST": Endpoint(SUBSCRIBE, sources.resume, sources.WRITE_PARAMETERS, scope=of_source)},
    ),
    Route("/sources/{id}/webhook", _WEBHOOK),
    Route("/validate", {"POST": Endpoint(READ, validate.validate, ("schema",))}),
    Route(
        "/validate/schema",
        {
            "POST": Endpoint(
                READ,
                validate.judge,
                ("against", "policy", "type", "channel", "last"),
                scope=of_judged,
            )
        },
    ),
    Route(
        "/validate/subscriptions",
        {
            "POST": Endpoint(
                READ, explain.explain_all, ("channel", "subscription"), scope=of_channel
            )
        },
    ),
    Route(
        "/validate/filters",
        {"POST": Endpoint(READ, try_filters.try_filters, try_filters.PARAMETERS, scope=of_channel)},
    ),
    Route("/find", {"GET": Endpoint(READ, catalogue.find, catalogue.PARAMETERS)}),
    Route(
        "/validate/sink",
        {"POST": Endpoint(SUBSCRIBE, trial.try_sink, ("subscription",), scope=by_body)},
    ),
    Route("/features", {"GET": Endpoint(READ, discovery.features, None)}),
    Route("/services", _SERVICES),
    Route("/services/{id}", _SERVICE),
    Route("/types", {"GET": Endpoint(READ, discovery.list_types, None)}),
    Route("/types/{type}", {"GET": Endpoint(READ, catalogues.one_type, None)}),
    Route(f"{SCHEMA_REGISTRY}/schema", {"GET": Endpoint(READ, schemas.by_uri, ("uri",))}),
    Route(f"{SCHEMA_REGISTRY}/schemagroups", {"GET": Endpoint(READ, schema_groups.list_all)}),
    Route(f"{SCHEMA_REGISTRY}/schemagroups/{{group}}", _SCHEMA_GROUP),
    Route(f"{SCHEMA_REGISTRY}/schemagroups/{{group}}/schemas", _SCHEMAS),
    Route(f"{SCHEMA_REGISTRY}/schemagroups/{{group}}/schemas/{{schema}}", _SCHEMA),
    Route(
        f"{SCHEMA_REGISTRY}/schemagroups/{{group}}/schemas/{{schema}}/versions",
        {"GET": Endpoint(READ, schemas.list_versions, scope=of_schema_group)},
    ),
    Route(
        f"{SCHEMA_REGISTRY}/schemagroups/{{group}}/schemas/{{schema}}/versions/{{version}}",
        _SCHEMA_VERSION,
    ),
    Route(
        "/asyncapi",
        {
            "GET": Endpoint(READ, asyncapi.show, asyncapi.SHOW_PARAMETERS),
            "POST": Endpoint(SUBSCRIBE, asyncapi.take, asyncapi.TAKE_PARAMETERS, of_registry=True),
        },
    ),
    Route("/catalog-info.yaml", {"GET": Endpoint(READ, catalogues.backstage, catalogues.PAGES)}),
    Route("/llms.txt", {"GET": Endpoint(READ, catalogues.llms)}),
    Route("/openapi", {"GET": Endpoint(READ, openapi_view.view)}),
    Route(openapi_view.STYLE, {"GET": Endpoint(None, openapi_view.style)}),
    Route("/openapi.json", {"GET": Endpoint(READ, openapi.openapi)}),
    Route("/whoami", {"GET": Endpoint(None, login.whoami, of_anybody=True)}),
    Route("/console/login", _LOGIN),
    Route("/console/login.json", {"GET": Endpoint(None, login.describe)}),
    Route("/console/callback", {"GET": Endpoint(None, login.callback, None)}),
    Route(
        "/console/logout",
        {"GET": Endpoint(None, login.ask_logout), "POST": Endpoint(None, login.logout)},
    ),
    Route("/livez", {"GET": LIVEZ}),
    Route("/readyz", {"GET": READYZ}),
    Route("/startupz", {"GET": STARTUPZ}),
    Route("/metrics", {"GET": METRICS}),
    Route("/metrics/history", {"GET": Endpoint(READ, past.history)}),
    Route("/nodes", {"GET": Endpoint(READ, nodes.nodes)}),
)


def match(raw_path: bytes) -> tuple[Route, dict[str, str]] | None:
    """The route of a path as it was sent, and the path's parts, percent-decoded; None: the registry's.

    The path is parted before it is decoded: b"/events/%2Fshop%23A-1" -> {"reference": "/shop#A-1"}.

    Raises:
        NotFound: there is no such path.
        Malformed: a part is no UTF-8.
    """
    segments = raw_path.split(b"/")[1:]
    for template, route in _BY_LENGTH.get(len(segments), ()):
        if all(part is None or part == sent for part, sent in zip(template, segments, strict=True)):
            names = [part[1:-1] for part in route.path.split("/")[1:] if part.startswith("{")]
            sent = [one for part, one in zip(template, segments, strict=True) if part is None]
            if b"" in sent:
                break
            return route, {name: unquote(one, name) for name, one in zip(names, sent, strict=True)}
    below_channel = segments[0] == b"channels" and segments[2:3] in _BELOW_CHANNELS
    if segments[0] not in _OWN and not below_channel:
        return None
    raise NotFound(_nowhere(raw_path))


def _shown(methods: Iterable[str]) -> list[str]:
    """The methods as `Allow` lists them: where there is GET, there is HEAD."""
    found: list[str] = []
    for method in methods:
        found += [method, "HEAD"] if method == "GET" else [method]
    return [*found, "OPTIONS"]


def _may(endpoint: Endpoint, principal: Principal, params: Mapping[str, str], state: State) -> bool:
    try:
        endpoint.check(principal, state, params, {})
    except Forbidden:
        return False
    return True


def _template(path: str) -> Sequence[bytes | None]:
    return [None if part.startswith("{") else part.encode("ascii") for part in path.split("/")[1:]]


_BY_LENGTH: dict[int, list[tuple[Sequence[bytes | None], Route]]] = {}
for _route in ROUTES:
    _parts = _template(_route.path)
    _BY_LENGTH.setdefault(len(_parts), []).append((_parts, _route))

_BELOW_CHANNELS = ([b"events"], [b"types"], [b"extent"])
_OWN = {_template(route.path)[0] for route in ROUTES} - {b"channels"}
"""The first parts of paths that are none of the registry's."""


def _nowhere(raw_path: bytes) -> str:
    path = raw_path.decode("latin-1")
    without = raw_path.rstrip(b"/")
    if without and without != raw_path:
        try:
            found = match(without)
        except (NotFound, Malformed):
            found = None
        if found is not None:
            return f"path {path!r}: there is none with a '/' at the end; try {path.rstrip('/')}"
    return f"path {path!r}: there is none; docs/api.md lists them all"
