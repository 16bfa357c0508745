"""The hub as a bare ASGI callable: from the server's dictionaries to a route and back.

Publishing is looked for first and takes the shortest way; everything else goes by routes.ROUTES.
Whatever is raised on the way becomes a problem (http/problems); no route catches anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Final

from chappe.domain.access import (
    ANYONE,
    PUBLISH,
    READ,
    Principal,
    channel_group,
    may_publish,
    require,
    require_somewhere,
)
from chappe.domain.channel import DEFAULT, OWN
from chappe.domain.errors import ChappeError, Forbidden, NotAllowed, Unavailable, UnsupportedFormat
from chappe.formats import cloudevents_http
from chappe.formats.receipt import Receipt
from chappe.http import catalogues, console, dry_run, events, registry_route, websocket
from chappe.http.audited import audited
from chappe.http.call import AsgiCall, Asked, Call, ClientGone, Receive, Scope, Send, WholeCall
from chappe.http.confluent import answer as confluent
from chappe.http.cookies import Site
from chappe.http.exchange import DRY_RUN, Header, Request, Response, Stream, find_header
from chappe.http.health import livez, readyz, startupz
from chappe.http.metrics import Metrics
from chappe.http.paging import parse_query
from chappe.http.parts import Parts
from chappe.http.principal import authenticate
from chappe.http.problems import code_of, problem, problem_response
from chappe.http.registry.asked import READS
from chappe.http.request_log import RequestLog
from chappe.http.routes import (
    LIVEZ,
    METRICS,
    PUBLISHING,
    READYZ,
    STARTUPZ,
    Endpoint,
    Route,
    match,
)
from chappe.http.tracing import hop_of, trace_id_of
from chappe.kit.correlation import correlated
from chappe.registry.state import State

_HEALTH: Final = frozenset(
    {b"/livez", b"/readyz", b"/startupz", b"/metrics", b"/metrics/history", b"/nodes"}
)

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class App:
    """Answers requests until it drains; knows how many are under way."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._metrics = Metrics(parts.counters)
        self._log = RequestLog()
        self._under_way = 0
        self._draining = False
        self._started = False
        self._idle = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3, `http` scopes only: the app under any other server than its own."""
        if scope["type"] != "http":
            raise RuntimeError(f"the app takes no {scope['type']!r} scopes")
        await self.handle(AsgiCall(scope, receive, send))

    async def handle(self, call: Call) -> None:
        """Answer one request."""
        self._under_way += 1
        try:
            if self._parts.console is not None and console.is_below(call.path):
                await self._console(self._parts.console, call)
            elif self._draining and call.path not in _HEALTH:
                below = confluent.is_below(call.path)
                await call.answer(confluent.DRAINING if below else _DRAINING)
            elif call.method == "POST" and call.path[-7:] == b"/events" and _publishes(call.path):
                await self._publish(call)
            elif confluent.is_below(call.path):
                await self._confluent(call, confluent.PREFIX)
            else:
                home = None if self._parts.console is None else console.home_for(call, call.method)
                await (self._other(call) if home is None else call.answer(home))
        except ClientGone:
            pass  # There is nobody left to answer.
        finally:
            self._left()

    async def handle_confluent(self, call: Call) -> None:
        """Answer one request to a port at whose root the Schema Registry API stands."""
        self._under_way += 1
        try:
            if self._draining:
                await call.answer(confluent.DRAINING)
            else:
                await self._confluent(call, b"")
        except ClientGone:
            pass  # There is nobody left to answer.
        finally:
            self._left()

    def _left(self) -> None:
        """A request is no longer under way."""
        self._under_way -= 1
        if self._draining and not self._under_way:
            self._idle.set()

    def drain(self) -> None:
        """From now on refuse requests (503); those under way finish."""
        self._draining = True
        if not self._under_way:
            self._idle.set()
        self._parts.streams.end()
        self._log.flush()

    @property
    def draining(self) -> bool:
        """Whether requests are refused."""
        return self._draining

    async def idle(self) -> None:
        """Wait, after `drain`, until no request is under way."""
        await self._idle.wait()

    def begin(self, call: WholeCall, answer: Callable[[Response], None]) -> bool:
        """Publish one event to the default channel without a task, if nothing needs one.

        Most requests are like that. What is refused goes the usual way, which tells why: False.
        """
        parts = self._parts
        headers, body = call.headers, call.whole_body
        if (
            call.path != b"/events"
            or call.query
            or self._draining
            or not parts.authorizer.is_open
            or len(body) > parts.limits.event_bytes
        ):
            return False
        started_s = perf_counter()

        def done(ended: Receipt | Exception) -> None:
            if isinstance(ended, Exception):
                response = problem(ended)
                self._refused(call, DEFAULT, None, ended, response)
            else:
                response = events.accepted(DEFAULT, ended)
                self._accepted(DEFAULT, 1, int(ended.duplicate), len(body), started_s)
            answer(response)
            self._left()

        self._under_way += 1
        try:
            event = cloudevents_http.decode_single(headers, body)
            if event is not None:
                hop = hop_of(headers) if parts.traces else None
                parts.accept.begin(DEFAULT, event, done, hop)
                return True
        except Exception:  # noqa: BLE001, S110  # the usual way finds it again, and tells
            pass
        self._left()
        return False

    def _accepted(
        self, channel: str, count: int, duplicates: int, size: int, started_s: float
    ) -> None:
        counters = self._parts.counters
        took_s = perf_counter() - started_s
        tally = counters.channels.of(channel)
        tally.events += count
        tally.duplicates += duplicates
        tally.event_bytes += size
        counters.accept_s.observe(took_s)
        self._log.accepted(
            channel, events=count, duplicates=duplicates, size_bytes=size, seconds=took_s
        )

    async def _publish(self, call: Call) -> None:
        """The hot path: POST on a path that ends as the events routes do."""
        parts = self._parts
        channel, by = DEFAULT, None
        try:
            if call.path != b"/events":
                found = match(call.path)
                assert found is not None
                channel = found[1]["channel"]
            query = parse_query(call.query, PUBLISHING.parameters or ()) if call.query else None
            if not parts.authorizer.is_open:
                token = None if query is None else query.get("access_token")
                by = self._known(call, token)
                if by.may(PUBLISH):
                    pass  # for the whole hub, so there as well
                elif channel in OWN:
                    require_somewhere(by, PUBLISH)  # that nobody may is told later
                else:
                    require(by, PUBLISH, channel_group(channel))
            body = await call.body(parts.limits.of(call.headers))
            started_s = perf_counter()
            response, count, duplicates = await events.publish(parts, channel, call.headers, body)
        except ClientGone:
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is becomes a problem
            response = problem(error)
            self._refused(call, channel, by, error, response)
            if by is not None and isinstance(error, Forbidden):
                self._parts.audit.record(audited(call, response.status, by, error, writes=False))
        else:
            self._accepted(channel, count, duplicates, len(body), started_s)
        await call.answer(response)

    async def _other(self, call: Call) -> None:
        """Everything else, by the table of routes."""
        if call.method in READS:
            await self._routed(call)
            return
        with correlated(self._parts.audit.new_correlation()):
            await self._routed(call)

    async def _routed(self, call: Call) -> None:
        started_s = perf_counter()
        by = ANYONE
        failure: Exception | None = None
        response: Response | Stream
        session: websocket.Session | None = None
        writes = False
        try:
            found = match(call.path)
            if found is None:
                if registry_route.is_preflight(call):
                    response = registry_route.preflight(call, self._parts.authorizer)
                else:
                    writes = call.method not in READS and not registry_route.is_dry_run(call.query)
                    by = self._known(call, None)
                    response = await self._of_registry(call, by)
            else:
                route, params = found
                if route.speaks_websocket and websocket.is_asked(call.headers):
                    query = parse_query(call.query, websocket.parameters_at(call.path))
                    by = self._authenticated(call, query)
                    session = await self._websocket(call, by, params, query)
                    response = Response(101)
                else:
                    method = "GET" if call.method == "HEAD" else call.method
                    endpoint = route.methods.get(method)
                    if endpoint is None and method != "OPTIONS":
                        raise _no_such_method(call.method, route)
                    writes = endpoint is not None and endpoint.is_audited(method)
                    parameters = _parameters(route, endpoint)
                    query = {} if parameters is None else parse_query(call.query, parameters)
                    # The parameter is known to those alone that heed it.
                    writes = writes and query.get(dry_run.PARAMETER, "false") == "false"
                    if endpoint is None or endpoint.right is not None or endpoint.of_anybody:
                        by = self._authenticated(call, query)
                    if endpoint is None:
                        response = _options(route, by, params, call, self._parts.state.value)
                    else:
                        response = await self._at(endpoint, by, call, params, query)
        except ClientGone:
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is becomes a problem
            failure, response = error, problem(error)
        self._done(call, response, started_s, by, failure, writes=writes)
        if session is not None:
            await session.run()
        else:
            await _send(call, response)

    async def _of_registry(self, call: Call, by: Principal) -> Response:
        """A request to the registry: an entity in a form that others read, or in its own."""
        if by.may(READ):
            twin = await catalogues.twin(self._parts, call)
            if twin is not None:
                return twin
        return await registry_route.answer(self._parts, call, by)

    async def _websocket(
        self, call: Call, by: Principal, params: Mapping[str, str], query: Mapping[str, str]
    ) -> websocket.Session:
        """A request that wants to leave HTTP."""
        opening = await websocket.opening(self._parts, call, by, params, query)
        raw = call.upgrade()
        if raw is None:
            if opening.reading is not None:
                opening.reading.close()
            raise UnsupportedFormat("WebSocket: this server cannot leave HTTP")
        return websocket.Session(self._parts, raw, opening, self._accepted)

    async def _console(self, answer: console.Consoling, call: Call) -> None:
        """A request to the web console, whose errors are pages."""
        started_s = perf_counter()
        response = await answer(call, draining=self._draining)
        self._done(call, response, started_s, ANYONE, None)
        await _send(call, response)

    async def _confluent(self, call: Call, prefix: bytes) -> None:
        """A request to the Schema Registry API, which has errors of its own form."""
        started_s = perf_counter()
        with correlated("" if call.method in READS else self._parts.audit.new_correlation()):
            response, by, failure, writes = await confluent.answer(
                self._parts.confluent,
                self._parts.authorizer,
                call,
                prefix=prefix,
                limit_bytes=self._parts.registry.edge.body_bytes,
            )
            self._done(call, response, started_s, by, failure, writes=writes)
        await call.answer(response)

    def _done(
        self,
        call: Call,
        response: Response | Stream,
        started_s: float,
        by: Principal,
        failure: Exception | None,
        *,
        writes: bool = False,
    ) -> None:
        """Log and count a request that is no publish, and tell of a write; who only looks writes nothing."""
        if DRY_RUN in response.headers:
            writes = False
        if writes or isinstance(failure, Forbidden):
            self._parts.audit.record(audited(call, response.status, by, failure, writes=writes))
        method = call.method if call.method in _METHODS else "other"
        self._parts.counters.requests[method, response.status] += 1
        self._log.request(
            call.method,
            _shown(call),
            status=response.status,
            seconds=perf_counter() - started_s,
            by=None if by is ANYONE else by.name,
            code=None if failure is None else code_of(failure),
            detail=failure.message if isinstance(failure, ChappeError) else None,
            quiet=call.path in _HEALTH,
            trace_id=trace_id_of(call.headers),
        )

    async def _at(
        self,
        endpoint: Endpoint,
        by: Principal,
        call: Call,
        params: Mapping[str, str],
        query: Mapping[str, str],
    ) -> Response | Stream:
        endpoint.check(by, self._parts.state.value, params, query)
        if endpoint is LIVEZ:
            return livez()
        if endpoint is READYZ:
            return readyz(self._parts.readiness(), draining=self._draining)
        if endpoint is STARTUPZ:
            # Once started is started: a hub that is not ready for a while must not be killed for it.
            self._started = self._started or self._parts.readiness().ready
            return startupz(self._parts.readiness, started=self._started)
        if endpoint is METRICS:
            self._parts.readiness()  # sets the gauges
            accept = find_header(call.headers, b"accept") or b""
            figures = await self._parts.figures()
            # Thousands of lines take tens of milliseconds, in which events would wait.
            return await asyncio.to_thread(
                self._metrics.response, figures, accept.decode("latin-1")
            )
        assert endpoint.handler is not None
        limits = self._parts.limits
        limit_bytes = limits.event_bytes if endpoint.of_event else limits.batch_bytes
        if endpoint.of_registry:
            limit_bytes = self._parts.registry.edge.body_bytes
        body = await call.body(limit_bytes)
        path = call.path.decode("ascii")
        request = Request(
            call.method,
            path,
            params,
            query,
            call.headers,
            body,
            by,
            lambda: self._draining,
            call.query,
            lambda: call.gone,
            call.peer,
        )
        return await endpoint.handler(self._parts, request)

    def _authenticated(self, call: Call, query: Mapping[str, str]) -> Principal:
        return self._known(call, query.get("access_token"))

    def _known(self, call: Call, token: str | None) -> Principal:
        parts = self._parts
        return authenticate(
            parts.authorizer,
            call.headers,
            token,
            site=lambda: Site(parts.registry.base(call.headers)),
            # A page of another site may open a WebSocket, too, and read what comes.
            safe=call.method in READS and find_header(call.headers, b"upgrade") is None,
        )

    def _refused(
        self,
        call: Asked,
        channel: str,
        by: Principal | None,
        error: Exception,
        response: Response,
    ) -> None:
        code = code_of(error)
        self._parts.counters.rejected[code] += 1
        self._log.refused(
            # A name that somebody made up must not take memory.
            channel if channel in self._parts.state.value.channels else None,
            code,
            status=response.status,
            detail=error.message if isinstance(error, ChappeError) else type(error).__name__,
            path=_shown(call),
            by=None if by is None else by.name,
            trace_id=trace_id_of(call.headers),
        )


_DRAINING = problem_response(
    503,
    Unavailable.code,
    "this node is shutting down; send the request again",
    {},
    headers=((b"retry-after", b"2"), (b"connection", b"close")),
)


async def _send(call: Call, response: Response | Stream) -> None:
    if isinstance(response, Response):
        await call.answer(response)
    elif call.method == "HEAD":
        response.lost()
        await response.chunks.aclose()
        await call.answer(Response(response.status, b"", response.headers))
    else:
        await call.stream(response)


def _publishes(path: bytes) -> bool:
    """Whether events are published there; a group may be called "events", too."""
    return path == b"/events" or (path.startswith(b"/channels/") and path.count(b"/") == 3)


def _options(
    route: Route, by: Principal, params: Mapping[str, str], call: Call, state: State
) -> Response:
    """What the caller may do here; on the events routes also the webhook handshake."""
    allow: Header = (b"allow", ", ".join(route.allow(by, params, state)).encode("ascii"))
    origin = find_header(call.headers, b"webhook-request-origin")
    channel = params.get("channel", DEFAULT)
    if origin is None or not route.takes_events or not may_publish(by, channel):
        return Response(204, b"", (allow,))
    # http-webhook.md 4.2: the grant names the origin; the rate has no limit.
    grant = ((b"webhook-allowed-origin", origin), (b"webhook-allowed-rate", b"*"))
    return Response(204, b"", ((b"allow", b"POST"), *grant))


def _shown(call: Asked) -> str:
    """The path for the log, which never shows the query: a token may stand there."""
    return call.path[:200].decode("latin-1")


def _parameters(route: Route, endpoint: Endpoint | None) -> Sequence[str] | None:
    if endpoint is not None:
        return endpoint.parameters
    return PUBLISHING.parameters if route.takes_events else ()


def _no_such_method(method: str, route: Route) -> NotAllowed:
    allow = route.every
    return NotAllowed(f"{method} {route.path}: only {', '.join(allow)} work here", allow=allow)
