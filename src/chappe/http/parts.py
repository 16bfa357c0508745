"""What the routes need of the hub, given in by the server's assembly."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol, TypeVar

from chappe.domain.channel import Channel
from chappe.domain.event import Event
from chappe.domain.subscription import DEFAULTS, Defaults, Subscription
from chappe.domain.trace_context import TraceContext
from chappe.flows.call_roll import CallRoll
from chappe.flows.catalogue import ReadCatalogue
from chappe.flows.confluent import Confluent
from chappe.flows.connect import Connect
from chappe.flows.discover import Discover
from chappe.flows.find import Item, Page
from chappe.flows.infer import Infer
from chappe.flows.judge import Judge
from chappe.flows.pull import Pull
from chappe.flows.redrive import Redrive
from chappe.flows.replay import Replaying
from chappe.flows.schema_registry import SchemaRegistry
from chappe.flows.standing import TellStanding
from chappe.flows.stream import Streams
from chappe.flows.trace import Traced
from chappe.flows.trial import Trial
from chappe.flows.webhook import ReadWebhook
from chappe.formats import cloudevents_0_3, cloudevents_http
from chappe.formats.receipt import Receipt
from chappe.formats.schema_language import Check as Compiled
from chappe.formats.schema_language import Verdict
from chappe.http.console import Consoling
from chappe.http.exchange import Header, find_header
from chappe.http.figures import Figures, no_figures
from chappe.http.health import Readiness
from chappe.http.registry.asked import Edge
from chappe.kit.counters import Counters
from chappe.kit.latest import Latest
from chappe.kit.past import Past
from chappe.ports.audit import Audit, Unaudited
from chappe.ports.authorizer import Authorizer
from chappe.ports.event_index import Query
from chappe.ports.event_log import Extent
from chappe.ports.identity import IdentityProvider, Sessions
from chappe.registry.entity import Tree
from chappe.registry.state import State
from chappe.registry.writing import Committed, Decide

T = TypeVar("T")

MAX_SNAPSHOTS: Final = 16

BATCH_TYPE: Final = b"application/cloudevents-batch"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a publishing request may hold; sizes are of the request's body.

    `cloudevents_0_3` lets events of CloudEvents 0.3 in.

    spec.md 5: an intermediary forwards events of at least 64 KiB, so `event_bytes` is no less.
    """

    event_bytes: int = 1024 * 1024
    batch_bytes: int = 8 * 1024 * 1024
    batch_events: int = 10_000
    cloudevents_0_3: bool = False

    def of(self, headers: Sequence[Header]) -> int:
        """The most bytes that the body of a publishing request with these headers may have."""
        return self.batch_bytes if is_batch(headers) else self.event_bytes

    def decode(self, headers: Sequence[Header], body: bytes) -> Event | list[Event]:
        """The event or batch of a publishing request.

        Raises:
            InvalidEvent, InvalidBatch, Malformed, UnsupportedFormat: as cloudevents_http.decode.
        """
        if self.cloudevents_0_3:
            found = cloudevents_0_3.decode(headers, body)
            if found is not None:
                return found
        return cloudevents_http.decode(headers, body)


def is_batch(headers: Sequence[Header]) -> bool:
    """Whether a request with these headers says that it carries a batch."""
    for name, value in headers:
        if name == b"content-type":
            return value[: len(BATCH_TYPE)].lower() == BATCH_TYPE
    return False


class Accepting(Protocol):
    """flows.accept.Accept."""

    async def __call__(
        self, channel: str, event: Event, hop: TraceContext | None = None
    ) -> Receipt: ...
    async def all(
        self, channel: str, events: Sequence[Event], hop: TraceContext | None = None
    ) -> Sequence[Receipt]: ...
    def begin(
        self,
        channel: str,
        event: Event,
        done: Callable[[Receipt | Exception], None],
        hop: TraceContext | None = None,
    ) -> None: ...


class Finding(Protocol):
    """flows.find.Find."""

    async def page(self, query: Query, *, wait_s: float = 0.0) -> Page: ...
    async def one(self, channel: str, reference: str) -> Item: ...


