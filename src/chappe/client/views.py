"""What the API answers, as values. Members that a later hub adds are passed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a payload whose type is declared in mode `warn`."""

    index: int = 0
    pointer: str = ""
    rule: str = ""
    value: str = ""
    message: str = ""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """One event is on disk; a duplicate has the position of the first.

    `quarantine` is the channel that holds it, where the channel that it was sent to refused it.
    """

    position: str
    duplicate: bool = False
    warnings: Sequence[Warned] = ()
    quarantine: str | None = None


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on an event, or on a payload (`POST /validate`)."""

    valid: bool
    type: str | None = None
    declaration: str | None = None
    mode: str | None = None
    schema: str | None = None
    errors: Sequence[Warned] = ()


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """What makes data of one schema unreadable with another."""

    code: str
    path: str = ""
    message: str = ""
    fix: str = ""


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """A stored event that a new schema would refuse."""

    position: str
    source: str
    id: str
    errors: Sequence[Warned]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the newest events of a type say to a new schema."""

    type: str
    events: int
    invalid: int
    examples: Sequence[Example] = ()


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """An ancestor of the schema that is to change, and what of the new one does not fit it."""

    xid: str
    differences: Mapping[str, Sequence[Changed]]


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """May a schema change (`POST /validate/schema`)? `compatible` by rule, such as "full_transitive".

    `differences` are those with the present version (`xid`), by "backward" and "forward"; `rule` is
    the one that the schema keeps.
    """

    xid: str
    format: str
    rule: str | None
    compatible: Mapping[str, bool]
    differences: Mapping[str, Sequence[Changed]]
    earlier: Sequence[Earlier] = ()
    evidence: Sequence[Seen] = ()


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where an event stands, and when it was accepted."""

    position: str
    acceptedat: str


class Drafted(msgspec.Struct, frozen=True, kw_only=True):
    """What a draft was made of: `used` events of those `read`; `skipped` counts the others by reason."""

    read: int
    used: int
    skipped: Mapping[str, int]
    stopped: str
    newest: Place
    oldest: Place


class Inferred(msgspec.Struct, frozen=True, kw_only=True):
    """A schema drafted from stored events (`GET /channels/{channel}/types/{type}/schema`)."""

    type: str
    channel: str
    events: Drafted
    format: str
    schema: Mapping[str, object]


class Quarantined(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a batch that its channel refused, and the channel that holds it."""

    index: int
    channel: str


class BatchReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """All events of a batch are on disk; `duplicates` are indexes into the batch."""

    positions: Sequence[str]
    duplicates: Sequence[int] = ()
    warnings: Sequence[Warned] = ()
    quarantined: Sequence[Quarantined] = ()


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a list; `event` is its JSON format, as the hub sent it."""

    position: str
    acceptedat: str
    event: msgspec.Raw


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Some events of a list, and the path of those that follow."""

    events: Sequence[Listed]
    next: str | None


class Attributes(msgspec.Struct, frozen=True, kw_only=True):
    """The attributes of an event that a list shows."""

    id: str
    source: str
    type: str
    subject: str | None = None
    time: str | None = None
    datacontenttype: str | None = None


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to deliver an event."""

    attempt: int
    at: str
    result: str
    latency_ms: int | None = None
    status: int | None = None
    reason: str | None = None
    next: str | None = None


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an event for one subscription."""

    subscription: str
    sink: str
    state: str
    matched: bool = False
    decided_by: str | None = None
    found: str | None = None
    attempts: Sequence[Try] = ()


