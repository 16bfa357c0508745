"""What the routes need of the hub, given in by the server's assembly."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from chappe.domain.channel import Channel
from chappe.domain.event import Event
from chappe.domain.subscription import DEFAULTS, Defaults, Subscription
from chappe.flows.accept import Receipt
from chappe.flows.find import Item, Page
from chappe.flows.trace import Traced
from chappe.formats.declaration_json import DeclarationDraft
from chappe.formats.subscription_json import SubscriptionDraft
from chappe.http.exchange import Header
from chappe.http.health import Readiness
from chappe.kit.counters import Counters
from chappe.kit.latest import Latest
from chappe.ports.authorizer import Authorizer
from chappe.ports.event_index import Query
from chappe.ports.event_log import Extent
from chappe.registry.declaration import Declaration
from chappe.registry.state import State

BATCH_TYPE: Final = b"application/cloudevents-batch"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a publishing request may hold; sizes are of the request's body.

    spec.md 5: an intermediary forwards events of at least 64 KiB, so `event_bytes` is no less.
    """

    event_bytes: int = 1024 * 1024
    batch_bytes: int = 8 * 1024 * 1024
    batch_events: int = 10_000

    def of(self, headers: Sequence[Header]) -> int:
        """The most bytes that the body of a publishing request with these headers may have."""
        return self.batch_bytes if is_batch(headers) else self.event_bytes


def is_batch(headers: Sequence[Header]) -> bool:
    """Whether a request with these headers says that it carries a batch."""
    for name, value in headers:
        if name == b"content-type":
            return value[: len(BATCH_TYPE)].lower() == BATCH_TYPE
    return False


class Accepting(Protocol):
    """flows.accept.Accept."""

    async def __call__(self, channel: str, event: Event) -> Receipt: ...
    async def all(self, channel: str, events: Sequence[Event]) -> Sequence[Receipt]: ...
    def begin(
        self, channel: str, event: Event, done: Callable[[Receipt | Exception], None]
    ) -> None: ...


class Finding(Protocol):
    """flows.find.Find."""

    async def page(self, query: Query, *, wait_s: float = 0.0) -> Page: ...
    async def one(self, channel: str, reference: str) -> Item: ...


class Tracing(Protocol):
    """flows.trace.Trace."""

    async def __call__(self, channel: str, reference: str) -> Traced: ...


class Registering(Protocol):
    """flows.register.Register; `by` is the principal's name, for the audit trail."""

    async def create_subscription(self, draft: SubscriptionDraft, *, by: str) -> Subscription: ...
    async def replace_subscription(
        self, id: str, draft: SubscriptionDraft, *, by: str
    ) -> Subscription: ...
    async def remove_subscription(self, id: str, *, by: str) -> Subscription: ...
    async def put_declaration(
        self, draft: DeclarationDraft, *, by: str
    ) -> tuple[Declaration, bool]: ...
    async def remove_declaration(self, group: str, type: str, *, by: str) -> Declaration: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """The flows, the declared state, and the edge's limits."""

    accept: Accepting
    find: Finding
    trace: Tracing
    register: Registering
    state: Latest[State]
    extent: Callable[[Channel], Awaitable[Extent]]
    readiness: Callable[[], Readiness]
    authorizer: Authorizer
    counters: Counters
    limits: Limits = Limits()
    defaults: Defaults = DEFAULTS