class Tracing(Protocol):
    """flows.trace.Trace."""

    async def __call__(self, channel: str, reference: str) -> Traced: ...


class Checking(Protocol):
    """flows.check.Check."""

    def __call__(self, event: Event) -> Verdict | None: ...
    def by_schema(self, xid: str) -> Compiled | None: ...
    def is_declared(self, type: str) -> bool: ...


class Registering(Protocol):
    """flows.register.Register; `by` is the principal's name, for the audit trail."""

    async def write(
        self, decide: Decide[T], *, by: str, heavy: bool = False, dry_run: bool = False
    ) -> Committed[T]: ...
    async def create_subscription(
        self, attributes: Mapping[str, Any], *, id: str | None = None, by: str
    ) -> Subscription: ...
    async def rehearse_subscription(
        self,
        attributes: Mapping[str, Any],
        *,
        id: str | None = None,
        replaces: bool = False,
        epoch: int | None = None,
    ) -> Subscription: ...
    async def replace_subscription(
        self, id: str, attributes: Mapping[str, Any], *, epoch: int | None, by: str
    ) -> Subscription: ...
    async def pause_subscription(
        self, id: str, *, paused: bool, by: str, dry_run: bool = False
    ) -> Subscription: ...
    async def remove_subscription(
        self, id: str, *, by: str, dry_run: bool = False
    ) -> Subscription: ...


class Snapshots:
    """The registry as it was when somebody began to read a collection page by page."""

    def __init__(self) -> None:
        self._by_revision: dict[int, Tree] = {}

    def keep(self, revision: int, tree: Tree) -> None:
        """Keep a tree, which shares most of it with the present one, until 16 others were."""
        if revision not in self._by_revision:
            self._by_revision[revision] = tree
            if len(self._by_revision) > MAX_SNAPSHOTS:
                del self._by_revision[next(iter(self._by_revision))]

    def get(self, revision: int) -> Tree | None:
        """The tree of a revision, while it is kept."""
        return self._by_revision.get(revision)


@dataclass(frozen=True, slots=True)
class RegistryParts:
    """What the registry's answers depend on besides its state; `public_url` is "" where none is set."""

    edge: Edge = field(default_factory=Edge)
    public_url: str = ""
    snapshots: Snapshots = field(default_factory=Snapshots)
    open_edge: Edge = field(init=False)
    """The edge of a hub that asks for no token: pages of other origins may read only."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "open_edge", replace(self.edge, cross_origin="reads"))

    def base(self, headers: Sequence[Header]) -> str:
        """The URL of the registry's root, without a slash at its end."""
        if self.public_url:
            return self.public_url
        host = find_header(headers, b"host") or b"localhost"
        return f"http://{host.decode('latin-1')}"


@dataclass(frozen=True, slots=True)
class Login:
    """What logging in with a browser needs; without a provider it is by tokens alone."""

    sessions: Sessions
    provider: IdentityProvider | None
    lasts_s: float


@dataclass(frozen=True, slots=True)
class Parts:
    """The flows, the declared state, and the edge's limits."""

    accept: Accepting
    find: Finding
    trace: Tracing
    register: Registering
    connect: Connect
    webhook: ReadWebhook
    discover: Discover
    catalogue: ReadCatalogue
    schemas: SchemaRegistry
    check: Checking
    judge: Judge
    infer: Infer
    standing: TellStanding
    replay: Replaying
    redrive: Redrive
    trial: Trial
    state: Latest[State]
    extent: Callable[[Channel], Awaitable[Extent]]
    pull: Pull
    streams: Streams
    readiness: Callable[[], Readiness]
    authorizer: Authorizer
    counters: Counters
    now_ms: Callable[[], int]
    agree: Callable[[str, str, str | None], Awaitable[Subscription]]
    nodes: CallRoll
    registry: RegistryParts = field(default_factory=RegistryParts)
    limits: Limits = Limits()
    defaults: Defaults = DEFAULTS
    confluent: Confluent | None = None
    console: Consoling | None = None
    login: Login | None = None
    audit: Audit = field(default_factory=Unaudited)
    figures: Callable[[], Awaitable[Figures]] = no_figures
    past: Past = field(default_factory=Past)
    traces: bool = False