class SchemaCheck(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the payload kept to the schema that was declared when it came in."""

    mode: str | None = None
    declaration: str | None = None
    valid: bool | None = None


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """Where an event stands and what became of it."""

    position: str
    channel: str
    id: str
    source: str
    type: str
    acceptedat: str
    node: str | None = None
    schema: SchemaCheck | None = None
    subscriptions: Sequence[Arrival] = ()
    first: str | None = None
    traceid: str | None = None


class Going(msgspec.Struct, frozen=True, kw_only=True):
    """How delivery goes, as far as a list shows it."""

    state: str = ""
    open: int = 0
    blocks: int = 0


class Subscribed(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription, as far as a list shows it."""

    id: str
    sink: str
    protocol: str = "HTTP"
    source: str | None = None
    types: Sequence[str] = ()
    filters: Sequence[object] = ()
    channel: str = "default"
    epoch: int = 1
    warnings: Sequence[str] = ()
    status: Going = Going()


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """How much there is to be delivered of what is stored; `seconds` None: nobody can tell."""

    events: int
    exact: bool
    bytes: int = 0
    seconds: float | None = None


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """How many events a second a subscription gets at most."""

    per_second: float


class Rehearsed(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription as it would be made (`POST /subscriptions?dryrun`)."""

    id: str
    start: str = "latest"
    handshake: str = "off"
    warnings: Sequence[str] = ()
    rate: Rate | None = None
    forecast: Forecast | None = None


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What a sink said to a test event; `status` None: there was no answer."""

    sink: str
    protocol: str
    signed: bool
    delivered: bool
    latency_ms: int
    status: int | None = None
    reason: str = ""


class LastFailure(msgspec.Struct, frozen=True, kw_only=True):
    """The last attempt that failed."""

    at: str
    reason: str = ""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How delivery goes, with what is behind counted; not `exact`: there may be more."""

    state: str = ""
    open: int = 0
    waiting: int = 0
    events: int = 0
    exact: bool = True
    oldest: str | None = None
    progress: float | None = None
    lastfailure: LastFailure | None = None


class Lagging(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription with its standing (`GET /subscriptions/{id}`)."""

    id: str
    sink: str = ""
    status: Standing = Standing()


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one subscription would get an event; `decided_by` is the test that decided."""

    subscription: str
    sink: str
    matched: bool
    decided_by: str | None = None
    found: str | None = None


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """What subscriptions say to an event (`POST /validate/subscriptions`)."""

    id: str
    source: str
    type: str
    channel: str
    subscriptions: Sequence[Told] = ()


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay delivers; without `subscription` nothing was begun."""

    events: int
    exact: bool
    bytes: int = 0
    seconds: float | None = None
    subscription: Subscribed | None = None


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """An event that could not be delivered, as far as a list shows it."""

    position: str
    buriedat: str
    state: str
    subscription: str
    reason: str
    type: str
    id: str


class Redriven(msgspec.Struct, frozen=True, kw_only=True):
    """What is delivered again: letters by subscription, and the companions that do it."""

    letters: Mapping[str, int]
    ended: Mapping[str, int] = {}
    redrives: Sequence[str] = ()
    more: bool = False


class Discarded(msgspec.Struct, frozen=True, kw_only=True):
    """How many dead letters were put away."""

    letters: int
    more: bool = False


class ReadingStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a source does, as the node says that runs it."""

    state: str = "waiting"
    node: str = ""
    taken: int = 0
    setaside: int = 0
    error: str = ""


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """A source, as far as a list shows it."""

    id: str
    protocol: str
    url: str = ""
    webhook: str = ""
    channel: str = "default"
    paused: bool = False
    epoch: int = 1
    status: ReadingStatus = ReadingStatus()


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """The payload schema that is declared for a type, as far as a list shows it."""

    messageid: str
    dataschemaformat: str | None = None
    validation: str = "enforce"
    epoch: int = 1
    dataschema: object = None
    modifiedat: str | None = None


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One check of the hub's readiness."""

    name: str
    ok: bool
    detail: str = ""


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a node is ready, and why not."""

    status: str
    version: str | None = None
    node: str | None = None
    engine: Mapping[str, object] = {}
    shards: Mapping[str, object] = {}
    checks: Sequence[Check] = ()
    confluent: str | None = None
