"""Where things stand in the HTTP API (docs/api.md): the only place of the client that knows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

DEFAULT_CHANNEL = "default"


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events of a channel; every part that is given must hold.

    `accepted_from` and `accepted_until` are RFC 3339 times of acceptance; `position` is where to
    start after; `wait_s` (with `order` "asc") is how long an empty page waits for an event;
    `redact` leaves out what the types' policies take out of samples.
    """

    channel: str = DEFAULT_CHANNEL
    type: str | None = None
    source: str | None = None
    subject: str | None = None
    id: str | None = None
    accepted_from: str | None = None
    accepted_until: str | None = None
    position: str | None = None
    order: str = "desc"
    limit: int = 100
    wait_s: float = 0.0
    redact: bool = False

    @property
    def path(self) -> str:
        """The path with its query."""
        return f"{channel_events(self.channel)}?{urlencode(list(self._parameters()))}"

    def _parameters(self) -> Iterator[tuple[str, str]]:
        for name, value in (
            ("type", self.type),
            ("source", self.source),
            ("subject", self.subject),
            ("id", self.id),
            ("from", self.accepted_from),
            ("until", self.accepted_until),
            ("position", self.position),
        ):
            if value is not None:
                yield name, value
        yield "order", self.order
        yield "limit", str(self.limit)
        if self.wait_s:
            yield "wait", f"{self.wait_s:g}"
        if self.redact:
            yield "redact", "true"


def channel_events(channel: str) -> str:
    """Where events go in and are listed."""
    if channel == DEFAULT_CHANNEL:
        return "/events"
    return f"/channels/{_segment(channel)}/events"


def event(reference: str, channel: str = DEFAULT_CHANNEL) -> str:
    """One event: by position, by id, or by source and id joined with `#`."""
    return f"{channel_events(channel)}/{_segment(reference)}"


def trace(reference: str, channel: str = DEFAULT_CHANNEL) -> str:
    """Did it arrive?"""
    return f"{event(reference, channel)}/trace"


SUBSCRIPTIONS = "/subscriptions"


def subscriptions(parameters: Mapping[str, str]) -> str:
    """The subscriptions that fit."""
    return f"{SUBSCRIPTIONS}?{urlencode(parameters)}" if parameters else SUBSCRIPTIONS


def new_subscription(id: str | None = None, *, dry_run: bool = False) -> str:
    """Where a subscription is made, of this id or of one that the hub gives."""
    asked = [("id", id)] if id is not None else []
    query = urlencode([*asked, *([("dryrun", "true")] if dry_run else [])])
    return f"{SUBSCRIPTIONS}?{query}" if query else SUBSCRIPTIONS


def rehearsed(path: str, *, dry_run: bool = True) -> str:
    """The same path, asked what would come of it."""
    return f"{path}{'&' if '?' in path else '?'}dryrun=true" if dry_run else path


def tried(subscription_id: str | None = None) -> str:
    """Where a sink is sent a test event: one that might be subscribed, or a subscription's."""
    path = "/validate/sink"
    return (
        path
        if subscription_id is None
        else f"{path}?{urlencode({'subscription': subscription_id})}"
    )


def signing(subscription_id: str) -> str:
    """The signing key of a subscription."""
    return f"{subscription(subscription_id)}/signing"


def subscription(subscription_id: str) -> str:
    """One subscription."""
    return f"{SUBSCRIPTIONS}/{_segment(subscription_id)}"


def pause(subscription_id: str) -> str:
    """Where delivery is told to rest."""
    return f"{subscription(subscription_id)}/pause"


def resume(subscription_id: str) -> str:
    """Where delivery is told to go on."""
    return f"{subscription(subscription_id)}/resume"


def replay(subscription_id: str) -> str:
    """Where stored events are asked for again."""
    return f"{subscription(subscription_id)}/replay"


WHOAMI = "/whoami"
SOURCES = "/sources"


def source(source_id: str) -> str:
    """One source."""
    return f"{SOURCES}/{_segment(source_id)}"


def pause_source(source_id: str) -> str:
    """Where reading is told to rest."""
    return f"{source(source_id)}/pause"


def resume_source(source_id: str) -> str:
    """Where reading is told to go on."""
    return f"{source(source_id)}/resume"


REDRIVE = "/deadletters/redrive"


def dead_letters(parameters: Mapping[str, str]) -> str:
    """The dead letters that fit."""
    return f"/deadletters?{urlencode(parameters)}"


def dead_letter(position: str) -> str:
    """One dead letter."""
    return f"/deadletters/{_segment(position)}"


def redrive(position: str) -> str:
    """Where one dead letter is told to be delivered again."""
    return f"{dead_letter(position)}/redrive"


def explained(channel: str, subscriptions: Sequence[str] = ()) -> str:
    """What the subscriptions of a channel, or some of them, say to an event."""
    asked = {"channel": channel}
    if subscriptions:
        asked["subscription"] = ",".join(subscriptions)
    return f"/validate/subscriptions?{urlencode(asked)}"


def declarations(group: str) -> str:
    """The payload schemas of a group."""
    return f"/messagegroups/{_segment(group)}/messages"


def declaration(group: str, type_: str) -> str:
    """The payload schema of one type."""
    return f"{declarations(group)}/{_segment(type_)}"


def inferred(type_: str, channel: str = DEFAULT_CHANNEL, last: int | None = None) -> str:
    """The schema drafted from the newest events of a type."""
    path = f"/channels/{_segment(channel)}/types/{_segment(type_)}/schema"
    return path if last is None else f"{path}?last={last}"


CHANNELS = "/channels"
VALIDATE = "/validate"
READY = "/readyz"
NODES = "/nodes"


def next_page(link: str | None) -> str | None:
    """The target of `rel="next"` in a Link header (RFC 8288), as path with query.

    `</events?limit=2&position=0-7-1>; rel="next"` -> `/events?limit=2&position=0-7-1`
    """
    for part in (link or "").split(","):
        target, _, parameters = part.strip().partition(">")
        relation = parameters.replace(" ", "").replace('"', "").lower()
        if target.startswith("<") and "rel=next" in relation.split(";"):
            return _local(target[1:])
    return None


def _segment(text: str) -> str:
    # A lone "." or ".." would be taken for a step in the path; every other character is quoted.
    return {".": "%2E", "..": "%2E%2E"}.get(text) or quote(text, safe="")


def _local(target: str) -> str:
    if "://" in target:
        return "/" + target.split("://", 1)[1].partition("/")[2]
    return target
