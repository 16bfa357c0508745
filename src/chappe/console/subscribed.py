"""A subscription as pages show it: how it does, and which events it gets, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

STATES = (
    "disabled", "retrying", "behind-retention", "catching-up", "unknown", "awaiting grant", "paused",
    "expired", "active",
)  # fmt: skip
"""In the order in which they want to be looked at."""

_AS_STATE = {
    "behind-retention": "failing",
    "catching-up": "behind",
    "awaiting grant": "waiting",
    "expired": "quiet",
    "unknown": "invalid",
}


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """The last thing that went wrong."""

    at: str = ""
    result: str = ""
    status: int | None = None
    reason: str = ""
    position: str = ""


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """How it does on one shard."""

    shard: int
    owner: str = ""
    own: bool = False
    block: int = 0
    blocks: int = 0
    open: int = 0
    waiting: int = 0


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How delivery goes, as the API tells it."""

    state: str = "unknown"
    reason: str = ""
    open: int = 0
    waiting: int = 0
    blocks: int = 0
    events: int | None = None
    exact: bool = True
    oldest: str = ""
    lastsuccess: str = ""
    lastfailure: Failure | None = None
    progress: float | None = None
    shards: Sequence[Lane] = ()


class One(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription, as the API gives it."""

    id: str
    sink: str = ""
    protocol: str = "HTTP"
    channel: str = "default"
    source: str | None = None
    types: Sequence[str] = ()
    filters: Sequence[Any] = ()
    start: str = "latest"
    ordering: str = "none"
    concurrency: int = 0
    timeout_s: float = 0
    retry: Mapping[str, Any] = {}
    epoch: int = 1
    createdat: str = ""
    modifiedat: str = ""
    status: Status = Status()

    @property
    def fails(self) -> bool:
        """Whether the last thing that it did went wrong."""
        failure = self.status.lastfailure
        return failure is not None and failure.at > self.status.lastsuccess

    @property
    def shown_state(self) -> str:
        """Its state as the macro `state` knows it."""
        state = self.status.state
        return "failing" if state == "active" and self.fails else _AS_STATE.get(state, state)

    @property
    def said_state(self) -> str:
        """Its state in words."""
        state = self.status.state
        return "active, but failing" if state == "active" and self.fails else state

    @property
    def rank(self) -> tuple[int, bool, int, str]:
        """What wants to be looked at comes first."""
        state = self.status.state
        place = STATES.index(state) if state in STATES else len(STATES)
        return place, not self.fails, -self.status.open, self.id


def wants(one: One) -> str:
    """Which events it gets, as a sentence without its first words: "of type a or b, where …"."""
    parts: list[str] = []
    if one.types:
        parts.append("of type " + " or ".join(one.types[:3]) + (" …" if len(one.types) > 3 else ""))
    if one.source:
        parts.append(f"from {one.source}")
    sentence = " ".join(parts)
    if one.filters:
        said = " and ".join(_said(each) for each in one.filters[:3])
        sentence += f"{', ' if sentence else ''}where {said}" + (
            " …" if len(one.filters) > 3 else ""
        )
    return sentence or "every event"


def _said(filter_: Any) -> str:
    """A filter expression in words."""
    if not isinstance(filter_, dict) or len(filter_) != 1:
        return json.dumps(filter_, ensure_ascii=False)
    ((dialect, value),) = filter_.items()
    match dialect:
        case "sql":
            return str(value)
        case "exact" | "prefix" | "suffix" if isinstance(value, dict):
            verb = {"exact": "is", "prefix": "begins with", "suffix": "ends with"}[dialect]
            return " and ".join(f"{name} {verb} {text!r}" for name, text in value.items())
        case "not":
            return f"not ({_said(value)})"
        case "all" | "any" if isinstance(value, list):
            word = " and " if dialect == "all" else " or "
            return "(" + word.join(map(_said, value)) + ")"
        case _:
            return json.dumps(filter_, ensure_ascii=False)
